/*
 * email_change.h
 *		Changing the address of an account, by its user.
 *
 * A reader of the mailbox can reset the password, so a stolen session must
 * not be enough to change the address for good.  The old address gets a message
 * with a token that undoes the change for a week.
 *
 * A confirmation proves who reads the new mailbox, and not that its reader has
 * anything to do with the account: a stranger can request that an account gets
 * another person's address, who then confirms without thinking.  So it proves the
 * mailbox (mailbox_proof.h) only in a session of the account.
 */
#ifndef AUTHFORT_EMAIL_CHANGE_H
#define AUTHFORT_EMAIL_CHANGE_H

#include "postgres.h"

#include "utils/uuid.h"

#include "base/client.h"
#include "base/refusal.h"
#include "domain/users.h"

/*
 * Sends a token to the new address and, with authfort.secure_email_change, one
 * to the old address.  The result is the same if the new address is taken; then
 * its owner gets a message.  "session_id" is the session that asks, or NULL; it
 * has been checked already, and is again under the lock (recent_auth.h).
 * Returns NULL or the refusal; raises for an unknown user id.
 */
extern const Refusal *flow_request_email_change(const pg_uuid_t *user_id, const char *new_email,
												const pg_uuid_t *session_id, const Client *client);

/*
 * "session_id" is that of the caller, or NULL.  *waiting is set if the change
 * has yet to be confirmed at the other address.
 */
extern const Refusal *flow_confirm_email_change(const char *token, const pg_uuid_t *session_id,
												const Client *client, bool *waiting);

/*
 * Restores the old address, ends all sessions, and removes password, factors
 * and linked accounts that were added since the change was requested, and later
 * changes.
 */
extern const Refusal *flow_undo_email_change(const char *token, const Client *client);

/*
 * Sends the way back once more if the address is that of a mailbox from which
 * an account has moved, so that no account has it now: to a reader who asks for
 * something else there, because nothing else is of use.  The credentials of the
 * account are those of its maker, so the reader may not have known of it.
 * Returns whether a message was sent.
 */
extern bool email_change_send_way_back(const char *email, const Client *client);

/* Sends a notice that an admin has changed the address, which cannot be undone. */
extern void email_change_notify(const User *before, const Client *client);

#endif /* AUTHFORT_EMAIL_CHANGE_H */
