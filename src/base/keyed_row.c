/*
 * keyed_row.c
 *		One row of a table of the extension, by its id or another unique column,
 *		and all rows of a small table.
 *
 * A scan of an index without the executor, for what is asked before each
 * request.  To start and end the executor takes several times as long as the
 * look-up itself, and under PostgREST each request has another search_path and
 * another role, for which a saved plan is checked again.
 *
 * No privilege is checked: callers run with those of the extension's owner, or
 * return a verdict to the client and no data.
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "access/stratnum.h"
#include "access/table.h"
#include "access/xact.h"
#include "catalog/namespace.h"
#include "storage/lmgr.h"
#include "utils/fmgroids.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/snapmgr.h"

#include "base/keyed_row.h"
#include "base/spi_query.h"

static Oid
relation_of(const char *name, Oid schema)
{
	Oid relation = get_relname_relid(name, schema);

	if (!OidIsValid(relation))
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_TABLE),
				 errmsg("relation \"authfort.%s\" does not exist", name)));
	return relation;
}

/* The locks last until the end of the transaction, as those of a query do. */
static Relation
open_table(const char *name)
{
	return table_open(relation_of(name, get_namespace_oid("authfort", false)), AccessShareLock);
}

static Oid
lock_index(Relation table, const char *name)
{
	Oid index = relation_of(name, RelationGetNamespace(table));

	LockRelationOid(index, AccessShareLock);
	return index;
}

static AttrNumber
column_of(Relation table, const char *name)
{
	AttrNumber number = get_attnum(RelationGetRelid(table), name);

	if (number == InvalidAttrNumber)
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_COLUMN),
				 errmsg("column \"%s\" of relation \"%s\" does not exist", name,
						RelationGetRelationName(table))));
	return number;
}

/*
 * As for statements (spi_query.c): outside STABLE functions, what has committed
 * by now, because a lock of the user's row may have waited for it.
 */
static Snapshot
snapshot_to_read(void)
{
	if (spi_query_is_stable() || !IsolationUsesXactSnapshot())
		return GetTransactionSnapshot();
	return GetLatestSnapshot();
}

static bool
open_row(KeyedRow *row, const char *table, const char *index, const char *column,
		 RegProcedure equal, Datum value)
{
	ScanKeyData key;

	row->table = open_table(table);
	ScanKeyInit(&key, column_of(row->table, column), BTEqualStrategyNumber, equal, value);
	row->snapshot = RegisterSnapshot(snapshot_to_read());
	row->scan =
		systable_beginscan(row->table, lock_index(row->table, index), true, row->snapshot, 1, &key);
	row->tuple = systable_getnext(row->scan);
	if (HeapTupleIsValid(row->tuple))
		return true;
	keyed_row_close(row);
	return false;
}

bool
keyed_row_open(KeyedRow *row, const char *table, const char *index, const pg_uuid_t *id)
{
	return open_row(row, table, index, "id", F_UUID_EQ, UUIDPGetDatum(id));
}

bool
keyed_row_open_bytes(KeyedRow *row, const char *table, const char *index, const char *column,
					 const bytea *value)
{
	return open_row(row, table, index, column, F_BYTEAEQ, PointerGetDatum(value));
}

Datum
keyed_row_column(const KeyedRow *row, const char *column, bool *isnull)
{
	return heap_getattr(row->tuple, column_of(row->table, column), RelationGetDescr(row->table),
						isnull);
}

/* All at once: to read them one by one walks over the row once for each. */
static void
read_columns(Relation table, HeapTuple tuple, int count, Datum *values, bool *nulls)
{
	TupleDesc columns = RelationGetDescr(table);
	Datum *all_values;
	bool *all_nulls;

	if (columns->natts < count)
		elog(ERROR, "relation \"%s\" has only %d columns", RelationGetRelationName(table),
			 columns->natts);
	all_values = palloc(columns->natts * sizeof(Datum));
	all_nulls = palloc(columns->natts * sizeof(bool));
	heap_deform_tuple(tuple, columns, all_values, all_nulls);
	memcpy(values, all_values, count * sizeof(Datum));
	memcpy(nulls, all_nulls, count * sizeof(bool));
	pfree(all_values);
	pfree(all_nulls);
}

void
keyed_row_columns(const KeyedRow *row, int count, Datum *values, bool *nulls)
{
	read_columns(row->table, row->tuple, count, values, nulls);
}

void
keyed_row_close(KeyedRow *row)
{
	systable_endscan(row->scan);
	UnregisterSnapshot(row->snapshot);
	table_close(row->table, NoLock);
}

void
ordered_rows_open(OrderedRows *rows, const char *table, const char *index)
{
	rows->table = open_table(table);
	rows->index = index_open(lock_index(rows->table, index), NoLock);
	rows->snapshot = RegisterSnapshot(snapshot_to_read());
	rows->scan = systable_beginscan_ordered(rows->table, rows->index, rows->snapshot, 0, NULL);
}

bool
ordered_rows_next(OrderedRows *rows, int count, Datum *values, bool *nulls)
{
	HeapTuple tuple = systable_getnext_ordered(rows->scan, ForwardScanDirection);

	if (!HeapTupleIsValid(tuple))
		return false;
	read_columns(rows->table, tuple, count, values, nulls);
	return true;
}

void
ordered_rows_close(OrderedRows *rows)
{
	systable_endscan_ordered(rows->scan);
	UnregisterSnapshot(rows->snapshot);
	index_close(rows->index, NoLock);
	table_close(rows->table, NoLock);
}
