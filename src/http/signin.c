/*
 * signin.c
 *		HTTP: signing up, in and out, and the public keys.
 */
#include "postgres.h"

#include "domain/input.h"
#include "domain/signing_keys.h"
#include "flow/flows.h"
#include "http/auth_response.h"
#include "http/cross_origin.h"
#include "http/router.h"
#include "http/token_cookies.h"

void
handle_signup(HttpRequest *request, HttpResponse *response)
{
	BodyField fields[] = {
		{"email", true}, {"password", true}, {"name"}, {"avatar_url"}, {"phone"},
	};
	SignupForm form;
	AuthResult result;

	if (!http_read_body(request, fields, lengthof(fields), response))
		return;
	form.email = fields[0].value;
	form.password = fields[1].value;
	form.name = fields[2].value;
	form.avatar_url = fields[3].value;
	form.phone = fields[4].value;
	result = flow_signup(&form, &request->client);
	http_respond_auth(response, 201, &result);
}

void
handle_login(HttpRequest *request, HttpResponse *response)
{
	BodyField fields[] = {{"email", true}, {"password", true}};
	const Refusal *refusal;
	char *email;
	AuthResult result;

	if (!http_read_body(request, fields, lengthof(fields), response))
		return;
	/* reveals nothing: no account has such an email */
	if ((refusal = input_email(fields[0].value, &email)) != NULL)
	{
		http_respond_refusal(response, refusal);
		return;
	}
	result = flow_login(fields[0].value, fields[1].value, &request->client);
	http_respond_auth(response, 200, &result);
}

static bool
is_given(const BodyField *field)
{
	return field->value != NULL && field->value[0] != '\0';
}

/* The rule for cookie-authenticated requests; NULL if there is no such cookie. */
static const Refusal *
check_by_cookie(const HttpRequest *request)
{
	return token_cookies_has_refresh(request) ? cross_origin_check(request) : NULL;
}

/*
 * Cookies of different sessions are refused, but none of these sessions ends,
 * because it is unknown which one is the user's: any host of the same site can
 * have set the others.
 */
static AuthResult
refresh_by_cookie(HttpRequest *request)
{
	TokenCookie refresh = token_cookie_refresh(request);
	TokenCookie access = token_cookie_access(request);

	if ((refresh.conflict && refresh.rank == COOKIE_LIVE) || access.conflict)
		return auth_refused(&refusal_refresh_token_mismatch);
	request->by_cookie = true;
	return flow_refresh(refresh.value, access.value, MISMATCH_REFUSED, &request->client);
}

/*
 * A token in the body has precedence over the cookie.  The access cookie is
 * compared with the refresh token only if both came as cookies, because only
 * then another host can have set one of them.
 */
void
handle_refresh(HttpRequest *request, HttpResponse *response)
{
	BodyField fields[] = {{"refresh_token"}};
	const Refusal *refusal;
	AuthResult result;

	if (!http_read_body(request, fields, lengthof(fields), response))
		return;
	if (is_given(&fields[0]))
		result = flow_refresh(fields[0].value, NULL, MISMATCH_REFUSED, &request->client);
	else if ((refusal = check_by_cookie(request)) != NULL)
	{
		http_respond_refusal(response, refusal);
		return;
	}
	else
		result = refresh_by_cookie(request);
	/* the limit, which other clients may have exhausted, does not depend on the session */
	if (result.refusal == &refusal_refresh_token_mismatch)
		token_cookies_clear_planted(response);
	else if (result.refusal != NULL && result.refusal->status != refusal_rate_limit_exceeded.status)
		token_cookies_clear(response);
	http_respond_auth(response, 200, &result);
}

/* All of them: it is unknown which one is the user's, and each one may end its own session. */
static void
log_out_by_cookie(HttpRequest *request)
{
	char *tokens[TOKEN_COOKIES_MAX];
	int count = token_cookies_refresh(request, tokens);

	for (int i = 0; i < count; i++)
		flow_logout(tokens[i], &request->client);
}

/*
 * Logging out does not fail, except for a page of another site: an unreadable
 * body names no session, and the cookies are cleared in any case.
 */
void
handle_logout(HttpRequest *request, HttpResponse *response)
{
	BodyField fields[] = {{"refresh_token"}};
	const Refusal *refusal;

	if (!http_read_body(request, fields, lengthof(fields), response))
	{
		fields[0].value = NULL;
		resetStringInfo(&response->body);
	}
	if (is_given(&fields[0]))
		flow_logout(fields[0].value, &request->client);
	else if ((refusal = check_by_cookie(request)) != NULL)
	{
		http_respond_refusal(response, refusal);
		return;
	}
	else
		log_out_by_cookie(request);
	token_cookies_clear(response);
	response->status = 204;
}

void
handle_jwks(HttpRequest *request, HttpResponse *response)
{
	response->status = 200;
	response->cache_control = "public, max-age=3600";
	signing_keys_append_jwks(&response->body);
}
