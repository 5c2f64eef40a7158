/*
 * sessions_cleanup.c
 *		Deletes ended sessions from table authfort.sessions, block by block.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "miscadmin.h"
#include "storage/itemptr.h"
#include "utils/timestamp.h"

#include "base/spi_query.h"
#include "domain/sessions.h"
#include "settings.h"

/* Blocks that are searched at a time. */
#define CLEANUP_BLOCKS 128

static BlockNumber
table_blocks(void)
{
	static SpiQuery query = {
		"SELECT pg_catalog.pg_relation_size('authfort.sessions'::pg_catalog.regclass)",
		0, {0}
	};
	BlockNumber blocks;

	spi_query_open();
	spi_query_run(&query, NULL, NULL, SPI_OK_SELECT);
	blocks = DatumGetInt64(spi_query_datum(1)) / BLCKSZ;
	spi_query_close();
	return blocks;
}

/* Deletes ended sessions from blocks "from" to before "to". */
static int
delete_ended_in(BlockNumber from, BlockNumber to, int limit)
{
	static SpiQuery query = {
		"DELETE FROM authfort.sessions WHERE id OPERATOR(pg_catalog.=) ANY (ARRAY"
		" (SELECT s.id FROM authfort.sessions s"
		" WHERE s.ctid OPERATOR(pg_catalog.>=) $1 AND s.ctid OPERATOR(pg_catalog.<) $2"
		" AND (s.revoked_at OPERATOR(pg_catalog.<=) $3 OR s.expires_at OPERATOR(pg_catalog.<=) $3)"
		" LIMIT $4 FOR UPDATE SKIP LOCKED))",
		4, {TIDOID, TIDOID, TIMESTAMPTZOID, INT4OID}
	};
	ItemPointerData first;
	ItemPointerData end;
	Datum		values[4];

	ItemPointerSet(&first, from, 0);
	ItemPointerSet(&end, to, 0);
	values[0] = PointerGetDatum(&first);
	values[1] = PointerGetDatum(&end);
	values[2] = TimestampTzGetDatum(TimestampTzPlusMilliseconds(GetCurrentTimestamp(),
																 INT64CONST(-1000) * setting_session_retention));
	values[3] = Int32GetDatum(limit);
	return spi_query_run_alone(&query, values, NULL, SPI_OK_DELETE);
}

/*
 * An index on expires_at would find them, at the cost of every refresh, whose
 * update could then not be HOT.  So the whole table is read in batches, each
 * of which continues where the last one stopped.
 */
int
sessions_delete_ended(int limit, BlockNumber *position)
{
	BlockNumber blocks = table_blocks();
	int			deleted = 0;

	while (*position < blocks)
	{
		BlockNumber next = Min(*position + CLEANUP_BLOCKS, blocks);

		CHECK_FOR_INTERRUPTS();
		deleted += delete_ended_in(*position, next, limit - deleted);
		if (deleted == limit)
			break;
		*position = next;
	}
	return deleted;
}
