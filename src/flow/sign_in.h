/*
 * sign_in.h
 *		From a factor that was proven to a session.
 */
#ifndef AUTHFORT_SIGN_IN_H
#define AUTHFORT_SIGN_IN_H

#include "postgres.h"

#include "domain/authentication.h"
#include "domain/events.h"
#include "flow/auth_result.h"

/*
 * Completes the sign-in of a user who has proven what "how" says: locks and
 * reads the user again, starts a session and records the login.  Refuses if the
 * user is banned or gone, an invitation was not accepted or, with
 * authfort.require_verified_email, the address was not verified.  If the user
 * has a second factor, or authfort.require_mfa demands one, and "how" is one
 * factor, the result is a challenge instead (flow/mfa_challenge.h).
 */
extern AuthResult sign_in(User *user, const Authentication *how, const Client *client);

/* What a sign-in records after "login". */
typedef struct SignInEvent
{
	EventType type;
	const char *method; /* NULL: none */
} SignInEvent;

/* The same with one more event, or NULL. */
extern AuthResult sign_in_recording(User *user, const Authentication *how, const SignInEvent *also,
									const Client *client);

#endif /* AUTHFORT_SIGN_IN_H */
