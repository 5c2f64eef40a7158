/*
 * outbox.c
 *		Messages to be delivered to users: table authfort.outbox.
 */
#include "postgres.h"

#include <sodium.h>

#include "catalog/pg_type.h"
#include "commands/async.h"
#include "funcapi.h"
#include "utils/builtins.h"
#include "utils/jsonb.h"
#include "utils/timestamp.h"
#include "utils/tuplestore.h"

#include "base/arguments.h"
#include "base/json.h"
#include "base/spi_query.h"
#include "base/uuid.h"
#include "compat.h"
#include "crypto/seal.h"
#include "domain/database_id.h"
#include "domain/email_codes.h"
#include "domain/one_time_tokens.h"
#include "domain/outbox.h"
#include "domain/sealed_column.h"
#include "domain/signing_keys.h"
#include "domain/user_rows.h"
#include "domain/users.h"
#include "settings.h"

PG_FUNCTION_INFO_V1(authfort_take_messages);
PG_FUNCTION_INFO_V1(authfort_message_sent);
PG_FUNCTION_INFO_V1(authfort_message_deferred);

#define NOTIFY_CHANNEL "authfort_outbox"
/* Whether the token or code of message "o" can still be used. */
#define SECRET_OF_MESSAGE "(" TOKEN_OF_MESSAGE " OR " CODE_OF_MESSAGE ")"

#define MAX_MESSAGES 1000
#define MAX_RETRY_AFTER (7 * 24 * 60 * 60) /* seconds; no token is valid for longer */

/* What a sealed message is bound to. */
static char *
message_seal_name(const pg_uuid_t *id)
{
	return psprintf("message %s", uuid_text(id));
}

void
outbox_prepare(void)
{
	signing_keys_ensure_master_key();
	(void) database_id();
}

void
outbox_put(const pg_uuid_t *id, const char *kind, const pg_uuid_t *user_id, TimestampTz expires_at,
		   StringInfo message)
{
	static SpiQuery query = {
		"INSERT INTO authfort.outbox (id, kind, user_id, message, created_at, expires_at, has_secret)"
		" SELECT o.id, $2, o.user_id, $4, $5, $6, " SECRET_OF_MESSAGE
		" FROM (SELECT $1 AS id, u.id AS user_id" FROM_USER("$3") ") o", 6, {UUIDOID, TEXTOID, UUIDOID, BYTEAOID, TIMESTAMPTZOID, TIMESTAMPTZOID},
	};
	pg_uuid_t database = database_id();
	Datum values[6];

	values[0] = UUIDPGetDatum(id);
	values[1] = CStringGetTextDatum(kind);
	values[2] = UUIDPGetDatum(user_id);
	values[3] = PointerGetDatum(
		seal((unsigned char *) message->data, message->len, message_seal_name(id), &database));
	values[4] = TimestampTzGetDatum(GetCurrentTimestamp());
	values[5] = TimestampTzGetDatum(expires_at);
	sodium_memzero(message->data, message->len);
	spi_query_run_alone(&query, values, NULL, SPI_OK_INSERT);
	if (setting_notify_events)
		Async_Notify(NOTIFY_CHANNEL, kind);
}

/*
 * A locked row is being sent by a mailer, which may keep its transaction open
 * while it sends.  It is skipped instead of waited for.
 */
pg_uuid_t *
outbox_take_back(const pg_uuid_t *user_id, const char *kind, int *count)
{
	static SpiQuery query = {
		"DELETE FROM authfort.outbox WHERE id OPERATOR(pg_catalog.=) ANY (ARRAY"
		" (SELECT o.id FROM authfort.outbox o WHERE o.user_id OPERATOR(pg_catalog.=) $1"
		" AND o.kind OPERATOR(pg_catalog.=) $2 AND o.taken_at IS NULL FOR UPDATE SKIP LOCKED))"
		" RETURNING id",
		2,
		{UUIDOID, TEXTOID},
	};
	Datum values[2] = {UUIDPGetDatum(user_id), CStringGetTextDatum(kind)};

	return spi_query_run_for_ids(&query, values, SPI_OK_DELETE_RETURNING, count);
}

/* A row that a mailer holds locked is skipped, as above. */
void
outbox_withdraw(const pg_uuid_t *user_id, const char *kind)
{
	static SpiQuery query = {
		"DELETE FROM authfort.outbox WHERE id OPERATOR(pg_catalog.=) ANY (ARRAY"
		" (SELECT o.id FROM authfort.outbox o WHERE o.user_id OPERATOR(pg_catalog.=) $1"
		" AND o.kind OPERATOR(pg_catalog.=) $2 FOR UPDATE SKIP LOCKED))",
		2,
		{UUIDOID, TEXTOID},
	};

	spi_query_run_by_id_and(&query, user_id, CStringGetTextDatum(kind), SPI_OK_DELETE);
}

void
outbox_delete(const pg_uuid_t *user_id)
{
	static UserRows rows = {"authfort.outbox"};

	user_rows_delete(&rows, user_id);
}

void
outbox_delete_kinds(const pg_uuid_t *user_id, const char *const *kinds, int count)
{
	static SpiQuery query = {
		"DELETE FROM authfort.outbox WHERE user_id OPERATOR(pg_catalog.=) $1"
		" AND kind OPERATOR(pg_catalog.=) ANY ($2)",
		2,
		{UUIDOID, TEXTARRAYOID},
	};
	Datum values[2] = {UUIDPGetDatum(user_id),
					   texts_to_array(unconstify(char *const *, kinds), count)};

	spi_query_run_alone(&query, values, NULL, SPI_OK_DELETE);
}

int
outbox_delete_expired(int limit, KeptRows *kept)
{
	static ExpiredRows expired = {
		"authfort.outbox",
		"id",
		UUIDOID,
		"SELECT o.id FROM authfort.outbox o WHERE o.expires_at OPERATOR(pg_catalog.<=) $1"
		" AND o.id OPERATOR(pg_catalog.<>) ALL ($3) ORDER BY o.expires_at LIMIT $2"
		" FOR UPDATE SKIP LOCKED",
		3,
		{TIMESTAMPTZOID, INT4OID, UUIDARRAYOID},
	};

	return expired_rows_delete_before(&expired, GetCurrentTimestamp(), limit, kept);
}

bool
outbox_fail(const pg_uuid_t *id, FailedMessage *failed)
{
	static SpiQuery find = {
		"SELECT user_id FROM authfort.outbox WHERE id OPERATOR(pg_catalog.=) $1",
		1,
		{UUIDOID},
	};
	static SpiQuery withdraw = {
		"DELETE FROM authfort.outbox WHERE id OPERATOR(pg_catalog.=) $1 RETURNING kind, attempts",
		1,
		{UUIDOID},
	};
	MemoryContext caller = CurrentMemoryContext;
	Datum value = UUIDPGetDatum(id);
	bool found;

	spi_query_open();
	found = spi_query_run(&find, &value, NULL, SPI_OK_SELECT) > 0;
	if (found)
	{
		spi_query_uuid(1, &failed->user_id);
		(void) users_lock(&failed->user_id);
		found = spi_query_run(&withdraw, &value, NULL, SPI_OK_DELETE_RETURNING) > 0;
	}
	if (found)
	{
		failed->kind = spi_query_text(caller, 1);
		failed->attempts = DatumGetInt32(spi_query_datum(2));
	}
	spi_query_close();
	return found;
}

/* Columns of a taken row, and of the result. */
enum
{
	TAKEN_ID = 1,
	TAKEN_KIND,
	TAKEN_USER_ID,
	TAKEN_MESSAGE,
	TAKEN_CREATED_AT,
	TAKEN_EXPIRES_AT,
	TAKEN_ATTEMPTS,
	TAKEN_COLUMNS = TAKEN_ATTEMPTS,
};

/* False, after a warning, if the message cannot be read. */
static bool
unseal_message(const pg_uuid_t *id, const bytea *sealed, Datum *message)
{
	pg_uuid_t database = database_id();
	size_t len;
	char *text = (char *) unseal_or_warn(sealed, message_seal_name(id), &database, &len);
	Jsonb *object;

	if (text == NULL)
		return false;
	if (json_read_object(text, len, &object) != JSON_READ)
		elog(ERROR, "message %s is not a JSON object", uuid_text(id));
	sodium_memzero(text, len);
	*message = JsonbPGetDatum(object);
	return true;
}

/* A message that cannot be read must not prevent the delivery of others. */
static void
return_message(HeapTuple row, ReturnSetInfo *result)
{
	Datum values[TAKEN_COLUMNS];
	bool nulls[TAKEN_COLUMNS];

	heap_deform_tuple(row, SPI_tuptable->tupdesc, values, nulls);
	if (unseal_message(DatumGetUUIDP(values[TAKEN_ID - 1]),
					   DatumGetByteaPP(values[TAKEN_MESSAGE - 1]), &values[TAKEN_MESSAGE - 1]))
		tuplestore_putvalues(result->setResult, result->setDesc, values, nulls);
}

/* Raises unless it is in the range. */
static int
integer_argument(FunctionCallInfo fcinfo, int number, const char *name, int min, int max)
{
	int value;

	argument_require(fcinfo, number, name);
	value = PG_GETARG_INT32(number);
	if (value < min || value > max)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("invalid value for parameter \"%s\"", name),
				 errhint("Valid values are %d to %d.", min, max)));
	return value;
}

/*
 * take_messages(max_messages, kinds, except_kinds) -> TABLE (id, kind, user_id,
 *		message, created_at, expires_at, attempts)
 */
Datum
authfort_take_messages(PG_FUNCTION_ARGS)
{
	static SpiQuery query = {
		"WITH taken AS (UPDATE authfort.outbox SET taken_at = $1, not_before = NULL,"
		" attempts = attempts OPERATOR(pg_catalog.+) 1 WHERE id OPERATOR(pg_catalog.=) ANY (ARRAY"
		" (SELECT o.id FROM authfort.outbox o WHERE o.expires_at OPERATOR(pg_catalog.>) $1"
		" AND EXISTS (SELECT FROM authfort.users u WHERE u.id OPERATOR(pg_catalog.=) o.user_id)"
		" AND (NOT o.has_secret OR " SECRET_OF_MESSAGE ")"
		" AND CASE WHEN o.not_before IS NULL"
		" THEN o.taken_at IS NULL OR o.taken_at OPERATOR(pg_catalog.<=) $2"
		" ELSE o.not_before OPERATOR(pg_catalog.<=) $1 END"
		" AND ($4 IS NULL OR o.kind OPERATOR(pg_catalog.=) ANY ($4))"
		" AND ($5 IS NULL OR o.kind OPERATOR(pg_catalog.<>) ALL ($5))"
		" ORDER BY o.id LIMIT $3 FOR UPDATE SKIP LOCKED))"
		" RETURNING id, kind, user_id, message, created_at, expires_at, attempts)"
		" SELECT * FROM taken ORDER BY id",
		5,
		{TIMESTAMPTZOID, TIMESTAMPTZOID, INT4OID, TEXTARRAYOID, TEXTARRAYOID},
	};
	ReturnSetInfo *result = (ReturnSetInfo *) fcinfo->resultinfo;
	TimestampTz now = GetCurrentTimestamp();
	Datum values[5];
	char nulls[5] = {' ', ' ', ' ', ' ', ' '};
	uint64 count;

	values[0] = TimestampTzGetDatum(now);
	values[1] = TimestampTzGetDatum(now - setting_outbox_visibility_timeout * USECS_PER_SEC);
	values[2] = Int32GetDatum(integer_argument(fcinfo, 0, "max_messages", 1, MAX_MESSAGES));
	for (int i = 1; i <= 2; i++)
	{
		values[2 + i] = PG_GETARG_DATUM(i);
		if (PG_ARGISNULL(i))
			nulls[2 + i] = 'n';
	}

	signing_keys_require_master_key();
	InitMaterializedSRF(fcinfo, 0);
	spi_query_open();
	count = spi_query_run(&query, values, nulls, SPI_OK_SELECT);
	for (uint64 row = 0; row < count; row++)
		return_message(SPI_tuptable->vals[row], result);
	spi_query_close();
	return (Datum) 0;
}

/* message_sent(id) -> boolean */
Datum
authfort_message_sent(PG_FUNCTION_ARGS)
{
	static SpiQuery query = {
		"DELETE FROM authfort.outbox WHERE id OPERATOR(pg_catalog.=) $1",
		1,
		{UUIDOID},
	};
	Datum value;

	argument_require(fcinfo, 0, "id");
	value = PG_GETARG_DATUM(0);
	PG_RETURN_BOOL(spi_query_run_alone(&query, &value, NULL, SPI_OK_DELETE) > 0);
}

/* message_deferred(id, retry_after) -> boolean */
Datum
authfort_message_deferred(PG_FUNCTION_ARGS)
{
	static SpiQuery query = {
		"UPDATE authfort.outbox SET not_before = $2 WHERE id OPERATOR(pg_catalog.=) $1"
		" AND taken_at IS NOT NULL",
		2,
		{UUIDOID, TIMESTAMPTZOID},
	};
	Datum values[2];

	argument_require(fcinfo, 0, "id");
	values[0] = PG_GETARG_DATUM(0);
	values[1] = TimestampTzGetDatum(GetCurrentTimestamp() +
									integer_argument(fcinfo, 1, "retry_after", 0, MAX_RETRY_AFTER) *
										USECS_PER_SEC);
	PG_RETURN_BOOL(spi_query_run_alone(&query, values, NULL, SPI_OK_UPDATE) > 0);
}

static char *
name_of_message(Datum id, const char *unused)
{
	return message_seal_name(DatumGetUUIDP(id));
}

void
outbox_reseal(Resealing *progress)
{
	static SealedColumn column = {
		{"SELECT id, message, NULL FROM authfort.outbox WHERE " SEALED_OLDER("message") SEALED_NEXT("id"), SEALED_FIND_PARAMETERS(UUIDOID)},
		 {"UPDATE authfort.outbox SET message = $2 WHERE id OPERATOR(pg_catalog.=) $1",
		  2,
		  {UUIDOID, BYTEAOID}},
		 name_of_message,
	};
	pg_uuid_t database = database_id();

	sealed_column_reseal(&column, &database, progress);
}
