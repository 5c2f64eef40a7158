/*
 * passkey_mfa.c
 *		A passkey as the second factor of a sign-in.
 */
#include "postgres.h"

#include "fmgr.h"
#include "miscadmin.h"

#include "base/arguments.h"
#include "base/json.h"
#include "domain/rate_limit.h"
#include "flow/mfa_challenge.h"
#include "flow/passkey_assertion.h"
#include "flow/passkey_options.h"
#include "flow/passkeys.h"
#include "flow/second_factor.h"
#include "settings.h"

PG_FUNCTION_INFO_V1(authfort_passkey_mfa_begin);
PG_FUNCTION_INFO_V1(authfort_passkey_mfa_finish);

/* Locks the user; *use points into *challenge. */
static const Refusal *
open_challenge(const char *mfa_token, MfaChallenge *challenge, User **user, PasskeyChallengeUse *use)
{
	const Refusal *refusal = passkeys_check_configured();

	if (refusal != NULL)
		return refusal;
	PreventCommandIfReadOnly("a second factor");
	refusal = mfa_challenge_open(mfa_token, CHALLENGE_VERIFY, challenge, user);
	if (refusal != NULL)
		return refusal;
	use->ceremony = PASSKEY_SECOND_FACTOR;
	use->user_id = &challenge->user_id;
	use->bound_to = &challenge->id;
	return proven_by_passkey(&challenge->first) ? refuse_passkey("firstFactor") : NULL;
}

const Refusal *
flow_passkey_mfa_options(const char *mfa_token, StringInfo out)
{
	MfaChallenge challenge;
	PasskeyChallengeUse use;
	User *user;
	const Refusal *refusal = open_challenge(mfa_token, &challenge, &user, &use);
	Passkey *passkeys;
	int count;

	if (refusal != NULL)
		return refusal;
	passkeys = passkeys_of_user(&user->id, &count);
	if (count == 0)
		return &refusal_passkey_not_found;
	passkey_append_request_options(out, passkey_challenge_make(&use), passkeys, count,
								   setting_webauthn_user_verification);
	return NULL;
}

/*
 * The first factor confirms a verification of the user that the authenticator
 * could not do when it was registered.
 */
AuthResult
flow_passkey_mfa(const char *mfa_token, Jsonb *credential, const Client *client)
{
	const Refusal *refusal = rate_limit_check_address(RATE_LIMIT_MFA_VERIFY, NULL, client);
	MfaChallenge challenge;
	PasskeyChallengeUse use;
	PasskeyAssertion assertion;
	User *user;

	if (refusal == NULL)
		refusal = open_challenge(mfa_token, &challenge, &user, &use);
	if (refusal != NULL)
		return auth_refused(refusal);
	refusal =
		passkey_assertion_verify(credential, &use,
								 setting_webauthn_user_verification == USER_VERIFICATION_REQUIRED,
								 client, &assertion);
	if (refusal != NULL)
	{
		passkey_record_failed_factor(user, refusal, client);
		return auth_refused(refusal);
	}
	assertion.passkey->user_verified |= assertion.data.user_verified;
	passkey_assertion_record(&assertion);
	return mfa_challenge_complete(&challenge, assertion.user, &passkey_as_two_factors, client);
}

/* passkey_mfa_begin(mfa_token) -> jsonb */
Datum
authfort_passkey_mfa_begin(PG_FUNCTION_ARGS)
{
	char *mfa_token = argument_token(fcinfo, 0);
	StringInfoData json;
	const Refusal *refusal;

	initStringInfo(&json);
	refusal = flow_passkey_mfa_options(mfa_token, &json);
	PG_RETURN_JSONB_P((refusal != NULL) ? done_to_jsonb(refusal) : json_to_jsonb(&json));
}

/* passkey_mfa_finish(mfa_token, credential, user_agent, ip_address) -> jsonb */
Datum
authfort_passkey_mfa_finish(PG_FUNCTION_ARGS)
{
	char *mfa_token = argument_token(fcinfo, 0);
	Client client = argument_client(fcinfo, 2, 3);
	AuthResult result;

	argument_require(fcinfo, 1, "credential");
	result = flow_passkey_mfa(mfa_token, PG_GETARG_JSONB_P(1), &client);
	PG_RETURN_JSONB_P(auth_to_jsonb(&result));
}
