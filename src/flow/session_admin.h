/*
 * session_admin.h
 *		Ends sessions and records it, for their user and for admins.
 */
#ifndef AUTHFORT_SESSION_ADMIN_H
#define AUTHFORT_SESSION_ADMIN_H

#include "postgres.h"

#include "base/client.h"
#include "base/refusal.h"
#include "domain/sessions.h"

/*
 * Revokes a session that the caller has found.  Returns whether it was live
 * until now; only then there is an event.
 */
extern bool session_admin_end(const Session *session, const Client *client);

/*
 * Revokes the session of that id.  Refuses with session_not_found unless it
 * exists and belongs to "owner", where that is not NULL.
 */
extern const Refusal *session_admin_revoke(const pg_uuid_t *id, const pg_uuid_t *owner,
										   const Client *client, bool *was_live);

/*
 * Revokes the user's sessions, except for "exclude" if that is not NULL.
 * Refuses with user_not_found.
 */
extern const Refusal *session_admin_revoke_all(const pg_uuid_t *user_id, const pg_uuid_t *exclude,
											   const Client *client, int *revoked);

/* Revokes the others, for a session of the user that may still act (recent_auth.h). */
extern const Refusal *session_admin_revoke_others(const pg_uuid_t *user_id,
												  const pg_uuid_t *session_id, const Client *client);

#endif /* AUTHFORT_SESSION_ADMIN_H */
