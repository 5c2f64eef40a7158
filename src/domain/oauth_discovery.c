/*
 * oauth_discovery.c
 *		Reading the discovery document of an OpenID provider (OpenID Connect
 *		Discovery 1.0).
 */
#include "postgres.h"

#include "base/json.h"
#include "base/web_url.h"
#include "domain/oauth_discovery.h"

#define MAX_ENDPOINT 512 /* bytes of a URL in the document; a cookie holds some of them */

bool
oauth_provider_needs_discovery(const OAuthProvider *provider)
{
	const OAuthEndpoints *endpoints = &provider->endpoints;

	return provider->issuer != NULL &&
		   (endpoints->authorization == NULL || endpoints->token == NULL || endpoints->jwks == NULL);
}

/* An entry without a port stands for every port of the host. */
static bool
is_listed_host(const OAuthProvider *provider, const WebUrl *url)
{
	for (int i = 0; i < provider->host_count; i++)
	{
		WebUrl listed;

		if (web_url_read(psprintf("%s://%s", url->scheme, provider->hosts[i]), &listed) &&
			strcmp(listed.host, url->host) == 0 && (!listed.states_port || listed.port == url->port))
			return true;
	}
	return false;
}

/* Whether a document of the issuer may point there. */
static bool
may_point_to(const OAuthProvider *provider, const char *text)
{
	WebUrl issuer;
	WebUrl url;

	if (strlen(text) > MAX_ENDPOINT || !web_url_read(provider->issuer, &issuer) ||
		!web_url_read(text, &url) || url.host[0] == '\0' ||
		strcmp(url.scheme, issuer.scheme) != 0 || strchr(text, '#') != NULL)
		return false;
	return web_url_same_origin(&issuer, &url) || is_listed_host(provider, &url);
}

/* False if the document has the endpoint, but it is invalid. */
static bool
read_endpoint_of(const OAuthProvider *provider, Jsonb *document, const char *name, char **endpoint)
{
	char *url;

	if (*endpoint != NULL || json_member(document, name) == NULL)
		return true;
	url = json_member_string(document, name);
	if (url == NULL || !may_point_to(provider, url))
		return false;
	*endpoint = url;
	return true;
}

/* OpenID Connect Discovery 1.0, section 3: the default is "basic". */
static TokenAuth
stated_token_auth(Jsonb *document)
{
	static const char name[] = "token_endpoint_auth_methods_supported";

	if (!json_member_lists(document, name, "client_secret_basic") &&
		json_member_lists(document, name, "client_secret_post"))
		return TOKEN_AUTH_POST;
	return TOKEN_AUTH_BASIC;
}

bool
oauth_provider_read_discovery(const OAuthProvider *provider, Jsonb *document,
							  OAuthEndpoints *endpoints, TokenAuth *token_auth)
{
	char *issuer = json_member_string(document, "issuer");

	*endpoints = provider->endpoints;
	if (issuer == NULL || strcmp(issuer, provider->issuer) != 0 ||
		!read_endpoint_of(provider, document, "authorization_endpoint", &endpoints->authorization) ||
		!read_endpoint_of(provider, document, "token_endpoint", &endpoints->token) ||
		!read_endpoint_of(provider, document, "userinfo_endpoint", &endpoints->userinfo) ||
		!read_endpoint_of(provider, document, "jwks_uri", &endpoints->jwks))
		return false;
	*token_auth = (provider->token_auth == TOKEN_AUTH_UNSTATED) ? stated_token_auth(document)
																: provider->token_auth;
	return endpoints->authorization != NULL && endpoints->token != NULL && endpoints->jwks != NULL;
}
