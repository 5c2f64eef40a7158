/*
 * oauth_app_token.c
 *		Signing in with an id_token that an app has from its provider.
 *
 * Nothing binds the token to the app that submits it but the nonce: the app made
 * up a random text, had the provider put its SHA-256 into the token, and submits
 * the text itself.
 */
#include "postgres.h"

#include <sodium.h>

#include "miscadmin.h"
#include "utils/timestamp.h"

#include "crypto/id_token.h"
#include "crypto/sha256.h"
#include "domain/oauth_documents.h"
#include "domain/rate_limit.h"
#include "domain/signing_keys.h"
#include "flow/oauth_fetches.h"
#include "flow/oauth_steps.h"

#define MAX_NONCE 256
#define MAX_ID_TOKEN 8192

/*
 * The id that the token spends.  It is made of what the signature covers: of one
 * ECDSA signature anyone can make another one that verifies as well.
 */
static void
make_flow_id(const char *provider, const char *id_token, pg_uuid_t *id)
{
	const char *end = strrchr(id_token, '.');
	size_t len = (end != NULL) ? (size_t) (end - id_token) : strlen(id_token);
	unsigned char digest[crypto_hash_sha256_BYTES];
	crypto_hash_sha256_state state;

	crypto_hash_sha256_init(&state);
	crypto_hash_sha256_update(&state, (const unsigned char *) provider, strlen(provider) + 1);
	crypto_hash_sha256_update(&state, (const unsigned char *) id_token, len);
	crypto_hash_sha256_final(&state, digest);
	memcpy(id->data, digest, UUID_LEN);
}

/* The hash is written in hexadecimal, and by some libraries in base64url. */
static IdTokenVerdict
verify_app_token(const OAuthProvider *provider, OAuthProgress *progress, Jsonb *keys)
{
	IdTokenRules rules = {provider->issuer, provider->other_issuer};
	IdTokenVerdict verdict;

	if (keys == NULL)
		return ID_TOKEN_UNKNOWN_KEY;
	rules.audiences = provider->audiences;
	rules.audience_count = provider->audience_count;
	rules.now = timestamptz_to_time_t(GetCurrentTimestamp());
	rules.nonce = sha256_hex(progress->nonce);
	verdict = id_token_verify(progress->tokens.id_token, keys, &rules, &progress->claims);
	if (verdict != ID_TOKEN_INVALID)
		return verdict;
	rules.nonce = sha256_base64url(progress->nonce);
	return id_token_verify(progress->tokens.id_token, keys, &rules, &progress->claims);
}

static OAuthResult
check_app_token(const OAuthProvider *provider, OAuthFlow *flow, OAuthProgress *progress,
				FetchFlow *continuation)
{
	const char *url = flow->endpoints.jwks;
	bool fresh;
	Jsonb *keys = oauth_documents_find(provider->name, OAUTH_KEYS, url, &fresh);
	IdTokenVerdict verdict = verify_app_token(provider, progress, keys);

	if (verdict == ID_TOKEN_VALID && fresh)
		return oauth_finish_app(provider, flow, progress->claims, &continuation->client);
	if (verdict != ID_TOKEN_INVALID && oauth_documents_may_ask(provider->name, OAUTH_KEYS, url))
	{
		progress->claims = NULL;
		return oauth_ask(continuation, OAUTH_STEP_APP_KEYS, oauth_fetch_document(url), flow, progress);
	}
	if (verdict == ID_TOKEN_VALID)
		return oauth_finish_app(provider, flow, progress->claims, &continuation->client);
	return oauth_refused((keys != NULL) ? &refusal_oauth_id_token_invalid
										: &refusal_oauth_provider_unavailable);
}

/* Where the keys are may have to be asked first. */
static OAuthResult
begin_check(const OAuthProvider *provider, OAuthFlow *flow, OAuthProgress *progress,
			FetchFlow *continuation)
{
	char *url;
	bool fresh;
	bool known;

	flow->endpoints = provider->endpoints;
	if (flow->endpoints.jwks != NULL)
		return check_app_token(provider, flow, progress, continuation);
	url = oauth_discovery_url(provider);
	known = oauth_use_discovery(provider,
								oauth_documents_find(provider->name, OAUTH_DISCOVERY, url, &fresh),
								flow);
	if ((known && fresh) || !oauth_documents_may_ask(provider->name, OAUTH_DISCOVERY, url))
		return known ? check_app_token(provider, flow, progress, continuation)
					 : oauth_refused(&refusal_oauth_provider_unavailable);
	return oauth_ask(continuation, OAUTH_STEP_APP_DISCOVERY, oauth_fetch_document(url), flow,
					 progress);
}

OAuthResult
oauth_sign_in_with_id_token(const char *name, const char *id_token, const char *nonce,
							const Client *client)
{
	OAuthProvider *provider = oauth_find_provider(name);
	OAuthProgress progress = {{NULL}};
	OAuthFlow flow;
	FetchFlow continuation;
	OAuthResult result;
	const Refusal *refusal;

	if (provider == NULL || provider->issuer == NULL)
		return oauth_refused(&refusal_unknown_provider);
	refusal = rate_limit_check(RATE_LIMIT_OAUTH_ANSWER, NULL, client);
	if (refusal != NULL)
		return oauth_refused(refusal);
	PreventCommandIfReadOnly("a sign-in");
	signing_keys_require_master_key();
	oauth_flow_begin(&flow, provider);
	flow.mode = OAUTH_JSON;
	make_flow_id(provider->name, id_token, &flow.id);
	fetch_flow_begin(&continuation, &flow.id, provider->name, client);
	progress.tokens.id_token = unconstify(char *, id_token);
	progress.nonce = unconstify(char *, nonce);
	/* a client cannot make the gateway send requests by texts that are not tokens */
	if (nonce[0] == '\0' || strlen(nonce) > MAX_NONCE || strlen(id_token) > MAX_ID_TOKEN ||
		!id_token_is_readable(id_token))
		result = oauth_refused(&refusal_oauth_id_token_invalid);
	else
		result = begin_check(provider, &flow, &progress, &continuation);
	if (result.refusal != NULL)
		oauth_record_failure(result.refusal, client);
	result.flow = flow;
	result.has_flow = true;
	return result;
}

static OAuthResult
take_app_keys(const OAuthProvider *provider, OAuthFlow *flow, OAuthProgress *progress,
			  FetchFlow *continuation, const FetchAnswer *answer)
{
	Jsonb *keys = oauth_take_keys(provider, flow->endpoints.jwks, answer);

	if (keys == NULL)
		return oauth_refused(&refusal_oauth_provider_unavailable);
	if (verify_app_token(provider, progress, keys) != ID_TOKEN_VALID)
		return oauth_refused(&refusal_oauth_id_token_invalid);
	return oauth_finish_app(provider, flow, progress->claims, &continuation->client);
}

OAuthResult
oauth_take_app_answer(const OAuthProvider *provider, OAuthFlow *flow, OAuthProgress *progress,
					  FetchFlow *continuation, const FetchAnswer *answer)
{
	if (progress->nonce == NULL || progress->tokens.id_token == NULL)
		return oauth_refused(&refusal_resume_invalid);
	if (strcmp(continuation->step, OAUTH_STEP_APP_KEYS) == 0)
		return take_app_keys(provider, flow, progress, continuation, answer);
	if (!oauth_take_discovery_document(provider, flow, answer))
		return oauth_refused(&refusal_oauth_provider_unavailable);
	return check_app_token(provider, flow, progress, continuation);
}
