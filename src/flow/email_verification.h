/*
 * email_verification.h
 *		Verifying the address of an account.
 */
#ifndef AUTHFORT_EMAIL_VERIFICATION_H
#define AUTHFORT_EMAIL_VERIFICATION_H

#include "postgres.h"

#include "base/client.h"
#include "base/refusal.h"
#include "domain/users.h"

/*
 * Puts a token into the outbox for the account with that email, if its address
 * is not verified; otherwise takes the same time.  Returns NULL, or the refusal
 * if the rate limit is exceeded.
 */
extern const Refusal *flow_resend_verification(const char *email, const Client *client);

/*
 * Verifies the address.  With a live session of the same account it also proves
 * the mailbox (mailbox_proof.h); "session_id" may be NULL.  Returns NULL or the
 * refusal.
 */
extern const Refusal *
flow_verify_email(const char *token, const pg_uuid_t *session_id, const Client *client, User **user);

#endif /* AUTHFORT_EMAIL_VERIFICATION_H */
