/*
 * http.c
 *		The router: which handler a request asks for.
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "fmgr.h"
#include "funcapi.h"
#include "mb/pg_wchar.h"
#include "utils/builtins.h"

#include "access_token.h"
#include "address.h"
#include "arguments.h"
#include "http.h"
#include "json.h"
#include "settings.h"
#include "url.h"

PG_FUNCTION_INFO_V1(authfort_http);

static const Refusal not_found = {"not_found", "There is nothing at this path", 404};
static const Refusal method_not_allowed =
{"method_not_allowed", "This path does not take this method", 405};
static const Refusal insufficient_role =
{"insufficient_role", "This takes a role that you do not have", 403};

static const Route routes[] = {
	{"POST", "/signup", ROUTE_OPEN, handle_signup},
	{"POST", "/login", ROUTE_OPEN, handle_login},
	{"POST", "/refresh", ROUTE_OPEN, handle_refresh},
	{"POST", "/logout", ROUTE_OPEN, handle_logout},
	{"GET", "/me", ROUTE_SIGNED_IN, handle_me},
	{"POST", "/forgot-password", ROUTE_OPEN, handle_forgot_password},
	{"POST", "/reset-password", ROUTE_OPEN, handle_reset_password},
	{"POST", "/change-password", ROUTE_SIGNED_IN, handle_change_password},
	{"POST", "/set-password", ROUTE_SIGNED_IN, handle_set_password},
	{"GET", "/sessions", ROUTE_SIGNED_IN, handle_own_sessions},
	{"DELETE", "/sessions", ROUTE_SIGNED_IN, handle_revoke_other_sessions},
	{"DELETE", "/sessions/{id}", ROUTE_SIGNED_IN, handle_revoke_own_session},
	{"GET", "/admin/users", ROUTE_ADMIN, handle_list_users},
	{"POST", "/admin/users", ROUTE_ADMIN, handle_create_user},
	{"GET", "/admin/users/{id}", ROUTE_ADMIN, handle_get_user},
	{"PATCH", "/admin/users/{id}", ROUTE_ADMIN, handle_update_user},
	{"DELETE", "/admin/users/{id}", ROUTE_ADMIN, handle_delete_user},
	{"PUT", "/admin/users/{id}/ban", ROUTE_ADMIN, handle_ban_user},
	{"DELETE", "/admin/users/{id}/ban", ROUTE_ADMIN, handle_unban_user},
	{"PUT", "/admin/users/{id}/roles/{role}", ROUTE_ADMIN, handle_add_role},
	{"DELETE", "/admin/users/{id}/roles/{role}", ROUTE_ADMIN, handle_remove_role},
	{"GET", "/admin/users/{id}/sessions", ROUTE_ADMIN, handle_user_sessions},
	{"DELETE", "/admin/users/{id}/sessions", ROUTE_ADMIN, handle_revoke_user_sessions},
	{"DELETE", "/admin/sessions/{id}", ROUTE_ADMIN, handle_revoke_session},
	{"GET", "/admin/keys", ROUTE_ADMIN, handle_list_keys},
	{"POST", "/admin/keys/rotate", ROUTE_ADMIN, handle_rotate_key},
	{"POST", "/admin/keys/prepare", ROUTE_ADMIN, handle_prepare_key},
	{"GET", "/.well-known/jwks.json", ROUTE_OPEN, handle_jwks, true},
};

/*
 * Decodes one segment of a path; NULL if it cannot be text of this database.
 */
static char *
decode_segment(const char *segment, size_t len)
{
	char	   *text = palloc(len + 1);

	if (!url_decode(segment, len, false, text) || !pg_verifymbstr(text, strlen(text), true))
		return NULL;
	return text;
}

/*
 * Holds a path against a route's, and takes what stands for its {names}.
 */
static bool
match_path(const char *pattern, const char *path, HttpRequest *request)
{
	int			count = 0;

	while (*pattern == '/' && *path == '/')
	{
		size_t		pattern_len = strcspn(++pattern, "/");
		size_t		len = strcspn(++path, "/");

		if (*pattern == '{')
		{
			char	   *text = (len > 0) ? decode_segment(path, len) : NULL;

			if (text == NULL)
				return false;
			request->segments[count++] = text;
		}
		else if (len != pattern_len || memcmp(path, pattern, len) != 0)
			return false;
		pattern += pattern_len;
		path += len;
	}
	return *pattern == '\0' && *path == '\0';
}

static bool
route_has_path(const Route *route, HttpRequest *request)
{
	size_t		prefix_len = route->rooted ? 0 : strlen(setting_http_prefix);

	return strncmp(request->path, setting_http_prefix, prefix_len) == 0 &&
		match_path(route->path, request->path + prefix_len, request);
}

/* HEAD is GET without the body (RFC 9110, section 9.3.2). */
static bool
route_has_method(const Route *route, const char *method)
{
	return strcmp(route->method, method) == 0 ||
		(strcmp(route->method, "GET") == 0 && strcmp(method, "HEAD") == 0);
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

static bool
has_role(const User *user, const char *role)
{
	for (int i = 0; i < user->role_count; i++)
	{
		if (strcmp(user->roles[i], role) == 0)
			return true;
	}
	return false;
}

/* The roles that count are those that the user has now, not the token's. */
static const Refusal *
admit(RouteAccess access, HttpRequest *request)
{
	const AccessClaims *claims;
	const char *reason;
	const Refusal *refusal;

	if (access == ROUTE_OPEN)
		return NULL;
	if (http_may_be_forged(request))
		return &http_wrong_content_type;
	refusal = access_token_authenticate(http_access_token(request), &claims, &request->caller,
										&reason);
	if (refusal != NULL)
		return refusal;
	request->session_id = claims->sid;
	if (access == ROUTE_ADMIN &&
		(setting_admin_role[0] == '\0' || !has_role(request->caller, setting_admin_role)))
		return &insufficient_role;
	return NULL;
}

static void
take_route(const Route *route, HttpRequest *request, HttpResponse *response)
{
	const Refusal *refusal = admit(route->access, request);

	if (refusal == NULL)
	{
		route->handler(request, response);
		return;
	}
	add_challenge(response, refusal);
	http_respond_refusal(response, refusal);
}

static void
allow_method(StringInfo allow, const char *method)
{
	appendStringInfo(allow, "%s%s", (allow->len > 0) ? ", " : "", method);
	if (strcmp(method, "GET") == 0)
		appendStringInfoString(allow, ", HEAD");
}

static void
dispatch(HttpRequest *request, HttpResponse *response)
{
	StringInfoData allow;

	initStringInfo(&allow);
	for (size_t i = 0; i < lengthof(routes); i++)
	{
		if (!route_has_path(&routes[i], request))
			continue;
		if (route_has_method(&routes[i], request->method))
		{
			take_route(&routes[i], request, response);
			return;
		}
		allow_method(&allow, routes[i].method);
	}
	if (allow.len > 0)
	{
		http_add_header(response, "Allow", allow.data);
		http_respond_refusal(response, &method_not_allowed);
		return;
	}
	http_respond_refusal(response, &not_found);
}

static void
finish(const HttpRequest *request, HttpResponse *response)
{
	http_add_header(response, "Cache-Control",
					(response->cache_control != NULL) ? response->cache_control : "no-store");
	if (response->body.len > 0)
		http_add_header(response, "Content-Type", "application/json");
	appendStringInfoChar(&response->headers, ']');
	if (strcmp(request->method, "HEAD") == 0)
		resetStringInfo(&response->body);
}

/* The peer's address, or the one that a proxy of ours tells. */
static void
find_client_address(HttpRequest *request)
{
	char	   *forwarded_for = http_header_list(request, "x-forwarded-for");

	if (request->client.has_ip)
		request->client.ip = InetPGetDatum(address_of_client(DatumGetInetPP(request->client.ip),
															 forwarded_for,
															 setting_trusted_proxies));
}

void
http_serve(HttpRequest *request, HttpResponse *response)
{
	find_client_address(request);
	request->client.user_agent = http_header(request, "user-agent");
	initStringInfo(&response->headers);
	appendStringInfoChar(&response->headers, '[');
	initStringInfo(&response->body);
	dispatch(request, response);
	finish(request, response);
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
	request.query = argument_optional_text(fcinfo, 2);
	request.headers = PG_ARGISNULL(3) ? NULL : PG_GETARG_JSONB_P(3);
	request.body = argument_optional_text(fcinfo, 4);
	request.client.has_ip = !PG_ARGISNULL(5);
	request.client.ip = request.client.has_ip ? PG_GETARG_DATUM(5) : (Datum) 0;
	http_serve(&request, &response);

	values[0] = Int32GetDatum(response.status);
	values[1] = JsonbPGetDatum(json_to_jsonb(&response.headers));
	values[2] = CStringGetTextDatum(response.body.data);
	nulls[2] = response.body.len == 0;
	PG_RETURN_DATUM(HeapTupleGetDatum(heap_form_tuple(BlessTupleDesc(tupdesc), values, nulls)));
}
