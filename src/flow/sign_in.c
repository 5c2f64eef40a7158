/*
 * sign_in.c
 *		From a factor that was proven to a session.
 */
#include "postgres.h"

#include "domain/events.h"
#include "flow/mfa_challenge.h"
#include "flow/notices.h"
#include "flow/second_factor.h"
#include "flow/sign_in.h"
#include "settings.h"

/* NULL if this user may have a session now. */
static const Refusal *
check_admission(const User *user)
{
	if (user->banned)
		return &refusal_user_banned;
	/* until the invitation is accepted, the account reveals nothing */
	if (user->invited)
		return &refusal_invalid_credentials;
	if (setting_require_verified_email && !user->email_verified)
		return &refusal_email_unverified;
	return NULL;
}

static void
record_sign_in(const User *user, const Session *session, const Authentication *how,
			   const SignInEvent *also, const Client *client)
{
	event_record_of_user(EVENT_LOGIN, user, &session->id, client, "provider", how->provider);
	if (also != NULL)
		event_record_of_user(also->type, user, &session->id, client,
							 (also->method != NULL) ? "method" : NULL, also->method);
}

AuthResult
sign_in_recording(User *user, const Authentication *how, const SignInEvent *also, const Client *client)
{
	const Refusal *refusal;
	Session session;

	/* a handler of an event before this may have banned or deleted it, or changed its roles */
	user = users_lock(&user->id);
	refusal = (user != NULL) ? check_admission(user) : &refusal_user_gone;
	if (refusal != NULL)
		return auth_refused(refusal);
	if (how->aal < 2 && user->mfa_enabled)
		return mfa_challenge_issue(user, how, CHALLENGE_VERIFY);
	if (how->aal < 2 && second_factor_is_required(user))
		return mfa_challenge_issue(user, how, CHALLENGE_ENROL);
	notice_new_sign_in(user, client);
	sessions_start(&user->id, how, client, &session);
	record_sign_in(user, &session, how, also, client);
	return auth_tokens(user, &session);
}

AuthResult
sign_in(User *user, const Authentication *how, const Client *client)
{
	return sign_in_recording(user, how, NULL, client);
}
