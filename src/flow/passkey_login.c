/*
 * passkey_login.c
 *		Signing in with a passkey alone.
 *
 * The page asks for no email: the user selects a passkey on the authenticator,
 * which verifies its user.  So there is nothing to reveal which accounts exist,
 * and nothing to guess.
 */
#include "postgres.h"

#include "fmgr.h"
#include "miscadmin.h"

#include "base/arguments.h"
#include "base/client_message.h"
#include "base/json.h"
#include "domain/events.h"
#include "domain/rate_limit.h"
#include "flow/passkey_assertion.h"
#include "flow/passkey_options.h"
#include "flow/passkeys.h"
#include "flow/second_factor.h"
#include "flow/sign_in.h"
#include "settings.h"

PG_FUNCTION_INFO_V1(authfort_passkey_login_begin);
PG_FUNCTION_INFO_V1(authfort_passkey_login_finish);

static const PasskeyChallengeUse login_use = {PASSKEY_SIGN_IN, NULL, NULL};

const Refusal *
flow_passkey_login_options(StringInfo out)
{
	const Refusal *refusal = passkeys_check_configured();

	if (refusal == NULL)
		passkey_append_request_options(out, passkey_challenge_make(&login_use), NULL, 0,
									   USER_VERIFICATION_REQUIRED);
	return refusal;
}

/*
 * The device and what unlocks it are two factors.  A passkey that was
 * registered without verifying the user counts for one, because a thief of the
 * device may have set up the unlocking.
 */
static Authentication
authentication_by(const Passkey *passkey)
{
	Authentication unverified = passkey_as_one_factor;

	/* it has verified its user now, and the factor that has to follow confirms that */
	unverified.to_confirm = &passkey->id;
	return passkey->user_verified ? passkey_as_two_factors : unverified;
}

/*
 * Only for a known passkey: its id is hard to guess, and a stranger could fill
 * the table with others at no cost.
 */
static void
record_failed_login(const PasskeyAssertion *assertion, const Refusal *refusal, const Client *client)
{
	Event event;

	event_begin(&event, EVENT_LOGIN_FAILED, &assertion->passkey->user_id, NULL, client);
	json_write_string(&event.payload, "email", users_find_email(&assertion->passkey->user_id));
	json_write_string(&event.payload, "reason", refusal->code);
	if (refusal->extra != NULL)
		json_write_members(&event.payload, refusal->extra);
	event_record(&event);
}

AuthResult
flow_passkey_login(Jsonb *credential, const Client *client)
{
	const Refusal *refusal = passkeys_check_configured();
	PasskeyAssertion assertion;
	Authentication how;

	if (refusal == NULL)
		refusal = rate_limit_check_address(RATE_LIMIT_LOGIN, NULL, client);
	if (refusal != NULL)
		return auth_refused(refusal);
	PreventCommandIfReadOnly("a login");
	refusal = passkey_assertion_verify(credential, &login_use, true, client, &assertion);
	if (refusal != NULL)
	{
		if (assertion.passkey != NULL)
			record_failed_login(&assertion, refusal, client);
		return auth_refused(refusal);
	}
	passkey_assertion_record(&assertion);
	how = authentication_by(assertion.passkey);
	return sign_in(assertion.user, &how, client);
}

/* passkey_login_begin(email) -> jsonb */
Datum
authfort_passkey_login_begin(PG_FUNCTION_ARGS)
{
	StringInfoData json;
	const Refusal *refusal;

	initStringInfo(&json);
	refusal = flow_passkey_login_options(&json);
	PG_RETURN_JSONB_P((refusal != NULL) ? done_to_jsonb(refusal) : json_to_jsonb(&json));
}

/* passkey_login_finish(credential, user_agent, ip_address) -> jsonb */
Datum
authfort_passkey_login_finish(PG_FUNCTION_ARGS)
{
	Client client = argument_client(fcinfo, 1, 2);
	AuthResult result;

	client_message_mark();
	argument_require(fcinfo, 0, "credential");
	result = flow_passkey_login(PG_GETARG_JSONB_P(0), &client);
	PG_RETURN_JSONB_P(auth_to_jsonb(&result));
}
