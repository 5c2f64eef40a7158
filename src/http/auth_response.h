/*
 * auth_response.h
 *		HTTP: the response that carries tokens, in its body and in cookies.
 */
#ifndef AUTHFORT_AUTH_RESPONSE_H
#define AUTHFORT_AUTH_RESPONSE_H

#include "postgres.h"

#include "flow/auth_result.h"
#include "http/message.h"

/* A challenge for a second factor has status 200 and sets no cookies. */
extern void http_respond_auth(HttpResponse *response, int status, const AuthResult *result);

/*
 * The same for routes whose clients take any success for a sign-in: there, a
 * challenge is the refusal mfa_required.
 */
extern void http_respond_auth_or_forbid(HttpResponse *response, int status, const AuthResult *result);

/*
 * The response to a change of the password.  The requesting session continues
 * with new tokens; if it has ended, its cookies are cleared.
 */
extern void
http_respond_auth_message(HttpResponse *response, const AuthResult *result, const char *message);

#endif /* AUTHFORT_AUTH_RESPONSE_H */
