/*
 * mailed_token.c
 *		Tokens that are mailed to a user: making, sending and using them.
 */
#include "postgres.h"

#include "base/uuid_v7.h"
#include "domain/events.h"
#include "domain/one_time_tokens.h"
#include "domain/outbox.h"
#include "flow/mail_limit.h"
#include "flow/mailed_token.h"
#include "flow/user_message.h"
#include "settings.h"

/* In the order of MailedToken. */
static const struct
{
	OneTimePurpose purpose;
	TokenMessage message;
	EventType event; /* recorded for each */
	int *ttl;
	bool replaces; /* a new one ends those that were sent before */
} mailed_tokens[] = {
	{ONE_TIME_EMAIL_VERIFICATION, MESSAGE_EMAIL_VERIFICATION, EVENT_EMAIL_VERIFICATION_REQUESTED,
	 &setting_email_verify_ttl, true},
	{ONE_TIME_MAGIC_LINK, MESSAGE_MAGIC_LINK, EVENT_MAGIC_LINK_REQUESTED, &setting_magic_link_ttl,
	 true},
	{ONE_TIME_PASSWORD_RESET, MESSAGE_PASSWORD_RESET, EVENT_PASSWORD_RESET_REQUESTED,
	 &setting_password_reset_ttl, false},
	{ONE_TIME_INVITATION, MESSAGE_INVITATION, EVENT_USER_INVITED, &setting_invitation_ttl, true},
};

StaticAssertDecl(lengthof(mailed_tokens) == MAILED_INVITATION + 1, "each MailedToken needs a row");

void
mailed_token_spend(MailedToken kind, const User *user)
{
	one_time_tokens_delete_purpose(&user->id, mailed_tokens[kind].purpose);
	outbox_withdraw(&user->id, user_message_kind(mailed_tokens[kind].message));
}

static char *
create_mailed_token(MailedToken kind, const User *user, const pg_uuid_t *message_id, Jsonb *detail,
					const Client *client, TimestampTz *expires_at)
{
	char *token;

	if (mailed_tokens[kind].replaces)
		mailed_token_spend(kind, user);
	token = one_time_token_create(&user->id, mailed_tokens[kind].purpose, *mailed_tokens[kind].ttl,
								  message_id, detail, expires_at);
	event_record_of_user(mailed_tokens[kind].event, user, NULL, client, NULL, NULL);
	return token;
}

char *
mailed_token_create(MailedToken kind, const User *user, Jsonb *detail, const Client *client,
					TimestampTz *expires_at)
{
	return create_mailed_token(kind, user, NULL, detail, client, expires_at);
}

void
mailed_token_send(MailedToken kind, const User *user, Jsonb *detail, const Client *client)
{
	StringInfoData message;
	TimestampTz expires_at;
	pg_uuid_t id;
	char *token;

	uuid_v7_make(&id);
	token = create_mailed_token(kind, user, &id, detail, client, &expires_at);
	user_message_begin(&message, user);
	user_message_put_token(&id, mailed_tokens[kind].message, user, expires_at, token, &message);
}

User *
mailed_token_claim(MailedToken kind, const User *user)
{
	return mail_limit_claim(user, mailed_tokens[kind].event,
							user_message_kind(mailed_tokens[kind].message));
}

User *
mailed_token_redeem(MailedToken kind, const char *token, Jsonb **detail)
{
	return one_time_token_lock_user(token, mailed_tokens[kind].purpose, detail);
}

char *
mailed_token_link(MailedToken kind, const char *token)
{
	return user_message_link(mailed_tokens[kind].message, token);
}
