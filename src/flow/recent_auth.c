/*
 * recent_auth.c
 *		Whether a session was authenticated recently and strongly enough.
 */
#include "postgres.h"

#include "utils/timestamp.h"

#include "base/uuid.h"
#include "domain/sessions.h"
#include "flow/recent_auth.h"
#include "settings.h"

static bool
is_recent(TimestampTz time)
{
	return !TimestampDifferenceExceeds(time, GetCurrentTimestamp(), setting_recent_auth * 1000);
}

const Refusal *
recent_auth_check(const User *user, const pg_uuid_t *session_id)
{
	Session session;

	if (!sessions_find(session_id, &session) || session_has_ended(&session) ||
		!uuid_equal(&session.user_id, &user->id) || !is_recent(session.auth_time))
		return &refusal_reauthentication_required;
	if (user->mfa_enabled && session.aal < 2)
		return &refusal_insufficient_assurance;
	return NULL;
}
