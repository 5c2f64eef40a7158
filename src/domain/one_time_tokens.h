/*
 * one_time_tokens.h
 *		Tokens that are sent to a user and count once: table
 *		authfort.one_time_tokens.
 *
 * A user has at most one for each purpose; a new one replaces it.  The table
 * holds a hash, so that who reads it has no token.
 */
#ifndef AUTHFORT_ONE_TIME_TOKENS_H
#define AUTHFORT_ONE_TIME_TOKENS_H

#include "postgres.h"

#include "datatype/timestamp.h"
#include "utils/uuid.h"

typedef enum OneTimePurpose
{
	ONE_TIME_PASSWORD_RESET
} OneTimePurpose;

/* Makes a token that is valid for "ttl" seconds; palloc'd, the caller's to wipe. */
extern char *one_time_token_create(const pg_uuid_t *user_id, OneTimePurpose purpose, int ttl,
								   TimestampTz *expires_at);

/* Whose token it is; false if it is unknown, expired, or for another purpose. */
extern bool one_time_token_find(const char *text, OneTimePurpose purpose, pg_uuid_t *user_id);

/*
 * Forgets all tokens of a user.  Whoever uses one locks the user, finds it
 * again and calls this, so that of two uses at once one is the first.  NULL:
 * those of all users.
 */
extern void one_time_tokens_delete(const pg_uuid_t *user_id);

/* Deletes at most "limit" that have expired; returns their number. */
extern int	one_time_tokens_delete_expired(int limit);

#endif							/* AUTHFORT_ONE_TIME_TOKENS_H */
