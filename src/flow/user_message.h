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
 * Adds a token and, if authfort.site_url is set, the link of that kind with the
 * token in its fragment, which browsers send to no server.
 */
extern void user_message_add_token(StringInfo message, TokenMessage kind, const char *token);

/* The same link alone, palloc'd; NULL without authfort.site_url. */
extern char *user_message_link(TokenMessage kind, const char *token);

/*
 * Withdraws the messages whose tokens and codes count no more.  Those that only
 * inform, or that give the account back to its owner, are still delivered.
 */
extern void user_message_withdraw_tokens(const pg_uuid_t *user_id);

/* Closes the object, with the time after which it is useless, and puts it into the outbox. */
extern void user_message_put(const pg_uuid_t *id, const char *kind, const User *user,
							 TimestampTz expires_at, StringInfo message);

#endif							/* AUTHFORT_USER_MESSAGE_H */
