/*
 * mailbox_proof.c
 *		To whom an account belongs: the owner of its mailbox.
 */
#include "postgres.h"

#include "domain/email_codes.h"
#include "domain/events.h"
#include "domain/identities.h"
#include "domain/one_time_tokens.h"
#include "domain/password_history.h"
#include "domain/sessions.h"
#include "flow/mailbox_proof.h"
#include "flow/second_factor.h"
#include "flow/user_message.h"

static void
mark_mailbox(User *user, bool proven)
{
	bool was_verified = user->email_verified;

	users_set_mailbox(&user->id, proven);
	user->email_verified = true;
	user->mailbox_proven |= proven;
	if (!was_verified)
		event_record_text(EVENT_EMAIL_VERIFIED, &user->id, "email", user->email);
}

void
mailbox_proved_by_session(User *user)
{
	if (!user->email_verified || !user->mailbox_proven)
		mark_mailbox(user, true);
}

void
mailbox_verified(User *user)
{
	if (!user->email_verified)
		mark_mailbox(user, false);
}

/* Deletes everything that could sign in, or recover the account. */
static void
delete_unproven(User *user)
{
	users_set_password_hash(&user->id, NULL);
	user->password_hash = NULL;
	password_history_delete(&user->id);
	identities_delete_all(&user->id);
	/* without an exception, this raises the token version as well */
	sessions_revoke_all(&user->id, NULL);
	user->token_version++;
	one_time_tokens_delete_access(&user->id);
	email_codes_spend_all(&user->id);
	user_message_withdraw_tokens(&user->id);
	second_factor_delete_all(user);
	event_record_simple(EVENT_UNPROVEN_DELETED, &user->id, NULL, NULL);
}

bool
mailbox_proved_elsewhere(User *user)
{
	bool unproven = !user->mailbox_proven;

	if (unproven)
		delete_unproven(user);
	mailbox_proved_by_session(user);
	return unproven;
}

void
mailbox_proved_by_sign_in(User *user, const pg_uuid_t *session_id)
{
	if (session_id != NULL && sessions_is_live(session_id, &user->id))
		mailbox_proved_by_session(user);
	else
		(void) mailbox_proved_elsewhere(user);
}
