/*
 * backup_codes.c
 *		Codes that replace a second factor once: table authfort.backup_codes.
 */
#include "postgres.h"

#include <sodium.h>

#include "catalog/pg_type.h"
#include "utils/timestamp.h"

#include "base/secret.h"
#include "base/spi_query.h"
#include "crypto/short_code.h"
#include "domain/backup_codes.h"
#include "domain/user_rows.h"
#include "domain/users.h"

#define CODE_CHARACTERS 10 /* without the dash */
#define HALF (CODE_CHARACTERS / 2)
#define BACKUP_CODE_SIZE 12 /* "xxxxx-xxxxx" and a terminating zero */

static const char alphabet[] = "abcdefghijklmnopqrstuvwxyz0123456789";

/*
 * Not bound to the database: like a password, a code is valid for long, and a
 * copy of the database keeps it when it gets an identity of its own.
 */
static ShortCodeUse
use_of_backup_code(const pg_uuid_t *user_id)
{
	ShortCodeUse use = {.purpose = "backup_code"};

	use.user_id = *user_id;
	return use;
}

static void
make_backup_code(char code[CODE_CHARACTERS + 1])
{
	for (int i = 0; i < CODE_CHARACTERS; i++)
		code[i] = alphabet[randombytes_uniform(sizeof(alphabet) - 1)];
	code[CODE_CHARACTERS] = '\0';
}

/* The form of which there is a MAC; false if it cannot be a code. */
static bool
normalize_backup_code(const char *typed, char code[CODE_CHARACTERS + 1])
{
	int len = 0;

	for (; *typed != '\0'; typed++)
	{
		char c = pg_ascii_tolower((unsigned char) *typed);

		if (c == ' ' || c == '-')
			continue;
		if (len == CODE_CHARACTERS || strchr(alphabet, c) == NULL)
			return false;
		code[len++] = c;
	}
	code[len] = '\0';
	return len == CODE_CHARACTERS;
}

static void
insert_backup_code(const pg_uuid_t *user_id, const char *code)
{
	static SpiQuery query = {
		"INSERT INTO authfort.backup_codes (user_id, mac) SELECT u.id, $2" FROM_USER("$1"), 2, {UUIDOID, BYTEAOID},
	};
	ShortCodeUse use = use_of_backup_code(user_id);
	Datum values[2] = {UUIDPGetDatum(user_id), PointerGetDatum(short_code_mac(&use, code))};

	if (spi_query_run_alone(&query, values, NULL, SPI_OK_INSERT) == 0)
		users_raise_unknown(user_id);
}

BackupCodes
backup_codes_make(const pg_uuid_t *user_id)
{
	BackupCodes made = {palloc(BACKUP_CODES * sizeof(char *)), BACKUP_CODES};
	char code[CODE_CHARACTERS + 1];

	backup_codes_delete(user_id);
	for (int i = 0; i < made.count; i++)
	{
		make_backup_code(code);
		insert_backup_code(user_id, code);
		made.codes[i] = palloc(BACKUP_CODE_SIZE);
		snprintf(made.codes[i], BACKUP_CODE_SIZE, "%.*s-%s", HALF, code, code + HALF);
		secret_wipe_later(made.codes[i], BACKUP_CODE_SIZE);
	}
	sodium_memzero(code, sizeof(code));
	return made;
}

/* The id of the code's row; false if the user has no such code. */
static bool
find_backup_code(const pg_uuid_t *user_id, const char *code, pg_uuid_t *id)
{
	static SpiQuery query = {
		"SELECT id, mac FROM authfort.backup_codes WHERE user_id OPERATOR(pg_catalog.=) $1",
		1,
		{UUIDOID},
	};
	ShortCodeUse use = use_of_backup_code(user_id);
	Datum key = UUIDPGetDatum(user_id);
	bool found = false;
	uint64 rows;

	spi_query_open();
	rows = spi_query_run(&query, &key, NULL, SPI_OK_SELECT);
	for (uint64 row = 0; row < rows; row++)
	{
		spi_query_use_row(row);
		if (short_code_matches(&use, code, DatumGetByteaPP(spi_query_datum(2))))
		{
			spi_query_uuid(1, id);
			found = true;
		}
	}
	spi_query_close();
	return found;
}

bool
backup_codes_use(const pg_uuid_t *user_id, const char *typed)
{
	static SpiQuery query = {
		"DELETE FROM authfort.backup_codes WHERE id OPERATOR(pg_catalog.=) $1",
		1,
		{UUIDOID},
	};
	char code[CODE_CHARACTERS + 1];
	pg_uuid_t id;
	bool found = normalize_backup_code(typed, code) && find_backup_code(user_id, code, &id);

	sodium_memzero(code, sizeof(code));
	if (found)
		spi_query_run_by_id(&query, &id, SPI_OK_DELETE);
	return found;
}

int
backup_codes_count(const pg_uuid_t *user_id)
{
	static SpiQuery query = {
		"SELECT FROM authfort.backup_codes WHERE user_id OPERATOR(pg_catalog.=) $1",
		1,
		{UUIDOID},
	};
	Datum key = UUIDPGetDatum(user_id);

	return (int) spi_query_run_alone(&query, &key, NULL, SPI_OK_SELECT);
}

void
backup_codes_delete(const pg_uuid_t *user_id)
{
	static UserRows rows = {"authfort.backup_codes"};

	user_rows_delete(&rows, user_id);
}

void
backup_codes_delete_since(const pg_uuid_t *user_id, TimestampTz time)
{
	static SpiQuery query = {
		"DELETE FROM authfort.backup_codes WHERE user_id OPERATOR(pg_catalog.=) $1"
		" AND created_at OPERATOR(pg_catalog.>=) $2",
		2,
		{UUIDOID, TIMESTAMPTZOID},
	};

	spi_query_run_by_id_and(&query, user_id, TimestampTzGetDatum(time), SPI_OK_DELETE);
}
