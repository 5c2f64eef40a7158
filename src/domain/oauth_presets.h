/*
 * oauth_presets.h
 *		Presets of well-known OAuth providers.
 */
#ifndef AUTHFORT_OAUTH_PRESETS_H
#define AUTHFORT_OAUTH_PRESETS_H

#include "postgres.h"

/* How a client proves itself at the token endpoint. */
typedef enum TokenAuth
{
	TOKEN_AUTH_UNSTATED, /* as the discovery document says */
	TOKEN_AUTH_NONE,     /* a public client */
	TOKEN_AUTH_BASIC,
	TOKEN_AUTH_POST,
	TOKEN_AUTH_PRIVATE_KEY,  /* private_key_jwt, RFC 7523 */
	TOKEN_AUTH_SIGNED_SECRET /* Apple: the client secret is a JWT */
} TokenAuth;

/*
 * Where the members of a profile are: paths whose parts are separated by dots,
 * and alternatives by spaces.
 */
typedef struct ProfileMapping
{
	const char *id;
	const char *email;
	const char *email_verified; /* NULL: the provider does not say */
	const char *name;
	const char *avatar_url;
} ProfileMapping;

/*
 * NULL stands for: does not exist, or for endpoints of an OpenID provider, is
 * in its discovery document.
 */
typedef struct OAuthPreset
{
	const char *name;
	bool openid;              /* gives id_tokens */
	const char *issuer;       /* "{tenant}" in URLs is replaced by the tenant */
	const char *other_issuer; /* another spelling in its id_tokens */
	const char *authorization_endpoint;
	const char *token_endpoint;
	const char *userinfo_endpoint;
	const char *emails_endpoint; /* GitHub: the addresses, with their verification */
	const char *jwks_uri;
	const char *scopes;
	const char *authorize_params; /* more of the authorization request, encoded */
	const char *response_mode;
	const char *hosts; /* where its documents may point, separated by spaces */
	TokenAuth token_auth;
	bool pkce;
	bool nonce;
	bool trust_email;       /* its word on an email is taken, unless its URLs are overridden */
	bool never_trust_email; /* and no configuration changes that */
	bool needs_tenant;
	bool id_token_optional; /* the profile may come from userinfo alone */
	ProfileMapping mapping;
} OAuthPreset;

/* NULL for an unknown name; "" is a provider without a preset. */
extern const OAuthPreset *oauth_preset_find(const char *name);

/* The presets for providers that are described by their configuration alone. */
extern const OAuthPreset oauth_preset_openid;
extern const OAuthPreset oauth_preset_oauth2;

/* The names, separated by commas, for a hint. */
extern char *oauth_preset_names(void);

#endif /* AUTHFORT_OAUTH_PRESETS_H */
