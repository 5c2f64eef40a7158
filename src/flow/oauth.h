/*
 * oauth.h
 *		Signing in with an account at an OAuth or OpenID provider.
 *
 * A backend never waits for a provider: what it needs from one is a fetch in
 * the result (flow/fetch.h), and oauth_continue() takes the answer.
 */
#ifndef AUTHFORT_OAUTH_H
#define AUTHFORT_OAUTH_H

#include "postgres.h"

#include "base/client.h"
#include "flow/auth_result.h"
#include "flow/fetch.h"
#include "flow/oauth_flow.h"

/* The parameters of the first request. */
typedef struct OAuthRequest
{
	const char *provider;
	const char *redirect_to; /* NULL: none, as the rest */
	const char *mode;
	const char *code_challenge; /* for the mode "code" */
	const char *code_challenge_method;
	const pg_uuid_t *user_id;    /* to whom an account is linked */
	const pg_uuid_t *session_id; /* in which that is asked for */
} OAuthRequest;

/* The parameters of a callback; NULL for those that are absent. */
typedef struct OAuthParameters
{
	const char *code;
	const char *state;
	const char *error;
	const char *issuer;
	const char *user; /* Apple's, at the first sign-in */
} OAuthParameters;

/* Reads them from an object that has them by their names in a query. */
extern OAuthParameters oauth_parameters_read(Jsonb *json);

/* The next step: the first member that is set. */
typedef struct OAuthResult
{
	const Refusal *refusal;
	Fetch *fetch; /* and "continuation" is what it continues */
	FetchFlow continuation;
	char *url;   /* where the browser goes, with "cookie" */
	char *code;  /* the one-time code of the mode "code" */
	bool linked; /* an account was linked, without a sign-in */
	AuthResult auth;
	char *cookie;
	OAuthFlow flow; /* once it is known */
	bool has_flow;
} OAuthResult;

extern OAuthResult oauth_authorize(const OAuthRequest *request, const Client *client);

/* "find_cookie" gives the value of the cookie of a flow, or NULL. */
typedef char *(*OAuthCookieFinder)(const pg_uuid_t *flow, void *arg);
extern OAuthResult oauth_callback(const char *provider, const OAuthParameters *parameters,
								  OAuthCookieFinder find_cookie, void *arg, const Client *client);

/* Signs in with an id_token that an app has from its provider. */
extern OAuthResult oauth_sign_in_with_id_token(const char *provider, const char *id_token,
											   const char *nonce, const Client *client);

/* Takes the answer to the fetch of one of these. */
extern OAuthResult oauth_continue(FetchFlow *continuation, const FetchAnswer *answer);

/*
 * For providers that post their answer (response_mode=form_post): the browser
 * sends no cookie with that request.  Seals the parameters into the URL to
 * which it is sent next, and opens them there; false if authfort did not make
 * them.  The first returns NULL, or the refusal of an unknown provider, or of
 * parameters that are too long for a URL, which is recorded.
 */
extern const Refusal *oauth_form_to_url(const char *provider, const OAuthParameters *parameters,
										const Client *client, char **url);
extern bool oauth_form_from_text(const char *provider, const char *text, OAuthParameters *parameters);

/* Unlinks the accounts at a provider.  Refuses with last_credential. */
extern const Refusal *oauth_unlink(const pg_uuid_t *user_id, const char *provider,
								   const pg_uuid_t *session_id, const Client *client);

#endif /* AUTHFORT_OAUTH_H */
