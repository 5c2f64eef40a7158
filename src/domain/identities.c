/*
 * identities.c
 *		Accounts of users at OAuth providers: table authfort.identities.
 */
#include "postgres.h"

#include <sodium.h>

#include "catalog/pg_type.h"
#include "fmgr.h"
#include "funcapi.h"
#include "utils/builtins.h"
#include "utils/timestamp.h"
#include "utils/tuplestore.h"

#include "base/arguments.h"
#include "base/json.h"
#include "base/spi_query.h"
#include "base/uuid.h"
#include "base/uuid_v7.h"
#include "compat.h"
#include "crypto/seal.h"
#include "domain/identities.h"
#include "domain/oauth_providers.h"
#include "domain/sealed_column.h"
#include "domain/user_rows.h"
#include "domain/users.h"

PG_FUNCTION_INFO_V1(authfort_list_identities);
PG_FUNCTION_INFO_V1(authfort_provider_tokens);

/* Bytes of the row's profile; a larger one is not kept. */
#define MAX_PROFILE_BYTES 16384

bool
identities_find(const char *provider, const char *provider_user_id, Identity *identity)
{
	static SpiQuery query = {
		"SELECT id, user_id FROM authfort.identities WHERE provider OPERATOR(pg_catalog.=) $1"
		" AND provider_user_id OPERATOR(pg_catalog.=) $2",
		2,
		{TEXTOID, TEXTOID},
	};
	Datum values[2] = {CStringGetTextDatum(provider), CStringGetTextDatum(provider_user_id)};
	bool found;

	spi_query_open();
	found = spi_query_run(&query, values, NULL, SPI_OK_SELECT) > 0;
	if (found)
	{
		spi_query_uuid(1, &identity->id);
		spi_query_uuid(2, &identity->user_id);
	}
	spi_query_close();
	return found;
}

/* The associated data of a row's tokens. */
static char *
tokens_seal_name(const pg_uuid_t *id, const char *provider)
{
	return psprintf("%s tokens of identity %s", provider, uuid_text(id));
}

/* The columns that each sign-in writes, from the first of "values". */
static void
set_data(const pg_uuid_t *id, const char *provider, const IdentityData *data, Datum *values,
		 char *nulls)
{
	bool has_profile = data->profile != NULL && VARSIZE(data->profile) <= MAX_PROFILE_BYTES;

	nulls[0] = (data->email == NULL) ? 'n' : ' ';
	nulls[1] = has_profile ? ' ' : 'n';
	nulls[2] = (data->tokens == NULL) ? 'n' : ' ';
	nulls[3] = ' ';
	values[0] = (data->email != NULL) ? CStringGetTextDatum(data->email) : (Datum) 0;
	values[1] = has_profile ? JsonbPGetDatum(data->profile) : (Datum) 0;
	values[2] = (Datum) 0;
	if (data->tokens != NULL)
		values[2] = PointerGetDatum(seal((const unsigned char *) data->tokens, data->tokens_len,
										 tokens_seal_name(id, provider), NULL));
	values[3] = TimestampTzGetDatum(GetCurrentTimestamp());
}

bool
identities_insert(const pg_uuid_t *user_id, const char *provider, const char *provider_user_id,
				  const IdentityData *data)
{
	static SpiQuery query = {
		"INSERT INTO authfort.identities (user_id, id, provider, provider_user_id, email, profile,"
		" tokens, created_at, last_sign_in_at)"
		" SELECT u.id, $2, $3, $4, $5, $6, $7, $8, $8" FROM_USER("$1") " ON CONFLICT (provider, provider_user_id) WHERE provider IS NOT NULL DO NOTHING",
			8, {UUIDOID, UUIDOID, TEXTOID, TEXTOID, TEXTOID, JSONBOID, BYTEAOID, TIMESTAMPTZOID},
	};
	pg_uuid_t id;
	Datum values[8];
	char nulls[8] = {' ', ' ', ' ', ' '};

	uuid_v7_make(&id);
	values[0] = UUIDPGetDatum(user_id);
	values[1] = UUIDPGetDatum(&id);
	values[2] = CStringGetTextDatum(provider);
	values[3] = CStringGetTextDatum(provider_user_id);
	set_data(&id, provider, data, &values[4], &nulls[4]);
	return spi_query_run_alone(&query, values, nulls, SPI_OK_INSERT) > 0;
}

/* Tokens that the provider gave before stay where it gives none now. */
void
identities_update(const Identity *identity, const char *provider, const IdentityData *data)
{
	static SpiQuery query = {
		"UPDATE authfort.identities SET email = $2, profile = $3,"
		" tokens = COALESCE($4, tokens), last_sign_in_at = $5"
		" WHERE id OPERATOR(pg_catalog.=) $1",
		5,
		{UUIDOID, TEXTOID, JSONBOID, BYTEAOID, TIMESTAMPTZOID},
	};
	Datum values[5];
	char nulls[5] = {' '};

	values[0] = UUIDPGetDatum(&identity->id);
	set_data(&identity->id, provider, data, &values[1], &nulls[1]);
	spi_query_run_alone(&query, values, nulls, SPI_OK_UPDATE);
}

int
identities_delete(const pg_uuid_t *user_id, const char *provider)
{
	static SpiQuery query = {
		"DELETE FROM authfort.identities WHERE user_id OPERATOR(pg_catalog.=) $1"
		" AND provider OPERATOR(pg_catalog.=) $2",
		2,
		{UUIDOID, TEXTOID},
	};
	Datum values[2] = {UUIDPGetDatum(user_id), CStringGetTextDatum(provider)};

	return spi_query_run_alone(&query, values, NULL, SPI_OK_DELETE);
}

void
identities_delete_all(const pg_uuid_t *user_id)
{
	static UserRows rows = {"authfort.identities"};

	user_rows_delete(&rows, user_id);
}

void
identities_delete_since(const pg_uuid_t *user_id, TimestampTz time)
{
	static SpiQuery query = {
		"DELETE FROM authfort.identities WHERE user_id OPERATOR(pg_catalog.=) $1"
		" AND created_at OPERATOR(pg_catalog.>=) $2",
		2,
		{UUIDOID, TIMESTAMPTZOID},
	};

	spi_query_run_by_id_and(&query, user_id, TimestampTzGetDatum(time), SPI_OK_DELETE);
}

char **
identities_providers(const pg_uuid_t *user_id, int *count)
{
	static SpiQuery query = {
		"SELECT ARRAY(SELECT DISTINCT i.provider FROM authfort.identities i"
		" WHERE i.user_id OPERATOR(pg_catalog.=) $1 ORDER BY i.provider)::pg_catalog.text[]",
		1,
		{UUIDOID},
	};
	Datum value = UUIDPGetDatum(user_id);

	return spi_query_run_for_texts(&query, &value, count);
}

/* The user's identities as rows of (provider, id, email, created_at, last_sign_in_at). */
static uint64
select_identities(const pg_uuid_t *user_id)
{
	static SpiQuery query = {
		"SELECT provider, provider_user_id, email, created_at, last_sign_in_at"
		" FROM authfort.identities WHERE user_id OPERATOR(pg_catalog.=) $1 ORDER BY created_at, id",
		1,
		{UUIDOID},
	};
	Datum value = UUIDPGetDatum(user_id);

	return spi_query_run(&query, &value, NULL, SPI_OK_SELECT);
}

void
identities_append_json(StringInfo out, const pg_uuid_t *user_id)
{
	uint64 count;

	appendStringInfoChar(out, '[');
	spi_query_open();
	count = select_identities(user_id);
	for (uint64 row = 0; row < count; row++)
	{
		spi_query_use_row(row);
		json_next_element(out);
		json_open(out);
		json_write_string(out, "provider", spi_query_text(CurrentMemoryContext, 1));
		json_write_string(out, "provider_user_id", spi_query_text(CurrentMemoryContext, 2));
		json_write_string(out, "email", spi_query_text(CurrentMemoryContext, 3));
		json_write_time(out, "created_at", spi_query_time(4));
		json_write_time(out, "last_sign_in_at", spi_query_time(5));
		json_close(out);
	}
	spi_query_close();
	appendStringInfoChar(out, ']');
}

static Datum
list_identities(PG_FUNCTION_ARGS)
{
	pg_uuid_t *user_id = argument_uuid(fcinfo, 0, "user_id");
	ReturnSetInfo *result = (ReturnSetInfo *) fcinfo->resultinfo;
	uint64 count;

	InitMaterializedSRF(fcinfo, 0);
	spi_query_open();
	count = select_identities(user_id);
	for (uint64 row = 0; row < count; row++)
	{
		Datum values[5];
		bool nulls[5];

		spi_query_use_row(row);
		spi_query_columns(5, values, nulls);
		tuplestore_putvalues(result->setResult, result->setDesc, values, nulls);
	}
	spi_query_close();
	return (Datum) 0;
}

/* list_identities(user_id) -> setof (provider, provider_user_id, email, created_at, last_sign_in_at) */
Datum
authfort_list_identities(PG_FUNCTION_ARGS)
{
	return spi_query_run_stable(list_identities, fcinfo);
}

static Datum
provider_tokens(PG_FUNCTION_ARGS)
{
	static SpiQuery query = {
		"SELECT id, tokens FROM authfort.identities WHERE user_id OPERATOR(pg_catalog.=) $1"
		" AND provider OPERATOR(pg_catalog.=) $2 AND tokens IS NOT NULL"
		" ORDER BY last_sign_in_at DESC LIMIT 1",
		2,
		{UUIDOID, TEXTOID},
	};
	MemoryContext caller = CurrentMemoryContext;
	char *provider = oauth_provider_name(argument_text(fcinfo, 1, "provider"));
	Datum values[2] = {UUIDPGetDatum(argument_uuid(fcinfo, 0, "user_id"))};
	bytea *sealed = NULL;
	pg_uuid_t id;
	unsigned char *tokens;
	size_t len;
	Datum result;

	if (provider == NULL)
		PG_RETURN_NULL();
	values[1] = CStringGetTextDatum(provider);
	spi_query_open();
	if (spi_query_run(&query, values, NULL, SPI_OK_SELECT) > 0)
	{
		spi_query_uuid(1, &id);
		sealed = spi_query_bytea(caller, 2);
	}
	spi_query_close();
	if (sealed == NULL)
		PG_RETURN_NULL();
	tokens = unseal(sealed, tokens_seal_name(&id, provider), NULL, &len);
	tokens[len] = '\0';
	result = DirectFunctionCall1(jsonb_in, CStringGetDatum((char *) tokens));
	sodium_memzero(tokens, len);
	return result;
}

/* provider_tokens(user_id, provider) -> jsonb, NULL if none are kept */
Datum
authfort_provider_tokens(PG_FUNCTION_ARGS)
{
	return spi_query_run_stable(provider_tokens, fcinfo);
}

static char *
name_of_tokens(Datum id, const char *provider)
{
	return tokens_seal_name(DatumGetUUIDP(id), provider);
}

void
identities_reseal(Resealing *progress)
{
	static SealedColumn column = {
		{"SELECT id, tokens, provider FROM authfort.identities WHERE " SEALED_OLDER("tokens") SEALED_NEXT("id"), SEALED_FIND_PARAMETERS(UUIDOID)},
		 {"UPDATE authfort.identities SET tokens = $2 WHERE id OPERATOR(pg_catalog.=) $1",
		  2,
		  {UUIDOID, BYTEAOID}},
		 name_of_tokens,
	};

	sealed_column_reseal(&column, NULL, progress);
}
