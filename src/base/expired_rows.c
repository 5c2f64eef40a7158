/*
 * expired_rows.c
 *		Deleting rows that have expired, although other tables may refer to them.
 */
#include "postgres.h"

#include "access/xact.h"
#include "catalog/pg_type.h"
#include "miscadmin.h"
#include "utils/array.h"
#include "utils/datum.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/timestamp.h"

#include "base/expired_rows.h"

typedef struct Deletion
{
	SpiQuery *query;
	Datum *values;
	int deleted;
} Deletion;

/* Since PostgreSQL 18, RESTRICT has an SQLSTATE of its own. */
static bool
forbids_deletion(const ErrorData *error)
{
	return error->sqlerrcode == ERRCODE_FOREIGN_KEY_VIOLATION ||
		   error->sqlerrcode == ERRCODE_RESTRICT_VIOLATION;
}

ErrorData *
expired_rows_try(void (*work)(void *argument), void *argument)
{
	MemoryContext context = CurrentMemoryContext;
	ResourceOwner owner = CurrentResourceOwner;
	ErrorData *volatile error = NULL;

	BeginInternalSubTransaction(NULL);
	MemoryContextSwitchTo(context);
	PG_TRY();
	{
		work(argument);
		ReleaseCurrentSubTransaction();
	}
	PG_CATCH();
	{
		MemoryContextSwitchTo(context);
		error = CopyErrorData();
		FlushErrorState();
		RollbackAndReleaseCurrentSubTransaction();
	}
	PG_END_TRY();
	MemoryContextSwitchTo(context);
	CurrentResourceOwner = owner;
	if (error != NULL && !forbids_deletion(error))
		ReThrowError(error);
	return error;
}

static void
set_query(SpiQuery *query, const ExpiredRows *rows, const char *sql)
{
	query->parameter_count = rows->parameter_count;
	memcpy(query->parameter_types, rows->parameter_types, sizeof(rows->parameter_types));
	query->sql = sql;
}

/* The statements consist of constants alone. */
static void
prepare(ExpiredRows *rows)
{
	MemoryContext old;

	if (rows->find_query.sql != NULL)
		return;
	old = MemoryContextSwitchTo(TopMemoryContext);
	set_query(&rows->delete_batch, rows,
			  psprintf("DELETE FROM %s WHERE %s OPERATOR(pg_catalog.=) ANY (ARRAY(%s))",
					   rows->table, rows->key, rows->find));
	set_query(&rows->delete_one, rows,
			  psprintf("DELETE FROM %s WHERE %s OPERATOR(pg_catalog.=) $1", rows->table, rows->key));
	rows->delete_one.parameter_count = 1;
	rows->delete_one.parameter_types[0] = rows->key_type;
	set_query(&rows->find_query, rows, rows->find);
	MemoryContextSwitchTo(old);
}

static void
run_deletion(void *argument)
{
	Deletion *deletion = argument;

	deletion->deleted = spi_query_run_alone(deletion->query, deletion->values, NULL, SPI_OK_DELETE);
}

static Datum
keys_to_leave_out(const ExpiredRows *rows, const KeptRows *kept)
{
	int count = list_length(kept->keys);
	Datum *keys = palloc(Max(count, 1) * sizeof(Datum));
	int16 len;
	bool by_value;
	char align;

	for (int i = 0; i < count; i++)
		keys[i] = PointerGetDatum(list_nth(kept->keys, i));
	get_typlenbyvalalign(rows->key_type, &len, &by_value, &align);
	return PointerGetDatum(construct_array(keys, count, rows->key_type, len, by_value, align));
}

void
expired_rows_report(KeptRows *kept, const char *table, const ErrorData *error)
{
	const char *constraint = (error->constraint_name != NULL) ? error->constraint_name : "";
	MemoryContext old;
	ListCell *cell;

	foreach (cell, kept->reported)
	{
		if (strcmp(lfirst(cell), constraint) == 0)
			return;
	}
	old = MemoryContextSwitchTo(kept->context);
	kept->reported = lappend(kept->reported, pstrdup(constraint));
	MemoryContextSwitchTo(old);
	ereport(WARNING,
			(errmsg("cleanup keeps expired rows of table \"%s\"", table),
			 (constraint[0] != '\0') ?
			 errdetail("Foreign key \"%s\" of table \"%s.%s\" refers to them.", constraint,
					   error->schema_name, error->table_name) : 0,
			 errhint("Give the foreign key ON DELETE CASCADE or ON DELETE SET NULL.")));
}

static void
keep(const ExpiredRows *rows, Datum key, KeptRows *kept, const ErrorData *error)
{
	MemoryContext old;
	int16 len;
	bool by_value;

	expired_rows_report(kept, rows->table, error);
	get_typlenbyval(rows->key_type, &len, &by_value);
	old = MemoryContextSwitchTo(kept->context);
	kept->keys = lappend(kept->keys, DatumGetPointer(datumCopy(key, by_value, len)));
	MemoryContextSwitchTo(old);
	kept->count++;
}

/* The keys of the next expired rows, in the current memory context. */
static Datum *
find_keys(ExpiredRows *rows, Datum *values, int *count)
{
	MemoryContext caller = CurrentMemoryContext;
	Datum *keys;
	int16 len;
	bool by_value;

	get_typlenbyval(rows->key_type, &len, &by_value);
	spi_query_open();
	*count = spi_query_run(&rows->find_query, values, NULL, SPI_OK_SELECT);
	MemoryContextSwitchTo(caller);
	keys = palloc(Max(*count, 1) * sizeof(Datum));
	for (int row = 0; row < *count; row++)
	{
		spi_query_use_row(row);
		keys[row] = datumCopy(spi_query_datum(1), by_value, len);
	}
	spi_query_close();
	return keys;
}

static int
delete_one_by_one(ExpiredRows *rows, Datum *values, KeptRows *kept)
{
	int handled = 0;
	int count;
	Datum *keys = find_keys(rows, values, &count);

	while (handled < count && kept->count < KEPT_ROWS_MAX)
	{
		Deletion deletion = {&rows->delete_one, &keys[handled]};
		ErrorData *error;

		CHECK_FOR_INTERRUPTS();
		error = expired_rows_try(run_deletion, &deletion);
		if (error != NULL)
		{
			keep(rows, keys[handled], kept, error);
			FreeErrorData(error);
		}
		handled++;
	}
	return handled;
}

int
expired_rows_delete(ExpiredRows *rows, Datum *values, KeptRows *kept)
{
	Deletion deletion = {&rows->delete_batch, values};
	ErrorData *error;

	if (kept->count >= KEPT_ROWS_MAX)
		return 0;
	prepare(rows);
	values[rows->parameter_count - 1] = keys_to_leave_out(rows, kept);
	error = expired_rows_try(run_deletion, &deletion);
	if (error == NULL)
		return deletion.deleted;
	FreeErrorData(error);
	return delete_one_by_one(rows, values, kept);
}

int
expired_rows_delete_before(ExpiredRows *rows, TimestampTz time, int limit, KeptRows *kept)
{
	Datum values[3] = {TimestampTzGetDatum(time), Int32GetDatum(limit)};

	return expired_rows_delete(rows, values, kept);
}

void
expired_rows_next_part(KeptRows *kept)
{
	MemoryContext old = MemoryContextSwitchTo(kept->context);

	list_free_deep(kept->keys);
	kept->keys = NIL;
	MemoryContextSwitchTo(old);
}
