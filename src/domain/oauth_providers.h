/*
 * oauth_providers.h
 *		The OAuth providers that are configured: table authfort.oauth_providers.
 */
#ifndef AUTHFORT_OAUTH_PROVIDERS_H
#define AUTHFORT_OAUTH_PROVIDERS_H

#include "postgres.h"

#include "lib/stringinfo.h"
#include "utils/jsonb.h"

#include "crypto/pkey.h"
#include "domain/oauth_presets.h"
#include "domain/resealing.h"

#define OAUTH_PROVIDER_NAME_MAX 50

/* Where a provider is asked; NULL for what it does not have. */
typedef struct OAuthEndpoints
{
	char *authorization;
	char *token;
	char *userinfo;
	char *emails;
	char *jwks;
} OAuthEndpoints;

/* A preset, and what its configuration changes. */
typedef struct OAuthProvider
{
	char *name;
	bool enabled;
	const OAuthPreset *preset;
	char *issuer; /* NULL: plain OAuth 2 */
	const char *other_issuer;
	char *client_id;
	TokenAuth token_auth;
	char *key_id;        /* of the private key */
	char *team_id;       /* Apple's */
	char *redirect_uri;  /* NULL: made from authfort.public_url */
	char *response_mode; /* NULL: the query */
	char *scopes;
	char *authorize_params; /* encoded; NULL: none */
	char **audiences;       /* client ids whose id_tokens are taken; the first is the client_id */
	int audience_count;
	char **hosts; /* where the issuer's documents may point */
	int host_count;
	OAuthEndpoints endpoints; /* as far as they are configured */
	ProfileMapping mapping;
	bool pkce;
	bool nonce;
	bool id_token_optional;
	bool trust_email;
	bool keep_tokens;
	bytea *client_secret; /* sealed; NULL: none */
	bytea *private_key;   /* PEM, sealed; NULL: none */
} OAuthProvider;

/* The form in which a provider's name is stored: lower case.  NULL if it is invalid. */
extern char *oauth_provider_name(const char *raw);

/* NULL for an unknown provider.  "name" is in its stored form. */
extern OAuthProvider *oauth_providers_find(const char *name);

/* Whether users can sign in at the provider: it is configured, and not disabled. */
extern bool oauth_providers_is_enabled(const char *name);

/* Appends the names of the enabled providers as a JSON array of objects. */
extern void oauth_providers_append_json(StringInfo out);

/*
 * Both are unsealed in the current memory context, and wiped with it.  They
 * raise without one: the configuration was checked for that.
 */
extern char *oauth_provider_client_secret(const OAuthProvider *provider);
extern EVP_PKEY *oauth_provider_private_key(const OAuthProvider *provider);

/* Seals client secrets and private keys with the current master key. */
extern void oauth_providers_reseal(Resealing *progress);

#endif /* AUTHFORT_OAUTH_PROVIDERS_H */
