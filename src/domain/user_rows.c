/*
 * user_rows.c
 *		The rows of a table that belong to users, by its column user_id.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "utils/memutils.h"

#include "domain/user_rows.h"

/* The text is kept with the plan. */
static void
set_statement(SpiQuery *query, const char *table, const char *condition)
{
	query->sql =
		MemoryContextStrdup(TopMemoryContext, psprintf("DELETE FROM %s%s", table, condition));
}

void
user_rows_delete(UserRows *rows, const pg_uuid_t *user_id)
{
	if (user_id == NULL)
	{
		if (rows->of_all.sql == NULL)
			set_statement(&rows->of_all, rows->table, "");
		spi_query_run_alone(&rows->of_all, NULL, NULL, SPI_OK_DELETE);
		return;
	}
	if (rows->of_user.sql == NULL)
	{
		set_statement(&rows->of_user, rows->table, " WHERE user_id OPERATOR(pg_catalog.=) $1");
		rows->of_user.parameter_count = 1;
		rows->of_user.parameter_types[0] = UUIDOID;
	}
	spi_query_run_by_id(&rows->of_user, user_id, SPI_OK_DELETE);
}
