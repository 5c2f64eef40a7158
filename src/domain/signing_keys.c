/*
 * signing_keys.c
 *		The signing keys: table authfort.signing_keys and its cache.
 *
 * Each backend keeps all keys parsed.  A change of the table invalidates the
 * relation-cache entry of the table, by a trigger on it, and that message
 * reaches every backend, and in WAL every standby, when the change commits.
 * So verifying a token reads no table, and an expired or deleted key becomes
 * invalid everywhere at once.
 */
#include "postgres.h"

#include <sodium.h>

#include "access/genam.h"
#include "access/htup_details.h"
#include "access/table.h"
#include "catalog/pg_type.h"
#include "commands/trigger.h"
#include "executor/spi.h"
#include "fmgr.h"
#include "miscadmin.h"
#include "storage/lmgr.h"
#include "utils/builtins.h"
#include "utils/inval.h"
#include "utils/memutils.h"
#include "utils/rel.h"
#include "utils/timestamp.h"

#include "base/json.h"
#include "base/spi_query.h"
#include "base/watched_table.h"
#include "compat.h"
#include "crypto/master_key.h"
#include "crypto/seal.h"
#include "domain/key_expiry.h"
#include "domain/sealed_column.h"
#include "domain/signing_keys.h"
#include "settings.h"

PG_FUNCTION_INFO_V1(authfort_jwks);
PG_FUNCTION_INFO_V1(authfort_invalidate_keys);

/* Columns of authfort.signing_keys; signing_keys.sql says the same. */
enum
{
	COLUMN_KID = 1,
	COLUMN_ALGORITHM,
	COLUMN_PUBLIC_KEY,
	COLUMN_PRIVATE_KEY,
	COLUMN_CREATED_AT,
	COLUMN_ACTIVATED_AT,
	COLUMN_EXPIRES_AT,
	COLUMN_COUNT = COLUMN_EXPIRES_AT,
};

typedef struct KeyCache
{
	MemoryContext context; /* owns this whole struct, and OpenSSL's keys */
	uint64 generation;     /* signing_keys_generation() that it was read at */
	VerificationKey *keys;
	int count;
	int capacity;
	int signing;           /* which of the keys signs; -1: none */
	EVP_PKEY *private_key; /* of the key that signs, unsealed when first needed */
	uint64 opened_with;    /* master_key_generation() at which it was unsealed */
} KeyCache;

static KeyCache *cache = NULL;
static WatchedTable keys_table = {"signing_keys"};

void
signing_keys_init(void)
{
	watched_table_register(&keys_table);
}

uint64
signing_keys_generation(void)
{
	return watched_table_changes(&keys_table);
}

/* Reports the expiry of a trigger's row to the cleanup launcher. */
static void
note_expiry(const TriggerData *trigger)
{
	HeapTuple tuple =
		TRIGGER_FIRED_BY_UPDATE(trigger->tg_event) ? trigger->tg_newtuple : trigger->tg_trigtuple;
	bool isnull;
	Datum expires_at =
		heap_getattr(tuple, COLUMN_EXPIRES_AT, RelationGetDescr(trigger->tg_relation), &isnull);

	if (!isnull)
		key_expiry_note(DatumGetTimestampTz(expires_at));
}

/* Trigger: invalidates the keys in the caches of all backends. */
Datum
authfort_invalidate_keys(PG_FUNCTION_ARGS)
{
	const TriggerData *trigger = (TriggerData *) fcinfo->context;

	watched_table_invalidate(fcinfo, "invalidate_keys");
	if (TRIGGER_FIRED_FOR_ROW(trigger->tg_event) && !TRIGGER_FIRED_BY_DELETE(trigger->tg_event))
		note_expiry(trigger);
	PG_RETURN_POINTER(NULL);
}

static int64
unix_time(TimestampTz time)
{
	return timestamptz_to_time_t(time);
}

/* Takes a row into the cache; the cache's context is current. */
static void
cache_row(KeyCache *into, Datum *values, bool *nulls)
{
	VerificationKey *key;
	bytea *public_der = DatumGetByteaPP(values[COLUMN_PUBLIC_KEY - 1]);

	if (into->count == into->capacity)
	{
		into->capacity *= 2;
		into->keys = repalloc(into->keys, into->capacity * sizeof(VerificationKey));
	}
	key = &into->keys[into->count];
	key->kid = TextDatumGetCString(values[COLUMN_KID - 1]);
	if (!pkey_algorithm_by_name(TextDatumGetCString(values[COLUMN_ALGORITHM - 1]), &key->algorithm))
		elog(ERROR, "signing key \"%s\" has an unknown algorithm", key->kid);
	key->public_key = pkey_from_public_der((unsigned char *) VARDATA_ANY(public_der),
										   VARSIZE_ANY_EXHDR(public_der));
	key->verifier = pkey_verifier(key->public_key, key->algorithm);
	key->private_key = DatumGetByteaPCopy(values[COLUMN_PRIVATE_KEY - 1]);
	key->created_at = DatumGetTimestampTz(values[COLUMN_CREATED_AT - 1]);
	key->expires_at = nulls[COLUMN_EXPIRES_AT - 1]
						  ? PG_INT64_MAX
						  : unix_time(DatumGetTimestampTz(values[COLUMN_EXPIRES_AT - 1]));

	key->prepared = nulls[COLUMN_ACTIVATED_AT - 1];
	if (!key->prepared && nulls[COLUMN_EXPIRES_AT - 1])
		into->signing = into->count;
	into->count++;
}

/*
 * Reads the table into a new cache.  A scan under a catalog snapshot sees
 * everything that has committed by now, at any isolation level.  It works in
 * parallel workers and on a standby, and checks no privileges: PUBLIC may
 * execute functions that get here, but may not read the table.
 */
static KeyCache *
read_cache(MemoryContext context)
{
	MemoryContext old = MemoryContextSwitchTo(context);
	KeyCache *fresh = palloc0(sizeof(KeyCache));
	Datum values[COLUMN_COUNT];
	bool nulls[COLUMN_COUNT];
	Relation relation;
	SysScanDesc scan;
	HeapTuple tuple;

	fresh->context = context;
	fresh->capacity = 8;
	fresh->signing = -1;
	fresh->keys = palloc(fresh->capacity * sizeof(VerificationKey));

	relation = table_open(watched_table_oid(&keys_table), AccessShareLock);
	/* an invalidation received from here on makes this cache outdated */
	fresh->generation = keys_table.changes;
	scan = systable_beginscan(relation, InvalidOid, false, NULL, 0, NULL);
	while (HeapTupleIsValid(tuple = systable_getnext(scan)))
	{
		heap_deform_tuple(tuple, RelationGetDescr(relation), values, nulls);
		cache_row(fresh, values, nulls);
	}
	systable_endscan(scan);
	table_close(relation, AccessShareLock);

	MemoryContextSwitchTo(old);
	return fresh;
}

/* The cache, read again if the keys have changed. */
static KeyCache *
current_cache(void)
{
	MemoryContext context;
	KeyCache *fresh;

	if (cache != NULL && cache->generation == signing_keys_generation())
		return cache;

	/* after an error, the end of the transaction deletes the context */
	context = AllocSetContextCreate(CurTransactionContext, "authfort keys", ALLOCSET_SMALL_SIZES);
	fresh = read_cache(context);
	MemoryContextSetParent(context, CacheMemoryContext);
	if (cache != NULL)
		MemoryContextDelete(cache->context);
	cache = fresh;
	return cache;
}

const VerificationKey *
signing_keys_find(const char *kid)
{
	KeyCache *current = current_cache();

	for (int i = 0; i < current->count; i++)
	{
		const VerificationKey *key = &current->keys[i];

		if (strcmp(key->kid, kid) == 0)
			return (key->expires_at > time(NULL)) ? key : NULL;
	}
	return NULL;
}

/* What a sealed private key is bound to. */
static char *
key_seal_name(const char *kid)
{
	return psprintf("signing key \"%s\"", kid);
}

/*
 * Opens a private key; it lives in "context".  Raises where the master key is
 * missing or wrong.
 */
static EVP_PKEY *
open_key(const VerificationKey *key, MemoryContext context)
{
	size_t len;
	unsigned char *der = unseal(key->private_key, key_seal_name(key->kid), NULL, &len);
	MemoryContext old = MemoryContextSwitchTo(context);
	EVP_PKEY *volatile opened = NULL;

	PG_TRY();
	{
		opened = pkey_from_private_der(der, len);
	}
	PG_FINALLY();
	{
		sodium_memzero(der, len);
	}
	PG_END_TRY();
	MemoryContextSwitchTo(old);
	return opened;
}

/*
 * Opens the signing key, and opens it again after the master key has been read
 * again, because the new master key may not open it.
 */
static void
open_signing_key(KeyCache *current)
{
	const VerificationKey *key = &current->keys[current->signing];
	uint64 generation = master_key_generation();

	if (current->private_key == NULL)
		current->private_key = open_key(key, current->context);
	else if (current->opened_with != generation)
		(void) open_key(key, CurrentMemoryContext);
	current->opened_with = generation;
}

static bytea *
sealed_private_der(EVP_PKEY *key, const char *kid)
{
	size_t len;
	unsigned char *der = pkey_private_der(key, &len);
	bytea *volatile sealed = NULL;

	PG_TRY();
	{
		sealed = seal(der, len, key_seal_name(kid), NULL);
	}
	PG_FINALLY();
	{
		sodium_memzero(der, len);
	}
	PG_END_TRY();
	return sealed;
}

/* Inserts a key; "active" says whether it signs from now on. */
static char *
insert_key(EVP_PKEY *key, SignatureAlgorithm algorithm, bool active)
{
	static SpiQuery query = {
		"INSERT INTO authfort.signing_keys"
		" (kid, algorithm, public_key, private_key, created_at, activated_at)"
		" VALUES ($1, $2, $3, $4, $5, CASE WHEN $6 THEN $5 END)",
		6,
		{TEXTOID, TEXTOID, BYTEAOID, BYTEAOID, TIMESTAMPTZOID, BOOLOID},
	};
	char *kid = pkey_thumbprint(key, algorithm);
	size_t public_len;
	unsigned char *public_der = pkey_public_der(key, &public_len);
	bytea *public_value = palloc(VARHDRSZ + public_len);
	Datum values[6];

	SET_VARSIZE(public_value, VARHDRSZ + public_len);
	memcpy(VARDATA(public_value), public_der, public_len);
	values[0] = CStringGetTextDatum(kid);
	values[1] = CStringGetTextDatum(pkey_algorithm_name(algorithm));
	values[2] = PointerGetDatum(public_value);
	values[3] = PointerGetDatum(sealed_private_der(key, kid));
	values[4] = TimestampTzGetDatum(GetCurrentTimestamp());
	values[5] = BoolGetDatum(active);
	spi_query_run_alone(&query, values, NULL, SPI_OK_INSERT);
	return kid;
}

/*
 * Creates a key and stores it.  The key and all intermediate data are freed
 * with a separate memory context.
 */
static char *
create_signing_key(SignatureAlgorithm algorithm, bool active)
{
	MemoryContext context =
		AllocSetContextCreate(CurrentMemoryContext, "authfort new key", ALLOCSET_SMALL_SIZES);
	MemoryContext old = MemoryContextSwitchTo(context);
	char *kid;

	/* without a key, nothing has been sealed yet */
	master_key_ensure(current_cache()->count == 0);
	kid = MemoryContextStrdup(old, insert_key(pkey_generate(algorithm, setting_rsa_key_size),
											  algorithm, active));
	MemoryContextSwitchTo(old);
	MemoryContextDelete(context);
	return kid;
}

/*
 * Waits until no other session is creating or rotating keys.  The lock is held
 * to the end of the transaction, because until then other sessions cannot see
 * the new key.  Taking a lock also processes invalidations, so the cache is up
 * to date after it.
 */
static void
lock_keys(void)
{
	PreventCommandIfReadOnly("a change of the signing keys");
	LockRelationOid(watched_table_oid(&keys_table), ShareRowExclusiveLock);
	AcceptInvalidationMessages();
}

static void
ensure_signing_key(void)
{
	if (current_cache()->signing >= 0)
		return;
	lock_keys();
	if (current_cache()->signing < 0)
		create_signing_key(setting_signing_algorithm, true);
}

void
signing_keys_ensure_master_key(void)
{
	ensure_signing_key();
	open_signing_key(current_cache());
}

SigningKey
signing_keys_signing_key(void)
{
	KeyCache *current;
	const VerificationKey *key;

	signing_keys_ensure_master_key();
	current = current_cache();
	key = &current->keys[current->signing];
	return (SigningKey){
		key->kid,
		key->algorithm,
		current->private_key,
	};
}

/*
 * Before the first key there is nothing to check the master key with.  A
 * client can write any master key's id into a token, so tokens are not
 * evidence.
 */
void
signing_keys_require_master_key(void)
{
	KeyCache *current = current_cache();

	if (current->signing >= 0)
		open_signing_key(current);
}

void
signing_keys_append_jwks(StringInfo out)
{
	KeyCache *current;
	int64 now = time(NULL);

	if (!XactReadOnly)
		ensure_signing_key();
	current = current_cache();

	appendStringInfoString(out, "{\"keys\":[");
	for (int i = 0; i < current->count; i++)
	{
		const VerificationKey *key = &current->keys[i];

		if (key->expires_at <= now)
			continue;
		json_next_element(out);
		pkey_append_jwk(out, key->public_key, key->algorithm, key->kid);
	}
	appendStringInfoString(out, "]}");
}

void
signing_keys_append_algorithms(StringInfo out, const char *name)
{
	KeyCache *current;
	int64 now = time(NULL);
	bool used[SIGNATURE_ALGORITHMS] = {false};
	char *names[SIGNATURE_ALGORITHMS];
	int count = 0;

	if (!XactReadOnly)
		ensure_signing_key();
	current = current_cache();
	for (int i = 0; i < current->count; i++)
		used[current->keys[i].algorithm] |= current->keys[i].expires_at > now;
	for (int i = 0; i < SIGNATURE_ALGORITHMS; i++)
	{
		if (used[i])
			names[count++] = pstrdup(pkey_algorithm_name(i));
	}
	json_write_strings(out, name, names, count);
}

/* jwks() -> jsonb */
Datum
authfort_jwks(PG_FUNCTION_ARGS)
{
	StringInfoData json;

	initStringInfo(&json);
	signing_keys_append_jwks(&json);
	PG_RETURN_JSONB_P(json_to_jsonb(&json));
}

/* Lets the key that signs expire, so that another can take its place. */
static void
retire_signing_key(void)
{
	static SpiQuery query = {
		"UPDATE authfort.signing_keys SET expires_at = $1"
		" WHERE activated_at IS NOT NULL AND expires_at IS NULL",
		1,
		{TIMESTAMPTZOID},
	};
	Datum expires_at =
		TimestampTzGetDatum(TimestampTzPlusMilliseconds(GetCurrentTimestamp(),
														INT64CONST(1000) * setting_key_rotation_ttl));

	spi_query_run_alone(&query, &expires_at, NULL, SPI_OK_UPDATE);
}

static void
activate_key(const char *kid)
{
	static SpiQuery query = {
		"UPDATE authfort.signing_keys SET activated_at = $2"
		" WHERE kid OPERATOR(pg_catalog.=) $1",
		2,
		{TEXTOID, TIMESTAMPTZOID},
	};
	Datum values[2] = {CStringGetTextDatum(kid), TimestampTzGetDatum(GetCurrentTimestamp())};

	spi_query_run_alone(&query, values, NULL, SPI_OK_UPDATE);
}

/*
 * The key of that algorithm (any, if NULL) that was prepared last, or NULL.
 */
static const VerificationKey *
prepared_key(const SignatureAlgorithm *algorithm)
{
	KeyCache *current = current_cache();
	const VerificationKey *latest = NULL;

	for (int i = 0; i < current->count; i++)
	{
		const VerificationKey *key = &current->keys[i];

		if (key->prepared && (algorithm == NULL || key->algorithm == *algorithm) &&
			(latest == NULL || key->created_at > latest->created_at))
			latest = key;
	}
	return latest;
}

/* The id of the signing key, or NULL. */
static char *
signing_kid(void)
{
	KeyCache *current = current_cache();

	return (current->signing >= 0) ? pstrdup(current->keys[current->signing].kid) : NULL;
}

/* NULL means the algorithm in the setting. */
static SignatureAlgorithm
algorithm_of_new_key(const SignatureAlgorithm *algorithm)
{
	return (algorithm != NULL) ? *algorithm : (SignatureAlgorithm) setting_signing_algorithm;
}

char *
signing_keys_prepare(const SignatureAlgorithm *algorithm)
{
	SignatureAlgorithm wanted = algorithm_of_new_key(algorithm);
	const VerificationKey *prepared;

	lock_keys();
	signing_keys_require_master_key();
	prepared = prepared_key(&wanted);
	return (prepared != NULL) ? pstrdup(prepared->kid) : create_signing_key(wanted, false);
}

/*
 * The prepared key may have been sealed under another master key than the
 * signing key, so it is opened before it is activated.
 */
char *
signing_keys_rotate(const SignatureAlgorithm *algorithm, char **old_kid)
{
	const VerificationKey *prepared;
	char *kid = NULL;

	lock_keys();
	signing_keys_require_master_key();
	*old_kid = signing_kid();
	prepared = prepared_key(algorithm);
	if (prepared != NULL)
	{
		(void) open_key(prepared, CurrentMemoryContext);
		kid = pstrdup(prepared->kid);
	}
	retire_signing_key();
	if (kid != NULL)
		activate_key(kid);
	else
		kid = create_signing_key(algorithm_of_new_key(algorithm), true);
	return kid;
}

char *
signing_keys_replace_all(char **old_kid)
{
	static SpiQuery query = {"DELETE FROM authfort.signing_keys", 0};

	lock_keys();
	*old_kid = signing_kid();
	spi_query_run_alone(&query, NULL, NULL, SPI_OK_DELETE);
	return create_signing_key(setting_signing_algorithm, true);
}

/* Appends the key of the row as a JSON object. */
static void
append_key_of_row(StringInfo out)
{
	json_open(out);
	json_write_string(out, "kid", spi_query_text(CurrentMemoryContext, 1));
	json_write_string(out, "algorithm", spi_query_text(CurrentMemoryContext, 2));
	json_write_time(out, "created_at", spi_query_time(3));
	json_write_time(out, "activated_at", spi_query_time(4));
	json_write_time(out, "expires_at", spi_query_time(5));
	json_close(out);
}

void
signing_keys_append_json(StringInfo out)
{
	static SpiQuery query = {
		"SELECT kid, algorithm, created_at, activated_at, expires_at FROM authfort.signing_keys"
		" ORDER BY created_at, kid",
		0,
	};
	uint64 count;

	spi_query_open();
	count = spi_query_run(&query, NULL, NULL, SPI_OK_SELECT);
	appendStringInfoChar(out, '[');
	for (uint64 row = 0; row < count; row++)
	{
		json_next_element(out);
		spi_query_use_row(row);
		append_key_of_row(out);
	}
	appendStringInfoChar(out, ']');
	spi_query_close();
}

TimestampTz
signing_keys_next_expiry(TimestampTz after)
{
	static SpiQuery query = {
		"SELECT COALESCE(pg_catalog.min(expires_at), 'infinity') FROM authfort.signing_keys"
		" WHERE expires_at OPERATOR(pg_catalog.>) $1",
		1,
		{TIMESTAMPTZOID},
	};
	Datum value = TimestampTzGetDatum(after);
	TimestampTz next;

	spi_query_open();
	spi_query_run(&query, &value, NULL, SPI_OK_SELECT);
	next = spi_query_time(1);
	spi_query_close();
	return next;
}

int
signing_keys_delete_expired(int limit, KeptRows *kept)
{
	static ExpiredRows expired = {
		"authfort.signing_keys",
		"kid",
		TEXTOID,
		"SELECT k.kid FROM authfort.signing_keys k WHERE k.expires_at OPERATOR(pg_catalog.<=) $1"
		" AND k.kid OPERATOR(pg_catalog.<>) ALL ($3) LIMIT $2 FOR UPDATE SKIP LOCKED",
		3,
		{TIMESTAMPTZOID, INT4OID, TEXTARRAYOID},
	};

	return expired_rows_delete_before(&expired, GetCurrentTimestamp(), limit, kept);
}

static char *
name_of_key(Datum kid, const char *unused)
{
	return key_seal_name(TextDatumGetCString(kid));
}

void
signing_keys_reseal(Resealing *progress)
{
	static SealedColumn column = {
		{"SELECT kid, private_key, NULL FROM authfort.signing_keys WHERE " SEALED_OLDER("private_key") SEALED_NEXT("kid"), SEALED_FIND_PARAMETERS(TEXTOID)},
		 {"UPDATE authfort.signing_keys SET private_key = $2 WHERE kid OPERATOR(pg_catalog.=) $1",
		  2,
		  {TEXTOID, BYTEAOID}},
		 name_of_key,
	};

	sealed_column_reseal(&column, NULL, progress);
}
