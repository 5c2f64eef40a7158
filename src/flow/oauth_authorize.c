/*
 * oauth_authorize.c
 *		The beginning of a sign-in at a provider: where the browser is sent.
 */
#include "postgres.h"

#include "miscadmin.h"

#include "base/json.h"
#include "base/web_url.h"
#include "crypto/sha256.h"
#include "domain/oauth_discovery.h"
#include "domain/oauth_documents.h"
#include "domain/rate_limit.h"
#include "domain/signing_keys.h"
#include "flow/app_code.h"
#include "flow/oauth_fetches.h"
#include "flow/oauth_steps.h"
#include "flow/redirect_target.h"

const Refusal refusal_invalid_mode = {"invalid_mode",
									  "Valid modes are redirect, popup, code and json", 400};

/* Returns NULL or the refusal. */
static const Refusal *
read_sign_in_request(const OAuthRequest *request, OAuthFlow *flow)
{
	AppRequest app;
	const Refusal *refusal;

	if (!oauth_mode_read(request->mode, &flow->mode))
		return &refusal_invalid_mode;
	flow->links = request->user_id != NULL;
	if (flow->links)
		flow->user_id = *request->user_id;
	if (flow->links && request->session_id != NULL)
		flow->session_id = *request->session_id;
	if (flow->mode != OAUTH_CODE)
		return redirect_target_resolve(request->redirect_to, &flow->redirect_to);
	app = (AppRequest){request->redirect_to, request->code_challenge, request->code_challenge_method};
	refusal = app_request_check(&app, &flow->redirect_to);
	if (refusal == NULL)
		flow->code_challenge = pstrdup(request->code_challenge);
	return refusal;
}

static void
add_parameters(StringInfo url, const OAuthProvider *provider, const OAuthFlow *flow, const char *state)
{
	char secret[OAUTH_VERIFIER_SIZE];

	web_url_append_parameter(url, "client_id", provider->client_id);
	web_url_append_parameter(url, "redirect_uri", oauth_redirect_uri(provider));
	web_url_append_parameter(url, "response_type", "code");
	if (provider->scopes[0] != '\0')
		web_url_append_parameter(url, "scope", provider->scopes);
	web_url_append_parameter(url, "state", state);
	if (provider->response_mode != NULL)
		web_url_append_parameter(url, "response_mode", provider->response_mode);
	if (provider->nonce)
	{
		oauth_flow_nonce(&flow->id, secret);
		web_url_append_parameter(url, "nonce", secret);
	}
	if (provider->pkce)
	{
		oauth_flow_verifier(&flow->id, secret);
		web_url_append_parameter(url, "code_challenge", sha256_base64url(secret));
		web_url_append_parameter(url, "code_challenge_method", "S256");
	}
	if (provider->authorize_params[0] != '\0')
		appendStringInfo(url, "&%s", provider->authorize_params);
}

/* The endpoints of the flow are known. */
static OAuthResult
send_to_provider(const OAuthProvider *provider, OAuthFlow *flow)
{
	OAuthResult result = {NULL};
	StringInfoData url;

	initStringInfo(&url);
	appendStringInfoString(&url, flow->endpoints.authorization);
	if (strchr(url.data, '?') == NULL)
		appendStringInfoChar(&url, '?');
	add_parameters(&url, provider, flow, oauth_flow_state(&flow->id));
	result.url = url.data;
	result.cookie = oauth_flow_cookie(flow);
	if (result.cookie == NULL)
		return oauth_refused((flow->redirect_to != NULL) ? &refusal_invalid_redirect
														 : &refusal_oauth_provider_unavailable);
	result.flow = *flow;
	result.has_flow = true;
	return result;
}

bool
oauth_use_discovery(const OAuthProvider *provider, Jsonb *document, OAuthFlow *flow)
{
	if (document == NULL ||
		!oauth_provider_read_discovery(provider, document, &flow->endpoints, &flow->token_auth))
		return false;
	flow->demands_issuer =
		json_member_is_true(document, "authorization_response_iss_parameter_supported");
	return true;
}

/* Once a day, and whenever a good document is missing. */
static OAuthResult
discover_endpoints(const OAuthProvider *provider, OAuthFlow *flow, const Client *client)
{
	char *url = oauth_discovery_url(provider);
	bool fresh;
	bool known =
		oauth_use_discovery(provider,
							oauth_documents_find(provider->name, OAUTH_DISCOVERY, url, &fresh), flow);
	OAuthResult result = {NULL};

	if ((known && fresh) || !oauth_documents_may_ask(provider->name, OAUTH_DISCOVERY, url))
		return known ? send_to_provider(provider, flow)
					 : oauth_refused(&refusal_oauth_provider_unavailable);
	fetch_flow_begin(&result.continuation, &flow->id, provider->name, client);
	return oauth_ask(&result.continuation, OAUTH_STEP_DISCOVERY, oauth_fetch_document(url), flow,
					 NULL);
}

OAuthResult
oauth_authorize(const OAuthRequest *request, const Client *client)
{
	const Refusal *refusal = rate_limit_check(RATE_LIMIT_OAUTH_AUTHORIZE, NULL, client);
	OAuthProvider *provider;
	OAuthFlow flow;

	if (refusal != NULL)
		return oauth_refused(refusal);
	provider = oauth_find_provider(request->provider);
	if (provider == NULL)
		return oauth_refused(&refusal_unknown_provider);
	oauth_flow_begin(&flow, provider);
	refusal = read_sign_in_request(request, &flow);
	if (refusal != NULL)
		return oauth_refused(refusal);
	PreventCommandIfReadOnly("a sign-in");
	signing_keys_require_master_key();
	flow.endpoints = provider->endpoints;
	flow.token_auth = provider->token_auth;
	if (oauth_provider_needs_discovery(provider))
		return discover_endpoints(provider, &flow, client);
	if (flow.token_auth == TOKEN_AUTH_UNSTATED)
		flow.token_auth = TOKEN_AUTH_BASIC;
	return send_to_provider(provider, &flow);
}

/* A failed or useless answer leaves what is there. */
bool
oauth_take_discovery_document(const OAuthProvider *provider, OAuthFlow *flow, const FetchAnswer *answer)
{
	char *url = oauth_discovery_url(provider);
	bool fresh;
	Jsonb *document;

	if (fetch_answer_object(answer, &document) && oauth_use_discovery(provider, document, flow))
	{
		oauth_documents_keep(provider->name, OAUTH_DISCOVERY, url, document);
		return true;
	}
	oauth_documents_note_failure(provider->name, OAUTH_DISCOVERY, url);
	return oauth_use_discovery(provider,
							   oauth_documents_find(provider->name, OAUTH_DISCOVERY, url, &fresh),
							   flow);
}

OAuthResult
oauth_take_discovery(const OAuthProvider *provider, OAuthFlow *flow, const FetchAnswer *answer)
{
	if (!oauth_take_discovery_document(provider, flow, answer))
		return oauth_refused(&refusal_oauth_provider_unavailable);
	return send_to_provider(provider, flow);
}
