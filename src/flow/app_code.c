/*
 * app_code.c
 *		One-time codes with which an app gets a sign-in that ended in a browser.
 */
#include "postgres.h"

#include "miscadmin.h"

#include "base/json.h"
#include "crypto/sha256.h"
#include "domain/one_time_tokens.h"
#include "domain/rate_limit.h"
#include "domain/signing_keys.h"
#include "flow/app_code.h"
#include "flow/oauth_steps.h"
#include "flow/passwordless.h"
#include "flow/redirect_target.h"

#define CHALLENGE_CHARACTERS 43
#define CODE_TTL 60 /* seconds */

static const Refusal invalid_code_challenge =
	{"invalid_code_challenge", "A code_challenge with code_challenge_method S256 is required", 400};

static bool
has_challenge(const AppRequest *request)
{
	const char *challenge = request->code_challenge;

	return challenge != NULL && strlen(challenge) == CHALLENGE_CHARACTERS &&
		   strspn(challenge, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_") ==
			   CHALLENGE_CHARACTERS &&
		   request->code_challenge_method != NULL &&
		   strcmp(request->code_challenge_method, "S256") == 0;
}

const Refusal *
app_request_check(const AppRequest *request, char **redirect_to)
{
	if (!has_challenge(request))
		return &invalid_code_challenge;
	return redirect_target_resolve_exact(request->redirect_to, redirect_to);
}

bool
app_request_is_empty(const AppRequest *request)
{
	return request->redirect_to == NULL && request->code_challenge == NULL &&
		   request->code_challenge_method == NULL;
}

char *
app_code_create(const User *user, const char *provider, const char *code_challenge)
{
	StringInfoData detail;
	TimestampTz expires_at;

	initStringInfo(&detail);
	json_open(&detail);
	json_write_string_unless_null(&detail, "provider", provider);
	json_write_string(&detail, "code_challenge", code_challenge);
	json_close(&detail);
	return one_time_token_create(&user->id, ONE_TIME_SIGN_IN_CODE, CODE_TTL, NULL,
								 json_to_jsonb(&detail), &expires_at);
}

/* Whether the app that exchanges a code has begun the sign-in (RFC 7636, section 4.6). */
static bool
is_verifier_of(Jsonb *detail, const char *verifier)
{
	char *challenge = (detail != NULL) ? json_member_string(detail, "code_challenge") : NULL;

	return challenge != NULL && strcmp(sha256_base64url(verifier), challenge) == 0;
}

/* The first try ends a code, whatever the verifier, so that verifiers cannot be tried. */
static const Refusal *
use_code(const char *code, const char *verifier, User **user, char **provider)
{
	Jsonb *detail;

	*user = one_time_token_lock_user(code, ONE_TIME_SIGN_IN_CODE, &detail);
	if (*user == NULL)
		return &refusal_oauth_code_invalid;
	one_time_tokens_delete_purpose(&(*user)->id, ONE_TIME_SIGN_IN_CODE);
	if (!is_verifier_of(detail, verifier))
		return &refusal_oauth_code_invalid;
	*provider = json_member_string(detail, "provider");
	return (*user)->banned ? &refusal_user_banned : NULL;
}

/*
 * Only wrong codes are counted: a code that is right signs in however many
 * attempts come from the app's address.
 */
static AuthResult
exchange_failed(const Refusal *refusal, const Client *client)
{
	const Refusal *limit = NULL;

	if (refusal == &refusal_oauth_code_invalid)
		limit = rate_limit_check_address(RATE_LIMIT_OAUTH_TOKEN, NULL, client);
	if (limit != NULL)
		return auth_refused(limit);
	oauth_record_failure(refusal, client);
	return auth_refused(refusal);
}

AuthResult
app_code_exchange(const char *code, const char *code_verifier, const pg_uuid_t *session_id,
				  const Client *client)
{
	const Refusal *refusal;
	User *user;
	char *provider = NULL;

	PreventCommandIfReadOnly("a sign-in");
	signing_keys_require_master_key();
	refusal = use_code(code, code_verifier, &user, &provider);
	if (refusal != NULL)
		return exchange_failed(refusal, client);
	return (provider != NULL) ? oauth_sign_in(provider, user, client)
							  : magic_link_sign_in(user, session_id, client);
}

Jsonb *
app_code_to_jsonb(const char *code, const char *redirect_to)
{
	StringInfoData json;

	initStringInfo(&json);
	json_open(&json);
	json_write_bool(&json, "ok", true);
	json_write_string(&json, "code", code);
	json_write_string(&json, "redirect_to", redirect_to);
	json_close(&json);
	return json_to_jsonb(&json);
}
