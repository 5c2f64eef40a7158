/*
 * user_admin.h
 *		Administration of accounts, also by their own users.
 *
 * These return NULL or the refusal: user_not_found for an unknown id.
 * "session_id" is the session in which the user acts (recent_auth.h), and NULL
 * for an admin.
 */
#ifndef AUTHFORT_USER_ADMIN_H
#define AUTHFORT_USER_ADMIN_H

#include "postgres.h"

#include "lib/stringinfo.h"
#include "utils/jsonb.h"

#include "base/client.h"
#include "base/refusal.h"
#include "domain/user_search.h"
#include "flow/user_changes.h"

extern const Refusal *
user_admin_update(const pg_uuid_t *id, Jsonb *changes, const pg_uuid_t *session_id,
				  const Client *client, User **updated);

/*
 * Deletes an account; "hard" removes its row as well.  If a foreign key forbids
 * that, returns the refusal user_in_use, and the transaction continues.  The
 * error then goes to *in_use, which may be NULL.
 */
extern const Refusal *
user_admin_try_delete(const pg_uuid_t *id, bool hard, const pg_uuid_t *session_id,
					  const Client *client, ErrorData **in_use);
extern const Refusal *user_admin_ban(const pg_uuid_t *id, bool banned);

/* Appends {users, total, limit, offset}. */
extern void user_admin_append_list(StringInfo out, const UserFilter *filter, const UserPage *page);

#endif /* AUTHFORT_USER_ADMIN_H */
