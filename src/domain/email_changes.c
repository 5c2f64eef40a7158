/*
 * email_changes.c
 *		Changes of users' addresses: table authfort.email_changes.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "utils/builtins.h"
#include "utils/timestamp.h"

#include "base/spi_query.h"
#include "domain/email_changes.h"
#include "domain/user_rows.h"
#include "domain/users.h"
#include "settings.h"

void
email_changes_insert(EmailChange *change)
{
	static SpiQuery query = {
		"INSERT INTO authfort.email_changes"
		" (user_id, old_email, new_email, was_proven, awaits_old, created_at, expires_at)"
		" SELECT u.id, $2, $3, $4, $5, $6, $7" FROM_USER("$1") " RETURNING id", 7,
														 {UUIDOID, TEXTOID, TEXTOID, BOOLOID,
														  BOOLOID, TIMESTAMPTZOID, TIMESTAMPTZOID},
	};
	Datum values[7];
	char nulls[7];

	change->created_at = GetCurrentTimestamp();
	values[0] = UUIDPGetDatum(&change->user_id);
	memset(nulls, ' ', sizeof(nulls));
	if (change->old_email == NULL)
	{
		values[1] = (Datum) 0;
		nulls[1] = 'n';
	}
	else
		values[1] = CStringGetTextDatum(change->old_email);
	values[2] = CStringGetTextDatum(change->new_email);
	values[3] = BoolGetDatum(change->was_proven);
	values[4] = BoolGetDatum(change->awaits_old);
	values[5] = TimestampTzGetDatum(change->created_at);
	values[6] = TimestampTzGetDatum(change->created_at + setting_email_change_ttl * USECS_PER_SEC);
	spi_query_open();
	if (spi_query_run(&query, values, nulls, SPI_OK_INSERT_RETURNING) == 0)
		users_raise_unknown(&change->user_id);
	spi_query_uuid(1, &change->id);
	spi_query_close();
}

/* What both queries below return. */
#define CHANGE_COLUMNS \
	"id, user_id, old_email, new_email, was_proven, awaits_old, awaits_new, in_session," \
	" created_at, changed_at"

/* The change that a query of CHANGE_COLUMNS has found; NULL if it found none. */
static EmailChange *
find_change(SpiQuery *query, Datum key)
{
	MemoryContext caller = CurrentMemoryContext;
	Datum values[2] = {key, TimestampTzGetDatum(GetCurrentTimestamp())};
	EmailChange *change = NULL;

	spi_query_open();
	if (spi_query_run(query, values, NULL, SPI_OK_SELECT) > 0)
	{
		change = MemoryContextAllocZero(caller, sizeof(EmailChange));
		spi_query_uuid(1, &change->id);
		spi_query_uuid(2, &change->user_id);
		change->old_email = spi_query_text(caller, 3);
		change->new_email = spi_query_text(caller, 4);
		change->was_proven = DatumGetBool(spi_query_datum(5));
		change->awaits_old = DatumGetBool(spi_query_datum(6));
		change->awaits_new = DatumGetBool(spi_query_datum(7));
		change->in_session = DatumGetBool(spi_query_datum(8));
		change->created_at = spi_query_time(9);
		change->changed_at = spi_query_time(10);
	}
	spi_query_close();
	return change;
}

EmailChange *
email_changes_find(const pg_uuid_t *id)
{
	static SpiQuery query = {
		"SELECT " CHANGE_COLUMNS " FROM authfort.email_changes WHERE id OPERATOR(pg_catalog.=) $1"
		" AND expires_at OPERATOR(pg_catalog.>) $2",
		2,
		{UUIDOID, TIMESTAMPTZOID},
	};

	return find_change(&query, UUIDPGetDatum(id));
}

EmailChange *
email_changes_find_reserving(const char *email)
{
	static SpiQuery query = {
		"SELECT " CHANGE_COLUMNS " FROM authfort.email_changes"
		" WHERE old_email OPERATOR(pg_catalog.=) $1 AND changed_at IS NOT NULL"
		" AND expires_at OPERATOR(pg_catalog.>) $2 ORDER BY changed_at DESC LIMIT 1",
		2,
		{TEXTOID, TIMESTAMPTZOID},
	};

	return find_change(&query, CStringGetTextDatum(email));
}

void
email_changes_confirm(const EmailChange *change)
{
	static SpiQuery query = {
		"UPDATE authfort.email_changes SET awaits_old = $2, awaits_new = $3,"
		" in_session = $4 WHERE id OPERATOR(pg_catalog.=) $1",
		4,
		{UUIDOID, BOOLOID, BOOLOID, BOOLOID},
	};
	Datum values[4] = {UUIDPGetDatum(&change->id), BoolGetDatum(change->awaits_old),
					   BoolGetDatum(change->awaits_new), BoolGetDatum(change->in_session)};

	spi_query_run_alone(&query, values, NULL, SPI_OK_UPDATE);
}

void
email_changes_complete(const pg_uuid_t *id)
{
	static SpiQuery query = {
		"UPDATE authfort.email_changes SET awaits_old = false, awaits_new = false,"
		" changed_at = $2, expires_at = $3 WHERE id OPERATOR(pg_catalog.=) $1",
		3,
		{UUIDOID, TIMESTAMPTZOID, TIMESTAMPTZOID},
	};
	TimestampTz now = GetCurrentTimestamp();
	Datum values[3] = {UUIDPGetDatum(id), TimestampTzGetDatum(now),
					   TimestampTzGetDatum(now + EMAIL_CHANGE_UNDO_SECONDS * USECS_PER_SEC)};

	spi_query_run_alone(&query, values, NULL, SPI_OK_UPDATE);
}

/* Changes are made one after another, so those that were made later were requested later. */
pg_uuid_t *
email_changes_delete_from(const EmailChange *change, int *count)
{
	static SpiQuery query = {
		"DELETE FROM authfort.email_changes WHERE user_id OPERATOR(pg_catalog.=) $1"
		" AND created_at OPERATOR(pg_catalog.>=) $2 RETURNING id",
		2,
		{UUIDOID, TIMESTAMPTZOID},
	};
	Datum values[2] = {UUIDPGetDatum(&change->user_id), TimestampTzGetDatum(change->created_at)};

	return spi_query_run_for_ids(&query, values, SPI_OK_DELETE_RETURNING, count);
}

bool
email_changes_reserve(const char *email, const pg_uuid_t *id)
{
	static SpiQuery query = {
		"SELECT FROM authfort.email_changes WHERE old_email OPERATOR(pg_catalog.=) $1"
		" AND changed_at IS NOT NULL AND expires_at OPERATOR(pg_catalog.>) $2"
		" AND user_id OPERATOR(pg_catalog.<>) $3 LIMIT 1",
		3,
		{TEXTOID, TIMESTAMPTZOID, UUIDOID},
	};
	Datum values[3] = {CStringGetTextDatum(email), TimestampTzGetDatum(GetCurrentTimestamp()),
					   UUIDPGetDatum(id)};

	return spi_query_run_alone(&query, values, NULL, SPI_OK_SELECT) > 0;
}

void
email_changes_delete(const pg_uuid_t *user_id)
{
	static UserRows rows = {"authfort.email_changes"};

	user_rows_delete(&rows, user_id);
}

int
email_changes_delete_expired(int limit, KeptRows *kept)
{
	static ExpiredRows expired = {
		"authfort.email_changes",
		"id",
		UUIDOID,
		"SELECT c.id FROM authfort.email_changes c WHERE c.expires_at OPERATOR(pg_catalog.<=) $1"
		" AND c.id OPERATOR(pg_catalog.<>) ALL ($3) ORDER BY c.expires_at LIMIT $2"
		" FOR UPDATE SKIP LOCKED",
		3,
		{TIMESTAMPTZOID, INT4OID, UUIDARRAYOID},
	};

	return expired_rows_delete_before(&expired, GetCurrentTimestamp(), limit, kept);
}
