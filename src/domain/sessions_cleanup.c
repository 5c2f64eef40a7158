/*
 * sessions_cleanup.c
 *		Deletes ended sessions from table authfort.sessions, block by block.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "common/pg_prng.h"
#include "miscadmin.h"
#include "storage/itemptr.h"
#include "utils/timestamp.h"

#include "base/spi_query.h"
#include "domain/sessions.h"
#include "settings.h"

/* Blocks of a part of the table, which is searched at a time. */
#define CLEANUP_BLOCKS 128

static BlockNumber
table_blocks(void)
{
	static SpiQuery query = {
		"SELECT pg_catalog.pg_relation_size('authfort.sessions'::pg_catalog.regclass)",
		0,
		{0},
	};

	return spi_query_run_for_number(&query, NULL, NULL) / BLCKSZ;
}

/* Deletes ended sessions from blocks "from" to before "to". */
static int
delete_ended_in(BlockNumber from, BlockNumber to, int limit, KeptRows *kept)
{
	static ExpiredRows ended = {
		"authfort.sessions",
		"id",
		UUIDOID,
		"SELECT s.id FROM authfort.sessions s"
		" WHERE s.ctid OPERATOR(pg_catalog.>=) $1 AND s.ctid OPERATOR(pg_catalog.<) $2"
		" AND (s.revoked_at OPERATOR(pg_catalog.<=) $3 OR s.expires_at OPERATOR(pg_catalog.<=) $3)"
		" AND s.id OPERATOR(pg_catalog.<>) ALL ($5) LIMIT $4 FOR UPDATE SKIP LOCKED",
		5,
		{TIDOID, TIDOID, TIMESTAMPTZOID, INT4OID, UUIDARRAYOID},
	};
	ItemPointerData first;
	ItemPointerData end;
	Datum values[5];

	ItemPointerSet(&first, from, 0);
	ItemPointerSet(&end, to, 0);
	values[0] = PointerGetDatum(&first);
	values[1] = PointerGetDatum(&end);
	values[2] = TimestampTzGetDatum(
		TimestampTzPlusMilliseconds(GetCurrentTimestamp(),
									INT64CONST(-1000) * setting_session_retention));
	values[3] = Int32GetDatum(limit);
	return expired_rows_delete(&ended, values, kept);
}

/*
 * An index on expires_at would find them, at the cost of every refresh, whose
 * update could then not be HOT.  So the whole table is read in parts, and each
 * batch continues where the last one stopped.  The first part is a random one:
 * if foreign keys keep so many rows that a pass gives up, the next one begins
 * elsewhere.
 */
int
sessions_delete_ended(int limit, SessionsPart *position, KeptRows *kept)
{
	uint32 parts = table_blocks() / CLEANUP_BLOCKS + 1;
	int handled = 0;

	if (position->visited == 0)
		position->first = pg_prng_uint32(&pg_global_prng_state) % parts;
	while (position->visited < parts && kept->count < KEPT_ROWS_MAX)
	{
		BlockNumber from = (position->first + position->visited) % parts * CLEANUP_BLOCKS;

		CHECK_FOR_INTERRUPTS();
		handled += delete_ended_in(from, from + CLEANUP_BLOCKS, limit - handled, kept);
		if (handled == limit)
			break;
		expired_rows_next_part(kept);
		position->visited++;
	}
	return handled;
}
