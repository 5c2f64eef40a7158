/*
 * passkey_assertion.h
 *		Verifies that a passkey has signed a challenge.
 */
#ifndef AUTHFORT_PASSKEY_ASSERTION_H
#define AUTHFORT_PASSKEY_ASSERTION_H

#include "postgres.h"

#include "domain/passkeys.h"
#include "domain/users.h"
#include "flow/passkey_response.h"

typedef struct PasskeyAssertion
{
	PasskeyResponse response;
	WebauthnData data;
	Passkey *passkey; /* NULL: not known yet */
	User *user;       /* its row is locked; NULL: not yet */
} PasskeyAssertion;

/*
 * Verifies the response to a challenge, then locks the user of the passkey and
 * spends the challenge.  Returns NULL or the refusal, also that the user is
 * banned.  With "user_id" of the use, only a passkey of that user is accepted.
 */
extern const Refusal *
passkey_assertion_verify(Jsonb *credential, const PasskeyChallengeUse *use, bool must_verify_user,
						 const Client *client, PasskeyAssertion *assertion);

/* Stores the counter and state that the authenticator reported. */
extern void passkey_assertion_record(PasskeyAssertion *assertion);

/* Records that a passkey was refused as a second factor. */
extern void
passkey_record_failed_factor(const User *user, const Refusal *refusal, const Client *client);

#endif /* AUTHFORT_PASSKEY_ASSERTION_H */
