/*
 * password_history.c
 *		Hashes of a user's last passwords: table authfort.password_history.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "utils/builtins.h"

#include "base/spi_query.h"
#include "domain/password_history.h"
#include "domain/user_rows.h"
#include "domain/users.h"
#include "settings.h"

char **
password_history_hashes(const pg_uuid_t *user_id, int *count)
{
	static SpiQuery query = {
		"SELECT ARRAY(SELECT password_hash FROM authfort.password_history"
		" WHERE user_id OPERATOR(pg_catalog.=) $1 ORDER BY id DESC LIMIT $2)",
		2,
		{UUIDOID, INT4OID},
	};
	Datum values[2] = {UUIDPGetDatum(user_id), Int32GetDatum(setting_password_history_count)};

	return spi_query_run_for_texts(&query, values, count);
}

static void
forget_old(const pg_uuid_t *user_id)
{
	static SpiQuery query = {
		"DELETE FROM authfort.password_history WHERE user_id OPERATOR(pg_catalog.=) $1"
		" AND id OPERATOR(pg_catalog.<>) ALL (ARRAY(SELECT h.id FROM authfort.password_history h"
		" WHERE h.user_id OPERATOR(pg_catalog.=) $1 ORDER BY h.id DESC LIMIT $2))",
		2,
		{UUIDOID, INT4OID},
	};
	Datum values[2] = {UUIDPGetDatum(user_id), Int32GetDatum(setting_password_history_count)};

	spi_query_run_alone(&query, values, NULL, SPI_OK_DELETE);
}

void
password_history_add(const pg_uuid_t *user_id, const char *hash)
{
	static SpiQuery query = {
		"INSERT INTO authfort.password_history (user_id, password_hash) SELECT u.id, $2" FROM_USER("$1"), 2, {UUIDOID, TEXTOID},
	};
	Datum values[2] = {UUIDPGetDatum(user_id), CStringGetTextDatum(hash)};

	if (setting_password_history_count == 0)
		return;
	spi_query_run_alone(&query, values, NULL, SPI_OK_INSERT);
	forget_old(user_id);
}

void
password_history_delete(const pg_uuid_t *user_id)
{
	static UserRows rows = {"authfort.password_history"};

	user_rows_delete(&rows, user_id);
}
