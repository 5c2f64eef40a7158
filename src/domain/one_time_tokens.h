/*
 * one_time_tokens.h
 *		Tokens that are sent to a user and can be used once: table
 *		authfort.one_time_tokens.
 *
 * A token that was sent in a message stays valid when another one is made,
 * because a stranger may have requested that one.  A token that was returned
 * by SQL is replaced by the next such token.  The table stores a hash, so that
 * reading it does not reveal a token.
 */
#ifndef AUTHFORT_ONE_TIME_TOKENS_H
#define AUTHFORT_ONE_TIME_TOKENS_H

#include "postgres.h"

#include "datatype/timestamp.h"
#include "utils/jsonb.h"
#include "utils/uuid.h"

#include "base/expired_rows.h"
#include "domain/users.h"

/*
 * For a query of the outbox, whose table is "o": whether the token that the
 * message contains can still be used.
 */
#define TOKEN_OF_MESSAGE \
	"EXISTS (SELECT FROM authfort.one_time_tokens t WHERE t.user_id OPERATOR(pg_catalog.=) o.user_id" \
	" AND t.message_id OPERATOR(pg_catalog.=) o.id)"

typedef enum OneTimePurpose
{
	ONE_TIME_PASSWORD_RESET,
	ONE_TIME_EMAIL_VERIFICATION,
	ONE_TIME_MAGIC_LINK,
	ONE_TIME_EMAIL_CHANGE,
	ONE_TIME_EMAIL_CHANGE_UNDO,
	ONE_TIME_INVITATION,
	ONE_TIME_SIGN_IN_CODE
} OneTimePurpose;

/*
 * Makes a token that is valid for "ttl" seconds; palloc'd, the caller's to wipe.
 * "message_id" is the message that contains it, or NULL if it is returned.
 * "detail" is data for the use of the token, or NULL.  The user's row is
 * locked.
 */
extern char *
one_time_token_create(const pg_uuid_t *user_id, OneTimePurpose purpose, int ttl,
					  const pg_uuid_t *message_id, Jsonb *detail, TimestampTz *expires_at);

/*
 * The token's user and detail, which is NULL if it has none; "detail" may be
 * NULL.  False if the token is unknown, expired, or for another purpose.
 */
extern bool
one_time_token_find(const char *text, OneTimePurpose purpose, pg_uuid_t *user_id, Jsonb **detail);

/*
 * The user of a token, with a lock on the row, and the token's detail as above;
 * NULL if the token is not valid.  For a caller that uses the token and then
 * deletes it: of two concurrent uses, only one succeeds.
 */
extern User *one_time_token_lock_user(const char *text, OneTimePurpose purpose, Jsonb **detail);

/* Deletes all tokens of a user; NULL: of all users. */
extern void one_time_tokens_delete(const pg_uuid_t *user_id);

/* Deletes those that give access, which are all except the ones that undo a change of the email. */
extern void one_time_tokens_delete_access(const pg_uuid_t *user_id);

/* Deletes the tokens of a user for one purpose. */
extern void one_time_tokens_delete_purpose(const pg_uuid_t *user_id, OneTimePurpose purpose);

/* Deletes those of them that have this detail. */
extern void
one_time_tokens_delete_detail(const pg_uuid_t *user_id, OneTimePurpose purpose, Jsonb *detail);

/* Deletes the token of a message that was withdrawn. */
extern void one_time_token_delete_of_message(const pg_uuid_t *user_id, const pg_uuid_t *message_id);

/* Deletes at most "limit" expired tokens (base/expired_rows.h). */
extern int one_time_tokens_delete_expired(int limit, KeptRows *kept);

#endif /* AUTHFORT_ONE_TIME_TOKENS_H */
