/*
 * oauth_steps.h
 *		The steps of a sign-in at a provider, which the files of flow/oauth.h
 *		share.
 */
#ifndef AUTHFORT_OAUTH_STEPS_H
#define AUTHFORT_OAUTH_STEPS_H

#include "postgres.h"

#include "flow/oauth.h"
#include "flow/oauth_flow.h"
#include "flow/oauth_profile.h"

/* Which answer a continuation waits for; "step" of struct FetchFlow. */
#define OAUTH_STEP_DISCOVERY "oauth_discovery"
#define OAUTH_STEP_TOKENS "oauth_tokens"
#define OAUTH_STEP_KEYS "oauth_keys"
#define OAUTH_STEP_USERINFO "oauth_userinfo"
#define OAUTH_STEP_EMAILS "oauth_emails"
#define OAUTH_STEP_APP_DISCOVERY "oauth_app_discovery"
#define OAUTH_STEP_APP_KEYS "oauth_app_keys"

/* Results of the steps since the callback that later steps need. */
typedef struct OAuthProgress
{
	OAuthTokens tokens;
	char *given_name; /* that the provider gave with the callback; NULL: none */
	char *nonce;      /* that an app submitted with its id_token */
	Jsonb *claims;    /* of the id_token; NULL: none */
	Jsonb *userinfo;
} OAuthProgress;

extern OAuthResult oauth_refused(const Refusal *refusal);

/* Records that a sign-in failed, for that reason. */
extern void oauth_record_failure(const Refusal *refusal, const Client *client);

/* The enabled provider of that name, in any letter case, or NULL. */
extern OAuthProvider *oauth_find_provider(const char *name);

/* Asks for something, and continues with the step when the answer is there. */
extern OAuthResult oauth_ask(FetchFlow *continuation, const char *step, Fetch *fetch,
							 const OAuthFlow *flow, const OAuthProgress *progress);

/* oauth_authorize.c */
extern const Refusal refusal_invalid_mode;
extern OAuthResult
oauth_take_discovery(const OAuthProvider *provider, OAuthFlow *flow, const FetchAnswer *answer);

/* Whether a discovery document is the provider's; then the flow has its endpoints. */
extern bool oauth_use_discovery(const OAuthProvider *provider, Jsonb *document, OAuthFlow *flow);

/* Reads an answer as a discovery document, keeps it, and uses it, or else the one of before. */
extern bool oauth_take_discovery_document(const OAuthProvider *provider, OAuthFlow *flow,
										  const FetchAnswer *answer);

/* oauth_callback.c */
extern OAuthResult
oauth_take_callback_answer(const OAuthProvider *provider, OAuthFlow *flow, OAuthProgress *progress,
						   FetchFlow *continuation, const FetchAnswer *answer);

/* The answer's keys, which are kept, or else the stored ones; NULL without either. */
extern Jsonb *
oauth_take_keys(const OAuthProvider *provider, const char *url, const FetchAnswer *answer);

/* oauth_app_token.c */
extern OAuthResult
oauth_take_app_answer(const OAuthProvider *provider, OAuthFlow *flow, OAuthProgress *progress,
					  FetchFlow *continuation, const FetchAnswer *answer);

/* oauth_finish.c: ends a flow, for whose account at the provider all is known. */
extern OAuthResult
oauth_finish(const OAuthProvider *provider, OAuthFlow *flow, const OAuthProfile *profile,
			 const OAuthTokens *tokens, const Client *client);

/* The same for the id_token of an app, which is accepted once. */
extern OAuthResult oauth_finish_app(const OAuthProvider *provider, const OAuthFlow *flow,
									Jsonb *claims, const Client *client);

/* Signs in a user, whose row is locked, as one who has proven to own an account at a provider. */
extern AuthResult oauth_sign_in(const char *provider, User *user, const Client *client);

#endif /* AUTHFORT_OAUTH_STEPS_H */
