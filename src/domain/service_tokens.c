/*
 * service_tokens.c
 *		Secrets of services that may ask about tokens: table
 *		authfort.service_tokens.
 */
#include "postgres.h"

#include <sodium.h>

#include "access/xact.h"
#include "catalog/pg_type.h"
#include "utils/builtins.h"
#include "utils/timestamp.h"

#include "base/arguments.h"
#include "base/spi_query.h"
#include "crypto/base64url.h"
#include "crypto/master_key.h"
#include "domain/database_id.h"
#include "domain/service_tokens.h"
#include "domain/signing_keys.h"

#define SECRET_BYTES 32
#define MAC_BYTES 32
#define USE_NOTED_EVERY (60 * USECS_PER_SEC)

char *
service_token_make_secret(void)
{
	unsigned char random[SECRET_BYTES];
	char *secret = palloc(BASE64URL_ENCODED_SIZE(SECRET_BYTES));

	randombytes_buf(random, sizeof(random));
	base64url_encode(random, sizeof(random), secret);
	sodium_memzero(random, sizeof(random));
	return secret;
}

/* The MAC as bytea; 0 if the master key of that id is not held. */
static Datum
secret_mac(const char *secret, uint32 master_key_id)
{
	bytea *mac = palloc(VARHDRSZ + MAC_BYTES);
	pg_uuid_t database = database_id();
	unsigned char key[MASTER_KEY_BYTES];
	crypto_generichash_state state;

	if (!master_key_derive(master_key_id, MASTER_KEY_FOR_SERVICE_TOKENS, key))
		return (Datum) 0;
	SET_VARSIZE(mac, VARHDRSZ + MAC_BYTES);
	crypto_generichash_init(&state, key, sizeof(key), MAC_BYTES);
	crypto_generichash_update(&state, database.data, UUID_LEN);
	crypto_generichash_update(&state, (const unsigned char *) secret, strlen(secret));
	crypto_generichash_final(&state, (unsigned char *) VARDATA(mac), MAC_BYTES);
	sodium_memzero(&state, sizeof(state));
	sodium_memzero(key, sizeof(key));
	return PointerGetDatum(mac);
}

bool
service_tokens_add(const char *name, char *const *scopes, int scope_count, const char *secret)
{
	static SpiQuery query = {
		"INSERT INTO authfort.service_tokens (name, scopes, master_key_id, secret_mac, created_at)"
		" VALUES ($1, $2, $3, $4, $5) ON CONFLICT DO NOTHING",
		5,
		{TEXTOID, TEXTARRAYOID, INT8OID, BYTEAOID, TIMESTAMPTZOID},
	};
	ServiceToken existing;
	Datum values[5];

	signing_keys_ensure_master_key();
	/* its MAC may be one under an earlier master key */
	if (service_tokens_find(NULL, secret, &existing))
		return false;
	values[0] = CStringGetTextDatum(name);
	values[1] = texts_to_array(scopes, scope_count);
	values[2] = Int64GetDatum(master_key_current());
	values[3] = secret_mac(secret, master_key_current());
	values[4] = TimestampTzGetDatum(GetCurrentTimestamp());
	return spi_query_run_alone(&query, values, NULL, SPI_OK_INSERT) > 0;
}

static bool
find_by_mac(const char *name, Datum mac, ServiceToken *token)
{
	static SpiQuery query = {
		"SELECT id, scopes, last_used_at FROM authfort.service_tokens"
		" WHERE secret_mac OPERATOR(pg_catalog.=) $1"
		" AND ($2 IS NULL OR name OPERATOR(pg_catalog.=) $2)",
		2,
		{BYTEAOID, TEXTOID},
	};
	MemoryContext caller = CurrentMemoryContext;
	Datum values[2] = {mac, (name != NULL) ? CStringGetTextDatum(name) : (Datum) 0};
	bool found;

	if (mac == (Datum) 0)
		return false;
	spi_query_open();
	found = spi_query_run(&query, values, (name != NULL) ? NULL : " n", SPI_OK_SELECT) > 0;
	if (found)
	{
		spi_query_uuid(1, &token->id);
		token->scopes = spi_query_texts(caller, 2, &token->scope_count);
		token->last_used_at = spi_query_time(3);
	}
	spi_query_close();
	return found;
}

/* The ids of other master keys than the current one that tokens were made with. */
static int
find_earlier_keys(uint32 **ids)
{
	static SpiQuery query = {
		"SELECT DISTINCT master_key_id FROM authfort.service_tokens"
		" WHERE master_key_id OPERATOR(pg_catalog.<>) $1",
		1,
		{INT8OID},
	};
	MemoryContext caller = CurrentMemoryContext;
	Datum value = Int64GetDatum(master_key_current());
	int count;

	spi_query_open();
	count = (int) spi_query_run(&query, &value, NULL, SPI_OK_SELECT);
	*ids = MemoryContextAlloc(caller, Max(count, 1) * sizeof(uint32));
	for (int i = 0; i < count; i++)
	{
		spi_query_use_row(i);
		(*ids)[i] = (uint32) DatumGetInt64(spi_query_datum(1));
	}
	spi_query_close();
	return count;
}

bool
service_tokens_find(const char *name, const char *secret, ServiceToken *token)
{
	uint32 *earlier;
	int count;

	signing_keys_require_master_key();
	if (find_by_mac(name, secret_mac(secret, master_key_current()), token))
		return true;
	count = find_earlier_keys(&earlier);
	for (int i = 0; i < count; i++)
	{
		if (find_by_mac(name, secret_mac(secret, earlier[i]), token))
			return true;
	}
	return false;
}

bool
service_token_has_scope(const ServiceToken *token, const char *scope)
{
	for (int i = 0; i < token->scope_count; i++)
	{
		if (strcmp(token->scopes[i], scope) == 0)
			return true;
	}
	return false;
}

void
service_tokens_note_use(const ServiceToken *token)
{
	static SpiQuery query = {
		"UPDATE authfort.service_tokens SET last_used_at = $2"
		" WHERE id OPERATOR(pg_catalog.=) ANY (ARRAY"
		" (SELECT s.id FROM authfort.service_tokens s WHERE s.id OPERATOR(pg_catalog.=) $1"
		" FOR UPDATE SKIP LOCKED))",
		2,
		{UUIDOID, TIMESTAMPTZOID},
	};
	TimestampTz now = GetCurrentTimestamp();
	Datum values[2] = {UUIDPGetDatum(&token->id), TimestampTzGetDatum(now)};

	if (XactReadOnly ||
		(!TIMESTAMP_IS_NOBEGIN(token->last_used_at) && now - token->last_used_at < USE_NOTED_EVERY))
		return;
	spi_query_run_alone(&query, values, NULL, SPI_OK_UPDATE);
}

bool
service_tokens_delete(const char *name)
{
	static SpiQuery query = {
		"DELETE FROM authfort.service_tokens WHERE name OPERATOR(pg_catalog.=) $1",
		1,
		{TEXTOID},
	};
	Datum value = CStringGetTextDatum(name);

	return spi_query_run_alone(&query, &value, NULL, SPI_OK_DELETE) > 0;
}

void
service_tokens_delete_all(void)
{
	static SpiQuery query = {"DELETE FROM authfort.service_tokens", 0};

	spi_query_run_alone(&query, NULL, NULL, SPI_OK_DELETE);
}
