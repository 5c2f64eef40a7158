/*
 * passwordless.h
 *		Signing in by a link or a code from a message.
 *
 * The requests put it into the outbox for the account with that email, which
 * with authfort.allow_passwordless_signup is made if necessary.  Where
 * nothing is sent, because the user is unknown or banned or got too many
 * messages, they take the same time.  They return NULL, or the refusal
 * invalid_email or rate_limit_exceeded, or one of the request of an app.
 *
 * "session_id" may be NULL, or a live session of the caller: of the same
 * account, it proves the mailbox (mailbox_proof.h).
 */
#ifndef AUTHFORT_PASSWORDLESS_H
#define AUTHFORT_PASSWORDLESS_H

#include "postgres.h"

#include "base/expired_rows.h"
#include "flow/app_code.h"
#include "flow/auth_result.h"

/* The result of a magic link: a sign-in, or a code for the app that asked for the link. */
typedef struct MagicLinkResult
{
	AuthResult auth;   /* if "code" is NULL */
	char *code;        /* flow/app_code.h */
	char *redirect_to; /* what opens the app */
} MagicLinkResult;

/* "app" is NULL if the link is to sign in where it is opened. */
extern const Refusal *
flow_request_magic_link(const char *email, const AppRequest *app, const Client *client);
extern MagicLinkResult
flow_verify_magic_link(const char *token, const pg_uuid_t *session_id, const Client *client);

/* Signs in a user, whose row is locked, as one who has opened a magic link. */
extern AuthResult magic_link_sign_in(User *user, const pg_uuid_t *session_id, const Client *client);

extern const Refusal *flow_request_email_otp(const char *email, const Client *client);
extern AuthResult flow_verify_email_otp(const char *email, const char *code,
										const pg_uuid_t *session_id, const Client *client);

/*
 * Removes at most "limit" accounts that such a request has made and that were
 * never used (base/expired_rows.h).
 */
extern int passwordless_delete_unclaimed(int limit, KeptRows *kept);

#endif /* AUTHFORT_PASSWORDLESS_H */
