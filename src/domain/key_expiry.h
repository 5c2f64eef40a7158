/*
 * key_expiry.h
 *		When the next signing key of this cluster expires, in shared memory.
 *
 * An expired key does not verify tokens here, but programs that have the key
 * set trust it until the set is published again.  The cleanup launcher, which
 * is not connected to a database, learns here when to do that.  Without
 * preloading, nothing is reported.
 */
#ifndef AUTHFORT_KEY_EXPIRY_H
#define AUTHFORT_KEY_EXPIRY_H

#include "postgres.h"

#include "datatype/timestamp.h"
#include "storage/latch.h"

/* From _PG_init(). */
extern void key_expiry_init(void);

/* Reports the expiry of a key that this transaction changes, when it commits. */
extern void key_expiry_note(TimestampTz expires_at);

/* Reports an expiry immediately. */
extern void key_expiry_report(TimestampTz expires_at);

/*
 * The earliest reported expiry: DT_NOEND if nothing was reported, and
 * DT_NOBEGIN at server start, when it has to be determined.
 */
extern TimestampTz key_expiry_next(void);

/* Forgets all reports, before they are made again. */
extern void key_expiry_forget(void);

/* Sets this latch on each report; NULL stops that. */
extern void key_expiry_wake(Latch *latch);

#endif /* AUTHFORT_KEY_EXPIRY_H */
