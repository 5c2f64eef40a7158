/*
 * passkeys.c
 *		Passkeys: table authfort.passkeys.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "funcapi.h"
#include "utils/builtins.h"
#include "utils/timestamp.h"
#include "utils/tuplestore.h"

#include "base/arguments.h"
#include "base/json.h"
#include "base/keyed_row.h"
#include "base/spi_query.h"
#include "compat.h"
#include "crypto/base64url.h"
#include "domain/passkeys.h"
#include "domain/user_rows.h"
#include "domain/users.h"

PG_FUNCTION_INFO_V1(authfort_list_passkeys);

/* Columns of authfort.passkeys; passkeys.sql says the same. */
enum
{
	COLUMN_ID,
	COLUMN_USER_ID,
	COLUMN_CREDENTIAL_ID,
	COLUMN_PUBLIC_KEY,
	COLUMN_ALGORITHM,
	COLUMN_SIGN_COUNT,
	COLUMN_TRANSPORTS,
	COLUMN_AAGUID,
	COLUMN_ATTESTATION,
	COLUMN_BACKUP_ELIGIBLE,
	COLUMN_BACKED_UP,
	COLUMN_USER_VERIFIED,
	COLUMN_NAME,
	COLUMN_CREATED_AT,
	COLUMN_LAST_USED_AT,
	COLUMN_COUNT,
};

#define PASSKEY_COLUMNS \
	"p.id, p.user_id, p.credential_id, p.public_key, p.algorithm, p.sign_count, p.transports," \
	" p.aaguid, p.attestation, p.backup_eligible, p.backed_up, p.user_verified, p.name," \
	" p.created_at, p.last_used_at"

const char *
passkey_attestation_name(WebauthnAttestation attestation)
{
	switch (attestation)
	{
		case WEBAUTHN_ATTESTATION_NONE:
			return "none";
		case WEBAUTHN_ATTESTATION_SELF:
			return "self";
		case WEBAUTHN_ATTESTATION_UNCHECKED:
			return "unchecked";
	}
	pg_unreachable();
}

static void
read_passkey_row(const Datum *values, const bool *nulls, Passkey *passkey)
{
	passkey->id = *DatumGetUUIDP(values[COLUMN_ID]);
	passkey->user_id = *DatumGetUUIDP(values[COLUMN_USER_ID]);
	passkey->credential_id = DatumGetByteaPCopy(values[COLUMN_CREDENTIAL_ID]);
	passkey->public_key = DatumGetByteaPCopy(values[COLUMN_PUBLIC_KEY]);
	passkey->algorithm = DatumGetInt32(values[COLUMN_ALGORITHM]);
	passkey->sign_count = (uint32) DatumGetInt64(values[COLUMN_SIGN_COUNT]);
	passkey->transports = texts_from_array(values[COLUMN_TRANSPORTS], &passkey->transport_count);
	passkey->aaguid = *DatumGetUUIDP(values[COLUMN_AAGUID]);
	passkey->attestation = TextDatumGetCString(values[COLUMN_ATTESTATION]);
	passkey->backup_eligible = DatumGetBool(values[COLUMN_BACKUP_ELIGIBLE]);
	passkey->backed_up = DatumGetBool(values[COLUMN_BACKED_UP]);
	passkey->user_verified = DatumGetBool(values[COLUMN_USER_VERIFIED]);
	passkey->name = TextDatumGetCString(values[COLUMN_NAME]);
	passkey->created_at = DatumGetTimestampTz(values[COLUMN_CREATED_AT]);
	passkey->last_used_at =
		nulls[COLUMN_LAST_USED_AT] ? DT_NOBEGIN : DatumGetTimestampTz(values[COLUMN_LAST_USED_AT]);
}

/* Without the executor, which takes as long as several of the checks of a sign-in. */
Passkey *
passkeys_find(const bytea *credential_id)
{
	KeyedRow row;
	Datum values[COLUMN_COUNT];
	bool nulls[COLUMN_COUNT];
	Passkey *passkey;

	if (!keyed_row_open_bytes(&row, "passkeys", "passkeys_credential_id", "credential_id",
							  credential_id))
		return NULL;
	passkey = palloc(sizeof(Passkey));
	keyed_row_columns(&row, COLUMN_COUNT, values, nulls);
	read_passkey_row(values, nulls, passkey);
	keyed_row_close(&row);
	return passkey;
}

Passkey *
passkeys_of_user(const pg_uuid_t *user_id, int *count)
{
	static SpiQuery query = {
		"SELECT " PASSKEY_COLUMNS " FROM authfort.passkeys p"
		" WHERE p.user_id OPERATOR(pg_catalog.=) $1 ORDER BY p.id",
		1,
		{UUIDOID},
	};
	Datum key = UUIDPGetDatum(user_id);
	MemoryContext caller = CurrentMemoryContext;
	MemoryContext old;
	Datum values[COLUMN_COUNT];
	bool nulls[COLUMN_COUNT];
	Passkey *passkeys;

	spi_query_open();
	*count = (int) spi_query_run(&query, &key, NULL, SPI_OK_SELECT);
	old = MemoryContextSwitchTo(caller);
	passkeys = palloc(Max(*count, 1) * sizeof(Passkey));
	for (int i = 0; i < *count; i++)
	{
		spi_query_use_row(i);
		spi_query_columns(COLUMN_COUNT, values, nulls);
		read_passkey_row(values, nulls, &passkeys[i]);
	}
	MemoryContextSwitchTo(old);
	spi_query_close();
	return passkeys;
}

int
passkeys_count(const pg_uuid_t *user_id)
{
	static SpiQuery query = {
		"SELECT pg_catalog.count(*) FROM authfort.passkeys p WHERE p.user_id OPERATOR(pg_catalog.=) $1",
		1,
		{UUIDOID},
	};
	Datum key = UUIDPGetDatum(user_id);

	return (int) spi_query_run_for_number(&query, &key, NULL);
}

int
passkeys_count_verified(const pg_uuid_t *user_id, const bytea *except)
{
	static SpiQuery query = {
		"SELECT pg_catalog.count(*) FROM authfort.passkeys p WHERE p.user_id OPERATOR(pg_catalog.=) $1"
		" AND p.user_verified AND ($2 IS NULL OR p.credential_id OPERATOR(pg_catalog.<>) $2)",
		2,
		{UUIDOID, BYTEAOID},
	};
	Datum values[2] = {UUIDPGetDatum(user_id), PointerGetDatum(except)};

	return (int) spi_query_run_for_number(&query, values, (except == NULL) ? " n" : NULL);
}

bool
passkeys_insert(Passkey *passkey)
{
	static SpiQuery query = {
		"INSERT INTO authfort.passkeys (user_id, credential_id, public_key, algorithm, sign_count,"
		" transports, aaguid, attestation, backup_eligible, backed_up, user_verified, name, created_at)"
		" SELECT u.id, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13" FROM_USER("$1") " ON CONFLICT DO NOTHING RETURNING id", 13,
			{UUIDOID, BYTEAOID, BYTEAOID, INT4OID, INT8OID, TEXTARRAYOID, UUIDOID, TEXTOID, BOOLOID,
			 BOOLOID, BOOLOID, TEXTOID, TIMESTAMPTZOID},
	};
	Datum values[13];
	bool inserted;

	passkey->created_at = GetCurrentTimestamp();
	values[0] = UUIDPGetDatum(&passkey->user_id);
	values[1] = PointerGetDatum(passkey->credential_id);
	values[2] = PointerGetDatum(passkey->public_key);
	values[3] = Int32GetDatum(passkey->algorithm);
	values[4] = Int64GetDatum(passkey->sign_count);
	values[5] = texts_to_array(passkey->transports, passkey->transport_count);
	values[6] = UUIDPGetDatum(&passkey->aaguid);
	values[7] = CStringGetTextDatum(passkey->attestation);
	values[8] = BoolGetDatum(passkey->backup_eligible);
	values[9] = BoolGetDatum(passkey->backed_up);
	values[10] = BoolGetDatum(passkey->user_verified);
	values[11] = CStringGetTextDatum(passkey->name);
	values[12] = TimestampTzGetDatum(passkey->created_at);
	spi_query_open();
	inserted = spi_query_run(&query, values, NULL, SPI_OK_INSERT_RETURNING) > 0;
	if (inserted)
		spi_query_uuid(1, &passkey->id);
	spi_query_close();
	return inserted;
}

void
passkeys_record_use(const Passkey *passkey)
{
	static SpiQuery query = {
		"UPDATE authfort.passkeys SET sign_count = $2, backed_up = $3, user_verified = $4,"
		" last_used_at = $5 WHERE id OPERATOR(pg_catalog.=) $1",
		5,
		{UUIDOID, INT8OID, BOOLOID, BOOLOID, TIMESTAMPTZOID},
	};
	Datum values[5] = {UUIDPGetDatum(&passkey->id), Int64GetDatum(passkey->sign_count),
					   BoolGetDatum(passkey->backed_up), BoolGetDatum(passkey->user_verified),
					   TimestampTzGetDatum(GetCurrentTimestamp())};

	spi_query_run_alone(&query, values, NULL, SPI_OK_UPDATE);
}

/* From now on its verification of the user counts as a factor. */
void
passkeys_confirm(const pg_uuid_t *id)
{
	static SpiQuery query = {
		"UPDATE authfort.passkeys SET user_verified = true WHERE id OPERATOR(pg_catalog.=) $1",
		1,
		{UUIDOID},
	};
	Datum value = UUIDPGetDatum(id);

	spi_query_run_alone(&query, &value, NULL, SPI_OK_UPDATE);
}

void
passkeys_rename(const pg_uuid_t *user_id, const bytea *credential_id, const char *name)
{
	static SpiQuery query = {
		"UPDATE authfort.passkeys SET name = $3 WHERE user_id OPERATOR(pg_catalog.=) $1"
		" AND credential_id OPERATOR(pg_catalog.=) $2",
		3,
		{UUIDOID, BYTEAOID, TEXTOID},
	};
	Datum values[3] = {UUIDPGetDatum(user_id), PointerGetDatum(credential_id),
					   CStringGetTextDatum(name)};

	spi_query_run_alone(&query, values, NULL, SPI_OK_UPDATE);
}

void
passkeys_delete(const pg_uuid_t *user_id, const bytea *credential_id)
{
	static SpiQuery query = {
		"DELETE FROM authfort.passkeys WHERE user_id OPERATOR(pg_catalog.=) $1"
		" AND credential_id OPERATOR(pg_catalog.=) $2",
		2,
		{UUIDOID, BYTEAOID},
	};
	Datum values[2] = {UUIDPGetDatum(user_id), PointerGetDatum(credential_id)};

	spi_query_run_alone(&query, values, NULL, SPI_OK_DELETE);
}

void
passkeys_delete_all(const pg_uuid_t *user_id)
{
	static UserRows rows = {"authfort.passkeys"};

	user_rows_delete(&rows, user_id);
}

void
passkeys_delete_since(const pg_uuid_t *user_id, TimestampTz time)
{
	static SpiQuery query = {
		"DELETE FROM authfort.passkeys WHERE user_id OPERATOR(pg_catalog.=) $1"
		" AND created_at OPERATOR(pg_catalog.>=) $2",
		2,
		{UUIDOID, TIMESTAMPTZOID},
	};

	spi_query_run_by_id_and(&query, user_id, TimestampTzGetDatum(time), SPI_OK_DELETE);
}

char *
passkey_id_text(const bytea *credential_id)
{
	size_t len = VARSIZE_ANY_EXHDR(credential_id);
	char *text = palloc(BASE64URL_ENCODED_SIZE(len));

	base64url_encode((const unsigned char *) VARDATA_ANY(credential_id), len, text);
	return text;
}

void
passkey_append_members(StringInfo out, const Passkey *passkey)
{
	json_write_string(out, "id", passkey_id_text(passkey->credential_id));
	json_write_string(out, "name", passkey->name);
	json_write_strings(out, "transports", passkey->transports, passkey->transport_count);
	json_write_uuid(out, "aaguid", &passkey->aaguid);
	json_write_string(out, "provider", passkey_provider_name(&passkey->aaguid));
	json_write_bool(out, "backup_eligible", passkey->backup_eligible);
	json_write_bool(out, "backed_up", passkey->backed_up);
	json_write_time(out, "created_at", passkey->created_at);
	json_write_time(out, "last_used_at", passkey->last_used_at);
}

void
passkey_append_json(StringInfo out, const Passkey *passkey)
{
	json_open(out);
	passkey_append_members(out, passkey);
	json_close(out);
}

static Datum
list_passkeys(PG_FUNCTION_ARGS)
{
	pg_uuid_t *user_id = argument_uuid(fcinfo, 0, "user_id");
	ReturnSetInfo *result = (ReturnSetInfo *) fcinfo->resultinfo;
	Passkey *passkeys;
	int count;

	users_require(user_id);
	InitMaterializedSRF(fcinfo, 0);
	passkeys = passkeys_of_user(user_id, &count);
	for (int i = 0; i < count; i++)
	{
		const Passkey *passkey = &passkeys[i];
		Datum values[7] = {
			PointerGetDatum(passkey->credential_id),
			CStringGetTextDatum(passkey->name),
			texts_to_array(passkey->transports, passkey->transport_count),
			UUIDPGetDatum(&passkey->aaguid),
			BoolGetDatum(passkey->backed_up),
			TimestampTzGetDatum(passkey->created_at),
			TimestampTzGetDatum(passkey->last_used_at),
		};
		bool nulls[7] = {false};

		nulls[6] = TIMESTAMP_IS_NOBEGIN(passkey->last_used_at);
		tuplestore_putvalues(result->setResult, result->setDesc, values, nulls);
	}
	return (Datum) 0;
}

/*
 * list_passkeys(user_id) -> TABLE (id, name, transports, aaguid, backed_up,
 *		created_at, last_used_at)
 */
Datum
authfort_list_passkeys(PG_FUNCTION_ARGS)
{
	return spi_query_run_stable(list_passkeys, fcinfo);
}
