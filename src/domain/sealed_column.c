/*
 * sealed_column.c
 *		Sealing again what a column holds, with the current master key.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "miscadmin.h"
#include "utils/datum.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"

#include "crypto/seal.h"
#include "domain/sealed_column.h"

/* How many values that do not open are named in warnings. */
#define SEALED_NAMED 10

/* How many rows are read at least after some did not open: each reading sorts the table. */
#define ROWS_PAST_FAILED 1000

typedef struct SealedValue
{
	Datum key;
	bytea *sealed;
	char *text;
} SealedValue;

static Datum
copy_key(const SealedColumn *column, Datum key)
{
	int16 len;
	bool by_value;

	get_typlenbyval(column->update.parameter_types[0], &len, &by_value);
	return datumCopy(key, by_value, len);
}

static SealedValue
read_value(const SealedColumn *column, MemoryContext context)
{
	MemoryContext old = MemoryContextSwitchTo(context);
	SealedValue value;

	value.key = copy_key(column, spi_query_datum(1));
	value.sealed = spi_query_bytea(context, 2);
	value.text = spi_query_text(context, 3);
	MemoryContextSwitchTo(old);
	return value;
}

/* Locks the rows until the end of the transaction; "after" is NULL or a key. */
static SealedValue *
find_values(SealedColumn *column, int limit, const Datum *after, int *count)
{
	MemoryContext caller = CurrentMemoryContext;
	Datum values[3] = {PointerGetDatum(seal_older_prefixes()), Int32GetDatum(limit),
					   (after != NULL) ? *after : (Datum) 0};
	SealedValue *found;

	spi_query_open();
	*count = spi_query_run(&column->find, values, (after != NULL) ? NULL : "  n", SPI_OK_SELECT);
	found = MemoryContextAlloc(caller, Max(*count, 1) * sizeof(SealedValue));
	for (int row = 0; row < *count; row++)
	{
		spi_query_use_row(row);
		found[row] = read_value(column, caller);
	}
	spi_query_close();
	return found;
}

/* Names the first values that do not open; there may be very many. */
static void
reseal_value(SealedColumn *column, const SealedValue *value, const pg_uuid_t *database,
			 Resealing *progress)
{
	bytea *again = seal_again(value->sealed, column->name(value->key, value->text), database,
							  (progress->failed < SEALED_NAMED) ? WARNING : DEBUG1);
	Datum values[2] = {value->key, PointerGetDatum(again)};

	if (again == NULL)
		progress->failed++;
	else if (spi_query_run_alone(&column->update, values, NULL, SPI_OK_UPDATE) > 0)
	{
		progress->resealed++;
		progress->left--;
	}
}

/*
 * Goes on past what does not open: that must not keep the rest under an old key.
 * There may be very many of these, so the memory of each page is freed.
 */
void
sealed_column_reseal(SealedColumn *column, const pg_uuid_t *database, Resealing *progress)
{
	MemoryContext page =
		AllocSetContextCreate(CurrentMemoryContext, "authfort reseal", ALLOCSET_DEFAULT_SIZES);
	const Datum *after = NULL;
	Datum last;
	int limit;
	int count;

	do
	{
		MemoryContext caller = MemoryContextSwitchTo(page);
		SealedValue *found;

		limit = (after == NULL) ? progress->left : Max(progress->left, ROWS_PAST_FAILED);
		found = find_values(column, limit, after, &count);
		for (int i = 0; i < count && progress->left > 0; i++)
		{
			CHECK_FOR_INTERRUPTS();
			reseal_value(column, &found[i], database, progress);
		}
		MemoryContextSwitchTo(caller);
		if (count > 0)
		{
			last = copy_key(column, found[count - 1].key);
			after = &last;
		}
		MemoryContextReset(page);
	} while (count == limit && progress->left > 0);
	MemoryContextDelete(page);
}
