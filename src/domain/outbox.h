/*
 * outbox.h
 *		Messages to be delivered to users: table authfort.outbox.
 *
 * Most contain a secret, so they are stored sealed.  A mailer takes messages,
 * sends them and reports that; a message that was taken but not reported as
 * sent is delivered again.  One whose token or code was used, replaced or
 * deleted is not delivered: these are created before the message that contains
 * them is put in the outbox.
 */
#ifndef AUTHFORT_OUTBOX_H
#define AUTHFORT_OUTBOX_H

#include "postgres.h"

#include "datatype/timestamp.h"
#include "lib/stringinfo.h"
#include "utils/uuid.h"

#include "base/expired_rows.h"
#include "domain/resealing.h"

/*
 * Ensures that a message can be sealed: creates the first keys if necessary,
 * and raises if the master key is missing.  It is called before it is known
 * whether there will be a message, so that an error does not reveal that.
 */
extern void outbox_prepare(void);

/*
 * Puts a message, a JSON object, in the outbox; it is not delivered after
 * "expires_at".  "id" is new, of uuid_v7_make().  The text is wiped.
 */
extern void outbox_put(const pg_uuid_t *id, const char *kind, const pg_uuid_t *user_id,
					   TimestampTz expires_at, StringInfo message);

/*
 * Withdraws the user's messages of that kind that no mailer has taken or is
 * taking now.  Returns their ids, palloc'd.
 */
extern pg_uuid_t *outbox_take_back(const pg_uuid_t *user_id, const char *kind, int *count);

/*
 * Withdraws the user's messages of that kind because what they contain is of no
 * use any more, also those that a mailer has taken and not reported as sent.
 */
extern void outbox_withdraw(const pg_uuid_t *user_id, const char *kind);

/* Withdraws all messages that have not been sent to a user; NULL: to all users. */
extern void outbox_delete(const pg_uuid_t *user_id);

typedef struct FailedMessage
{
	pg_uuid_t user_id;
	char *kind; /* in the caller's memory context */
	int attempts;
} FailedMessage;

/*
 * Withdraws a message that cannot be delivered, after locking its user.
 * Returns false if it no longer exists.
 */
extern bool outbox_fail(const pg_uuid_t *id, FailedMessage *failed);

/* The same for messages of these kinds, of one user. */
extern void outbox_delete_kinds(const pg_uuid_t *user_id, const char *const *kinds, int count);

/* Deletes at most "limit" expired messages (base/expired_rows.h). */
extern int outbox_delete_expired(int limit, KeptRows *kept);

/* Seals messages with the current master key. */
extern void outbox_reseal(Resealing *progress);

#endif /* AUTHFORT_OUTBOX_H */
