/*
 * session_admin.c
 *		Ends sessions and records it, for their user and for admins.
 */
#include "postgres.h"

#include "fmgr.h"

#include "base/arguments.h"
#include "base/json.h"
#include "base/uuid.h"
#include "domain/events.h"
#include "domain/users.h"
#include "flow/recent_auth.h"
#include "flow/session_admin.h"

PG_FUNCTION_INFO_V1(authfort_revoke_session);
PG_FUNCTION_INFO_V1(authfort_revoke_sessions);

/* Records that the session was revoked, or for NULL all of the user's sessions. */
static void
record_revoked(const pg_uuid_t *user_id, const pg_uuid_t *session_id, const Client *client)
{
	Event event;

	event_begin(&event, EVENT_SESSION_REVOKED, user_id, session_id, client);
	json_write_uuid(&event.payload, "session_id", session_id);
	json_write_bool(&event.payload, "revoke_all", session_id == NULL);
	event_record(&event);
}

bool
session_admin_end(const Session *session, const Client *client)
{
	if (!sessions_revoke(&session->id))
		return false;
	record_revoked(&session->user_id, &session->id, client);
	return true;
}

/* The session of another user is refused as one that does not exist. */
const Refusal *
session_admin_revoke(const pg_uuid_t *id, const pg_uuid_t *owner, const Client *client, bool *was_live)
{
	Session session;

	*was_live = false;
	if (!sessions_find(id, &session) || (owner != NULL && !uuid_equal(&session.user_id, owner)))
		return &refusal_session_not_found;
	*was_live = session_admin_end(&session, client);
	return NULL;
}

const Refusal *
session_admin_revoke_all(const pg_uuid_t *user_id, const pg_uuid_t *exclude, const Client *client,
						 int *revoked)
{
	*revoked = 0;
	if (users_lock(user_id) == NULL)
		return &refusal_user_not_found;
	*revoked = sessions_revoke_all(user_id, exclude);
	record_revoked(user_id, NULL, client);
	return NULL;
}

const Refusal *
session_admin_revoke_others(const pg_uuid_t *user_id, const pg_uuid_t *session_id, const Client *client)
{
	const Refusal *refusal = session_check(users_lock(user_id), session_id);
	int revoked;

	if (refusal != NULL)
		return refusal;
	return session_admin_revoke_all(user_id, session_id, client, &revoked);
}

/* revoke_session(session_id) -> boolean: whether it was live until now. */
Datum
authfort_revoke_session(PG_FUNCTION_ARGS)
{
	bool was_live;

	(void) session_admin_revoke(argument_uuid(fcinfo, 0, "session_id"), NULL, NULL, &was_live);
	PG_RETURN_BOOL(was_live);
}

/* revoke_sessions(user_id, exclude) -> integer: the number revoked. */
Datum
authfort_revoke_sessions(PG_FUNCTION_ARGS)
{
	pg_uuid_t *user_id = argument_uuid(fcinfo, 0, "user_id");
	pg_uuid_t *exclude = argument_optional_uuid(fcinfo, 1);
	int revoked;

	if (session_admin_revoke_all(user_id, exclude, NULL, &revoked) != NULL)
		users_raise_unknown(user_id);
	PG_RETURN_INT32(revoked);
}
