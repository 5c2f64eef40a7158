/*
 * app_code.h
 *		One-time codes with which an app gets a sign-in that ended in a browser.
 *
 * A URL that opens an app, such as a redirect to its own scheme, can be read by
 * other apps (RFC 8252, section 8.1).  So it carries not a token, but a code,
 * which only the app that began the sign-in can exchange: it gave the hash of a
 * verifier then (RFC 7636), and gives the verifier now.
 */
#ifndef AUTHFORT_APP_CODE_H
#define AUTHFORT_APP_CODE_H

#include "postgres.h"

#include "base/client.h"
#include "flow/auth_result.h"

/* The parameters with which an app begins a sign-in; NULL for a missing one. */
typedef struct AppRequest
{
	const char *redirect_to;
	const char *code_challenge;
	const char *code_challenge_method;
} AppRequest;

/*
 * Returns NULL, with the URL that opens the app in *redirect_to, or the refusal
 * invalid_code_challenge or invalid_redirect.
 */
extern const Refusal *app_request_check(const AppRequest *request, char **redirect_to);

extern bool app_request_is_empty(const AppRequest *request);

/*
 * Makes a code for a user, whose row is locked.  "provider" is the OAuth
 * provider at which the user has signed in, or NULL after a magic link.
 */
extern char *app_code_create(const User *user, const char *provider, const char *code_challenge);

/*
 * Exchanges a code for a session, or for a challenge.  "session_id" is as in
 * flow/passwordless.h.
 */
extern AuthResult app_code_exchange(const char *code, const char *code_verifier,
									const pg_uuid_t *session_id, const Client *client);

/* The result of the SQL functions that give a code. */
extern Jsonb *app_code_to_jsonb(const char *code, const char *redirect_to);

#endif /* AUTHFORT_APP_CODE_H */
