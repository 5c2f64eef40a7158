/*
 * user_message.h
 *		Messages to users, as a mailer gets them from the outbox.
 */
#ifndef AUTHFORT_USER_MESSAGE_H
#define AUTHFORT_USER_MESSAGE_H

#include "postgres.h"

#include "datatype/timestamp.h"
#include "lib/stringinfo.h"

#include "domain/users.h"

/* Kinds of messages that carry a token; in the order of their names in user_message.c. */
typedef enum TokenMessage
{
	MESSAGE_EMAIL_VERIFICATION,
	MESSAGE_MAGIC_LINK,
	MESSAGE_PASSWORD_RESET,
	MESSAGE_EMAIL_CHANGE,
	MESSAGE_EMAIL_CHANGED,
	MESSAGE_INVITATION
} TokenMessage;

/* The name of the kind, as in authfort.outbox. */
extern const char *user_message_kind(TokenMessage kind);

/* Opens the object, with the user's email, name and locale. */
extern void user_message_begin(StringInfo message, const User *user);

/*
 * The link of that kind with the token in its fragment, which browsers send to
 * no server; palloc'd.  NULL without authfort.site_url.
 */
extern char *user_message_link(TokenMessage kind, const char *token);

/*
 * Withdraws the messages whose tokens and codes are no longer valid.  Those that
 * only inform, or that give the account back to its owner, are still delivered.
 */
extern void user_message_withdraw_tokens(const pg_uuid_t *user_id);

/* Closes the object, with the time after which it is useless, and puts it into the outbox. */
extern void user_message_put(const pg_uuid_t *id, const char *kind, const User *user,
							 TimestampTz expires_at, StringInfo message);

/*
 * The same with a token and its link, or with a code, which is then wiped: the
 * message is sealed, and nothing else keeps it.
 */
extern void user_message_put_token(const pg_uuid_t *id, TokenMessage kind, const User *user,
								   TimestampTz expires_at, char *token, StringInfo message);
extern void user_message_put_code(const pg_uuid_t *id, const char *kind, const User *user,
								  TimestampTz expires_at, char *code, StringInfo message);

#endif /* AUTHFORT_USER_MESSAGE_H */
