/*
 * keyed_row.h
 *		One row of a table of the extension, by its id.
 */
#ifndef AUTHFORT_KEYED_ROW_H
#define AUTHFORT_KEYED_ROW_H

#include "postgres.h"

#include "access/genam.h"
#include "utils/relcache.h"
#include "utils/snapshot.h"
#include "utils/uuid.h"

typedef struct KeyedRow
{
	Relation	table;
	Snapshot	snapshot;
	SysScanDesc scan;
	HeapTuple	tuple;
} KeyedRow;

/*
 * Finds the row of a table in schema authfort whose column "id", on which
 * "index" is, has that value.  If it returns false, there is nothing to close.
 */
extern bool keyed_row_open(KeyedRow *row, const char *table, const char *index,
						   const pg_uuid_t *id);
extern Datum keyed_row_column(const KeyedRow *row, const char *column, bool *isnull);
extern void keyed_row_close(KeyedRow *row);

#endif							/* AUTHFORT_KEYED_ROW_H */
