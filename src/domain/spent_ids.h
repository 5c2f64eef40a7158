/*
 * spent_ids.h
 *		Ids of things that may be used once: table authfort.spent_ids.
 *
 * A sealed value that a client holds (an OAuth flow, a WebAuthn challenge) is in no
 * table, so that requesting it costs no row.  Its id is stored when it is used.
 */
#ifndef AUTHFORT_SPENT_IDS_H
#define AUTHFORT_SPENT_IDS_H

#include "postgres.h"

#include "datatype/timestamp.h"
#include "utils/uuid.h"

#include "base/expired_rows.h"

/*
 * Spends an id: 16 bytes that are random, or part of a hash.  Returns false if
 * it was spent before, and from "expires_at" on, when the row may be removed.
 * If another transaction is spending it, this waits for the end of that one.
 *
 * The id is spent when the transaction commits, so the caller uses it in the
 * same transaction.
 */
extern bool spent_ids_add(const char *purpose, const pg_uuid_t *id, TimestampTz expires_at);

/* Whether it was spent; only a lock that all who spend it take keeps that so. */
extern bool spent_ids_have(const pg_uuid_t *id);

/* Deletes at most "limit" expired rows (base/expired_rows.h). */
extern int spent_ids_delete_expired(int limit, KeptRows *kept);

#endif /* AUTHFORT_SPENT_IDS_H */
