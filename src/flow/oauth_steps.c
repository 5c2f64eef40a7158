/*
 * oauth_steps.c
 *		From one step of a sign-in at a provider to the next: asking for
 *		something, and going on with the answer.
 */
#include "postgres.h"

#include "miscadmin.h"
#include "utils/timestamp.h"

#include "base/json.h"
#include "base/log_limit.h"
#include "domain/events.h"
#include "flow/oauth_fetches.h"
#include "flow/oauth_steps.h"

OAuthResult
oauth_refused(const Refusal *refusal)
{
	OAuthResult result = {refusal};

	return result;
}

/* Any client can cause these without a password hash, so their number is limited. */
void
oauth_record_failure(const Refusal *refusal, const Client *client)
{
	Event event;

	if (event_is_frequent(EVENT_LOGIN_FAILED, NULL))
		return;
	event_begin(&event, EVENT_LOGIN_FAILED, NULL, NULL, client);
	json_write_string(&event.payload, "email", NULL);
	json_write_string(&event.payload, "reason", refusal->code);
	event_record(&event);
}

OAuthProvider *
oauth_find_provider(const char *name)
{
	char *stored = oauth_provider_name(name);
	OAuthProvider *provider = (stored != NULL) ? oauth_providers_find(stored) : NULL;

	return (provider != NULL && provider->enabled) ? provider : NULL;
}

static void
write_progress(StringInfo out, const OAuthProgress *progress)
{
	const OAuthTokens *tokens = &progress->tokens;

	json_name(out, "progress");
	json_open(out);
	json_write_string_unless_null(out, "access_token", tokens->access_token);
	json_write_string_unless_null(out, "refresh_token", tokens->refresh_token);
	json_write_string_unless_null(out, "id_token", tokens->id_token);
	json_write_string_unless_null(out, "scope", tokens->scope);
	json_write_integer(out, "expires_in", tokens->expires_in);
	json_write_string_unless_null(out, "given_name", progress->given_name);
	json_write_string_unless_null(out, "nonce", progress->nonce);
	json_write_jsonb_unless_null(out, "claims", progress->claims);
	json_write_jsonb_unless_null(out, "userinfo", progress->userinfo);
	json_close(out);
}

static void
read_progress(Jsonb *state, OAuthProgress *progress)
{
	Jsonb *json = json_member_jsonb(state, "progress");

	memset(progress, 0, sizeof(*progress));
	if (json == NULL)
		return;
	progress->tokens.access_token = json_member_string(json, "access_token");
	progress->tokens.refresh_token = json_member_string(json, "refresh_token");
	progress->tokens.id_token = json_member_string(json, "id_token");
	progress->tokens.scope = json_member_string(json, "scope");
	(void) json_member_integer(json, "expires_in", &progress->tokens.expires_in);
	progress->given_name = json_member_string(json, "given_name");
	progress->nonce = json_member_string(json, "nonce");
	progress->claims = json_member_jsonb(json, "claims");
	progress->userinfo = json_member_jsonb(json, "userinfo");
}

OAuthResult
oauth_ask(FetchFlow *continuation, const char *step, Fetch *fetch, const OAuthFlow *flow,
		  const OAuthProgress *progress)
{
	OAuthResult result = {NULL};
	StringInfoData state;

	initStringInfo(&state);
	json_open(&state);
	oauth_flow_append_members(&state, flow);
	if (progress != NULL)
		write_progress(&state, progress);
	json_close(&state);
	result.fetch = fetch;
	result.continuation = *continuation;
	result.continuation.step = step;
	result.continuation.state = json_to_jsonb(&state);
	result.flow = *flow;
	result.has_flow = true;
	return result;
}

/*
 * For the operator, who may have configured something wrong.  Of the answer only
 * the status is logged: its body may hold tokens.
 */
static void
log_provider_failure(const FetchFlow *continuation, const FetchAnswer *answer, const Refusal *refusal)
{
	static TimestampTz last = 0;

	if (strncmp(refusal->code, "oauth_", 6) != 0 || !log_limit_allows(&last))
		return;
	ereport(LOG, (errhidestmt(true),
	              errmsg("sign-in with OAuth provider \"%s\" failed: %s", continuation->provider,
	                     refusal->code),
	              (answer->status != 0)
	                  ? errdetail("The step was %s, and the provider's answer had status %d.",
	                              continuation->step, answer->status)
	                  : errdetail("The step was %s, and there was no usable answer.",
	                              continuation->step)));
}

/* The URL that a step asks; NULL if the step is unknown, or the provider has no such URL now. */
static const char *
url_of_step(const OAuthProvider *provider, const OAuthFlow *flow, const char *step)
{
	if (strcmp(step, OAUTH_STEP_DISCOVERY) == 0 || strcmp(step, OAUTH_STEP_APP_DISCOVERY) == 0)
		return (provider->issuer != NULL) ? oauth_discovery_url(provider) : NULL;
	if (strcmp(step, OAUTH_STEP_TOKENS) == 0)
		return flow->endpoints.token;
	if (strcmp(step, OAUTH_STEP_KEYS) == 0 || strcmp(step, OAUTH_STEP_APP_KEYS) == 0)
		return flow->endpoints.jwks;
	if (strcmp(step, OAUTH_STEP_USERINFO) == 0)
		return flow->endpoints.userinfo;
	return (strcmp(step, OAUTH_STEP_EMAILS) == 0) ? flow->endpoints.emails : NULL;
}

/* An answer of one server must not be taken for that of another one. */
static bool
is_still_asked(const OAuthProvider *provider, const OAuthFlow *flow, const FetchFlow *continuation)
{
	const char *method = (strcmp(continuation->step, OAUTH_STEP_TOKENS) == 0) ? "POST" : "GET";

	return oauth_flow_is_of(flow, provider) &&
		   fetch_flow_asked(continuation, method, url_of_step(provider, flow, continuation->step));
}

static bool
is_step_of_app(const char *step)
{
	return strcmp(step, OAUTH_STEP_APP_DISCOVERY) == 0 || strcmp(step, OAUTH_STEP_APP_KEYS) == 0;
}

OAuthResult
oauth_continue(FetchFlow *continuation, const FetchAnswer *answer)
{
	OAuthProvider *provider = oauth_find_provider(continuation->provider);
	OAuthProgress progress;
	OAuthFlow flow = {continuation->id};
	OAuthResult result;

	PreventCommandIfReadOnly("a sign-in");
	if (provider == NULL)
		return oauth_refused(&refusal_unknown_provider);
	if (continuation->state == NULL || !oauth_flow_read_members(continuation->state, &flow) ||
		!is_still_asked(provider, &flow, continuation))
		return oauth_refused(&refusal_resume_invalid);
	if (strcmp(continuation->step, OAUTH_STEP_DISCOVERY) == 0)
	{
		result = oauth_take_discovery(provider, &flow, answer);
		if (result.refusal != NULL)
			log_provider_failure(continuation, answer, result.refusal);
		return result;
	}
	read_progress(continuation->state, &progress);
	if (is_step_of_app(continuation->step))
		result = oauth_take_app_answer(provider, &flow, &progress, continuation, answer);
	else
		result = oauth_take_callback_answer(provider, &flow, &progress, continuation, answer);
	if (result.refusal != NULL)
	{
		oauth_record_failure(result.refusal, &continuation->client);
		log_provider_failure(continuation, answer, result.refusal);
	}
	result.flow = flow;
	result.has_flow = true;
	return result;
}
