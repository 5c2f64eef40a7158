/*
 * key_expiry.h
 *		When the next signing key of this cluster expires, in shared memory.
 *
 * A key that has expired verifies nothing here, but programs that were given
 * the key set go on believing it until it is published anew.  The cleanup
 * launcher, which is connected to no database, learns here when to do that.
 * Without preload nothing is known and nothing happens.
 */
#ifndef AUTHFORT_KEY_EXPIRY_H
#define AUTHFORT_KEY_EXPIRY_H

#include "postgres.h"

#include "datatype/timestamp.h"
#include "storage/latch.h"

/* From _PG_init(). */
extern void key_expiry_init(void);

/* A key that this transaction changes expires then; known when it commits. */
extern void key_expiry_note(TimestampTz expires_at);

/* The same at once. */
extern void key_expiry_report(TimestampTz expires_at);

/*
 * The earliest that was reported: DT_NOEND if there is none, and DT_NOBEGIN
 * when the server starts, for then it has to be found out.
 */
extern TimestampTz key_expiry_next(void);

/* Forgets all that was reported, before it is found out anew. */
extern void key_expiry_forget(void);

/* Sets the latch whenever something is reported; NULL ends that. */
extern void key_expiry_wake(Latch *latch);

#endif							/* AUTHFORT_KEY_EXPIRY_H */
