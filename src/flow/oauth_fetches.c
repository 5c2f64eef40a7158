/*
 * oauth_fetches.c
 *		The requests to a provider.
 */
#include "postgres.h"

#include <sodium.h>

#include "utils/timestamp.h"

#include "base/json.h"
#include "base/secret.h"
#include "base/uuid_v7.h"
#include "base/web_url.h"
#include "crypto/jwt.h"
#include "flow/oauth_fetches.h"
#include "settings.h"

#define USER_AGENT "authfort" /* GitHub refuses requests without one */
#define BASIC "Basic "
#define ASSERTION_TTL 60 /* seconds */

static Fetch *
begin_fetch(const char *method, const char *url)
{
	Fetch *fetch = palloc0(sizeof(Fetch));

	fetch->method = method;
	fetch->url = url;
	return fetch;
}

static void
add_fetch_header(Fetch *fetch, const char *name, const char *value)
{
	Assert(fetch->header_count < FETCH_MAX_HEADERS);
	fetch->headers[fetch->header_count].name = name;
	fetch->headers[fetch->header_count++].value = value;
}

static Fetch *
begin_json_fetch(const char *method, const char *url)
{
	Fetch *fetch = begin_fetch(method, url);

	add_fetch_header(fetch, "accept", "application/json");
	add_fetch_header(fetch, "user-agent", USER_AGENT);
	return fetch;
}

Fetch *
oauth_fetch_document(const char *url)
{
	return begin_json_fetch("GET", url);
}

Fetch *
oauth_fetch_as_bearer(const char *url, const char *access_token)
{
	Fetch *fetch = begin_json_fetch("GET", url);

	add_fetch_header(fetch, "authorization", psprintf("Bearer %s", access_token));
	return fetch;
}

char *
oauth_discovery_url(const OAuthProvider *provider)
{
	size_t len = strlen(provider->issuer);

	if (provider->issuer[len - 1] == '/')
		len--;
	return psprintf("%.*s/.well-known/openid-configuration", (int) len, provider->issuer);
}

char *
oauth_redirect_uri(const OAuthProvider *provider)
{
	if (provider->redirect_uri != NULL)
		return provider->redirect_uri;
	if (setting_public_url[0] == '\0')
		ereport(ERROR,
				(errcode(ERRCODE_CONFIG_FILE_ERROR),
				 errmsg("the redirect URI of OAuth provider \"%s\" is not known", provider->name),
				 errhint("Set \"authfort.public_url\" to the URL of this server, or give the provider a redirect_uri.")));
	return psprintf("%s%s/oauth/%s/callback", setting_public_url, setting_http_prefix, provider->name);
}

static char *
form_encoded(const char *text)
{
	StringInfoData out;

	initStringInfo(&out);
	web_url_append_encoded(&out, text);
	return out.data;
}

/* RFC 6749, section 2.3.1: both are encoded as in a form. */
static char *
basic_credentials(const OAuthProvider *provider)
{
	char *text = psprintf("%s:%s", form_encoded(provider->client_id),
						  form_encoded(oauth_provider_client_secret(provider)));
	size_t size = sodium_base64_ENCODED_LEN(strlen(text), sodium_base64_VARIANT_ORIGINAL);
	char *out = palloc(strlen(BASIC) + size);

	strcpy(out, BASIC);
	sodium_bin2base64(out + strlen(BASIC), size, (unsigned char *) text, strlen(text),
					  sodium_base64_VARIANT_ORIGINAL);
	return out;
}

/* A token that only the holder of the private key can make (RFC 7523, and Apple's own). */
static char *
signed_by_client(const OAuthProvider *provider, const char *issuer, const char *audience)
{
	EVP_PKEY *key = oauth_provider_private_key(provider);
	int64 now = timestamptz_to_time_t(GetCurrentTimestamp());
	SignatureAlgorithm algorithm;
	StringInfoData payload;
	pg_uuid_t id;

	if (!pkey_algorithm_of(key, &algorithm))
		elog(ERROR, "the private key of OAuth provider \"%s\" cannot sign", provider->name);
	uuid_v7_make(&id);
	initStringInfo(&payload);
	json_open(&payload);
	json_write_string(&payload, "iss", issuer);
	json_write_string(&payload, "sub", provider->client_id);
	json_write_string(&payload, "aud", audience);
	json_write_uuid(&payload, "jti", &id);
	json_write_integer(&payload, "iat", now);
	json_write_integer(&payload, "exp", now + ASSERTION_TTL);
	json_close(&payload);
	/* providers that know the key by another id than a made-up one would not find it */
	return jwt_sign(key, algorithm, provider->key_id, JWT_TYPE_DEFAULT, &payload);
}

/*
 * The issuer, as RFC 7523 is being amended: a provider whose discovery document
 * names the token endpoint of another one could use the assertion there.
 * Microsoft, and a provider without an issuer, know the endpoint.
 */
static const char *
assertion_audience(const OAuthProvider *provider, const OAuthFlow *flow)
{
	if (provider->issuer == NULL || provider->preset->needs_tenant)
		return flow->endpoints.token;
	return provider->issuer;
}

static void
add_client_assertion(StringInfo form, const OAuthProvider *provider, const OAuthFlow *flow)
{
	web_url_append_parameter(form, "client_assertion_type",
							 "urn:ietf:params:oauth:client-assertion-type:jwt-bearer");
	web_url_append_parameter(form, "client_assertion",
							 signed_by_client(provider, provider->client_id,
											  assertion_audience(provider, flow)));
}

static void
authenticate_client(Fetch *fetch, StringInfo form, const OAuthProvider *provider, const OAuthFlow *flow)
{
	switch (flow->token_auth)
	{
		case TOKEN_AUTH_BASIC:
			add_fetch_header(fetch, "authorization", basic_credentials(provider));
			return;
		case TOKEN_AUTH_POST:
			web_url_append_parameter(form, "client_secret", oauth_provider_client_secret(provider));
			break;
		case TOKEN_AUTH_PRIVATE_KEY:
			add_client_assertion(form, provider, flow);
			break;
		case TOKEN_AUTH_SIGNED_SECRET:
			web_url_append_parameter(form, "client_secret",
									 signed_by_client(provider, provider->team_id, provider->issuer));
			break;
		case TOKEN_AUTH_UNSTATED:
		case TOKEN_AUTH_NONE:
			break;
	}
	web_url_append_parameter(form, "client_id", provider->client_id);
}

Fetch *
oauth_fetch_tokens(const OAuthProvider *provider, const OAuthFlow *flow, const char *code)
{
	Fetch *fetch = begin_json_fetch("POST", flow->endpoints.token);
	char verifier[OAUTH_VERIFIER_SIZE];
	StringInfoData form;

	initStringInfo(&form);
	web_url_append_parameter(&form, "grant_type", "authorization_code");
	web_url_append_parameter(&form, "code", code);
	web_url_append_parameter(&form, "redirect_uri", oauth_redirect_uri(provider));
	if (provider->pkce)
	{
		oauth_flow_verifier(&flow->id, verifier);
		web_url_append_parameter(&form, "code_verifier", verifier);
	}
	add_fetch_header(fetch, "content-type", "application/x-www-form-urlencoded");
	authenticate_client(fetch, &form, provider, flow);
	fetch->body = form.data;
	secret_wipe_later(form.data, form.len);
	return fetch;
}
