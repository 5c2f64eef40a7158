/*
 * spent_ids.c
 *		Ids of things that may be used once: table authfort.spent_ids.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "utils/builtins.h"
#include "utils/timestamp.h"

#include "base/spi_query.h"
#include "domain/spent_ids.h"

bool
spent_ids_add(const char *purpose, const pg_uuid_t *id, TimestampTz expires_at)
{
	static SpiQuery query = {
		"INSERT INTO authfort.spent_ids (id, purpose, expires_at) VALUES ($1, $2, $3)"
		" ON CONFLICT (id) DO NOTHING",
		3,
		{UUIDOID, TEXTOID, TIMESTAMPTZOID},
	};
	Datum values[3] = {UUIDPGetDatum(id), CStringGetTextDatum(purpose),
					   TimestampTzGetDatum(expires_at)};

	/* the caller may have waited since it checked that, and the row of a spent id may be gone */
	if (expires_at <= GetCurrentTimestamp())
		return false;
	return spi_query_run_alone(&query, values, NULL, SPI_OK_INSERT) > 0;
}

bool
spent_ids_have(const pg_uuid_t *id)
{
	static SpiQuery query = {
		"SELECT FROM authfort.spent_ids WHERE id OPERATOR(pg_catalog.=) $1",
		1,
		{UUIDOID},
	};
	Datum value = UUIDPGetDatum(id);

	return spi_query_run_alone(&query, &value, NULL, SPI_OK_SELECT) > 0;
}

int
spent_ids_delete_expired(int limit, KeptRows *kept)
{
	static ExpiredRows expired = {
		"authfort.spent_ids",
		"id",
		UUIDOID,
		"SELECT s.id FROM authfort.spent_ids s WHERE s.expires_at OPERATOR(pg_catalog.<=) $1"
		" AND s.id OPERATOR(pg_catalog.<>) ALL ($3) ORDER BY s.expires_at LIMIT $2"
		" FOR UPDATE SKIP LOCKED",
		3,
		{TIMESTAMPTZOID, INT4OID, UUIDARRAYOID},
	};

	return expired_rows_delete_before(&expired, GetCurrentTimestamp(), limit, kept);
}
