/*
 * oauth.c
 *		HTTP: signing in with others.
 */
#include "postgres.h"

#include <sodium.h>

#include "base/json.h"
#include "base/web_url.h"
#include "domain/identities.h"
#include "domain/oauth_providers.h"
#include "flow/app_code.h"
#include "flow/oauth.h"
#include "flow/recent_auth.h"
#include "flow/redirect_target.h"
#include "http/auth_response.h"
#include "http/form.h"
#include "http/oauth.h"
#include "http/oauth_cookies.h"
#include "http/rfc_refusal.h"
#include "http/router.h"
#include "settings.h"

#define NONCE_BYTES 16

static void
respond_redirect(HttpResponse *response, int status, const char *url)
{
	resetStringInfo(&response->body);
	response->status = status;
	http_add_header(response, "Location", url);
	/* the URL of a callback has a code in it */
	http_add_header(response, "Referrer-Policy", "no-referrer");
}

/* The origin that may see the result of a popup, as JavaScript; ours if no other is known. */
static char *
opener_origin(const OAuthFlow *flow)
{
	const char *target = (flow->redirect_to != NULL) ? flow->redirect_to : setting_site_url;
	WebUrl url;

	if (web_url_read(target, &url) && url.host[0] != '\0')
		return psprintf("\"%s\"", web_url_origin(&url));
	if (setting_site_url[0] != '\0')
		return psprintf("\"%s\"", setting_site_url);
	return pstrdup("window.location.origin");
}

/* JSON for a script: no "</script>" and no line separator can be in it. */
static void
append_for_script(StringInfo out, const char *json)
{
	for (const char *p = json; *p != '\0'; p++)
	{
		if (*p == '<' || *p == '>' || *p == '&')
			appendStringInfo(out, "\\u%04x", (unsigned char) *p);
		else if (strncmp(p, "\342\200\250", 3) == 0 || strncmp(p, "\342\200\251", 3) == 0)
		{
			appendStringInfoString(out, (p[2] == '\250') ? "\\u2028" : "\\u2029");
			p += 2;
		}
		else
			appendStringInfoChar(out, *p);
	}
}

/* Turns the JSON of a response into a page that posts it to the window that opened it. */
static void
make_popup_page(HttpResponse *response, const OAuthFlow *flow)
{
	unsigned char bytes[NONCE_BYTES];
	char nonce[2 * NONCE_BYTES + 1];
	StringInfoData page;

	randombytes_buf(bytes, sizeof(bytes));
	sodium_bin2hex(nonce, sizeof(nonce), bytes, sizeof(bytes));
	initStringInfo(&page);
	appendStringInfo(&page,
					 "<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><title>Signing in</title></head><body>\n"
					 "<script nonce=\"%s\">\nif (window.opener)\n\twindow.opener.postMessage(",
					 nonce);
	append_for_script(&page, response->body.data);
	appendStringInfo(&page, ", %s);\nwindow.close();\n</script>\n</body></html>\n",
					 opener_origin(flow));
	response->body = page;
	response->content_type = "text/html; charset=utf-8";
	http_add_header(response, "Content-Security-Policy",
					psprintf("default-src 'none'; script-src 'nonce-%s'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
							 nonce));
	http_add_header(response, "X-Content-Type-Options", "nosniff");
	http_add_header(response, "Referrer-Policy", "no-referrer");
}

/* In the fragment, which browsers send to no server. */
static void
redirect_with_challenge(HttpResponse *response, const OAuthFlow *flow, const AuthResult *auth)
{
	const char *target = flow->redirect_to;

	if (target == NULL)
		target = (setting_site_url[0] != '\0') ? psprintf("%s/", setting_site_url) : "/";
	respond_redirect(response, 302,
					 redirect_target_with_fragment(target, psprintf("mfa_token=%s", auth->mfa_token)));
}

static void
respond_linked(HttpResponse *response, const OAuthFlow *flow)
{
	response->status = 200;
	json_open(&response->body);
	json_write_string(&response->body, "message", "The account is linked");
	json_write_string(&response->body, "provider", flow->provider);
	json_close(&response->body);
	if (flow->mode == OAUTH_POPUP)
		make_popup_page(response, flow);
	else if (flow->redirect_to != NULL && flow->mode != OAUTH_JSON)
		respond_redirect(response, 302, flow->redirect_to);
}

static void
respond_signed_in(HttpResponse *response, const OAuthResult *result)
{
	const OAuthFlow *flow = &result->flow;
	bool by_redirect = flow->mode == OAUTH_REDIRECT;

	if (result->auth.mfa_token != NULL && by_redirect)
	{
		redirect_with_challenge(response, flow, &result->auth);
		return;
	}
	http_respond_auth(response, 200, &result->auth);
	if (flow->mode == OAUTH_POPUP)
		make_popup_page(response, flow);
	else if (by_redirect && flow->redirect_to != NULL)
		respond_redirect(response, 302, flow->redirect_to);
}

/* A page that asked by script gets the URL, and a link is redirected. */
static void
respond_url(const HttpRequest *request, HttpResponse *response, const OAuthResult *result)
{
	oauth_cookies_make_room(response, &result->flow.id, result->cookie);
	oauth_cookie_set(response, &result->flow.id, result->cookie);
	if (strcmp(request->method, "POST") != 0)
	{
		respond_redirect(response, 302, result->url);
		return;
	}
	response->status = 200;
	json_open(&response->body);
	json_write_string(&response->body, "url", result->url);
	json_close(&response->body);
}

/* An id_token comes with no cookie, but only there is a POST answered with tokens. */
static bool
has_flow_cookie(const HttpRequest *request, const OAuthResult *result)
{
	return result->has_flow && strcmp(request->method, "POST") != 0;
}

static void
respond_oauth(HttpRequest *request, HttpResponse *response, OAuthResult *result)
{
	if (result->fetch != NULL && result->refusal == NULL)
	{
		http_respond_fetch(response, &result->continuation, result->fetch);
		return;
	}
	if (result->url == NULL && has_flow_cookie(request, result))
		oauth_cookie_clear(response, &result->flow.id);
	if (result->refusal != NULL)
		http_respond_refusal(response, result->refusal);
	else if (result->url != NULL)
		respond_url(request, response, result);
	else if (result->code != NULL)
		respond_redirect(response, 302,
						 redirect_target_with_parameter(result->flow.redirect_to, "code",
														result->code));
	else if (result->linked)
		respond_linked(response, &result->flow);
	else
		respond_signed_in(response, result);
}

void
handle_oauth_answer(HttpRequest *request, FetchFlow *flow, const FetchAnswer *answer,
					HttpResponse *response)
{
	OAuthResult result = oauth_continue(flow, answer);

	respond_oauth(request, response, &result);
}

/*
 * PostgREST runs GET in a read-only transaction and cannot fetch.  A gateway
 * that is given no fetches is refused when one is needed.
 */
static bool
refuse_without_door(HttpRequest *request, HttpResponse *response)
{
	if (OidIsValid(request->door))
		return false;
	http_respond_refusal(response, &refusal_fetch_unsupported);
	return true;
}

void
handle_oauth_providers(HttpRequest *request, HttpResponse *response)
{
	response->status = 200;
	json_open(&response->body);
	json_name(&response->body, "providers");
	oauth_providers_append_json(&response->body);
	json_close(&response->body);
}

void
handle_oauth_authorize(HttpRequest *request, HttpResponse *response)
{
	OAuthRequest oauth = {request->segments[0]};
	char *redirect_to = NULL;
	char *mode = NULL;
	char *challenge = NULL;
	char *method = NULL;
	OAuthResult result;

	if (refuse_without_door(request, response) ||
		!http_query_text(request, "redirect_to", &redirect_to, response) ||
		!http_query_text(request, "mode", &mode, response) ||
		!http_query_text(request, "code_challenge", &challenge, response) ||
		!http_query_text(request, "code_challenge_method", &method, response))
		return;
	oauth.redirect_to = redirect_to;
	oauth.mode = mode;
	oauth.code_challenge = challenge;
	oauth.code_challenge_method = method;
	result = oauth_authorize(&oauth, &request->client);
	respond_oauth(request, response, &result);
}

/* NULL for what is absent or empty. */
static bool
read_callback_parameter(const HttpRequest *request, const char *name, const char **value,
						HttpResponse *response)
{
	char *text = NULL;

	if (!http_query_text(request, name, &text, response))
		return false;
	*value = (text != NULL && text[0] != '\0') ? text : NULL;
	return true;
}

static char *
find_cookie_of(const pg_uuid_t *flow, void *request)
{
	return oauth_cookie_find(request, flow);
}

void
handle_oauth_callback(HttpRequest *request, HttpResponse *response)
{
	OAuthParameters parameters = {NULL};
	const char *form = NULL;
	OAuthResult result;

	if (refuse_without_door(request, response) ||
		!read_callback_parameter(request, "code", &parameters.code, response) ||
		!read_callback_parameter(request, "state", &parameters.state, response) ||
		!read_callback_parameter(request, "error", &parameters.error, response) ||
		!read_callback_parameter(request, "iss", &parameters.issuer, response) ||
		!read_callback_parameter(request, "form", &form, response))
		return;
	if (form != NULL && parameters.error == NULL)
	{
		memset(&parameters, 0, sizeof(parameters));
		(void) oauth_form_from_text(request->segments[0], form, &parameters);
	}
	result =
		oauth_callback(request->segments[0], &parameters, find_cookie_of, request, &request->client);
	respond_oauth(request, response, &result);
}

/*
 * The provider's form, which the browser posts from the provider's page.  An
 * error is the end of it: no cookie is needed.
 */
void
handle_oauth_callback_form(HttpRequest *request, HttpResponse *response)
{
	BodyField fields[] = {{"code"}, {"state"}, {"error"}, {"iss"}, {"user"}};
	OAuthParameters parameters;
	OAuthResult result = {NULL};
	char *url;

	if (refuse_without_door(request, response) ||
		!http_read_form(request, fields, lengthof(fields), response))
		return;
	parameters.code = fields[0].value;
	parameters.state = fields[1].value;
	parameters.error = fields[2].value;
	parameters.issuer = fields[3].value;
	parameters.user = fields[4].value;
	if (parameters.error != NULL)
		result = oauth_callback(request->segments[0], &parameters, find_cookie_of, request,
								&request->client);
	else
		result.refusal = oauth_form_to_url(request->segments[0], &parameters, &request->client, &url);
	if (result.refusal != NULL)
		respond_oauth(request, response, &result);
	else
		respond_redirect(response, 303, url);
}

void
handle_oauth_id_token(HttpRequest *request, HttpResponse *response)
{
	BodyField fields[] = {{"id_token", true}, {"nonce", true}};
	OAuthResult result;

	if (refuse_without_door(request, response) ||
		!http_read_body(request, fields, lengthof(fields), response))
		return;
	result = oauth_sign_in_with_id_token(request->segments[0], fields[0].value, fields[1].value,
										 &request->client);
	respond_oauth(request, response, &result);
}

/* A stolen session must not link the thief's account. */
void
handle_oauth_link(HttpRequest *request, HttpResponse *response)
{
	BodyField fields[] = {{"redirect_to"}, {"mode"}};
	OAuthRequest oauth = {request->segments[0]};
	OAuthResult result;

	if (refuse_without_door(request, response) ||
		!http_read_body(request, fields, lengthof(fields), response) ||
		!http_require_recent_auth(request, response))
		return;
	oauth.redirect_to = fields[0].value;
	oauth.mode = fields[1].value;
	oauth.user_id = &request->caller->id;
	oauth.session_id = &request->session_id;
	result = oauth_authorize(&oauth, &request->client);
	respond_oauth(request, response, &result);
}

/* Exchanges the one-time code that a redirect has brought to an app. */
void
handle_oauth_token(HttpRequest *request, HttpResponse *response)
{
	BodyField fields[] = {{"code", true}, {"code_verifier", true}};
	AuthResult result;

	if (!http_read_body_or_form(request, fields, lengthof(fields), response))
	{
		http_complete_rfc_faults(response);
		return;
	}
	result = app_code_exchange(fields[0].value, fields[1].value, http_own_session(request),
							   &request->client);
	if (result.refusal != NULL)
		http_respond_rfc_refusal(response, result.refusal, "invalid_grant");
	else
		http_respond_auth(response, 200, &result);
}

void
handle_own_identities(HttpRequest *request, HttpResponse *response)
{
	response->status = 200;
	identities_append_json(&response->body, &request->caller->id);
}

void
handle_unlink_identity(HttpRequest *request, HttpResponse *response)
{
	const Refusal *refusal = recent_auth_check(request->caller, &request->session_id);

	if (refusal == NULL)
		refusal = oauth_unlink(&request->caller->id, request->segments[0], &request->session_id,
							   &request->client);
	http_respond_nothing(response, refusal);
}
