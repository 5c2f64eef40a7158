/*
 * oauth_providers.c
 *		The OAuth providers that are configured: table authfort.oauth_providers.
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
#include "base/client_message.h"
#include "base/json.h"
#include "base/secret.h"
#include "base/spi_query.h"
#include "compat.h"
#include "crypto/seal.h"
#include "domain/oauth_config.h"
#include "domain/oauth_documents.h"
#include "domain/oauth_providers.h"
#include "domain/sealed_column.h"
#include "domain/signing_keys.h"

PG_FUNCTION_INFO_V1(authfort_set_oauth_provider);
PG_FUNCTION_INFO_V1(authfort_drop_oauth_provider);
PG_FUNCTION_INFO_V1(authfort_oauth_providers);
PG_FUNCTION_INFO_V1(authfort_refresh_oauth_provider);

#define CLIENT_SECRET "client_secret"
#define PRIVATE_KEY "private_key"

char *
oauth_provider_name(const char *raw)
{
	size_t len = strnlen(raw, OAUTH_PROVIDER_NAME_MAX + 1);
	char *name;

	if (len == 0 || len > OAUTH_PROVIDER_NAME_MAX)
		return NULL;
	name = pnstrdup(raw, len);
	for (char *p = name; *p != '\0'; p++)
		*p = pg_ascii_tolower((unsigned char) *p);
	if (strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789_-") < len)
		return NULL;
	return name;
}

/* The form of a name that an administrator gives. */
static char *
require_name(FunctionCallInfo fcinfo, int number)
{
	char *name = oauth_provider_name(argument_text(fcinfo, number, "name"));

	if (name == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("invalid name of an OAuth provider"),
				 errhint("A name has 1 to %d letters, digits, dashes and underscores.",
						 OAUTH_PROVIDER_NAME_MAX)));
	return name;
}

/* The associated data of a secret, and its name in messages. */
static char *
seal_name(const char *member, const char *provider)
{
	return psprintf("%s of OAuth provider %s", member, provider);
}

static char *
unseal_member(const OAuthProvider *provider, const bytea *sealed, const char *member)
{
	size_t len;
	unsigned char *secret;

	if (sealed == NULL)
		elog(ERROR, "OAuth provider \"%s\" has no %s", provider->name, member);
	secret = unseal(sealed, seal_name(member, provider->name), NULL, &len);
	secret[len] = '\0';
	secret_wipe_later(secret, len);
	return (char *) secret;
}

char *
oauth_provider_client_secret(const OAuthProvider *provider)
{
	return unseal_member(provider, provider->client_secret, CLIENT_SECRET);
}

EVP_PKEY *
oauth_provider_private_key(const OAuthProvider *provider)
{
	EVP_PKEY *key = pkey_from_pem(unseal_member(provider, provider->private_key, PRIVATE_KEY));

	if (key == NULL)
		elog(ERROR, "the private key of OAuth provider \"%s\" is unreadable", provider->name);
	return key;
}

/* The stored part of a provider. */
typedef struct StoredProvider
{
	Jsonb *config;        /* without secrets */
	bytea *client_secret; /* NULL: none, as the other */
	bytea *private_key;
} StoredProvider;

static bool
find_stored(const char *name, StoredProvider *stored)
{
	static SpiQuery query = {
		"SELECT config, client_secret, private_key FROM authfort.oauth_providers"
		" WHERE name OPERATOR(pg_catalog.=) $1",
		1,
		{TEXTOID},
	};
	MemoryContext caller = CurrentMemoryContext;
	Datum value = CStringGetTextDatum(name);
	bool found;

	spi_query_open();
	found = spi_query_run(&query, &value, NULL, SPI_OK_SELECT) > 0;
	if (found)
	{
		stored->config = spi_query_jsonb(caller, 1);
		stored->client_secret = spi_query_bytea(caller, 2);
		stored->private_key = spi_query_bytea(caller, 3);
	}
	spi_query_close();
	return found;
}

OAuthProvider *
oauth_providers_find(const char *name)
{
	StoredProvider stored;
	OAuthProvider *provider;

	if (!find_stored(name, &stored))
		return NULL;
	provider = oauth_config_read(name, stored.config, stored.client_secret != NULL,
								 stored.private_key != NULL);
	provider->client_secret = stored.client_secret;
	provider->private_key = stored.private_key;
	return provider;
}

bool
oauth_providers_is_enabled(const char *name)
{
	static SpiQuery query = {
		"SELECT FROM authfort.oauth_providers WHERE name OPERATOR(pg_catalog.=) $1 AND enabled",
		1,
		{TEXTOID},
	};
	Datum value = CStringGetTextDatum(name);

	return spi_query_run_alone(&query, &value, NULL, SPI_OK_SELECT) > 0;
}

/* Takes a secret out of the configuration.  A secret that is not given keeps its stored value. */
static bytea *
take_secret(const char *name, Jsonb **config, const char *member, bytea *stored)
{
	JsonbValue *value = json_member(*config, member);
	bytea *sealed = stored;

	if (value == NULL)
		return stored;
	if (value->type == jbvNull)
		sealed = NULL;
	else if (value->type == jbvString && value->val.string.len > 0)
		sealed = seal((unsigned char *) value->val.string.val, value->val.string.len,
					  seal_name(member, name), NULL);
	else
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("configuration of OAuth provider \"%s\": \"%s\" must be a string", name, member)));
	*config = DatumGetJsonbP(
		DirectFunctionCall2(jsonb_delete, JsonbPGetDatum(*config), CStringGetTextDatum(member)));
	return sealed;
}

/* A key that cannot sign would be found at the first sign-in. */
static void
check_private_key(const OAuthProvider *provider)
{
	SignatureAlgorithm algorithm;
	EVP_PKEY *key;

	if (provider->private_key == NULL)
		return;
	key = pkey_from_pem(unseal_member(provider, provider->private_key, PRIVATE_KEY));
	if (key == NULL || !pkey_algorithm_of(key, &algorithm) ||
		(provider->token_auth == TOKEN_AUTH_SIGNED_SECRET && algorithm != SIGN_ES256))
		ereport(
			ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
		     errmsg(
				 "configuration of OAuth provider \"%s\": \"private_key\" is not a key that can sign",
				 provider->name),
		     errhint("It is in PEM without a passphrase: RSA of at least 2048 bits, P-256 "
		             "(Apple's) or Ed25519.")));
}

static void
store_provider(const char *name, const StoredProvider *stored, bool enabled)
{
	static SpiQuery query = {
		"INSERT INTO authfort.oauth_providers"
		" (name, config, client_secret, private_key, enabled, created_at, updated_at)"
		" VALUES ($1, $2, $3, $4, $5, $6, $6) ON CONFLICT (name) WHERE name IS NOT NULL"
		" DO UPDATE SET config = EXCLUDED.config, client_secret = EXCLUDED.client_secret,"
		" private_key = EXCLUDED.private_key, enabled = EXCLUDED.enabled,"
		" updated_at = EXCLUDED.updated_at",
		6,
		{TEXTOID, JSONBOID, BYTEAOID, BYTEAOID, BOOLOID, TIMESTAMPTZOID},
	};
	Datum values[6] = {
		CStringGetTextDatum(name),
		JsonbPGetDatum(stored->config),
		PointerGetDatum(stored->client_secret),
		PointerGetDatum(stored->private_key),
		BoolGetDatum(enabled),
		TimestampTzGetDatum(GetCurrentTimestamp()),
	};
	char nulls[6] = {' ', ' ', ' ', ' ', ' ', ' '};

	nulls[2] = (stored->client_secret == NULL) ? 'n' : ' ';
	nulls[3] = (stored->private_key == NULL) ? 'n' : ' ';
	spi_query_run_alone(&query, values, nulls, SPI_OK_INSERT);
}

/* set_oauth_provider(name, config) */
Datum
authfort_set_oauth_provider(PG_FUNCTION_ARGS)
{
	StoredProvider stored = {NULL};
	OAuthProvider *provider;
	Jsonb *config;
	char *name;

	client_message_mark();
	name = require_name(fcinfo, 0);
	argument_require(fcinfo, 1, "config");
	config = PG_GETARG_JSONB_P(1);
	if (!JB_ROOT_IS_OBJECT(config))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("the configuration of an OAuth provider must be a JSON object")));
	signing_keys_ensure_master_key();
	(void) find_stored(name, &stored);
	stored.client_secret = take_secret(name, &config, CLIENT_SECRET, stored.client_secret);
	stored.private_key = take_secret(name, &config, PRIVATE_KEY, stored.private_key);
	stored.config = config;
	provider =
		oauth_config_read(name, config, stored.client_secret != NULL, stored.private_key != NULL);
	provider->private_key = stored.private_key;
	check_private_key(provider);
	store_provider(name, &stored, provider->enabled);
	oauth_documents_delete(name);
	PG_RETURN_VOID();
}

/* drop_oauth_provider(name) -> boolean */
Datum
authfort_drop_oauth_provider(PG_FUNCTION_ARGS)
{
	static SpiQuery query = {
		"DELETE FROM authfort.oauth_providers WHERE name OPERATOR(pg_catalog.=) $1",
		1,
		{TEXTOID},
	};
	char *name = require_name(fcinfo, 0);
	Datum value = CStringGetTextDatum(name);
	bool deleted;

	deleted = spi_query_run_alone(&query, &value, NULL, SPI_OK_DELETE) > 0;
	oauth_documents_delete(name);
	PG_RETURN_BOOL(deleted);
}

/* refresh_oauth_provider(name): the documents are fetched again when they are needed. */
Datum
authfort_refresh_oauth_provider(PG_FUNCTION_ARGS)
{
	char *name = require_name(fcinfo, 0);
	StoredProvider stored;

	if (!find_stored(name, &stored))
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_OBJECT),
				 errmsg("OAuth provider \"%s\" does not exist", name),
				 errdetail("unknown_provider")));
	oauth_documents_delete(name);
	PG_RETURN_VOID();
}

static void
put_provider(ReturnSetInfo *result, const OAuthProvider *provider, Datum created_at, Datum updated_at)
{
	Datum values[9] = {
		CStringGetTextDatum(provider->name),
		CStringGetTextDatum(provider->preset->name),
		(Datum) 0,
		CStringGetTextDatum(provider->client_id),
		BoolGetDatum(provider->enabled),
		BoolGetDatum(provider->trust_email),
		BoolGetDatum(provider->keep_tokens),
		created_at,
		updated_at,
	};
	bool nulls[9] = {false};

	nulls[1] = provider->preset->name[0] == '\0';
	nulls[2] = provider->issuer == NULL;
	if (!nulls[2])
		values[2] = CStringGetTextDatum(provider->issuer);
	tuplestore_putvalues(result->setResult, result->setDesc, values, nulls);
}

static Datum
list_oauth_providers(PG_FUNCTION_ARGS)
{
	static SpiQuery query = {
		"SELECT name, config, client_secret IS NOT NULL, private_key IS NOT NULL, created_at, updated_at"
		" FROM authfort.oauth_providers ORDER BY name",
		0,
	};
	ReturnSetInfo *result = (ReturnSetInfo *) fcinfo->resultinfo;
	uint64 count;

	InitMaterializedSRF(fcinfo, 0);
	spi_query_open();
	count = spi_query_run(&query, NULL, NULL, SPI_OK_SELECT);
	for (uint64 row = 0; row < count; row++)
	{
		OAuthProvider *provider;

		spi_query_use_row(row);
		provider =
			oauth_config_read(spi_query_text(CurrentMemoryContext, 1),
							  spi_query_jsonb(CurrentMemoryContext, 2),
							  DatumGetBool(spi_query_datum(3)), DatumGetBool(spi_query_datum(4)));
		put_provider(result, provider, spi_query_datum(5), spi_query_datum(6));
	}
	spi_query_close();
	return (Datum) 0;
}

/* oauth_providers() -> setof (name, preset, issuer, client_id, enabled, ...) */
Datum
authfort_oauth_providers(PG_FUNCTION_ARGS)
{
	return spi_query_run_stable(list_oauth_providers, fcinfo);
}

/* For the buttons of a sign-in page. */
void
oauth_providers_append_json(StringInfo out)
{
	static SpiQuery query = {
		"SELECT name FROM authfort.oauth_providers WHERE enabled ORDER BY name",
		0,
	};
	uint64 count;

	appendStringInfoChar(out, '[');
	spi_query_open();
	count = spi_query_run(&query, NULL, NULL, SPI_OK_SELECT);
	for (uint64 row = 0; row < count; row++)
	{
		spi_query_use_row(row);
		json_next_element(out);
		json_open(out);
		json_write_string(out, "name", spi_query_text(CurrentMemoryContext, 1));
		json_close(out);
	}
	spi_query_close();
	appendStringInfoChar(out, ']');
}

static char *
name_of_client_secret(Datum id, const char *provider)
{
	return seal_name(CLIENT_SECRET, provider);
}

static char *
name_of_private_key(Datum id, const char *provider)
{
	return seal_name(PRIVATE_KEY, provider);
}

void
oauth_providers_reseal(Resealing *progress)
{
	static SealedColumn client_secrets = {
		{"SELECT id, client_secret, name FROM authfort.oauth_providers WHERE " SEALED_OLDER("client_secret") SEALED_NEXT("id"), SEALED_FIND_PARAMETERS(UUIDOID)},
		 {"UPDATE authfort.oauth_providers SET client_secret = $2 WHERE id OPERATOR(pg_catalog.=) $1",
		  2,
		  {UUIDOID, BYTEAOID}},
		 name_of_client_secret,
	};
	static SealedColumn private_keys = {
		{"SELECT id, private_key, name FROM authfort.oauth_providers WHERE " SEALED_OLDER("private_key") SEALED_NEXT("id"), SEALED_FIND_PARAMETERS(UUIDOID)},
		 {"UPDATE authfort.oauth_providers SET private_key = $2 WHERE id OPERATOR(pg_catalog.=) $1",
		  2,
		  {UUIDOID, BYTEAOID}},
		 name_of_private_key,
	};

	sealed_column_reseal(&client_secrets, NULL, progress);
	sealed_column_reseal(&private_keys, NULL, progress);
}
