/*
 * breached_passwords.c
 *		Passwords known from breaches: table authfort.breached_passwords.
 *
 * Lists of breached passwords are published as SHA-1 hashes, so these are
 * compared.  No service is queried over the network.
 */
#include "postgres.h"

#include <openssl/evp.h>
#include <sodium.h>

#include "catalog/pg_authid.h"
#include "catalog/pg_type.h"
#include "fmgr.h"
#include "miscadmin.h"
#include "storage/fd.h"
#include "utils/acl.h"
#include "utils/array.h"
#include "utils/builtins.h"

#include "base/arguments.h"
#include "base/security_context.h"
#include "base/spi_query.h"
#include "domain/breached_passwords.h"

PG_FUNCTION_INFO_V1(authfort_load_breached_file);
PG_FUNCTION_INFO_V1(authfort_load_breached_hashes);

#define PREFIX_BYTES 8
#define PREFIX_DIGITS (2 * PREFIX_BYTES)
#define SHA1_BYTES 20
#define SHA1_DIGITS (2 * SHA1_BYTES)
#define BATCH 10000 /* prefixes that are inserted at once */

/* A hash with a colon and a count is shorter than this by far. */
#define MAX_LINE 256

typedef struct Loading
{
	Datum prefixes[BATCH];
	int count;
	uint64 line;  /* of the file, or of the array */
	int64 loaded; /* lines that were new */
} Loading;

static int64
prefix_of_bytes(const unsigned char *bytes)
{
	uint64 prefix = 0;

	for (int i = 0; i < PREFIX_BYTES; i++)
		prefix = prefix << 8 | bytes[i];
	return (int64) prefix;
}

bool
breached_passwords_hold(const char *password)
{
	static SpiQuery query = {
		"SELECT FROM authfort.breached_passwords WHERE prefix OPERATOR(pg_catalog.=) $1",
		1,
		{INT8OID},
	};
	unsigned char hash[SHA1_BYTES];
	Datum prefix;

	if (EVP_Digest(password, strlen(password), hash, NULL, EVP_sha1(), NULL) != 1)
		ereport(ERROR,
				(errcode(ERRCODE_EXTERNAL_ROUTINE_EXCEPTION),
				 errmsg("could not compute the SHA-1 of a password")));
	prefix = Int64GetDatum(prefix_of_bytes(hash));
	sodium_memzero(hash, sizeof(hash));
	return spi_query_run_alone(&query, &prefix, NULL, SPI_OK_SELECT) > 0;
}

static void
insert_batch(Loading *loading)
{
	static SpiQuery query = {
		"INSERT INTO authfort.breached_passwords (prefix)"
		" SELECT DISTINCT p FROM pg_catalog.unnest($1) p ON CONFLICT (prefix) DO NOTHING",
		1,
		{INT8ARRAYOID},
	};
	Datum array;

	if (loading->count == 0)
		return;
	array = PointerGetDatum(construct_array(loading->prefixes, loading->count, INT8OID,
											sizeof(int64), FLOAT8PASSBYVAL, TYPALIGN_DOUBLE));
	loading->loaded += spi_query_run_alone(&query, &array, NULL, SPI_OK_INSERT);
	pfree(DatumGetPointer(array));
	loading->count = 0;
	CHECK_FOR_INTERRUPTS();
}

/* Loads a line; an empty one is ignored. */
static void
load_line(Loading *loading, const char *line)
{
	size_t digits = strspn(line, "0123456789abcdefABCDEF");
	size_t rest = strspn(line + digits, " \t\r\n");
	unsigned char bytes[PREFIX_BYTES];

	loading->line++;
	if (digits == 0 && line[rest] == '\0')
		return;
	if (digits < PREFIX_DIGITS || digits > SHA1_DIGITS ||
		(line[digits] != ':' && line[digits + rest] != '\0'))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_TEXT_REPRESENTATION),
				 errmsg("line " UINT64_FORMAT " does not begin with a SHA-1 hash", loading->line),
				 errdetail("A line begins with %d to %d hexadecimal digits, and ends there or continues with a colon.",
						   PREFIX_DIGITS, SHA1_DIGITS)));
	sodium_hex2bin(bytes, sizeof(bytes), line, PREFIX_DIGITS, NULL, NULL, NULL);
	loading->prefixes[loading->count++] = Int64GetDatum(prefix_of_bytes(bytes));
	if (loading->count == BATCH)
		insert_batch(loading);
}

static void
read_hash_file(Loading *loading, const char *path)
{
	FILE *file = AllocateFile(path, "r");
	char line[MAX_LINE];

	/* errcode_for_file_access() takes this for an internal error */
	if (file == NULL && errno == ENAMETOOLONG)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("file name is too long")));
	if (file == NULL)
		ereport(ERROR,
				(errcode_for_file_access(),
				 errmsg("could not open file \"%s\" for reading: %m", path)));
	while (fgets(line, sizeof(line), file) != NULL)
		load_line(loading, line);
	if (ferror(file))
		ereport(ERROR,
				(errcode_for_file_access(),
				 errmsg("could not read file \"%s\": %m", path)));
	FreeFile(file);
}

/* load_breached_passwords(file) -> bigint */
Datum
authfort_load_breached_file(PG_FUNCTION_ARGS)
{
	char *path = argument_text(fcinfo, 0, "file");
	Loading *loading = palloc0(sizeof(Loading));
	SecurityContext caller;

	if (!has_privs_of_role(GetUserId(), ROLE_PG_READ_SERVER_FILES))
		ereport(ERROR,
				(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
				 errmsg("permission denied to read files of the server"),
				 errdetail("Only roles with privileges of the \"%s\" role may load a file.", "pg_read_server_files"),
				 errhint("authfort.load_breached_passwords(text[]) takes lines instead.")));
	security_context_become_owner(fcinfo, &caller);
	read_hash_file(loading, path);
	insert_batch(loading);
	security_context_restore(&caller);
	PG_RETURN_INT64(loading->loaded);
}

/* load_breached_passwords(hashes) -> bigint */
Datum
authfort_load_breached_hashes(PG_FUNCTION_ARGS)
{
	int count;
	char **lines = argument_texts(fcinfo, 0, "hashes", &count);
	Loading *loading = palloc0(sizeof(Loading));

	for (int i = 0; i < count; i++)
		load_line(loading, lines[i]);
	insert_batch(loading);
	PG_RETURN_INT64(loading->loaded);
}
