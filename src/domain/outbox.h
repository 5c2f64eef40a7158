/*
 * outbox.h
 *		Messages to be delivered to users: table authfort.outbox.
 *
 * Most hold a secret, so they are sealed where they lie.  A mailer takes them,
 * sends them and says so; one that it took and lost is handed out again.
 */
#ifndef AUTHFORT_OUTBOX_H
#define AUTHFORT_OUTBOX_H

#include "postgres.h"

#include "datatype/timestamp.h"
#include "lib/stringinfo.h"
#include "utils/uuid.h"

/*
 * Makes sure that a message can be sealed: makes the first keys if there are
 * none, and raises where the master key is missing.  Asked before it is known
 * whether there will be a message, so that an error does not tell.
 */
extern void outbox_prepare(void);

/*
 * Puts a message, a JSON object, in the outbox; after "expires_at" it is no
 * longer handed out.  "id" is new, of uuid_v7_make().  The text is wiped.
 */
extern void outbox_put(const pg_uuid_t *id, const char *kind, const pg_uuid_t *user_id,
					   TimestampTz expires_at, StringInfo message);

/*
 * Takes back the user's messages of that kind that were never handed out, and
 * are not being handed out now.  Returns their ids, palloc'd.
 */
extern pg_uuid_t *outbox_take_back(const pg_uuid_t *user_id, const char *kind, int *count);

/* Takes back what has not been sent to a user; NULL: to all users. */
extern void outbox_delete(const pg_uuid_t *user_id);

/* Deletes at most "limit" that have expired; returns their number. */
extern int	outbox_delete_expired(int limit);

#endif							/* AUTHFORT_OUTBOX_H */
