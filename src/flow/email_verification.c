/*
 * email_verification.c
 *		Verifying the address of an account.
 */
#include "postgres.h"

#include "fmgr.h"
#include "miscadmin.h"
#include "utils/builtins.h"

#include "base/arguments.h"
#include "base/json.h"
#include "domain/input.h"
#include "domain/outbox.h"
#include "domain/rate_limit.h"
#include "domain/sessions.h"
#include "flow/auth_result.h"
#include "flow/email_change.h"
#include "flow/email_verification.h"
#include "flow/mailbox_proof.h"
#include "flow/mailed_token.h"
#include "flow/response_timing.h"

PG_FUNCTION_INFO_V1(authfort_create_email_verification_token);
PG_FUNCTION_INFO_V1(authfort_verify_email);

/* An invited user verifies the address by accepting the invitation. */
static bool
has_to_verify(const User *user)
{
	return user != NULL && user->email != NULL && !user->email_verified && !user->invited;
}

/* False if there is nothing to send. */
static bool
send_again(const char *raw_email, const Client *client)
{
	char *email;
	User *user;

	if (input_email(raw_email, &email) != NULL)
		return false;
	user = users_find_by_email(email);
	if (user == NULL)
		return email_change_send_way_back(email, client);
	if (!has_to_verify(user))
		return false;
	user = mailed_token_claim(MAILED_VERIFICATION, user);
	if (!has_to_verify(user))
		return false;
	mailed_token_send(MAILED_VERIFICATION, user, NULL, client);
	return true;
}

const Refusal *
flow_resend_verification(const char *email, const Client *client)
{
	instr_time start;
	const Refusal *refusal;

	INSTR_TIME_SET_CURRENT(start);
	refusal = rate_limit_check(RATE_LIMIT_VERIFY_EMAIL, NULL, client);
	if (refusal != NULL)
		return refusal;
	PreventCommandIfReadOnly("an email verification");
	outbox_prepare();
	if (!send_again(email, client))
		timing_equalize_commit();
	timing_equalize_response(start);
	return NULL;
}

const Refusal *
flow_verify_email(const char *token, const pg_uuid_t *session_id, const Client *client, User **user)
{
	const Refusal *refusal = rate_limit_check(RATE_LIMIT_VERIFY_EMAIL, NULL, client);

	if (refusal != NULL)
		return refusal;
	PreventCommandIfReadOnly("an email verification");
	*user = mailed_token_redeem(MAILED_VERIFICATION, token, NULL);
	if (*user == NULL)
		return &refusal_invalid_verification_token;
	mailed_token_spend(MAILED_VERIFICATION, *user);
	if (session_id != NULL && sessions_is_live(session_id, &(*user)->id))
		mailbox_proved_by_session(*user);
	else
		mailbox_verified(*user);
	return NULL;
}

/* create_email_verification_token(user_id) -> text, or NULL */
Datum
authfort_create_email_verification_token(PG_FUNCTION_ARGS)
{
	pg_uuid_t *id = argument_uuid(fcinfo, 0, "user_id");
	User *user;
	TimestampTz expires_at;

	PreventCommandIfReadOnly("an email verification");
	user = users_lock(id);
	if (!has_to_verify(user))
		PG_RETURN_NULL();
	PG_RETURN_TEXT_P(
		cstring_to_text(mailed_token_create(MAILED_VERIFICATION, user, NULL, NULL, &expires_at)));
}

/* verify_email(token, session_id) -> jsonb */
Datum
authfort_verify_email(PG_FUNCTION_ARGS)
{
	char *token = argument_secret(fcinfo, 0, "token");
	const pg_uuid_t *session_id = argument_optional_uuid(fcinfo, 1);
	User *user;
	const Refusal *refusal = flow_verify_email(token, session_id, NULL, &user);
	StringInfoData json;

	if (refusal != NULL)
		PG_RETURN_JSONB_P(done_to_jsonb(refusal));
	initStringInfo(&json);
	json_open(&json);
	json_write_bool(&json, "ok", true);
	json_name(&json, "user");
	users_append_json(&json, user, NULL);
	json_close(&json);
	PG_RETURN_JSONB_P(json_to_jsonb(&json));
}
