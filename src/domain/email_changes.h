/*
 * email_changes.h
 *		Changes of users' addresses: table authfort.email_changes.
 *
 * A change waits until it is confirmed at the new address and, if
 * authfort.secure_email_change says so, at the old one.  Then it can be undone
 * for a week by a token that was sent to the old address.
 */
#ifndef AUTHFORT_EMAIL_CHANGES_H
#define AUTHFORT_EMAIL_CHANGES_H

#include "postgres.h"

#include "datatype/timestamp.h"
#include "utils/uuid.h"

#include "base/expired_rows.h"

/* For so long a change can be undone, and the old address is reserved. */
#define EMAIL_CHANGE_UNDO_SECONDS (7 * SECS_PER_DAY)

typedef struct EmailChange
{
	pg_uuid_t id;
	pg_uuid_t user_id;
	char *old_email; /* NULL: the account had none */
	char *new_email;
	bool was_proven; /* the old mailbox (flow/mailbox_proof.h) */
	bool awaits_old; /* confirmation at the old address */
	bool awaits_new;
	bool in_session; /* the new address was confirmed in a session of the account */
	TimestampTz created_at;
	TimestampTz changed_at; /* DT_NOBEGIN: it has not been made yet */
} EmailChange;

/* For all of these that change something, the user's row is locked. */

/* Inserts a change that waits, and sets its id and created_at. */
extern void email_changes_insert(EmailChange *change);

/* NULL if the change is unknown or has expired. */
extern EmailChange *email_changes_find(const pg_uuid_t *id);

/* The latest change of an account from that address which can still be undone; NULL if there is none. */
extern EmailChange *email_changes_find_reserving(const char *email);

/* Records which confirmations the change still waits for. */
extern void email_changes_confirm(const EmailChange *change);

/* Records that the address has been changed; the old one is reserved from then on. */
extern void email_changes_complete(const pg_uuid_t *id);

/* Deletes the change and all that the user has made or requested after it; returns their ids. */
extern pg_uuid_t *email_changes_delete_from(const EmailChange *change, int *count);

/*
 * Whether an address is kept for a user, other than "id", to whom a change that
 * can still be undone would give it back.
 */
extern bool email_changes_reserve(const char *email, const pg_uuid_t *id);

/* Deletes all changes of a user; NULL: of all users. */
extern void email_changes_delete(const pg_uuid_t *user_id);

/* Deletes at most "limit" expired ones (base/expired_rows.h). */
extern int email_changes_delete_expired(int limit, KeptRows *kept);

#endif /* AUTHFORT_EMAIL_CHANGES_H */
