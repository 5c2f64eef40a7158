/*
 * oauth_sql.c
 *		The SQL functions of signing in with others.
 */
#include "postgres.h"

#include "fmgr.h"

#include "base/arguments.h"
#include "base/client_message.h"
#include "base/json.h"
#include "flow/app_code.h"
#include "flow/oauth.h"

PG_FUNCTION_INFO_V1(authfort_oauth_authorize);
PG_FUNCTION_INFO_V1(authfort_oauth_callback);
PG_FUNCTION_INFO_V1(authfort_oauth_resume);
PG_FUNCTION_INFO_V1(authfort_sign_in_with_id_token);
PG_FUNCTION_INFO_V1(authfort_exchange_oauth_code);
PG_FUNCTION_INFO_V1(authfort_unlink_identity);

static Jsonb *
url_to_jsonb(const OAuthResult *result)
{
	StringInfoData json;

	initStringInfo(&json);
	json_open(&json);
	json_write_string(&json, "url", result->url);
	json_write_string(&json, "state", oauth_flow_state(&result->flow.id));
	json_write_string(&json, "cookie", result->cookie);
	json_close(&json);
	return json_to_jsonb(&json);
}

static Jsonb *
fetch_to_jsonb(OAuthResult *result)
{
	const Refusal *refusal = fetch_seal(&result->continuation, result->fetch);
	StringInfoData json;

	if (refusal != NULL)
		return done_to_jsonb(refusal);
	initStringInfo(&json);
	json_open(&json);
	json_name(&json, "fetch");
	fetch_append(&json, result->fetch);
	json_close(&json);
	return json_to_jsonb(&json);
}

static Jsonb *
result_to_jsonb(OAuthResult *result)
{
	if (result->refusal != NULL)
		return done_to_jsonb(result->refusal);
	if (result->fetch != NULL)
		return fetch_to_jsonb(result);
	if (result->url != NULL)
		return url_to_jsonb(result);
	if (result->code != NULL)
		return app_code_to_jsonb(result->code, result->flow.redirect_to);
	return result->linked ? done_to_jsonb(NULL) : auth_to_jsonb(&result->auth);
}

/*
 * oauth_authorize(provider, redirect_to, mode, user_id, code_challenge,
 *				   code_challenge_method, user_agent, ip_address) -> jsonb
 */
Datum
authfort_oauth_authorize(PG_FUNCTION_ARGS)
{
	OAuthRequest request = {NULL};
	Client client;
	OAuthResult result;

	client_message_mark();
	request.provider = argument_text(fcinfo, 0, "provider");
	request.redirect_to = argument_optional_text(fcinfo, 1);
	request.mode = argument_optional_text(fcinfo, 2);
	request.user_id = argument_optional_uuid(fcinfo, 3);
	request.code_challenge = argument_optional_text(fcinfo, 4);
	request.code_challenge_method = argument_optional_text(fcinfo, 5);
	client = argument_client(fcinfo, 6, 7);
	if (request.user_id != NULL)
		(void) users_require(request.user_id);
	result = oauth_authorize(&request, &client);
	PG_RETURN_JSONB_P(result_to_jsonb(&result));
}

static char *
find_given_cookie(const pg_uuid_t *flow, void *arg)
{
	return arg;
}

/* oauth_callback(provider, params, cookie, user_agent, ip_address) -> jsonb */
Datum
authfort_oauth_callback(PG_FUNCTION_ARGS)
{
	OAuthParameters parameters;
	char *provider;
	char *cookie;
	Client client;
	Jsonb *json;
	OAuthResult result;

	client_message_mark();
	provider = argument_text(fcinfo, 0, "provider");
	argument_require(fcinfo, 1, "params");
	json = PG_GETARG_JSONB_P(1);
	if (!JB_ROOT_IS_OBJECT(json))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("argument \"%s\" must be a JSON object", "params")));
	cookie = argument_token(fcinfo, 2);
	client = argument_client(fcinfo, 3, 4);
	parameters = oauth_parameters_read(json);
	result = oauth_callback(provider, &parameters, find_given_cookie, cookie, &client);
	PG_RETURN_JSONB_P(result_to_jsonb(&result));
}

/* oauth_resume(resume, status, headers, body) -> jsonb */
Datum
authfort_oauth_resume(PG_FUNCTION_ARGS)
{
	char *resume = argument_token(fcinfo, 0);
	int status = PG_ARGISNULL(1) ? 0 : PG_GETARG_INT32(1);
	char *body = argument_optional_secret(fcinfo, 3);
	FetchAnswer answer;
	FetchFlow continuation;
	OAuthResult result;
	const Refusal *refusal;

	argument_require(fcinfo, 0, "resume");
	answer = fetch_answer(status, body);
	refusal = fetch_flow_resume(resume, &continuation);
	if (refusal != NULL)
		PG_RETURN_JSONB_P(done_to_jsonb(refusal));
	result = oauth_continue(&continuation, &answer);
	PG_RETURN_JSONB_P(result_to_jsonb(&result));
}

/* sign_in_with_id_token(provider, id_token, nonce, user_agent, ip_address) -> jsonb */
Datum
authfort_sign_in_with_id_token(PG_FUNCTION_ARGS)
{
	char *provider = argument_text(fcinfo, 0, "provider");
	char *id_token = argument_token(fcinfo, 1);
	char *nonce = argument_secret(fcinfo, 2, "nonce");
	Client client = argument_client(fcinfo, 3, 4);
	OAuthResult result;

	argument_require(fcinfo, 1, "id_token");
	result = oauth_sign_in_with_id_token(provider, id_token, nonce, &client);
	PG_RETURN_JSONB_P(result_to_jsonb(&result));
}

/* exchange_oauth_code(code, code_verifier, user_agent, ip_address) -> jsonb */
Datum
authfort_exchange_oauth_code(PG_FUNCTION_ARGS)
{
	char *code = argument_token(fcinfo, 0);
	char *verifier = argument_secret(fcinfo, 1, "code_verifier");
	Client client = argument_client(fcinfo, 2, 3);
	AuthResult result;

	argument_require(fcinfo, 0, "code");
	result = app_code_exchange(code, verifier, NULL, &client);
	PG_RETURN_JSONB_P(auth_to_jsonb(&result));
}

/* unlink_identity(user_id, provider) -> jsonb */
Datum
authfort_unlink_identity(PG_FUNCTION_ARGS)
{
	pg_uuid_t *user_id = argument_uuid(fcinfo, 0, "user_id");
	char *provider = argument_text(fcinfo, 1, "provider");

	PG_RETURN_JSONB_P(done_to_jsonb(oauth_unlink(user_id, provider, NULL, NULL)));
}
