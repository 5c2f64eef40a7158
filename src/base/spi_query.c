/*
 * spi_query.c
 *		Statements that are planned once a backend, run through SPI.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "commands/trigger.h"
#include "miscadmin.h"
#include "utils/acl.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/timestamp.h"

#include "base/security_context.h"
#include "base/spi_query.h"

static uint64 current_row;

void
spi_query_open(void)
{
	if (SPI_connect() != SPI_OK_CONNECT)
		elog(ERROR, "SPI_connect failed");
}

void
spi_query_close(void)
{
	SPI_finish();
}

static uint64
finish_run(int result, int expected)
{
	if (result != expected)
		elog(ERROR, "unexpected result of a statement: %s", SPI_result_code_string(result));
	current_row = 0;
	return SPI_processed;
}

static SPIPlanPtr
prepare(SpiQuery *plan)
{
	if (plan->plan == NULL)
	{
		SPIPlanPtr	prepared = SPI_prepare(plan->query, plan->parameter_count,
										   plan->parameter_types);

		if (prepared == NULL || SPI_keepplan(prepared) != 0)
			elog(ERROR, "could not prepare a statement: %s",
				 SPI_result_code_string(SPI_result));
		plan->plan = prepared;
	}
	return plan->plan;
}

/*
 * A DELETE may cascade to tables of the application, whose triggers are code of
 * whoever owns these.  Before PostgreSQL 18 those that are AFTER it run as
 * whoever is the current user when they fire: that would be the extension's
 * owner, often a superuser.  The caller's rights are not for them either.  So
 * they run as a role that may do no more than a stranger on the network.
 */
static uint64
run_delete(SpiQuery *plan, Datum *values, const char *nulls)
{
	SecurityContext		deleting;
	SecurityContext		firing;
	uint64		deleted;

	security_context_restrict(GetUserId(), &deleting);
	AfterTriggerBeginQuery();
	deleted = finish_run(SPI_execute_snapshot(prepare(plan), values, nulls, InvalidSnapshot,
											  InvalidSnapshot, false, false, 0), SPI_OK_DELETE);
	security_context_restrict(get_role_oid("authfort_http", false), &firing);
	AfterTriggerEndQuery(NULL);
	security_context_restore(&firing);
	security_context_restore(&deleting);
	return deleted;
}

/*
 * Runs a statement, in a new snapshot, between spi_query_open() and spi_query_close();
 * "nulls" is as for SPI_execute_plan().  Returns the number of rows.
 */
uint64
spi_query_run(SpiQuery *plan, Datum *values, const char *nulls, int expected)
{
	if (expected == SPI_OK_DELETE)
		return run_delete(plan, values, nulls);
	return finish_run(SPI_execute_plan(prepare(plan), values, nulls, false, 0), expected);
}

uint64
spi_query_run_once(const char *query, int parameter_count, Oid *parameter_types, Datum *values,
			  const char *nulls, int expected)
{
	int			result = SPI_execute_with_args(query, parameter_count, parameter_types, values,
											   nulls, false, 0);

	return finish_run(result, expected);
}

void
spi_query_run_by_id(SpiQuery *plan, const pg_uuid_t *id, int expected)
{
	Datum		value = UUIDPGetDatum(id);

	spi_query_open();
	spi_query_run(plan, &value, NULL, expected);
	spi_query_close();
}

int
spi_query_delete_before(SpiQuery *plan, TimestampTz time, int limit)
{
	Datum		values[2] = {TimestampTzGetDatum(time), Int32GetDatum(limit)};
	int			deleted;

	spi_query_open();
	deleted = spi_query_run(plan, values, NULL, SPI_OK_DELETE);
	spi_query_close();
	return deleted;
}

void
spi_query_use_row(uint64 row)
{
	current_row = row;
}

static Datum
column_of_row(int column, bool *isnull)
{
	return SPI_getbinval(SPI_tuptable->vals[current_row], SPI_tuptable->tupdesc, column, isnull);
}

bool
spi_query_is_null(int column)
{
	bool		isnull;

	column_of_row(column, &isnull);
	return isnull;
}

/* Only for types that are passed by value. */
Datum
spi_query_datum(int column)
{
	bool		isnull;
	Datum		value = column_of_row(column, &isnull);

	if (isnull)
		elog(ERROR, "unexpected null in column %d", column);
	return value;
}

/* NULL for NULL. */
char *
spi_query_text(MemoryContext context, int column)
{
	bool		isnull;
	Datum		value = column_of_row(column, &isnull);
	MemoryContext old;
	char	   *result;

	if (isnull)
		return NULL;
	old = MemoryContextSwitchTo(context);
	result = TextDatumGetCString(value);
	MemoryContextSwitchTo(old);
	return result;
}

void
spi_query_uuid(int column, pg_uuid_t *uuid)
{
	*uuid = *DatumGetUUIDP(spi_query_datum(column));
}

/* DT_NOBEGIN for NULL, which json_write_time() writes as null. */
TimestampTz
spi_query_time(int column)
{
	bool		isnull;
	Datum		value = column_of_row(column, &isnull);

	return isnull ? DT_NOBEGIN : DatumGetTimestampTz(value);
}

/* A text[] without nulls. */
char **
spi_query_texts(MemoryContext context, int column, int *count)
{
	ArrayType  *array = DatumGetArrayTypeP(spi_query_datum(column));
	MemoryContext old = MemoryContextSwitchTo(context);
	Datum	   *elements;
	char	  **texts;

	deconstruct_array(array, TEXTOID, -1, false, TYPALIGN_INT, &elements, NULL, count);
	texts = palloc(Max(*count, 1) * sizeof(char *));
	for (int i = 0; i < *count; i++)
		texts[i] = TextDatumGetCString(elements[i]);
	MemoryContextSwitchTo(old);
	return texts;
}
