/*
 * introspection.c
 *		HTTP: introspection (RFC 7662) and revocation (RFC 7009) of tokens, and
 *		the document that names these routes (OpenID Connect Discovery 1.0).
 */
#include "postgres.h"

#include <sodium.h>

#include "base/json.h"
#include "base/secret.h"
#include "domain/rate_limit.h"
#include "domain/service_tokens.h"
#include "domain/signing_keys.h"
#include "flow/introspection.h"
#include "http/form.h"
#include "http/rfc_refusal.h"
#include "http/router.h"
#include "http/url.h"
#include "identity/access_token.h"
#include "settings.h"

/* Splits "user:password" in place. */
static bool
split_credentials(char *credentials, char **name, char **secret)
{
	char *colon = strchr(credentials, ':');

	if (colon == NULL)
		return false;
	*colon = '\0';
	*name = credentials;
	*secret = colon + 1;
	return true;
}

/* The decoded form of a text, or the text if it is not escaped. */
static char *
unescape(const char *text)
{
	size_t len = strlen(text);
	char *decoded = secret_copy(text, len);

	return url_decode(text, len, true, decoded) ? decoded : pstrdup(text);
}

/*
 * Both are escaped as in a form (RFC 6749, section 2.3.1), but not by every
 * client.  So both forms are tried.
 */
static bool
find_by_credentials(char *credentials, ServiceToken *service)
{
	char *name;
	char *secret;

	return split_credentials(credentials, &name, &secret) &&
		   (service_tokens_find(name, secret, service) ||
			service_tokens_find(unescape(name), unescape(secret), service));
}

/* RFC 7617 */
static bool
find_by_basic(const char *encoded, ServiceToken *service)
{
	size_t size = strlen(encoded) + 1;
	char *credentials = palloc0(size);
	size_t len;
	bool found;

	found = sodium_base642bin((unsigned char *) credentials, size - 1, encoded, strlen(encoded),
							  NULL, &len, NULL, sodium_base64_VARIANT_ORIGINAL) == 0 &&
			memchr(credentials, '\0', len) == NULL && find_by_credentials(credentials, service);
	sodium_memzero(credentials, size);
	return found;
}

/* The service whose secret the request carries, as Bearer or Basic. */
static bool
find_service(const HttpRequest *request, ServiceToken *service)
{
	char *bearer = http_bearer_token(request);
	char *basic = http_credentials(request, "Basic");

	if (bearer != NULL)
		return service_tokens_find(NULL, bearer, service);
	return basic != NULL && find_by_basic(basic, service);
}

/*
 * RFC 6749, section 5.2: the challenge is of the scheme that the client used.
 * Only wrong secrets are counted, so that attempts from the same address do not
 * keep a service out.
 */
static void
refuse_service(const HttpRequest *request, HttpResponse *response)
{
	bool basic = http_credentials(request, "Basic") != NULL;
	const Refusal *limit = NULL;

	if (http_header(request, "authorization") != NULL)
		limit = rate_limit_check_address(RATE_LIMIT_INTROSPECT, NULL, &request->client);
	if (limit != NULL)
	{
		http_respond_rfc_refusal(response, limit, "invalid_client");
		return;
	}
	http_add_header(response, "WWW-Authenticate", basic ? "Basic realm=\"authfort\"" : "Bearer");
	http_respond_rfc_refusal(response, &refusal_unauthorized, "invalid_client");
}

static bool
read_token(HttpRequest *request, BodyField *field, HttpResponse *response)
{
	*field = (BodyField){
		"token",
		true,
	};
	if (http_read_body_or_form(request, field, 1, response))
		return true;
	http_complete_rfc_faults(response);
	return false;
}

/* Every service has one of the two scopes. */
static IntrospectionScope
scope_of_service(const ServiceToken *service)
{
	if (!service_token_has_scope(service, SCOPE_INTROSPECT_REFRESH))
		return INTROSPECT_ACCESS_TOKENS;
	if (!service_token_has_scope(service, SCOPE_INTROSPECT))
		return INTROSPECT_REFRESH_TOKENS;
	return INTROSPECT_BOTH;
}

void
handle_introspect(HttpRequest *request, HttpResponse *response)
{
	ServiceToken service;
	BodyField token;

	if (!find_service(request, &service))
	{
		refuse_service(request, response);
		return;
	}
	if (!read_token(request, &token, response))
		return;
	service_tokens_note_use(&service);
	response->status = 200;
	introspection_append(&response->body, token.value, scope_of_service(&service));
}

/* A client may send the access token that it has anyway. */
static bool
has_access_token(const HttpRequest *request)
{
	char *bearer = http_bearer_token(request);
	const AccessClaims *claims;
	const char *reason;

	return bearer != NULL && access_token_verify(bearer, &claims, &reason) == NULL;
}

/*
 * The holder of a token may end it, as at /logout.  So a client needs no
 * credentials, but those that it sends must be right.
 */
void
handle_revoke(HttpRequest *request, HttpResponse *response)
{
	ServiceToken service;
	BodyField token;

	if (http_header(request, "authorization") != NULL && !has_access_token(request))
	{
		if (!find_service(request, &service))
		{
			refuse_service(request, response);
			return;
		}
		service_tokens_note_use(&service);
	}
	if (!read_token(request, &token, response))
		return;
	flow_revoke_token(token.value, &request->client);
	http_respond_message(response, "The token is not valid any more");
}

/*
 * The URL under which clients reach the routes, without a slash at its end:
 * never made from Host, which a client can choose and a cache may ignore.
 */
static char *
public_base(void)
{
	const char *url = (setting_public_url[0] != '\0') ? setting_public_url : setting_jwt_issuer;
	char *base = pstrdup(url);
	size_t len = strlen(base);

	if (strncmp(base, "https://", 8) != 0 && strncmp(base, "http://", 7) != 0)
		return NULL;
	while (len > 0 && base[len - 1] == '/')
		base[--len] = '\0';
	return base;
}

static const Refusal no_public_url = {"not_found", "The setting authfort.public_url is empty", 404};

void
handle_openid_configuration(HttpRequest *request, HttpResponse *response)
{
	StringInfo out = &response->body;
	char *base = public_base();
	static char *const subject_types[] = {"public"};
	static char *const auth_methods[] = {"client_secret_basic"};

	if (base == NULL)
	{
		http_respond_refusal(response, &no_public_url);
		return;
	}
	response->status = 200;
	response->cache_control = "public, max-age=3600";
	json_open(out);
	json_write_string(out, "issuer", setting_jwt_issuer);
	json_write_string(out, "jwks_uri", psprintf("%s/.well-known/jwks.json", base));
	json_write_string(out, "introspection_endpoint",
					  psprintf("%s%s/introspect", base, setting_http_prefix));
	json_write_strings(out, "introspection_endpoint_auth_methods_supported", auth_methods, 1);
	json_write_string(out, "revocation_endpoint", psprintf("%s%s/revoke", base, setting_http_prefix));
	json_write_strings(out, "response_types_supported", NULL, 0);
	json_write_strings(out, "subject_types_supported", subject_types, 1);
	signing_keys_append_algorithms(out, "id_token_signing_alg_values_supported");
	json_close(out);
}
