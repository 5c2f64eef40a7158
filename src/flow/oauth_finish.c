/*
 * oauth_finish.c
 *		The end of a sign-in at a provider.
 *
 * The id of the flow is spent in the transaction that signs in, so a door that
 * takes an answer twice, or a visitor who goes back, signs in once.
 */
#include "postgres.h"

#include "miscadmin.h"
#include "utils/timestamp.h"

#include "base/json.h"
#include "domain/identities.h"
#include "domain/one_time_tokens.h"
#include "domain/signing_keys.h"
#include "domain/spent_ids.h"
#include "flow/oauth_account.h"
#include "flow/oauth_steps.h"
#include "flow/redirect_target.h"
#include "flow/sign_in.h"

#define SPENT_FLOW "oauth_flow"
#define SPENT_ID_TOKEN "oauth_id_token"

/* After the flow has expired, its last continuation has some seconds left. */
#define LAST_CONTINUATION (2 * FETCH_FLOW_SECONDS * USECS_PER_SEC)

/* An id_token is taken for a minute longer than it says (crypto/id_token.c), at most. */
#define ID_TOKEN_SLACK (2 * USECS_PER_MINUTE)

#define CODE_TTL 60				/* seconds */

/*
 * A code for the app that began the flow, to be exchanged for the sign-in: what
 * a redirect to an app carries can be read by other apps (RFC 8252, section 8.1).
 */
static char *
make_code(const OAuthFlow *flow, const User *user)
{
	StringInfoData detail;
	TimestampTz expires_at;

	initStringInfo(&detail);
	json_open(&detail);
	json_write_string(&detail, "provider", flow->provider);
	json_write_string(&detail, "code_challenge", flow->code_challenge);
	json_close(&detail);
	return one_time_token_create(&user->id, ONE_TIME_SIGN_IN_CODE, CODE_TTL, NULL,
								 json_to_jsonb(&detail), &expires_at);
}

static AuthResult
sign_in_from(const char *provider, User *user, const Client *client)
{
	Authentication how = {provider, 1, 1, {AMR_FEDERATED}};

	return sign_in(user, &how, client);
}

OAuthResult
oauth_finish(const OAuthProvider *provider, OAuthFlow *flow, const OAuthProfile *profile,
			 const OAuthTokens *tokens, const Client *client)
{
	OAuthResult result = {NULL};
	User	   *user;

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
		result.code = make_code(flow, user);
	else
		result.auth = sign_in_from(provider->name, user, client);
	result.refusal = result.auth.refusal;
	return result;
}

/* A token is refused a day after "iat" anyway (crypto/id_token.c), however late its "exp". */
static TimestampTz
expiry_of(Jsonb *claims)
{
	TimestampTz latest = GetCurrentTimestamp() + 2 * USECS_PER_DAY;
	int64		expires = 0;

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
	User	   *user;

	if (!oauth_profile_read(provider, claims, NULL, &profile) || profile.id == NULL)
		return oauth_refused(&refusal_oauth_no_user_id);
	if (!spent_ids_add(SPENT_ID_TOKEN, &flow->id, expiry_of(claims)))
		return oauth_refused(&refusal_oauth_id_token_invalid);
	result.refusal = oauth_account_find(provider, &profile, &no_tokens, client, &user);
	if (result.refusal != NULL)
		return result;
	result.auth = sign_in_from(provider->name, user, client);
	result.refusal = result.auth.refusal;
	return result;
}

/* Whether the app that exchanges a code is the one that began the flow. */
static bool
is_verifier_of(Jsonb *detail, const char *verifier)
{
	char	   *challenge = (detail != NULL) ? json_member_string(detail, "code_challenge") : NULL;

	return challenge != NULL && strcmp(oauth_code_challenge(verifier), challenge) == 0;
}

/*
 * A code is gone with the first try, whatever the verifier, so that it cannot be
 * tried.  The user is locked before it is looked for again.
 */
static const Refusal *
use_code(const char *code, const char *verifier, User **user, char **provider)
{
	pg_uuid_t	id;
	Jsonb	   *detail;

	if (!one_time_token_find(code, ONE_TIME_SIGN_IN_CODE, &id, &detail))
		return &refusal_oauth_code_invalid;
	*user = users_lock(&id);
	if (*user == NULL || !one_time_token_find(code, ONE_TIME_SIGN_IN_CODE, &id, &detail))
		return &refusal_oauth_code_invalid;
	one_time_tokens_delete_purpose(&id, ONE_TIME_SIGN_IN_CODE);
	if (!is_verifier_of(detail, verifier))
		return &refusal_oauth_code_invalid;
	*provider = json_member_string(detail, "provider");
	return (*user)->banned ? &refusal_user_banned : NULL;
}

AuthResult
oauth_exchange_code(const char *code, const char *code_verifier, const Client *client)
{
	const Refusal *refusal;
	User	   *user;
	char	   *provider = NULL;

	PreventCommandIfReadOnly("a sign-in");
	signing_keys_require_master_key();
	refusal = use_code(code, code_verifier, &user, &provider);
	if (refusal != NULL)
	{
		oauth_record_failure(refusal, client);
		return auth_refused(refusal);
	}
	return sign_in_from(provider, user, client);
}
