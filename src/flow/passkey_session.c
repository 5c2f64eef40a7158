/*
 * passkey_session.c
 *		A passkey by which the user of a session authenticates again.
 *
 * The challenge is bound to the user, the session and the purpose.  The user is
 * known, so the options name the user's passkeys.
 */
#include "postgres.h"

#include "fmgr.h"
#include "miscadmin.h"

#include "base/arguments.h"
#include "base/client_message.h"
#include "base/json.h"
#include "domain/rate_limit.h"
#include "flow/mfa.h"
#include "flow/passkey_assertion.h"
#include "flow/passkey_options.h"
#include "flow/passkey_session.h"
#include "flow/reauthentication.h"
#include "flow/second_factor.h"
#include "settings.h"

PG_FUNCTION_INFO_V1(authfort_passkey_step_up_begin);
PG_FUNCTION_INFO_V1(authfort_passkey_step_up_finish);
PG_FUNCTION_INFO_V1(authfort_passkey_reauthenticate_begin);
PG_FUNCTION_INFO_V1(authfort_passkey_reauthenticate_finish);

/* Whether the user has proven another factor than a passkey in the session. */
static bool
has_other_factor(const Session *session)
{
	for (int i = 0; i < session->amr_count; i++)
	{
		const char *method = session->amr[i];

		if (strcmp(method, AMR_KEY) != 0 && strcmp(method, AMR_USER_PRESENT) != 0 &&
			strcmp(method, AMR_MULTIPLE) != 0)
			return true;
	}
	return false;
}

/* Possession of a passkey is one factor: it completes another one, not itself. */
static bool
must_verify_user(const Session *session)
{
	return setting_webauthn_user_verification == USER_VERIFICATION_REQUIRED ||
		   !has_other_factor(session);
}

/*
 * A passkey that was registered without verifying its user counts for one
 * factor, as when it signs in alone (passkey_login.c).
 */
static Authentication
authentication_in_session(const Session *session, const PasskeyAssertion *assertion)
{
	bool verified = assertion->passkey->user_verified && assertion->data.user_verified;

	return (verified || has_other_factor(session)) ? passkey_as_two_factors : passkey_as_one_factor;
}

static const Refusal *
find_session(const pg_uuid_t *session_id, Session *session, User **user)
{
	if (!sessions_find_live(session_id, NULL, session))
		return &refusal_session_not_found;
	*user = users_find(&session->user_id);
	if (*user == NULL)
		return &refusal_user_gone;
	return (*user)->banned ? &refusal_user_banned : NULL;
}

static PasskeyChallengeUse
use_in_session(PasskeyCeremony purpose, const Session *session)
{
	return (PasskeyChallengeUse){purpose, &session->user_id, &session->id};
}

const Refusal *
flow_passkey_session_options(PasskeyCeremony purpose, const pg_uuid_t *session_id, StringInfo out)
{
	const Refusal *refusal = passkeys_check_configured();
	PasskeyChallengeUse use;
	Session session;
	User *user;
	Passkey *passkeys;
	int count;

	if (refusal == NULL)
		refusal = find_session(session_id, &session, &user);
	if (refusal != NULL)
		return refusal;
	passkeys = passkeys_of_user(&user->id, &count);
	if (count == 0)
		return &refusal_passkey_not_found;
	use = use_in_session(purpose, &session);
	passkey_append_request_options(out, passkey_challenge_make(&use), passkeys, count,
								   must_verify_user(&session) ? USER_VERIFICATION_REQUIRED
															  : setting_webauthn_user_verification);
	return NULL;
}

const Refusal *
passkey_session_prove(PasskeyCeremony purpose, const User *user, const Session *session,
					  Jsonb *credential, const Client *client, User **locked, Authentication *how)
{
	const Refusal *refusal = passkeys_check_configured();
	PasskeyChallengeUse use = use_in_session(purpose, session);
	PasskeyAssertion assertion;
	Session now;

	if (refusal != NULL)
		return refusal;
	refusal =
		passkey_assertion_verify(credential, &use, must_verify_user(session), client, &assertion);
	if (refusal != NULL)
	{
		passkey_record_failed_factor(user, refusal, client);
		return refusal;
	}
	passkey_assertion_record(&assertion);
	*locked = assertion.user;
	/* under the lock: the other factor may have been removed since it was read */
	if (!sessions_find(&session->id, &now))
		return &refusal_session_not_found;
	*how = authentication_in_session(&now, &assertion);
	return NULL;
}

AuthResult
flow_passkey_step_up(const pg_uuid_t *session_id, Jsonb *credential, const Client *client)
{
	Session session;
	User *user;
	User *locked;
	Authentication how;
	const Refusal *refusal = find_session(session_id, &session, &user);

	if (refusal == NULL)
		refusal = rate_limit_check_user(RATE_LIMIT_REAUTHENTICATE, user, client);
	if (refusal != NULL)
		return auth_refused(refusal);
	PreventCommandIfReadOnly("an authentication");
	refusal =
		passkey_session_prove(PASSKEY_STEP_UP, user, &session, credential, client, &locked, &how);
	if (refusal != NULL)
		return auth_refused(refusal);
	if (how.aal < 2)
		return auth_refused(&refusal_insufficient_assurance);
	return mfa_raise_session(locked, session_id, &how, client);
}

static Datum
begin_for_session(FunctionCallInfo fcinfo, PasskeyCeremony purpose)
{
	pg_uuid_t *session_id = argument_uuid(fcinfo, 0, "session_id");
	StringInfoData json;
	const Refusal *refusal;

	initStringInfo(&json);
	refusal = flow_passkey_session_options(purpose, session_id, &json);
	PG_RETURN_JSONB_P((refusal != NULL) ? done_to_jsonb(refusal) : json_to_jsonb(&json));
}

/* passkey_step_up_begin(session_id) -> jsonb */
Datum
authfort_passkey_step_up_begin(PG_FUNCTION_ARGS)
{
	return begin_for_session(fcinfo, PASSKEY_STEP_UP);
}

/* passkey_reauthenticate_begin(session_id) -> jsonb */
Datum
authfort_passkey_reauthenticate_begin(PG_FUNCTION_ARGS)
{
	return begin_for_session(fcinfo, PASSKEY_REAUTHENTICATION);
}

static AuthResult
reauthenticate_by_passkey(const pg_uuid_t *session_id, Jsonb *credential, const Client *client)
{
	Proof proof = {REAUTHENTICATE_BY_PASSKEY};

	proof.credential = credential;
	return flow_reauthenticate(session_id, &proof, client);
}

static Datum
finish_for_session(FunctionCallInfo fcinfo,
				   AuthResult (*finish)(const pg_uuid_t *, Jsonb *, const Client *))
{
	pg_uuid_t *session_id = argument_uuid(fcinfo, 0, "session_id");
	Client client = argument_client(fcinfo, 2, 3);
	AuthResult result;

	client_message_mark();
	argument_require(fcinfo, 1, "credential");
	result = finish(session_id, PG_GETARG_JSONB_P(1), &client);
	PG_RETURN_JSONB_P(auth_to_jsonb(&result));
}

/* passkey_step_up_finish(session_id, credential, user_agent, ip_address) -> jsonb */
Datum
authfort_passkey_step_up_finish(PG_FUNCTION_ARGS)
{
	return finish_for_session(fcinfo, flow_passkey_step_up);
}

/* passkey_reauthenticate_finish(session_id, credential, user_agent, ip_address) -> jsonb */
Datum
authfort_passkey_reauthenticate_finish(PG_FUNCTION_ARGS)
{
	return finish_for_session(fcinfo, reauthenticate_by_passkey);
}
