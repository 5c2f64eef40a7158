/*
 * recent_auth.c
 *		Whether a session may act, and was authenticated recently and strongly
 *		enough.
 */
#include "postgres.h"

#include "utils/timestamp.h"

#include "domain/sessions.h"
#include "flow/recent_auth.h"
#include "settings.h"

static bool
is_recent(TimestampTz time)
{
	return time > GetCurrentTimestamp() - setting_recent_auth * USECS_PER_SEC;
}

const Refusal *
recent_auth_check(const User *user, const pg_uuid_t *session_id)
{
	Session session;

	if (!sessions_find_live(session_id, &user->id, &session) || !is_recent(session.auth_time))
		return &refusal_reauthentication_required;
	if (user->mfa_enabled && session.aal < 2)
		return &refusal_insufficient_assurance;
	return NULL;
}

const Refusal *
session_check(const User *locked, const pg_uuid_t *session_id)
{
	if (session_id == NULL)
		return NULL;
	if (locked == NULL || locked->deleted_at != DT_NOBEGIN)
		return &refusal_user_gone;
	if (locked->banned)
		return &refusal_user_banned;
	return sessions_is_live(session_id, &locked->id) ? NULL : &refusal_token_revoked;
}

const Refusal *
session_check_recent(const User *locked, const pg_uuid_t *session_id)
{
	const Refusal *refusal = session_check(locked, session_id);

	if (refusal != NULL || session_id == NULL)
		return refusal;
	return recent_auth_check(locked, session_id);
}
