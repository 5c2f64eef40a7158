/*
 * keyed_row.h
 *		One row of a table of the extension, by its id or another unique column,
 *		and all rows of a small table.
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
	Relation table;
	Snapshot snapshot;
	SysScanDesc scan;
	HeapTuple tuple;
} KeyedRow;

/*
 * Finds the row of a table in schema authfort whose column "id", or another
 * column of type bytea, has that value; the unique index on it is named.  If
 * they return false, there is nothing to close.
 */
extern bool keyed_row_open(KeyedRow *row, const char *table, const char *index, const pg_uuid_t *id);
extern bool keyed_row_open_bytes(KeyedRow *row, const char *table, const char *index,
								 const char *column, const bytea *value);

/* A value passed by reference lives until the row is closed. */
extern Datum keyed_row_column(const KeyedRow *row, const char *column, bool *isnull);

/* The first columns in the order of the table: quicker than each by its name. */
extern void keyed_row_columns(const KeyedRow *row, int count, Datum *values, bool *nulls);

extern void keyed_row_close(KeyedRow *row);

typedef struct OrderedRows
{
	Relation table;
	Relation index;
	Snapshot snapshot;
	SysScanDesc scan;
} OrderedRows;

/* Reads the rows of a table in schema authfort, in the order of one of its indexes. */
extern void ordered_rows_open(OrderedRows *rows, const char *table, const char *index);

/*
 * The first columns of the next row; false after the last one.  What is passed
 * by reference lives until the next call.
 */
extern bool ordered_rows_next(OrderedRows *rows, int count, Datum *values, bool *nulls);

extern void ordered_rows_close(OrderedRows *rows);

#endif /* AUTHFORT_KEYED_ROW_H */
