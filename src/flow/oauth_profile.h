/*
 * oauth_profile.h
 *		The answers of a provider: tokens, and the profile of an account.
 */
#ifndef AUTHFORT_OAUTH_PROFILE_H
#define AUTHFORT_OAUTH_PROFILE_H

#include "postgres.h"

#include "utils/jsonb.h"

#include "domain/oauth_providers.h"

/* The answer of a token endpoint (RFC 6749, section 5.1). */
typedef struct OAuthTokens
{
	char *access_token;
	char *refresh_token; /* NULL: none, as the rest */
	char *id_token;
	char *scope;
	int64 expires_in; /* seconds; 0: not stated */
} OAuthTokens;

typedef struct OAuthProfile
{
	char *id; /* NULL: not stated, as the rest */
	char *email;
	bool email_verified;
	char *name;
	char *avatar_url;
	Jsonb *document; /* all that was said */
} OAuthProfile;

/* False if it is not an answer with a bearer token that can be sent in a header. */
extern bool oauth_tokens_read(const char *body, OAuthTokens *tokens);

/*
 * Reads a profile from the claims of an id_token, which may be NULL, and from
 * the answer of the userinfo endpoint, which may be NULL as well.  False if they
 * are of different accounts.
 */
extern bool oauth_profile_read(const OAuthProvider *provider, Jsonb *claims, Jsonb *userinfo,
							   OAuthProfile *profile);

/* Takes the email from GitHub's list of addresses; false if the list is invalid. */
extern bool oauth_profile_read_emails(const char *body, OAuthProfile *profile);

#endif /* AUTHFORT_OAUTH_PROFILE_H */
