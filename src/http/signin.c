/*
 * signin.c
 *		HTTP: signing up, in and out, and the public keys.
 */
#include "postgres.h"

#include "domain/signing_keys.h"
#include "flow/flows.h"
#include "http/router.h"
#include "settings.h"

void
handle_signup(HttpRequest *request, HttpResponse *response)
{
	BodyField	fields[] = {
		{"email", true}, {"password", true}, {"name"}, {"avatar_url"}, {"phone"}
	};
	SignupForm	form;
	AuthResult	result;

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
	BodyField	fields[] = {{"email", true}, {"password", true}};
	AuthResult	result;

	if (!http_read_body(request, fields, lengthof(fields), response))
		return;
	result = flow_login(fields[0].value, fields[1].value, &request->client);
	http_respond_auth(response, 200, &result);
}

/*
 * A token in the body wins over the cookie.  The access cookie is held
 * against the refresh token only if both came as cookies, for only then can
 * somebody else have put one of them there.
 */
void
handle_refresh(HttpRequest *request, HttpResponse *response)
{
	BodyField	fields[] = {{"refresh_token"}};
	AuthResult	result;

	if (!http_read_body(request, fields, lengthof(fields), response))
		return;
	if (fields[0].value != NULL && fields[0].value[0] != '\0')
		result = flow_refresh(fields[0].value, NULL, &request->client);
	else
		result = flow_refresh(http_cookie(request, setting_refresh_cookie_name),
							  http_cookie(request, setting_access_cookie_name), &request->client);
	if (result.refusal != NULL)
		http_clear_cookies(response);
	http_respond_auth(response, 200, &result);
}

/*
 * Logging out never fails: a body that cannot be read names no session, and
 * the cookies go in any case.
 */
void
handle_logout(HttpRequest *request, HttpResponse *response)
{
	BodyField	fields[] = {{"refresh_token"}};

	if (!http_read_body(request, fields, lengthof(fields), response))
	{
		fields[0].value = NULL;
		resetStringInfo(&response->body);
	}
	if (fields[0].value != NULL && fields[0].value[0] != '\0')
		flow_logout(fields[0].value, &request->client);
	else
		flow_logout(http_cookie(request, setting_refresh_cookie_name), &request->client);
	http_clear_cookies(response);
	response->status = 204;
}

void
handle_jwks(HttpRequest *request, HttpResponse *response)
{
	(void) request;
	response->status = 200;
	response->cache_control = "public, max-age=3600";
	signing_keys_append_jwks(&response->body);
}
