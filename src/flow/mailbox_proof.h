/*
 * mailbox_proof.h
 *		To whom an account belongs: the owner of its mailbox.
 *
 * Anyone can sign up with any address.  Until the owner of the mailbox has
 * confirmed a message in the session that signed up, everything in the account
 * is unproven: a stranger may have set the password, kept a session, or added
 * a factor, and be waiting for the owner to use the account.
 */
#ifndef AUTHFORT_MAILBOX_PROOF_H
#define AUTHFORT_MAILBOX_PROOF_H

#include "postgres.h"

#include "domain/users.h"

/*
 * A message to the mailbox was confirmed outside of any session of the account.
 * The address is verified; nothing is proven.  The user's row is locked.
 */
extern void mailbox_verified(User *user);

/*
 * A message to the mailbox was confirmed in a session of the account.  Nothing
 * is deleted, and everything is proven.  The user's row is locked.
 */
extern void mailbox_proved_by_session(User *user);

/*
 * A message to the mailbox signs its owner in or resets the password, or a
 * trusted provider vouches for the address.  Deletes everything unproven, and
 * returns whether there was something.  The user's row is locked; *user is
 * changed accordingly.
 */
extern bool mailbox_proved_elsewhere(User *user);

/*
 * mailbox_proved_by_session() if the session, which may be NULL, is a live one
 * of the user, otherwise mailbox_proved_elsewhere().
 */
extern void mailbox_proved_by_sign_in(User *user, const pg_uuid_t *session_id);

#endif /* AUTHFORT_MAILBOX_PROOF_H */
