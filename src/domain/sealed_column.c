/*
 * sealed_column.c
 *		Sealing again what a column holds, with the current master key.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "miscadmin.h"
#include "utils/datum.h"
#include "utils/lsyscache.h"

#include "crypto/seal.h"
#include "domain/sealed_column.h"

typedef struct SealedValue
{
	Datum key;
	bytea *sealed;
	char *text;
} SealedValue;

static SealedValue
read_value(const SealedColumn *column, MemoryContext context)
{
	Oid key_type = column->update.parameter_types[0];
	MemoryContext old = MemoryContextSwitchTo(context);
	SealedValue value;
	int16 len;
	bool by_value;

	get_typlenbyval(key_type, &len, &by_value);
	value.key = datumCopy(spi_query_datum(1), by_value, len);
	value.sealed = spi_query_bytea(context, 2);
	value.text = spi_query_text(context, 3);
	MemoryContextSwitchTo(old);
	return value;
}

/* Locks the rows until the end of the transaction. */
static SealedValue *
find_values(SealedColumn *column, int limit, int *count)
{
	MemoryContext caller = CurrentMemoryContext;
	Datum values[2] = {PointerGetDatum(seal_older_prefixes()), Int32GetDatum(limit)};
	SealedValue *found;

	spi_query_open();
	*count = spi_query_run(&column->find, values, NULL, SPI_OK_SELECT);
	found = MemoryContextAlloc(caller, Max(*count, 1) * sizeof(SealedValue));
	for (int row = 0; row < *count; row++)
	{
		spi_query_use_row(row);
		found[row] = read_value(column, caller);
	}
	spi_query_close();
	return found;
}

int
sealed_column_reseal(SealedColumn *column, const pg_uuid_t *database, int limit)
{
	int count;
	int resealed = 0;
	SealedValue *found = find_values(column, limit, &count);

	for (int i = 0; i < count; i++)
	{
		bytea *again =
			seal_again(found[i].sealed, column->name(found[i].key, found[i].text), database);
		Datum values[2] = {found[i].key, PointerGetDatum(again)};

		CHECK_FOR_INTERRUPTS();
		if (again != NULL)
			resealed += spi_query_run_alone(&column->update, values, NULL, SPI_OK_UPDATE);
	}
	return resealed;
}
