/*
 * http.c
 *		The router: which flow a request asks for, and how its answer looks.
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "catalog/pg_type.h"
#include "fmgr.h"
#include "funcapi.h"
#include "utils/builtins.h"

#include "access_token.h"
#include "arguments.h"
#include "flows.h"
#include "http_message.h"
#include "json.h"
#include "keys.h"
#include "settings.h"

PG_FUNCTION_INFO_V1(authfort_http);

static const Refusal not_found = {"not_found", "There is nothing at this path", 404};
static const Refusal method_not_allowed =
{"method_not_allowed", "This path does not take this method", 405};

typedef void (*Handler) (HttpRequest *request, HttpResponse *response);

typedef struct Route
{
	const char *method;
	const char *path;
	bool		rooted;			/* not under authfort.http_prefix */
	Handler		handler;
} Route;

static void
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

static void
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
static void
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
static void
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

/* RFC 6750, section 3 */
static void
add_challenge(HttpResponse *response, const Refusal *refusal)
{
	if (refusal->status == 401)
		http_add_header(response, "WWW-Authenticate",
						refusal == &refusal_token_missing ? "Bearer"
						: "Bearer error=\"invalid_token\"");
}

static void
handle_me(HttpRequest *request, HttpResponse *response)
{
	const AccessClaims *claims;
	const char *reason;
	User	   *user;
	const Refusal *refusal = access_token_authenticate(http_access_token(request),
													   &claims, &user, &reason);

	if (refusal != NULL)
	{
		add_challenge(response, refusal);
		http_respond_refusal(response, refusal);
		return;
	}
	response->status = 200;
	users_append_json(&response->body, user, &claims->sid);
}

static void
handle_jwks(HttpRequest *request, HttpResponse *response)
{
	(void) request;
	response->status = 200;
	keys_append_jwks(&response->body);
}

static const Route routes[] = {
	{"POST", "/signup", false, handle_signup},
	{"POST", "/login", false, handle_login},
	{"POST", "/refresh", false, handle_refresh},
	{"POST", "/logout", false, handle_logout},
	{"GET", "/me", false, handle_me},
	{"GET", "/.well-known/jwks.json", true, handle_jwks},
};

static bool
route_has_path(const Route *route, const char *path)
{
	size_t		prefix_len = strlen(setting_http_prefix);

	if (route->rooted)
		return strcmp(path, route->path) == 0;
	return strncmp(path, setting_http_prefix, prefix_len) == 0 &&
		strcmp(path + prefix_len, route->path) == 0;
}

/* HEAD is GET without the body (RFC 9110, section 9.3.2). */
static bool
route_has_method(const Route *route, const char *method)
{
	return strcmp(route->method, method) == 0 ||
		(strcmp(route->method, "GET") == 0 && strcmp(method, "HEAD") == 0);
}

static void
refuse_method(HttpResponse *response, const Route *route)
{
	http_add_header(response, "Allow",
					strcmp(route->method, "GET") == 0 ? "GET, HEAD" : route->method);
	http_respond_refusal(response, &method_not_allowed);
}

/* Each path takes one method. */
static void
dispatch(HttpRequest *request, HttpResponse *response)
{
	for (size_t i = 0; i < lengthof(routes); i++)
	{
		if (!route_has_path(&routes[i], request->path))
			continue;
		if (route_has_method(&routes[i], request->method))
			routes[i].handler(request, response);
		else
			refuse_method(response, &routes[i]);
		return;
	}
	http_respond_refusal(response, &not_found);
}

static bool
is_public_keys(const HttpRequest *request, const HttpResponse *response)
{
	return response->status == 200 && strcmp(request->path, "/.well-known/jwks.json") == 0;
}

static void
finish(const HttpRequest *request, HttpResponse *response)
{
	http_add_header(response, "Cache-Control",
					is_public_keys(request, response) ? "public, max-age=3600" : "no-store");
	if (response->body.len > 0)
		http_add_header(response, "Content-Type", "application/json");
	appendStringInfoChar(&response->headers, ']');
	if (strcmp(request->method, "HEAD") == 0)
		resetStringInfo(&response->body);
}

/* http(method, path, query, headers, body, remote_addr) -> (status, headers, body) */
Datum
authfort_http(PG_FUNCTION_ARGS)
{
	HttpRequest request = {0};
	HttpResponse response = {0};
	TupleDesc	tupdesc;
	Datum		values[3];
	bool		nulls[3] = {false, false, false};

	if (get_call_result_type(fcinfo, NULL, &tupdesc) != TYPEFUNC_COMPOSITE)
		elog(ERROR, "return type must be a row type");
	request.method = argument_text(fcinfo, 0, "method");
	request.path = argument_text(fcinfo, 1, "path");
	request.headers = PG_ARGISNULL(3) ? NULL : PG_GETARG_JSONB_P(3);
	request.body = argument_optional_text(fcinfo, 4);
	request.client.has_ip = !PG_ARGISNULL(5);
	request.client.ip = request.client.has_ip ? PG_GETARG_DATUM(5) : (Datum) 0;
	request.client.user_agent = http_header(&request, "user-agent");

	initStringInfo(&response.headers);
	appendStringInfoChar(&response.headers, '[');
	initStringInfo(&response.body);
	dispatch(&request, &response);
	finish(&request, &response);

	values[0] = Int32GetDatum(response.status);
	values[1] = JsonbPGetDatum(json_to_jsonb(&response.headers));
	values[2] = CStringGetTextDatum(response.body.data);
	nulls[2] = response.body.len == 0;
	PG_RETURN_DATUM(HeapTupleGetDatum(heap_form_tuple(BlessTupleDesc(tupdesc), values, nulls)));
}
