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
#include "crypto/id_token.h"
#include "crypto/jwk.h"
#include "domain/oauth_documents.h"
#include "domain/rate_limit.h"
#include "flow/oauth_fetches.h"
#include "flow/oauth_steps.h"

#define MAX_CODE 4096

/* The whole name in Apple's "user": {"name": {"firstName": ..., "lastName": ...}}. */
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
 * Verifies with the stored keys if they are fresh and suffice, and asks for newer
 * ones otherwise.  Older keys are still valid while newer ones cannot be asked for.
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

	if (fetch_answer_object(answer, &keys) && jwks_is_usable(keys))
	{
		oauth_documents_keep(provider->name, OAUTH_KEYS, url, keys);
		return keys;
	}
	oauth_documents_note_failure(provider->name, OAUTH_KEYS, url);
	return oauth_documents_find(provider->name, OAUTH_KEYS, url, &fresh);
}

static OAuthResult
take_keys(const OAuthProvider *provider, OAuthFlow *flow, OAuthProgress *progress,
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

	if (!fetch_answer_object(answer, &progress->userinfo) ||
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

OAuthResult
oauth_take_callback_answer(const OAuthProvider *provider, OAuthFlow *flow, OAuthProgress *progress,
						   FetchFlow *continuation, const FetchAnswer *answer)
{
	const char *step = continuation->step;

	if (strcmp(step, OAUTH_STEP_TOKENS) == 0)
		return take_tokens(provider, flow, progress, continuation, answer);
	if (strcmp(step, OAUTH_STEP_KEYS) == 0)
		return take_keys(provider, flow, progress, continuation, answer);
	if (strcmp(step, OAUTH_STEP_USERINFO) == 0)
		return take_userinfo(provider, flow, progress, continuation, answer);
	return take_emails(provider, flow, progress, continuation, answer);
}
