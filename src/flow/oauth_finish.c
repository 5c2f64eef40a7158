/*
 * oauth_finish.c
 *		The end of a sign-in at a provider.
 *
 * The id of the flow is spent in the transaction that signs in, so a door that
 * takes an answer twice, or a visitor who goes back, signs in once.
 */
#include "postgres.h"

#include "utils/timestamp.h"

#include "base/json.h"
#include "domain/signing_keys.h"
#include "domain/spent_ids.h"
#include "flow/app_code.h"
#include "flow/oauth_account.h"
#include "flow/oauth_steps.h"
#include "flow/sign_in.h"

#define SPENT_FLOW "oauth_flow"
#define SPENT_ID_TOKEN "oauth_id_token"

/* After the flow has expired, its last continuation has some seconds left. */
#define LAST_CONTINUATION (2 * FETCH_FLOW_SECONDS * USECS_PER_SEC)

/* An id_token is taken for a minute longer than it says (crypto/id_token.c), at most. */
#define ID_TOKEN_SLACK (2 * USECS_PER_MINUTE)

AuthResult
oauth_sign_in(const char *provider, User *user, const Client *client)
{
	Authentication how = {provider, 1, 1, {AMR_FEDERATED}};

	return sign_in(user, &how, client);
}

OAuthResult
oauth_finish(const OAuthProvider *provider, OAuthFlow *flow, const OAuthProfile *profile,
			 const OAuthTokens *tokens, const Client *client)
{
	OAuthResult result = {NULL};
	User *user;

	if (profile->id == NULL || profile->id[0] == '\0')
		return oauth_refused(&refusal_oauth_no_user_id);
	signing_keys_require_master_key();
	if (!spent_ids_add(SPENT_FLOW, &flow->id, oauth_flow_expires_at(&flow->id) + LAST_CONTINUATION))
		return oauth_refused(&refusal_oauth_state_invalid);
	if (flow->links)
	{
		result.refusal = oauth_account_link(provider, profile, tokens, flow, client, &user);
		result.linked = result.refusal == NULL;
		return result;
	}
	result.refusal = oauth_account_find(provider, profile, tokens, client, &user);
	if (result.refusal != NULL)
		return result;
	if (flow->mode == OAUTH_CODE)
		result.code = app_code_create(user, flow->provider, flow->code_challenge);
	else
		result.auth = oauth_sign_in(provider->name, user, client);
	result.refusal = result.auth.refusal;
	return result;
}

/* A token is refused a day after "iat" anyway (crypto/id_token.c), however late its "exp". */
static TimestampTz
expiry_of(Jsonb *claims)
{
	TimestampTz latest = GetCurrentTimestamp() + 2 * USECS_PER_DAY;
	int64 expires = 0;

	(void) json_member_rounded(claims, "exp", true, &expires);
	if (expires > timestamptz_to_time_t(latest))
		return latest;
	return time_t_to_timestamptz(expires) + ID_TOKEN_SLACK;
}

OAuthResult
oauth_finish_app(const OAuthProvider *provider, const OAuthFlow *flow, Jsonb *claims,
				 const Client *client)
{
	OAuthTokens no_tokens = {NULL};
	OAuthResult result = {NULL};
	OAuthProfile profile;
	User *user;

	if (!oauth_profile_read(provider, claims, NULL, &profile) || profile.id == NULL)
		return oauth_refused(&refusal_oauth_no_user_id);
	if (!spent_ids_add(SPENT_ID_TOKEN, &flow->id, expiry_of(claims)))
		return oauth_refused(&refusal_oauth_id_token_invalid);
	result.refusal = oauth_account_find(provider, &profile, &no_tokens, client, &user);
	if (result.refusal != NULL)
		return result;
	result.auth = oauth_sign_in(provider->name, user, client);
	result.refusal = result.auth.refusal;
	return result;
}
