/*
 * postgrest.c
 *		The routes as functions for PostgREST, and its check before a request.
 *
 * PostgREST runs a request as one transaction.  It describes the request in
 * settings (request.method, request.headers, ...) and takes the response's
 * status and headers from two others.  Every role may write these settings, so
 * they are treated as untrusted input.
 */
#include "postgres.h"

#include <time.h>

#include "fmgr.h"
#include "miscadmin.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/guc.h"
#include "utils/lsyscache.h"

#include "base/address.h"
#include "base/arguments.h"
#include "base/client_message.h"
#include "base/json.h"
#include "compat.h"
#include "http/cross_origin.h"
#include "http/router.h"
#include "http/token_cookies.h"
#include "identity/access_token.h"
#include "identity/identity.h"
#include "identity/postgrest_claims.h"
#include "settings.h"

PG_FUNCTION_INFO_V1(authfort_api_route);
PG_FUNCTION_INFO_V1(authfort_api_pre_request);

/*
 * The proxy in front of PostgREST sends the requested address in this header,
 * because a function called by PostgREST sees neither path segments nor query.
 */
#define URI_HEADER "x-original-uri"

/*
 * On open routes, that proxy sends Authorization in this header only, because
 * PostgREST would refuse an expired token or the secret of a service.
 */
#define AUTHORIZATION_HEADER "x-original-authorization"

/* NULL if it was not set, or is empty. */
static const char *
request_setting(const char *name)
{
	const char *value = GetConfigOption(name, true, false);

	return (value == NULL || value[0] == '\0') ? NULL : value;
}

/* NULL unless it is a JSON object. */
static Jsonb *
request_object(const char *name)
{
	const char *text = request_setting(name);
	Jsonb *object;

	if (text == NULL || json_read_object(text, strlen(text), &object) != JSON_READ)
		return NULL;
	return object;
}

/*
 * PostgREST does not report its peer's address.  If authfort.trusted_proxies
 * is set, the peer is assumed to be one of them.
 */
static void
read_client_address(HttpRequest *request)
{
	inet *client = address_of_forwarded_client(http_header_list(request, "x-forwarded-for"),
											   setting_trusted_proxies);

	request->client.has_ip = client != NULL;
	request->client.ip = InetPGetDatum(client);
}

/* A request without cookies has an empty object, not a Cookie header. */
static void
read_request(HttpRequest *request, const char *default_method)
{
	const char *method = request_setting("request.method");
	Jsonb *headers = request_object("request.headers");

	memset(request, 0, sizeof(*request));
	request->method = (method != NULL) ? method : default_method;
	if (headers != NULL)
		headers_read_jsonb(&request->headers, headers);
	request->cookies = request_object("request.cookies");
	read_client_address(request);
}

/*
 * The requested path and query.  Without the header it is the route's own
 * path, which is enough if it has no {segment}.
 */
static void
read_uri(HttpRequest *request, const Route *route)
{
	char *uri = http_header(request, URI_HEADER);
	char *query;

	if (uri == NULL)
	{
		request->path = psprintf("%s%s", route->rooted ? "" : setting_http_prefix, route->path);
		return;
	}
	query = strchr(uri, '?');
	if (query != NULL)
		*query++ = '\0';
	request->path = uri;
	request->query = query;
}

/* A client that sends this header itself could have sent Authorization. */
static void
read_withheld_authorization(HttpRequest *request)
{
	char *value = http_header(request, AUTHORIZATION_HEADER);

	if (value != NULL && http_header(request, "authorization") == NULL)
		headers_add(&request->headers, "authorization", value);
}

static void
set_locally(const char *name, const char *value)
{
	(void) set_config_option(name, value, PGC_USERSET, PGC_S_SESSION, GUC_ACTION_LOCAL, true, 0,
							 false);
}

/* The route that has the name of the called function. */
static const Route *
called_route(FunctionCallInfo fcinfo)
{
	const Route *route = fcinfo->flinfo->fn_extra;

	if (route == NULL)
	{
		char *name = get_func_name(fcinfo->flinfo->fn_oid);

		route = (name != NULL) ? http_find_route(name) : NULL;
		if (route == NULL)
			ereport(ERROR,
					(errcode(ERRCODE_UNDEFINED_FUNCTION),
					 errmsg("there is no route of this function's name")));
		fcinfo->flinfo->fn_extra = unconstify(Route *, route);
	}
	return route;
}

/* authfort_api.ROUTE(json) -> json: serves a route through PostgREST. */
Datum
authfort_api_route(PG_FUNCTION_ARGS)
{
	const Route *route = called_route(fcinfo);
	HttpRequest request;
	HttpResponse response = {0};
	StringInfoData headers;

	client_message_mark();
	read_request(&request, (strcmp(route->method, "GET") == 0) ? "GET" : "POST");
	read_uri(&request, route);
	if (route->access == ROUTE_OPEN)
		read_withheld_authorization(&request);
	request.claims = identity_caller();
	if (PG_NARGS() > 0 && !PG_ARGISNULL(0))
		request.body = argument_optional_secret(fcinfo, 0);
	http_serve_route(route, &request, &response);

	set_locally("response.status", psprintf("%d", response.status));
	initStringInfo(&headers);
	headers_write_json(&response.headers, &headers);
	set_locally("response.headers", headers.data);
	if (response.body.len == 0)
		PG_RETURN_NULL();
	PG_RETURN_TEXT_P(cstring_to_text_with_len(response.body.data, response.body.len));
}

/*
 * Ends the request with a custom response, by PostgREST's SQLSTATE for that:
 * the body is the message, and the rest the detail.
 */
static _Noreturn void
raise_response(int status, const Refusal *refusal)
{
	StringInfoData body;
	StringInfoData rest;

	initStringInfo(&body);
	json_open(&body);
	json_write_string(&body, "code", refusal->code);
	json_write_string(&body, "message", refusal->message);
	json_close(&body);

	initStringInfo(&rest);
	json_open(&rest);
	json_write_integer(&rest, "status", status);
	json_name(&rest, "headers");
	json_open(&rest);
	if (status == 401)
		json_write_string(&rest, "WWW-Authenticate", http_challenge(refusal));
	json_write_string(&rest, "Cache-Control", "no-store");
	json_close(&rest);
	json_close(&rest);

	ereport(ERROR,
			(errcode(MAKE_SQLSTATE('P', 'G', 'R', 'S', 'T')),
			 errmsg_internal("%s", body.data),
			 errdetail_internal("%s", rest.data)));
}

/*
 * Whether the path is that of an open route, which an outdated token must not
 * block, or of one that takes a challenge instead of an access token.  It may
 * also be a function of the application with that name: PostgREST reports the
 * schema only in headers, and of a duplicate header not the one that it used.
 */
static bool
asks_for_open_route(void)
{
	const char *path = request_setting("request.path");
	const Route *route;

	if (path == NULL || strncmp(path, "/rpc/", 5) != 0)
		return false;
	route = http_find_route(path + 5);
	return route != NULL && (route->access == ROUTE_OPEN || route->access == ROUTE_ENROLLING);
}

/*
 * Refuses the request because of its token, except on an open route, which
 * continues without an identity.
 */
static void
raise_refusal(const Refusal *refusal)
{
	if (!asks_for_open_route())
		raise_response(401, refusal);
	set_locally("request.jwt.claims", "");
	set_locally("authfort.jwt", "");
}

/*
 * Whether request.jwt.claims has more than that of an anonymous request, which
 * is at most the name of a role.
 */
static bool
claims_name_user(void)
{
	const char *text = postgrest_claims_text();
	Jsonb *claims;

	if (text == NULL)
		return false;
	return json_read_foreign_object(text, strlen(text), &claims) != JSON_READ ||
		   json_member(claims, "sub") != NULL || json_member(claims, "purpose") != NULL;
}

/*
 * The reason why a token that PostgREST has verified gives no identity.
 * PostgREST accepts a token until 30 seconds after its expiry.
 */
static const Refusal *
refusal_of_claims(void)
{
	AccessClaims claims;

	if (!postgrest_claims_trusted())
		ereport(ERROR,
				(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
				 errmsg("role \"%s\" is not a trusted authenticator",
						GetUserNameFromId(GetSessionUserId(), false)),
				 errhint("authfort.setup_postgrest() adds it to \"authfort.trusted_authenticators\".")));
	if (access_claims_read(postgrest_claims_text(), &claims) == NULL && claims.exp <= time(NULL))
		return &refusal_token_expired;
	return &refusal_token_invalid;
}

/* The database role named in the token, if the session may switch to it. */
static void
take_role(const AccessClaims *claims)
{
	char *name = json_member_string(claims->json, "role");
	Oid role = (name != NULL) ? get_role_oid(name, true) : InvalidOid;

	if (OidIsValid(role) && compat_may_set_role(GetSessionUserId(), role))
		set_locally("role", name);
}

/* PostgREST runs these READ ONLY, whatever they call. */
static bool
only_reads(void)
{
	const char *method = request_setting("request.method");

	return method != NULL && (strcmp(method, "GET") == 0 || strcmp(method, "HEAD") == 0);
}

static const Refusal *
refusal_of_origin(void)
{
	HttpRequest request;

	read_request(&request, "POST");
	return cross_origin_check(&request);
}

/*
 * An access token that came as a cookie, which PostgREST ignores.  Open routes
 * need no identity, and check cookie-authenticated requests themselves.
 */
static void
accept_cookie(void)
{
	HttpRequest request = {0};
	char *token;
	const AccessClaims *claims;
	const char *reason;
	const Refusal *refusal = NULL;

	/* most requests have no cookies, so their headers need not be parsed */
	request.cookies = request_object("request.cookies");
	if (request.cookies == NULL)
		return;
	token = token_cookie_access(&request).value;
	if (token == NULL || asks_for_open_route())
		return;
	if (!only_reads())
		refusal = refusal_of_origin();
	if (refusal != NULL)
		raise_response(refusal->status, refusal);
	refusal = access_token_verify(token, &claims, &reason);
	if (refusal == NULL)
		refusal = access_claims_check(claims, &reason);
	if (refusal != NULL)
		raise_response(401, refusal);
	set_locally("authfort.jwt", token);
	take_role(claims);
}

/*
 * authfort_api.pre_request(): PostgREST calls it before each request.
 *
 * It runs as its caller, because a function that runs as its owner cannot set
 * the role.  It needs no search_path setting, because it resolves no names
 * with it.
 */
Datum
authfort_api_pre_request(PG_FUNCTION_ARGS)
{
	const AccessClaims *claims;
	const Refusal *refusal = NULL;
	const char *reason;

	client_message_mark();
	claims = identity_caller();
	if (claims != NULL)
		refusal = access_claims_check(claims, &reason);
	else if (claims_name_user())
		refusal = refusal_of_claims();
	else if (setting_cookies)
		accept_cookie();
	if (refusal != NULL)
		raise_refusal(refusal);
	PG_RETURN_VOID();
}
