/*
 * one_time_tokens.c
 *		Tokens that are sent to a user and can be used once: table
 *		authfort.one_time_tokens.
 */
#include "postgres.h"

#include <sodium.h>

#include "catalog/pg_type.h"
#include "utils/builtins.h"
#include "utils/timestamp.h"

#include "base/spi_query.h"
#include "crypto/base64url.h"
#include "domain/database_id.h"
#include "domain/one_time_tokens.h"
#include "domain/user_rows.h"

#define TOKEN_BYTES 32

/* In the order of OneTimePurpose; stored. */
static const char *const purpose_names[] = {
	"password_reset",    "email_verification", "magic_link",   "email_change",
	"email_change_undo", "invitation",         "sign_in_code",
};

StaticAssertDecl(lengthof(purpose_names) == ONE_TIME_SIGN_IN_CODE + 1,
				 "each OneTimePurpose needs a name");

static Datum
purpose_datum(OneTimePurpose purpose)
{
	return CStringGetTextDatum(purpose_names[purpose]);
}

/* Hash of the token in this database; another database has another hash of it. */
static Datum
hash_datum(const unsigned char token[TOKEN_BYTES])
{
	bytea *hash = palloc(VARHDRSZ + crypto_hash_sha256_BYTES);
	pg_uuid_t database = database_id();
	crypto_hash_sha256_state state;

	SET_VARSIZE(hash, VARHDRSZ + crypto_hash_sha256_BYTES);
	crypto_hash_sha256_init(&state);
	crypto_hash_sha256_update(&state, database.data, sizeof(database.data));
	crypto_hash_sha256_update(&state, token, TOKEN_BYTES);
	crypto_hash_sha256_final(&state, (unsigned char *) VARDATA(hash));
	sodium_memzero(&state, sizeof(state));
	return PointerGetDatum(hash);
}

/* Deletes tokens that a new one replaces, and expired ones, so that they do not accumulate. */
static void
delete_replaced(const pg_uuid_t *user_id, OneTimePurpose purpose, bool returned, TimestampTz now)
{
	static SpiQuery query = {
		"DELETE FROM authfort.one_time_tokens WHERE user_id OPERATOR(pg_catalog.=) $1"
		" AND purpose OPERATOR(pg_catalog.=) $2"
		" AND ((message_id IS NULL AND $3) OR expires_at OPERATOR(pg_catalog.<=) $4)",
		4,
		{UUIDOID, TEXTOID, BOOLOID, TIMESTAMPTZOID},
	};
	Datum values[4] = {UUIDPGetDatum(user_id), purpose_datum(purpose), BoolGetDatum(returned),
					   TimestampTzGetDatum(now)};

	spi_query_run_alone(&query, values, NULL, SPI_OK_DELETE);
}

char *
one_time_token_create(const pg_uuid_t *user_id, OneTimePurpose purpose, int ttl,
					  const pg_uuid_t *message_id, Jsonb *detail, TimestampTz *expires_at)
{
	static SpiQuery query = {
		"INSERT INTO authfort.one_time_tokens"
		" (user_id, purpose, token_hash, message_id, created_at, expires_at, detail)"
		" SELECT u.id, $2, $3, $4, $5, $6, $7" FROM_USER("$1"), 7, {UUIDOID, TEXTOID, BYTEAOID, UUIDOID, TIMESTAMPTZOID, TIMESTAMPTZOID, JSONBOID},
	};
	TimestampTz now = GetCurrentTimestamp();
	unsigned char token[TOKEN_BYTES];
	char *text = palloc(BASE64URL_ENCODED_SIZE(TOKEN_BYTES));
	Datum values[7];
	char nulls[7] = {' ', ' ', ' ', ' ', ' ', ' ', ' '};

	delete_replaced(user_id, purpose, message_id == NULL, now);
	randombytes_buf(token, sizeof(token));
	base64url_encode(token, sizeof(token), text);
	*expires_at = now + ttl * USECS_PER_SEC;
	values[0] = UUIDPGetDatum(user_id);
	values[1] = purpose_datum(purpose);
	values[2] = hash_datum(token);
	values[3] = UUIDPGetDatum(message_id);
	nulls[3] = (message_id != NULL) ? ' ' : 'n';
	values[4] = TimestampTzGetDatum(now);
	values[5] = TimestampTzGetDatum(*expires_at);
	values[6] = JsonbPGetDatum(detail);
	nulls[6] = (detail != NULL) ? ' ' : 'n';
	sodium_memzero(token, sizeof(token));
	if (spi_query_run_alone(&query, values, nulls, SPI_OK_INSERT) == 0)
		users_raise_unknown(user_id);
	return text;
}

bool
one_time_token_find(const char *text, OneTimePurpose purpose, pg_uuid_t *user_id, Jsonb **detail)
{
	static SpiQuery query = {
		"SELECT user_id, detail FROM authfort.one_time_tokens"
		" WHERE token_hash OPERATOR(pg_catalog.=) $1 AND purpose OPERATOR(pg_catalog.=) $2"
		" AND expires_at OPERATOR(pg_catalog.>) $3",
		3,
		{BYTEAOID, TEXTOID, TIMESTAMPTZOID},
	};
	MemoryContext caller = CurrentMemoryContext;
	unsigned char token[TOKEN_BYTES];
	size_t len;
	Datum values[3];
	bool found;

	if (!base64url_decode(text, strlen(text), token, sizeof(token), &len) || len != TOKEN_BYTES)
		return false;
	values[0] = hash_datum(token);
	values[1] = purpose_datum(purpose);
	values[2] = TimestampTzGetDatum(GetCurrentTimestamp());
	sodium_memzero(token, sizeof(token));
	spi_query_open();
	found = spi_query_run(&query, values, NULL, SPI_OK_SELECT) > 0;
	if (found)
		spi_query_uuid(1, user_id);
	if (found && detail != NULL)
		*detail = spi_query_jsonb(caller, 2);
	spi_query_close();
	return found;
}

/*
 * The user is locked before the token, as before all rows of a user.  By then
 * the token may be gone, so it is found again.
 */
User *
one_time_token_lock_user(const char *text, OneTimePurpose purpose, Jsonb **detail)
{
	pg_uuid_t id;
	User *user;

	if (!one_time_token_find(text, purpose, &id, NULL))
		return NULL;
	user = users_lock(&id);
	return (user != NULL && one_time_token_find(text, purpose, &id, detail)) ? user : NULL;
}

void
one_time_tokens_delete(const pg_uuid_t *user_id)
{
	static UserRows rows = {"authfort.one_time_tokens"};

	user_rows_delete(&rows, user_id);
}

void
one_time_tokens_delete_access(const pg_uuid_t *user_id)
{
	static SpiQuery query = {
		"DELETE FROM authfort.one_time_tokens WHERE user_id OPERATOR(pg_catalog.=) $1"
		" AND purpose OPERATOR(pg_catalog.<>) $2",
		2,
		{UUIDOID, TEXTOID},
	};

	spi_query_run_by_id_and(&query, user_id, purpose_datum(ONE_TIME_EMAIL_CHANGE_UNDO), SPI_OK_DELETE);
}

void
one_time_tokens_delete_purpose(const pg_uuid_t *user_id, OneTimePurpose purpose)
{
	static SpiQuery query = {
		"DELETE FROM authfort.one_time_tokens WHERE user_id OPERATOR(pg_catalog.=) $1"
		" AND purpose OPERATOR(pg_catalog.=) $2",
		2,
		{UUIDOID, TEXTOID},
	};

	spi_query_run_by_id_and(&query, user_id, purpose_datum(purpose), SPI_OK_DELETE);
}

void
one_time_tokens_delete_detail(const pg_uuid_t *user_id, OneTimePurpose purpose, Jsonb *detail)
{
	static SpiQuery query = {
		"DELETE FROM authfort.one_time_tokens WHERE user_id OPERATOR(pg_catalog.=) $1"
		" AND purpose OPERATOR(pg_catalog.=) $2 AND detail OPERATOR(pg_catalog.=) $3",
		3,
		{UUIDOID, TEXTOID, JSONBOID},
	};
	Datum values[3] = {UUIDPGetDatum(user_id), purpose_datum(purpose), JsonbPGetDatum(detail)};

	spi_query_run_alone(&query, values, NULL, SPI_OK_DELETE);
}

void
one_time_token_delete_of_message(const pg_uuid_t *user_id, const pg_uuid_t *message_id)
{
	static SpiQuery query = {
		"DELETE FROM authfort.one_time_tokens WHERE user_id OPERATOR(pg_catalog.=) $1"
		" AND message_id OPERATOR(pg_catalog.=) $2",
		2,
		{UUIDOID, UUIDOID},
	};

	spi_query_run_by_id_and(&query, user_id, UUIDPGetDatum(message_id), SPI_OK_DELETE);
}

int
one_time_tokens_delete_expired(int limit, KeptRows *kept)
{
	static ExpiredRows expired = {
		"authfort.one_time_tokens",
		"id",
		UUIDOID,
		"SELECT t.id FROM authfort.one_time_tokens t WHERE t.expires_at OPERATOR(pg_catalog.<=) $1"
		" AND t.id OPERATOR(pg_catalog.<>) ALL ($3) ORDER BY t.expires_at LIMIT $2"
		" FOR UPDATE SKIP LOCKED",
		3,
		{TIMESTAMPTZOID, INT4OID, UUIDARRAYOID},
	};

	return expired_rows_delete_before(&expired, GetCurrentTimestamp(), limit, kept);
}
