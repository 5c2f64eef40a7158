/*
 * router.c
 *		The router: finds the handler of a request.
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "fmgr.h"
#include "funcapi.h"
#include "mb/pg_wchar.h"
#include "utils/builtins.h"
#include "utils/tuplestore.h"

#include "base/address.h"
#include "base/unicode.h"
#include "flow/mfa_challenge.h"
#include "http/cross_origin.h"
#include "http/router.h"
#include "http/token_cookies.h"
#include "http/url.h"
#include "identity/access_token.h"
#include "settings.h"

PG_FUNCTION_INFO_V1(authfort_routes);

const Refusal http_not_found = {"not_found", "This path does not exist", 404};
static const Refusal method_not_allowed = {"method_not_allowed",
										   "This path does not support this method", 405};
static const Refusal insufficient_role = {"insufficient_role",
										  "This requires a role that you do not have", 403};
static const Refusal cookies_conflict = {"token_invalid", "Cookies of several sessions were sent",
										 401};

static const Route routes[] = {
	{"signup", "POST", "/signup", ROUTE_OPEN, handle_signup},
	{"login", "POST", "/login", ROUTE_OPEN, handle_login},
	{"refresh", "POST", "/refresh", ROUTE_OPEN, handle_refresh},
	{"logout", "POST", "/logout", ROUTE_OPEN, handle_logout},
	{"me", "GET", "/me", ROUTE_SIGNED_IN, handle_me},
	{"update_me", "PATCH", "/me", ROUTE_SIGNED_IN, handle_update_me},
	{"delete_me", "DELETE", "/me", ROUTE_SIGNED_IN, handle_delete_me},
	{"change_email", "POST", "/change-email", ROUTE_SIGNED_IN, handle_change_email},
	{"confirm_email_change", "POST", "/change-email/confirm", ROUTE_OPEN, handle_confirm_email_change},
	{"undo_email_change", "POST", "/change-email/undo", ROUTE_OPEN, handle_undo_email_change},
	{"reauthenticate", "POST", "/reauthenticate", ROUTE_SIGNED_IN, handle_reauthenticate},
	{"reauthentication_code", "POST", "/reauthenticate/code", ROUTE_SIGNED_IN,
	 handle_request_reauthentication_code},
	{"forgot_password", "POST", "/forgot-password", ROUTE_OPEN, handle_forgot_password},
	{"reset_password", "POST", "/reset-password", ROUTE_OPEN, handle_reset_password},
	{"change_password", "POST", "/change-password", ROUTE_SIGNED_IN, handle_change_password},
	{"set_password", "POST", "/set-password", ROUTE_SIGNED_IN, handle_set_password},
	{"resend_verification", "POST", "/resend-verification", ROUTE_OPEN, handle_resend_verification},
	{"verify_email", "POST", "/verify-email", ROUTE_OPEN, handle_verify_email},
	{"oauth_providers", "GET", "/oauth/providers", ROUTE_OPEN, handle_oauth_providers},
	{"oauth_token", "POST", "/oauth/token", ROUTE_OPEN, handle_oauth_token},
	{"oauth_authorize", "GET", "/oauth/{provider}/authorize", ROUTE_OPEN, handle_oauth_authorize},
	{"oauth_callback", "GET", "/oauth/{provider}/callback", ROUTE_OPEN, handle_oauth_callback},
	{"oauth_callback_form", "POST", "/oauth/{provider}/callback", ROUTE_OPEN,
	 handle_oauth_callback_form},
	{"oauth_id_token", "POST", "/oauth/{provider}/id-token", ROUTE_OPEN, handle_oauth_id_token},
	{"oauth_link", "POST", "/oauth/{provider}/link", ROUTE_SIGNED_IN, handle_oauth_link},
	{"own_identities", "GET", "/identities", ROUTE_SIGNED_IN, handle_own_identities},
	{"unlink_identity", "DELETE", "/identities/{provider}", ROUTE_SIGNED_IN, handle_unlink_identity},
	{"magic_link", "POST", "/magic-link", ROUTE_OPEN, handle_magic_link},
	{"verify_magic_link", "POST", "/magic-link/verify", ROUTE_OPEN, handle_verify_magic_link},
	{"accept_invitation", "POST", "/accept-invitation", ROUTE_OPEN, handle_accept_invitation},
	{"otp", "POST", "/otp", ROUTE_OPEN, handle_otp},
	{"verify_otp", "POST", "/otp/verify", ROUTE_OPEN, handle_verify_otp},
	{"own_sessions", "GET", "/sessions", ROUTE_SIGNED_IN, handle_own_sessions},
	{"revoke_other_sessions", "DELETE", "/sessions", ROUTE_SIGNED_IN, handle_revoke_other_sessions},
	{"revoke_own_session", "DELETE", "/sessions/{id}", ROUTE_SIGNED_IN, handle_revoke_own_session},
	{"passkey_register_options", "POST", "/passkeys/register/options", ROUTE_ENROLLING,
	 handle_passkey_register_options},
	{"passkey_register", "POST", "/passkeys/register/verify", ROUTE_ENROLLING, handle_passkey_register},
	{"passkey_login_options", "POST", "/passkeys/login/options", ROUTE_OPEN,
	 handle_passkey_login_options},
	{"passkey_login", "POST", "/passkeys/login/verify", ROUTE_OPEN, handle_passkey_login},
	{"passkey_mfa_options", "POST", "/passkeys/mfa/options", ROUTE_OPEN, handle_passkey_mfa_options},
	{"passkey_mfa", "POST", "/passkeys/mfa/verify", ROUTE_OPEN, handle_passkey_mfa},
	{"passkey_step_up_options", "POST", "/passkeys/step-up/options", ROUTE_SIGNED_IN,
	 handle_passkey_step_up_options},
	{"passkey_reauthenticate_options", "POST", "/passkeys/reauthenticate/options", ROUTE_SIGNED_IN,
	 handle_passkey_reauthenticate_options},
	{"own_passkeys", "GET", "/passkeys", ROUTE_SIGNED_IN, handle_own_passkeys},
	{"rename_passkey", "PATCH", "/passkeys/{id}", ROUTE_SIGNED_IN, handle_rename_passkey},
	{"remove_passkey", "DELETE", "/passkeys/{id}", ROUTE_SIGNED_IN, handle_remove_passkey},
	{"mfa_init", "POST", "/mfa/init", ROUTE_ENROLLING, handle_mfa_init},
	{"mfa_confirm", "POST", "/mfa/confirm", ROUTE_ENROLLING, handle_mfa_confirm},
	{"mfa_verify", "POST", "/mfa/verify", ROUTE_OPEN, handle_mfa_verify},
	{"mfa_disable", "POST", "/mfa/disable", ROUTE_SIGNED_IN, handle_mfa_disable},
	{"mfa_regenerate", "POST", "/mfa/backup-codes/regenerate", ROUTE_SIGNED_IN, handle_mfa_regenerate},
	{"mfa_status", "GET", "/mfa/status", ROUTE_SIGNED_IN, handle_mfa_status},
	{"mfa_step_up", "POST", "/mfa/step-up", ROUTE_SIGNED_IN, handle_mfa_step_up},
	{"list_users", "GET", "/admin/users", ROUTE_ADMIN, handle_list_users},
	{"create_user", "POST", "/admin/users", ROUTE_ADMIN, handle_create_user},
	{"get_user", "GET", "/admin/users/{id}", ROUTE_ADMIN, handle_get_user},
	{"update_user", "PATCH", "/admin/users/{id}", ROUTE_ADMIN, handle_update_user},
	{"delete_user", "DELETE", "/admin/users/{id}", ROUTE_ADMIN, handle_delete_user},
	{"ban_user", "PUT", "/admin/users/{id}/ban", ROUTE_ADMIN, handle_ban_user},
	{"unban_user", "DELETE", "/admin/users/{id}/ban", ROUTE_ADMIN, handle_unban_user},
	{"reset_mfa", "DELETE", "/admin/users/{id}/mfa", ROUTE_ADMIN, handle_reset_mfa},
	{"add_role", "PUT", "/admin/users/{id}/roles/{role}", ROUTE_ADMIN, handle_add_role},
	{"remove_role", "DELETE", "/admin/users/{id}/roles/{role}", ROUTE_ADMIN, handle_remove_role},
	{"user_sessions", "GET", "/admin/users/{id}/sessions", ROUTE_ADMIN, handle_user_sessions},
	{"revoke_user_sessions", "DELETE", "/admin/users/{id}/sessions", ROUTE_ADMIN,
	 handle_revoke_user_sessions},
	{"user_passkeys", "GET", "/admin/users/{id}/passkeys", ROUTE_ADMIN, handle_user_passkeys},
	{"remove_user_passkey", "DELETE", "/admin/users/{id}/passkeys/{passkey}", ROUTE_ADMIN,
	 handle_remove_user_passkey},
	{"revoke_session", "DELETE", "/admin/sessions/{id}", ROUTE_ADMIN, handle_revoke_session},
	{"invite_user", "POST", "/admin/invitations", ROUTE_ADMIN, handle_invite_user},
	{"list_keys", "GET", "/admin/keys", ROUTE_ADMIN, handle_list_keys},
	{"rotate_key", "POST", "/admin/keys/rotate", ROUTE_ADMIN, handle_rotate_key},
	{"prepare_key", "POST", "/admin/keys/prepare", ROUTE_ADMIN, handle_prepare_key},
	{"introspect", "POST", "/introspect", ROUTE_OPEN, handle_introspect},
	{"revoke", "POST", "/revoke", ROUTE_OPEN, handle_revoke},
	{"openid_configuration", "GET", "/.well-known/openid-configuration", ROUTE_OPEN,
	 handle_openid_configuration, true},
	{"jwks", "GET", "/.well-known/jwks.json", ROUTE_OPEN, handle_jwks, true},
	{"related_origins", "GET", "/.well-known/webauthn", ROUTE_OPEN, handle_related_origins, true},
};

/*
 * Decodes one segment of a path; NULL if it cannot be text of this database.
 */
static char *
decode_segment(const char *segment, size_t len)
{
	char *text = palloc(len + 1);

	if (!url_decode(segment, len, false, text) || !pg_verifymbstr(text, strlen(text), true))
		return NULL;
	return text;
}

/*
 * Matches a request path against a route's pattern and stores the {name}
 * segments.  One trailing slash is ignored.
 */
static bool
match_path(const char *pattern, const char *path, HttpRequest *request)
{
	int count = 0;

	while (*pattern == '/' && *path == '/')
	{
		size_t pattern_len = strcspn(++pattern, "/");
		size_t len = strcspn(++path, "/");

		if (*pattern == '{')
		{
			char *text = (len > 0) ? decode_segment(path, len) : NULL;

			if (text == NULL)
				return false;
			request->segments[count++] = text;
		}
		else if (len != pattern_len || memcmp(path, pattern, len) != 0)
			return false;
		pattern += pattern_len;
		path += len;
	}
	return *pattern == '\0' && (*path == '\0' || strcmp(path, "/") == 0);
}

static bool
route_has_path(const Route *route, HttpRequest *request)
{
	size_t prefix_len = route->rooted ? 0 : strlen(setting_http_prefix);

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
const char *
http_challenge(const Refusal *refusal)
{
	return (refusal == &refusal_token_missing) ? "Bearer" : "Bearer error=\"invalid_token\"";
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

/*
 * The token of the request: that of "Authorization: Bearer", otherwise that of
 * the access cookie, or NULL.
 */
static const Refusal *
find_access_token(HttpRequest *request, char **token)
{
	TokenCookie cookie;

	*token = http_bearer_token(request);
	if (*token != NULL)
		return NULL;
	cookie = token_cookie_access(request);
	*token = cookie.value;
	request->by_cookie = cookie.value != NULL;
	return (cookie.conflict && cookie.rank == COOKIE_LIVE) ? &cookies_conflict : NULL;
}

/* Sets the request's caller, from its token or previously verified claims. */
static const Refusal *
authenticate_request(HttpRequest *request)
{
	const AccessClaims *claims = request->claims;
	char *token;
	const char *reason;
	const Refusal *refusal = find_access_token(request, &token);

	if (refusal != NULL)
		return refusal;
	if (token == NULL && claims != NULL)
		refusal = access_claims_authenticate(claims, &request->caller, &reason);
	else
		refusal = access_token_authenticate(token, &claims, &request->caller, &reason);
	if (refusal == NULL)
		request->session_id = claims->sid;
	return refusal;
}

/*
 * A token that would be refused elsewhere, or a cookie that a page of another
 * site makes the browser send, is as good as none here.
 */
void
http_identify_caller(HttpRequest *request)
{
	if (http_bearer_token(request) == NULL && token_cookies_has_access(request) &&
		cross_origin_check(request) != NULL)
		return;
	if (authenticate_request(request) != NULL)
		request->caller = NULL;
}

const pg_uuid_t *
http_own_session(HttpRequest *request)
{
	http_identify_caller(request);
	return (request->caller != NULL) ? &request->session_id : NULL;
}

/*
 * A challenge is the member mfa_token of the body, or a bearer token of its
 * type.  Finding one is not yet verifying it.
 */
static bool
find_challenge(HttpRequest *request)
{
	char *bearer = http_bearer_token(request);

	request->mfa_token = http_body_string(request, "mfa_token");
	if (request->mfa_token == NULL && bearer != NULL && mfa_challenge_is_token(bearer))
		request->mfa_token = bearer;
	return request->mfa_token != NULL;
}

static bool
changes_something(const Route *route)
{
	return strcmp(route->method, "GET") != 0;
}

/* Checks the user's current roles, not those in the token. */
static const Refusal *
authorize_route(const Route *route, HttpRequest *request)
{
	const Refusal *refusal = NULL;

	if (route->access == ROUTE_OPEN)
		return NULL;
	if (route->access == ROUTE_ENROLLING && find_challenge(request))
		return NULL;
	if (changes_something(route) && http_bearer_token(request) == NULL &&
		token_cookies_has_access(request))
		refusal = cross_origin_check(request);
	if (refusal == NULL)
		refusal = authenticate_request(request);
	if (refusal != NULL)
		return refusal;
	if (route->access == ROUTE_ADMIN &&
		(setting_admin_role[0] == '\0' ||
		 !has_role(request->caller, unicode_compose(setting_admin_role))))
		return &insufficient_role;
	return NULL;
}

static void
take_route(const Route *route, HttpRequest *request, HttpResponse *response)
{
	const Refusal *refusal = authorize_route(route, request);

	if (refusal == NULL)
	{
		route->handler(request, response);
		return;
	}
	if (refusal->status == 401)
		http_add_header(response, "WWW-Authenticate", http_challenge(refusal));
	http_respond_refusal(response, refusal);
}

static void
allow_method(StringInfo allow, const char *method)
{
	appendStringInfo(allow, "%s%s", (allow->len > 0) ? ", " : "", method);
	if (strcmp(method, "GET") == 0)
		appendStringInfoString(allow, ", HEAD");
}

/*
 * Whether a {name} at the end of the path is empty in a request to delete: a
 * client that has lost an id must not delete everything.
 */
static bool
deletes_without_name(const HttpRequest *request)
{
	size_t len = strlen(request->path);
	HttpRequest named = *request;

	if (strcmp(request->method, "DELETE") != 0 || len == 0 || request->path[len - 1] != '/')
		return false;
	named.path = psprintf("%sx", request->path);
	for (size_t i = 0; i < lengthof(routes); i++)
	{
		if (strcmp(routes[i].method, "DELETE") == 0 && route_has_path(&routes[i], &named))
			return true;
	}
	return false;
}

static void
dispatch_request(HttpRequest *request, HttpResponse *response)
{
	StringInfoData allow;

	if (deletes_without_name(request))
	{
		http_respond_refusal(response, &http_not_found);
		return;
	}
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
	if (allow.len > 0 && cors_is_preflight(request))
	{
		cors_respond_preflight(request, allow.data, response);
		return;
	}
	if (allow.len > 0)
	{
		http_add_header(response, "Allow", allow.data);
		http_respond_refusal(response, &method_not_allowed);
		return;
	}
	http_respond_refusal(response, &http_not_found);
}

void
http_begin_response(const HttpRequest *request, HttpResponse *response)
{
	response->request = request;
	initStringInfo(&response->body);
}

void
http_complete_response(const HttpRequest *request, HttpResponse *response)
{
	http_add_header(response, "Cache-Control",
					(response->cache_control != NULL) ? response->cache_control : "no-store");
	if (response->body.len > 0)
		http_add_header(response, "Content-Type",
						(response->content_type != NULL) ? response->content_type
														 : "application/json");
	if (strcmp(request->method, "HEAD") == 0)
		resetStringInfo(&response->body);
}

/* The peer's address, or the one that a trusted proxy reports. */
static void
find_client_address(HttpRequest *request)
{
	char *forwarded_for = http_header_list(request, "x-forwarded-for");

	if (request->client.has_ip)
		request->client.ip = InetPGetDatum(address_of_client(DatumGetInetPP(request->client.ip),
															 forwarded_for, setting_trusted_proxies));
}

void
http_serve(HttpRequest *request, HttpResponse *response)
{
	find_client_address(request);
	request->client.user_agent = http_header(request, "user-agent");
	http_begin_response(request, response);
	cors_add_headers(request, response);
	dispatch_request(request, response);
	http_complete_response(request, response);
}

const Route *
http_find_route(const char *name)
{
	for (size_t i = 0; i < lengthof(routes); i++)
	{
		if (strcmp(routes[i].name, name) == 0)
			return &routes[i];
	}
	return NULL;
}

void
http_serve_route(const Route *route, HttpRequest *request, HttpResponse *response)
{
	request->client.user_agent = http_header(request, "user-agent");
	http_begin_response(request, response);
	if (!route_has_path(route, request))
		http_respond_refusal(response, &http_not_found);
	else if (changes_something(route) && strcmp(request->method, "POST") != 0)
	{
		/* a link on any page is followed with GET, and with the visitor's cookies */
		http_add_header(response, "Allow", "POST");
		http_respond_refusal(response, &method_not_allowed);
	}
	else
		take_route(route, request, response);
	http_complete_response(request, response);
}

static const char *
access_name(RouteAccess access)
{
	switch (access)
	{
		case ROUTE_SIGNED_IN:
		case ROUTE_ENROLLING:
			return "signed_in";
		case ROUTE_ADMIN:
			return "admin";
		case ROUTE_OPEN:
			break;
	}
	return "open";
}

/* routes() -> setof (name, method, path, access) */
Datum
authfort_routes(PG_FUNCTION_ARGS)
{
	ReturnSetInfo *result = (ReturnSetInfo *) fcinfo->resultinfo;

	InitMaterializedSRF(fcinfo, 0);
	for (size_t i = 0; i < lengthof(routes); i++)
	{
		const Route *route = &routes[i];
		char *path = psprintf("%s%s", route->rooted ? "" : setting_http_prefix, route->path);
		Datum values[4] = {
			CStringGetTextDatum(route->name),
			CStringGetTextDatum(route->method),
			CStringGetTextDatum(path),
			CStringGetTextDatum(access_name(route->access)),
		};
		bool nulls[4] = {false};

		tuplestore_putvalues(result->setResult, result->setDesc, values, nulls);
	}
	return (Datum) 0;
}
