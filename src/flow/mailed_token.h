/*
 * mailed_token.h
 *		Tokens that are mailed to a user: making, sending and using them.
 *
 * The user's row is locked in all of these.
 */
#ifndef AUTHFORT_MAILED_TOKEN_H
#define AUTHFORT_MAILED_TOKEN_H

#include "postgres.h"

#include "utils/jsonb.h"

#include "base/client.h"
#include "domain/users.h"

/* In the order of mailed_token.c. */
typedef enum MailedToken
{
	MAILED_VERIFICATION,
	MAILED_MAGIC_LINK,
	MAILED_PASSWORD_RESET,
	MAILED_INVITATION
} MailedToken;

/*
 * Makes a token for a caller that delivers it, and records the event.
 * "detail" is data for the use of the token, or NULL.  Palloc'd.
 */
extern char *mailed_token_create(MailedToken kind, const User *user, Jsonb *detail,
								 const Client *client, TimestampTz *expires_at);

/* Puts one into the outbox instead. */
extern void
mailed_token_send(MailedToken kind, const User *user, Jsonb *detail, const Client *client);

/* Reserves a message for the user, whose row it locks, as mail_limit_claim(). */
extern User *mailed_token_claim(MailedToken kind, const User *user);

/*
 * The user of a token, locked; NULL if it is unknown, expired, used, or of
 * another kind.  "detail" may be NULL.
 */
extern User *mailed_token_redeem(MailedToken kind, const char *token, Jsonb **detail);

/* Ends the tokens of that kind, and withdraws messages with them. */
extern void mailed_token_spend(MailedToken kind, const User *user);

/* The link to the page that posts the token; NULL without authfort.site_url. */
extern char *mailed_token_link(MailedToken kind, const char *token);

#endif /* AUTHFORT_MAILED_TOKEN_H */
