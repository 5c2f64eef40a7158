/*
 * oauth_callback.c
 *		From the provider's answer to an account at it.
 *
 * The flow's binding to the browser is checked first.  Then come up to four
 * fetches: the tokens, the provider's keys where those that are known do not
 * verify the id_token, the profile, and GitHub's addresses.
 */
#include "postgres.h"

#include "miscadmin.h"
#include "utils/timestamp.h"

#include "base/json.h"
#include "base/log_limit.h"
#include "crypto/id_token.h"
#include "crypto/jwk.h"
#include "domain/events.h"
#include "domain/oauth_documents.h"
#include "domain/rate_limit.h"
#include "flow/oauth_fetches.h"
#include "flow/oauth_steps.h"

#define MAX_CODE 4096

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

/* OpenID Connect's name of Apple's "user": {"name": {"firstName": ..., "lastName": ...}}. */
static char *
read_given_name(const char *user)
{
	Jsonb *json;
	Jsonb *name;
	char *first;
	char *last;

	if (user == NULL || json_read_foreign_object(user, strlen(user), &json) != JSON_READ ||
		(name = json_member_jsonb(json, "name")) == NULL || !JB_ROOT_IS_OBJECT(name))
		return NULL;
	first = json_member_string(name, "firstName");
	last = json_member_string(name, "lastName");
	if (first == NULL || last == NULL)
		return (first != NULL) ? first : last;
	return psprintf("%s %s", first, last);
}

/*
 * RFC 9207: another provider's answer to a flow that was begun at this one is an
 * attempt to have its code sent there.  The issuer of many tenants is
 * a pattern that cannot be compared.
 */
static const Refusal *
check_response_issuer(const OAuthProvider *provider, const OAuthFlow *flow, const char *issuer)
{
	if (issuer == NULL)
		return flow->demands_issuer ? &refusal_oauth_state_invalid : NULL;
	if (provider->issuer == NULL || strchr(provider->issuer, '{') != NULL ||
		strcmp(provider->issuer, issuer) == 0 ||
		(provider->other_issuer != NULL && strcmp(provider->other_issuer, issuer) == 0))
		return NULL;
	return &refusal_oauth_state_provider_mismatch;
}

/* Returns NULL or the refusal.  The order is part of the interface (docs/http.md). */
static const Refusal *
check_callback(const char *name, const OAuthParameters *parameters, OAuthCookieFinder find_cookie,
			   void *arg, OAuthProvider **provider, OAuthFlow *flow)
{
	const Refusal *refusal;
	pg_uuid_t id;

	if (parameters->error != NULL)
		return &refusal_oauth_provider_error;
	if (parameters->code == NULL || parameters->state == NULL)
		return &refusal_oauth_missing_params;
	*provider = oauth_find_provider(name);
	if (*provider == NULL)
		return &refusal_unknown_provider;
	refusal = oauth_flow_read_state(parameters->state, &id);
	if (refusal != NULL)
		return refusal;
	refusal = oauth_flow_read_cookie(find_cookie(&id, arg), &id, flow);
	if (refusal != NULL)
		return refusal;
	if (!oauth_flow_is_of(flow, *provider))
		return &refusal_oauth_state_provider_mismatch;
	if (strlen(parameters->code) > MAX_CODE)
		return &refusal_oauth_exchange_failed;
	return check_response_issuer(*provider, flow, parameters->issuer);
}

OAuthResult
oauth_callback(const char *name, const OAuthParameters *parameters, OAuthCookieFinder find_cookie,
			   void *arg, const Client *client)
{
	OAuthProvider *provider;
	OAuthFlow flow;
	OAuthProgress progress = {{NULL}};
	FetchFlow continuation;
	const Refusal *refusal;

	PreventCommandIfReadOnly("a sign-in");
	refusal = check_callback(name, parameters, find_cookie, arg, &provider, &flow);
	if (refusal != NULL)
	{
		oauth_record_failure(refusal, client);
		return oauth_refused(refusal);
	}
	/* until the flow is spent, each code that a client makes up leads to a fetch */
	refusal = rate_limit_check(RATE_LIMIT_OAUTH_ANSWER, NULL, client);
	if (refusal != NULL)
		return oauth_refused(refusal);
	progress.given_name = read_given_name(parameters->user);
	fetch_flow_begin(&continuation, &flow.id, provider->name, client);
	return oauth_ask(&continuation, OAUTH_STEP_TOKENS,
					 oauth_fetch_tokens(provider, &flow, parameters->code), &flow, &progress);
}

/* All is known: the profile of the account at the provider. */
static OAuthResult
finish_with_profile(const OAuthProvider *provider, OAuthFlow *flow, const OAuthProgress *progress,
					OAuthProfile *profile, const Client *client)
{
	if (profile->name == NULL)
		profile->name = progress->given_name;
	return oauth_finish(provider, flow, profile, &progress->tokens, client);
}

/* Asks for the profile, or continues with what the id_token states. */
static OAuthResult
ask_profile(const OAuthProvider *provider, OAuthFlow *flow, OAuthProgress *progress,
			FetchFlow *continuation)
{
	OAuthProfile profile;

	progress->tokens.id_token = NULL;
	if (flow->endpoints.userinfo != NULL)
		return oauth_ask(continuation, OAUTH_STEP_USERINFO,
						 oauth_fetch_as_bearer(flow->endpoints.userinfo, progress->tokens.access_token),
						 flow, progress);
	if (progress->claims == NULL || !oauth_profile_read(provider, progress->claims, NULL, &profile))
		return oauth_refused(&refusal_oauth_user_info_failed);
	return finish_with_profile(provider, flow, progress, &profile, &continuation->client);
}

static IdTokenVerdict
verify_id_token(const OAuthProvider *provider, const OAuthFlow *flow, OAuthProgress *progress,
				Jsonb *keys)
{
	IdTokenRules rules = {provider->issuer, provider->other_issuer};
	char nonce[OAUTH_VERIFIER_SIZE];

	if (keys == NULL)
		return ID_TOKEN_UNKNOWN_KEY;
	rules.audiences = provider->audiences;
	rules.audience_count = 1; /* the code was issued to this client alone */
	rules.access_token = progress->tokens.access_token;
	rules.now = timestamptz_to_time_t(GetCurrentTimestamp());
	if (provider->nonce)
	{
		oauth_flow_nonce(&flow->id, nonce);
		rules.nonce = nonce;
	}
	return id_token_verify(progress->tokens.id_token, keys, &rules, &progress->claims);
}

static OAuthResult
ask_keys(const OAuthProvider *provider, OAuthFlow *flow, OAuthProgress *progress,
		 FetchFlow *continuation)
{
	progress->claims = NULL;
	return oauth_ask(continuation, OAUTH_STEP_KEYS, oauth_fetch_document(flow->endpoints.jwks),
					 flow, progress);
}

/*
 * With the known keys if they do, and otherwise with newer ones.  Keys that are
 * a day old are still valid where newer ones cannot be asked for now.
 */
static OAuthResult
check_id_token(const OAuthProvider *provider, OAuthFlow *flow, OAuthProgress *progress,
			   FetchFlow *continuation)
{
	const char *url = flow->endpoints.jwks;
	bool fresh;
	Jsonb *keys = oauth_documents_find(provider->name, OAUTH_KEYS, url, &fresh);
	IdTokenVerdict verdict = verify_id_token(provider, flow, progress, keys);

	if (verdict == ID_TOKEN_INVALID)
		return oauth_refused(&refusal_oauth_exchange_failed);
	if (verdict == ID_TOKEN_VALID && fresh)
		return ask_profile(provider, flow, progress, continuation);
	if (oauth_documents_may_ask(provider->name, OAUTH_KEYS, url))
		return ask_keys(provider, flow, progress, continuation);
	if (keys == NULL)
		return oauth_refused(&refusal_oauth_provider_unavailable);
	if (verdict == ID_TOKEN_UNKNOWN_KEY)
		return oauth_refused(&refusal_oauth_exchange_failed);
	return ask_profile(provider, flow, progress, continuation);
}

Jsonb *
oauth_take_keys(const OAuthProvider *provider, const char *url, const FetchAnswer *answer)
{
	Jsonb *keys;
	bool fresh;

	if (answer->status == 200 &&
		json_read_foreign_object(answer->body, strlen(answer->body), &keys) == JSON_READ &&
		jwks_is_usable(keys))
	{
		oauth_documents_keep(provider->name, OAUTH_KEYS, url, keys);
		return keys;
	}
	oauth_documents_note_failure(provider->name, OAUTH_KEYS, url);
	return oauth_documents_find(provider->name, OAUTH_KEYS, url, &fresh);
}

static OAuthResult
take_keys_answer(const OAuthProvider *provider, OAuthFlow *flow, OAuthProgress *progress,
				 FetchFlow *continuation, const FetchAnswer *answer)
{
	Jsonb *keys = oauth_take_keys(provider, flow->endpoints.jwks, answer);

	if (keys == NULL)
		return oauth_refused(&refusal_oauth_provider_unavailable);
	if (verify_id_token(provider, flow, progress, keys) != ID_TOKEN_VALID)
		return oauth_refused(&refusal_oauth_exchange_failed);
	return ask_profile(provider, flow, progress, continuation);
}

static OAuthResult
take_tokens(const OAuthProvider *provider, OAuthFlow *flow, OAuthProgress *progress,
			FetchFlow *continuation, const FetchAnswer *answer)
{
	if (answer->status != 200 || !oauth_tokens_read(answer->body, &progress->tokens))
		return oauth_refused(&refusal_oauth_exchange_failed);
	/* a continuation has no room for what nothing needs */
	if (!provider->keep_tokens)
		progress->tokens.refresh_token = NULL;
	if (provider->issuer == NULL)
		progress->tokens.id_token = NULL;
	else if (progress->tokens.id_token != NULL)
		return check_id_token(provider, flow, progress, continuation);
	else if (!provider->id_token_optional || flow->endpoints.userinfo == NULL)
		return oauth_refused(&refusal_oauth_exchange_failed);
	return ask_profile(provider, flow, progress, continuation);
}

static OAuthResult
take_userinfo(const OAuthProvider *provider, OAuthFlow *flow, OAuthProgress *progress,
			  FetchFlow *continuation, const FetchAnswer *answer)
{
	OAuthProfile profile;

	if (answer->status != 200 ||
		json_read_foreign_object(answer->body, strlen(answer->body), &progress->userinfo) != JSON_READ ||
		!oauth_profile_read(provider, progress->claims, progress->userinfo, &profile))
		return oauth_refused(&refusal_oauth_user_info_failed);
	if (flow->endpoints.emails != NULL)
		return oauth_ask(continuation, OAUTH_STEP_EMAILS,
						 oauth_fetch_as_bearer(flow->endpoints.emails, progress->tokens.access_token),
						 flow, progress);
	return finish_with_profile(provider, flow, progress, &profile, &continuation->client);
}

static OAuthResult
take_emails(const OAuthProvider *provider, OAuthFlow *flow, OAuthProgress *progress,
			FetchFlow *continuation, const FetchAnswer *answer)
{
	OAuthProfile profile;

	if (progress->userinfo == NULL ||
		!oauth_profile_read(provider, progress->claims, progress->userinfo, &profile))
		return oauth_refused(&refusal_oauth_user_info_failed);
	/* without the list, the address of the profile is used, as not verified */
	if ((answer->status != 200 || !oauth_profile_read_emails(answer->body, &profile)) &&
		profile.email == NULL)
		return oauth_refused(&refusal_oauth_user_info_failed);
	return finish_with_profile(provider, flow, progress, &profile, &continuation->client);
}

/* Takes an answer of the provider to a callback. */
static OAuthResult
take_answer(const OAuthProvider *provider, OAuthFlow *flow, OAuthProgress *progress,
			FetchFlow *continuation, const FetchAnswer *answer)
{
	const char *step = continuation->step;

	if (strcmp(step, OAUTH_STEP_TOKENS) == 0)
		return take_tokens(provider, flow, progress, continuation, answer);
	if (strcmp(step, OAUTH_STEP_KEYS) == 0)
		return take_keys_answer(provider, flow, progress, continuation, answer);
	if (strcmp(step, OAUTH_STEP_USERINFO) == 0)
		return take_userinfo(provider, flow, progress, continuation, answer);
	if (strcmp(step, OAUTH_STEP_EMAILS) == 0)
		return take_emails(provider, flow, progress, continuation, answer);
	return oauth_take_app_answer(provider, flow, progress, continuation, answer);
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
	              errmsg("a sign-in at OAuth provider \"%s\" failed: %s", continuation->provider,
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
	result = take_answer(provider, &flow, &progress, continuation, answer);
	if (result.refusal != NULL)
	{
		oauth_record_failure(result.refusal, &continuation->client);
		log_provider_failure(continuation, answer, result.refusal);
	}
	result.flow = flow;
	result.has_flow = true;
	return result;
}
