/*
 * oauth_account.h
 *		To whom an account at a provider belongs.
 */
#ifndef AUTHFORT_OAUTH_ACCOUNT_H
#define AUTHFORT_OAUTH_ACCOUNT_H

#include "postgres.h"

#include "base/client.h"
#include "base/refusal.h"
#include "domain/users.h"
#include "flow/oauth_flow.h"
#include "flow/oauth_profile.h"

/*
 * Finds the user of an account at a provider, links it to the user with its
 * email, or makes a user.  The user's row is locked.  Returns NULL or the
 * refusal.
 */
extern const Refusal *
oauth_account_find(const OAuthProvider *provider, const OAuthProfile *profile,
				   const OAuthTokens *tokens, const Client *client, User **user);

/* Links the account to the user who asked for that. */
extern const Refusal *oauth_account_link(const OAuthProvider *provider, const OAuthProfile *profile,
										 const OAuthTokens *tokens, const OAuthFlow *flow,
										 const Client *client, User **user);

#endif /* AUTHFORT_OAUTH_ACCOUNT_H */
