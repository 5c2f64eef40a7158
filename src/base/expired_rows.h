/*
 * expired_rows.h
 *		Deleting rows that have expired, although other tables may refer to them.
 *
 * A foreign key of the application's that neither cascades nor sets NULL
 * forbids the deletion of a row, and with it that of the whole batch.  Then the
 * rows of the batch are deleted one by one, and those that are referred to stay.
 */
#ifndef AUTHFORT_EXPIRED_ROWS_H
#define AUTHFORT_EXPIRED_ROWS_H

#include "postgres.h"

#include "base/spi_query.h"

#define EXPIRED_ROWS_MAX_PARAMETERS 5

/*
 * Expired rows of one table.  Declare it static.  "find" selects keys of expired
 * rows; its last two parameters are how many at most, and an array of keys to
 * leave out.
 */
typedef struct ExpiredRows
{
	const char *table; /* with its schema */
	const char *key;   /* the column */
	Oid key_type;      /* uuid or text */
	const char *find;
	int parameter_count;
	Oid parameter_types[EXPIRED_ROWS_MAX_PARAMETERS];
	SpiQuery find_query; /* from here on the module's own */
	SpiQuery delete_batch;
	SpiQuery delete_one;
} ExpiredRows;

/* How many rows that foreign keys keep are tried before a pass gives up. */
#define KEPT_ROWS_MAX 1000

/* The rows that foreign keys keep, met in one pass; zero at first. */
typedef struct KeptRows
{
	MemoryContext context; /* outlives the pass's transactions */
	List *keys;            /* of datumCopy()ed keys, to be left out */
	int count;             /* all of them, also those no longer in "keys" */
	List *reported;        /* names of constraints */
} KeptRows;

/*
 * Deletes at most as many rows as the next-to-last value says; the last one is
 * filled in.  Returns the number of rows that were deleted or found to be kept.
 * Reports each constraint that keeps rows once in a pass.
 */
extern int expired_rows_delete(ExpiredRows *rows, Datum *values, KeptRows *kept);

/* The same for rows whose "find" has three parameters, the first of which is a time. */
extern int expired_rows_delete_before(ExpiredRows *rows, TimestampTz time, int limit, KeptRows *kept);

/*
 * Runs "work" in a subtransaction.  Returns NULL, or the error if a foreign key
 * forbade it; what it did is then rolled back.  Other errors are raised.
 */
extern ErrorData *expired_rows_try(void (*work)(void *argument), void *argument);

/* Reports a constraint that keeps rows of that table, once in a pass. */
extern void expired_rows_report(KeptRows *kept, const char *table, const ErrorData *error);

/* For a table that is read in parts: keys of the previous part no longer matter. */
extern void expired_rows_next_part(KeptRows *kept);

#endif /* AUTHFORT_EXPIRED_ROWS_H */
