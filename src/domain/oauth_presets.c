/*
 * oauth_presets.c
 *		Presets of well-known OAuth providers.
 *
 * An email is trusted only of providers that check it themselves and let no
 * administrator of a customer write it.
 */
#include "postgres.h"

#include "lib/stringinfo.h"

#include "domain/oauth_presets.h"

#define OPENID_SCOPES "openid email profile"

/* The claims of OpenID Connect Core 1.0, section 5.1, and what others call them. */
/* clang-format off */
#define STANDARD_MAPPING \
	{"sub id", "email", "email_verified verified_email", "name", "picture avatar_url"}
/* clang-format on */

const OAuthPreset oauth_preset_openid = {
	.name = "",
	.openid = true,
	.scopes = OPENID_SCOPES,
	.pkce = true,
	.nonce = true,
	.mapping = STANDARD_MAPPING,
};

const OAuthPreset oauth_preset_oauth2 = {
	.name = "",
	.scopes = "",
	.token_auth = TOKEN_AUTH_POST,
	.pkce = true,
	.mapping = STANDARD_MAPPING,
};

static const OAuthPreset presets[] = {
	{
		.name = "google",
		.openid = true,
		.issuer = "https://accounts.google.com",
		.other_issuer = "accounts.google.com",
		.authorization_endpoint = "https://accounts.google.com/o/oauth2/v2/auth",
		.token_endpoint = "https://oauth2.googleapis.com/token",
		.userinfo_endpoint = "https://openidconnect.googleapis.com/v1/userinfo",
		.jwks_uri = "https://www.googleapis.com/oauth2/v3/certs",
		.scopes = OPENID_SCOPES,
		.authorize_params = "access_type=offline",
		.hosts =
			"accounts.google.com oauth2.googleapis.com openidconnect.googleapis.com www.googleapis.com",
		.token_auth = TOKEN_AUTH_POST,
		.pkce = true,
		.nonce = true,
		.trust_email = true,
		.id_token_optional = true,
		.mapping = STANDARD_MAPPING,
	},
	{
		/* an administrator of any tenant can write any email into an account of it */
		.name = "microsoft",
		.openid = true,
		.issuer = "https://login.microsoftonline.com/{tenant}/v2.0",
		.authorization_endpoint = "https://login.microsoftonline.com/{tenant}/oauth2/v2.0/authorize",
		.token_endpoint = "https://login.microsoftonline.com/{tenant}/oauth2/v2.0/token",
		.jwks_uri = "https://login.microsoftonline.com/{tenant}/discovery/v2.0/keys",
		.scopes = OPENID_SCOPES,
		.hosts = "login.microsoftonline.com graph.microsoft.com",
		.token_auth = TOKEN_AUTH_POST,
		.pkce = true,
		.nonce = true,
		.never_trust_email = true,
		.needs_tenant = true,
		.mapping = {"sub", "email", NULL, "name", NULL},
	},
	{
		.name = "apple",
		.openid = true,
		.issuer = "https://appleid.apple.com",
		.other_issuer = "https://account.apple.com",
		.authorization_endpoint = "https://appleid.apple.com/auth/authorize",
		.token_endpoint = "https://appleid.apple.com/auth/token",
		.jwks_uri = "https://appleid.apple.com/auth/keys",
		.scopes = "name email",
		.response_mode = "form_post", /* Apple demands it where scopes are asked for */
		.hosts = "appleid.apple.com",
		.token_auth = TOKEN_AUTH_SIGNED_SECRET,
		.nonce = true,
		.trust_email = true,
		.mapping = {"sub", "email", "email_verified", "name", NULL},
	},
	{
		.name = "github",
		.authorization_endpoint = "https://github.com/login/oauth/authorize",
		.token_endpoint = "https://github.com/login/oauth/access_token",
		.userinfo_endpoint = "https://api.github.com/user",
		.emails_endpoint = "https://api.github.com/user/emails",
		.scopes = "read:user user:email",
		.hosts = "github.com api.github.com",
		.token_auth = TOKEN_AUTH_POST,
		.pkce = true,
		.trust_email = true,
		.mapping = {"id", "email", NULL, "name login", "avatar_url"},
	},
	{
		.name = "gitlab",
		.openid = true,
		.issuer = "https://gitlab.com",
		.authorization_endpoint = "https://gitlab.com/oauth/authorize",
		.token_endpoint = "https://gitlab.com/oauth/token",
		.userinfo_endpoint = "https://gitlab.com/oauth/userinfo",
		.jwks_uri = "https://gitlab.com/oauth/discovery/keys",
		.scopes = OPENID_SCOPES,
		.hosts = "gitlab.com",
		.token_auth = TOKEN_AUTH_POST,
		.pkce = true,
		.nonce = true,
		.trust_email = true,
		.mapping = STANDARD_MAPPING,
	},
	{
		.name = "discord",
		.authorization_endpoint = "https://discord.com/oauth2/authorize",
		.token_endpoint = "https://discord.com/api/oauth2/token",
		.userinfo_endpoint = "https://discord.com/api/users/@me",
		.scopes = "identify email",
		.hosts = "discord.com",
		.token_auth = TOKEN_AUTH_POST,
		.pkce = true,
		.mapping = {"id", "email", "verified", "global_name username", NULL},
	},
	{
		.name = "facebook",
		.authorization_endpoint = "https://www.facebook.com/v25.0/dialog/oauth",
		.token_endpoint = "https://graph.facebook.com/v25.0/oauth/access_token",
		.userinfo_endpoint = "https://graph.facebook.com/v25.0/me?fields=id,name,email,picture",
		.scopes = "email public_profile",
		.hosts = "www.facebook.com graph.facebook.com",
		.token_auth = TOKEN_AUTH_POST,
		.pkce = true,
		.mapping = {"id", "email", NULL, "name", "picture.data.url"},
	},
	{
		.name = "linkedin",
		.openid = true,
		.issuer = "https://www.linkedin.com/oauth",
		.other_issuer = "https://www.linkedin.com",
		.authorization_endpoint = "https://www.linkedin.com/oauth/v2/authorization",
		.token_endpoint = "https://www.linkedin.com/oauth/v2/accessToken",
		.userinfo_endpoint = "https://api.linkedin.com/v2/userinfo",
		.jwks_uri = "https://www.linkedin.com/oauth/openid/jwks",
		.scopes = OPENID_SCOPES,
		.hosts = "www.linkedin.com api.linkedin.com",
		.token_auth = TOKEN_AUTH_POST,
		.mapping = STANDARD_MAPPING,
	},
	{
		.name = "slack",
		.openid = true,
		.issuer = "https://slack.com",
		.authorization_endpoint = "https://slack.com/openid/connect/authorize",
		.token_endpoint = "https://slack.com/api/openid.connect.token",
		.userinfo_endpoint = "https://slack.com/api/openid.connect.userInfo",
		.jwks_uri = "https://slack.com/openid/connect/keys",
		.scopes = OPENID_SCOPES,
		.hosts = "slack.com",
		.token_auth = TOKEN_AUTH_POST,
		.nonce = true,
		.mapping = STANDARD_MAPPING,
	},
};

const OAuthPreset *
oauth_preset_find(const char *name)
{
	for (size_t i = 0; i < lengthof(presets); i++)
	{
		if (strcmp(presets[i].name, name) == 0)
			return &presets[i];
	}
	return NULL;
}

char *
oauth_preset_names(void)
{
	StringInfoData names;

	initStringInfo(&names);
	for (size_t i = 0; i < lengthof(presets); i++)
		appendStringInfo(&names, "%s%s", (i > 0) ? ", " : "", presets[i].name);
	return names.data;
}
