/*
 * email_codes.c
 *		Codes of six digits that are mailed to a user: table
 *		authfort.email_codes.
 */
#include "postgres.h"

#include <sodium.h>

#include "catalog/pg_type.h"
#include "utils/builtins.h"
#include "utils/timestamp.h"

#include "base/spi_query.h"
#include "crypto/short_code.h"
#include "domain/attempts.h"
#include "domain/database_id.h"
#include "domain/email_codes.h"
#include "domain/user_rows.h"
#include "domain/users.h"

#define CODES 1000000
#define CODE_DIGITS 6

/* Wrong tries at a code, and at all codes of a user within a day. */
#define MAX_TRIES 5
#define MAX_WRONG_IN_DAY 50

/* In the order of EmailCodePurpose; stored, and part of what a code is bound to. */
static const char *const code_purposes[] = {
	"sign_in",
	"reauthentication",
};

StaticAssertDecl(lengthof(code_purposes) == EMAIL_CODE_REAUTHENTICATION + 1,
				 "each EmailCodePurpose needs a name");

typedef struct StoredEmailCode
{
	pg_uuid_t id;
	bytea *mac;
	int wrong_tries;
	int seconds_left;
} StoredEmailCode;

static ShortCodeUse
use_of(const pg_uuid_t *user_id, EmailCodePurpose purpose)
{
	ShortCodeUse use = {code_purposes[purpose], database_id(), *user_id};

	return use;
}

static int
wrong_in_day(const pg_uuid_t *user_id)
{
	static SpiQuery query = {
		"SELECT COALESCE(pg_catalog.sum(wrong_in_day), 0) FROM authfort.email_codes"
		" WHERE user_id OPERATOR(pg_catalog.=) $1 AND day_began OPERATOR(pg_catalog.>) $2",
		2,
		{UUIDOID, TIMESTAMPTZOID},
	};
	Datum values[2] = {UUIDPGetDatum(user_id),
					   TimestampTzGetDatum(GetCurrentTimestamp() - USECS_PER_DAY)};

	return (int) spi_query_run_for_number(&query, values, NULL);
}

bool
email_codes_allowed(const pg_uuid_t *user_id)
{
	return wrong_in_day(user_id) < MAX_WRONG_IN_DAY;
}

/* The id is that of the code: it changes with it, and with it the counter of its tries. */
char *
email_code_create(const pg_uuid_t *user_id, EmailCodePurpose purpose, int ttl,
				  const pg_uuid_t *message_id, TimestampTz *expires_at)
{
	static SpiQuery query = {
		"INSERT INTO authfort.email_codes"
		" (user_id, purpose, code_mac, message_id, created_at, expires_at, day_began)"
		" SELECT u.id, $2, $3, $4, $5, $6, $5" FROM_USER("$1") " ON CONFLICT (user_id, purpose) WHERE user_id IS NOT NULL DO UPDATE SET"
				  " id = excluded.id, code_mac = excluded.code_mac, message_id = excluded.message_id,"
				  " created_at = excluded.created_at, expires_at = excluded.expires_at, wrong_tries = 0",
			6, {UUIDOID, TEXTOID, BYTEAOID, UUIDOID, TIMESTAMPTZOID, TIMESTAMPTZOID},
	};
	ShortCodeUse use = use_of(user_id, purpose);
	char *code = psprintf("%0*u", CODE_DIGITS, randombytes_uniform(CODES));
	TimestampTz now = GetCurrentTimestamp();
	Datum values[6];
	char nulls[6] = {' ', ' ', ' ', (message_id != NULL) ? ' ' : 'n', ' ', ' '};

	*expires_at = now + ttl * USECS_PER_SEC;
	values[0] = UUIDPGetDatum(user_id);
	values[1] = CStringGetTextDatum(code_purposes[purpose]);
	values[2] = PointerGetDatum(short_code_mac(&use, code));
	values[3] = UUIDPGetDatum(message_id);
	values[4] = TimestampTzGetDatum(now);
	values[5] = TimestampTzGetDatum(*expires_at);
	if (spi_query_run_alone(&query, values, nulls, SPI_OK_INSERT) == 0)
		users_raise_unknown(user_id);
	return code;
}

/* False without a code that could be right. */
static bool
find_live_code(const pg_uuid_t *user_id, EmailCodePurpose purpose, StoredEmailCode *stored)
{
	static SpiQuery query = {
		"SELECT id, code_mac, wrong_tries, expires_at FROM authfort.email_codes"
		" WHERE user_id OPERATOR(pg_catalog.=) $1 AND purpose OPERATOR(pg_catalog.=) $2"
		" AND code_mac IS NOT NULL AND expires_at OPERATOR(pg_catalog.>) $3",
		3,
		{UUIDOID, TEXTOID, TIMESTAMPTZOID},
	};
	MemoryContext caller = CurrentMemoryContext;
	TimestampTz now = GetCurrentTimestamp();
	Datum values[3] = {UUIDPGetDatum(user_id), CStringGetTextDatum(code_purposes[purpose]),
					   TimestampTzGetDatum(now)};
	bool found;

	spi_query_open();
	found = spi_query_run(&query, values, NULL, SPI_OK_SELECT) > 0;
	if (found)
	{
		spi_query_uuid(1, &stored->id);
		stored->mac = spi_query_bytea(caller, 2);
		stored->wrong_tries = DatumGetInt32(spi_query_datum(3));
		stored->seconds_left = (int) ((spi_query_time(4) - now) / USECS_PER_SEC) + 1;
	}
	spi_query_close();
	return found;
}

/* "tries" includes those that a rollback has undone here. */
static void
record_wrong(const StoredEmailCode *stored, int tries)
{
	static SpiQuery query = {
		"UPDATE authfort.email_codes SET wrong_tries = $2,"
		" code_mac = CASE WHEN $2 OPERATOR(pg_catalog.<) $3 THEN code_mac END,"
		" wrong_in_day = CASE WHEN day_began OPERATOR(pg_catalog.>) $5"
		" THEN wrong_in_day OPERATOR(pg_catalog.+) 1 ELSE 1 END,"
		" day_began = CASE WHEN day_began OPERATOR(pg_catalog.>) $5 THEN day_began ELSE $4 END"
		" WHERE id OPERATOR(pg_catalog.=) $1",
		5,
		{UUIDOID, INT4OID, INT4OID, TIMESTAMPTZOID, TIMESTAMPTZOID},
	};
	TimestampTz now = GetCurrentTimestamp();
	Datum values[5] = {UUIDPGetDatum(&stored->id), Int32GetDatum(tries), Int32GetDatum(MAX_TRIES),
					   TimestampTzGetDatum(now), TimestampTzGetDatum(now - USECS_PER_DAY)};

	spi_query_run_alone(&query, values, NULL, SPI_OK_UPDATE);
}

/* A code as it may be copied from a mail, without white space; "" if it cannot be one. */
static void
read_typed_code(const char *typed, char code[CODE_DIGITS + 1])
{
	int len = 0;

	for (; *typed != '\0' && len <= CODE_DIGITS; typed++)
	{
		if (strchr(" \t\r\n", *typed) != NULL)
			continue;
		if (len < CODE_DIGITS)
			code[len] = *typed;
		len++;
	}
	code[(len <= CODE_DIGITS) ? len : 0] = '\0';
}

EmailCodeCheck
email_code_check(const pg_uuid_t *user_id, EmailCodePurpose purpose, const char *typed)
{
	ShortCodeUse use = use_of(user_id, purpose);
	StoredEmailCode stored;
	char code[CODE_DIGITS + 1];
	int tries;
	int today;
	bool right;

	if (!find_live_code(user_id, purpose, &stored))
		return EMAIL_CODE_NONE;
	tries = attempts_add(ATTEMPT_EMAIL_OTP, &stored.id, stored.seconds_left, 0);
	today = attempts_add(ATTEMPT_EMAIL_OTP_DAY, user_id, SECS_PER_DAY, 0);
	tries = Max(tries, stored.wrong_tries + 1);
	today = Max(today, wrong_in_day(user_id) + 1);
	if (tries > MAX_TRIES || today > MAX_WRONG_IN_DAY)
	{
		email_code_spend(user_id, purpose);
		return EMAIL_CODE_NONE;
	}
	read_typed_code(typed, code);
	right = short_code_matches(&use, code, stored.mac);
	sodium_memzero(code, sizeof(code));
	if (!right)
	{
		record_wrong(&stored, tries);
		return EMAIL_CODE_WRONG;
	}
	/* in memory, right ones were counted as well */
	attempts_forget(ATTEMPT_EMAIL_OTP_DAY, user_id);
	return EMAIL_CODE_RIGHT;
}

void
email_code_spend(const pg_uuid_t *user_id, EmailCodePurpose purpose)
{
	static SpiQuery query = {
		"UPDATE authfort.email_codes SET code_mac = NULL"
		" WHERE user_id OPERATOR(pg_catalog.=) $1 AND purpose OPERATOR(pg_catalog.=) $2",
		2,
		{UUIDOID, TEXTOID},
	};

	spi_query_run_by_id_and(&query, user_id, CStringGetTextDatum(code_purposes[purpose]),
							SPI_OK_UPDATE);
}

void
email_codes_spend_all(const pg_uuid_t *user_id)
{
	static SpiQuery query = {
		"UPDATE authfort.email_codes SET code_mac = NULL WHERE user_id OPERATOR(pg_catalog.=) $1",
		1,
		{UUIDOID},
	};

	spi_query_run_by_id(&query, user_id, SPI_OK_UPDATE);
}

void
email_codes_delete(const pg_uuid_t *user_id)
{
	static UserRows rows = {"authfort.email_codes"};

	user_rows_delete(&rows, user_id);
}

/* A row with wrong tries is kept for the day in which they count. */
int
email_codes_delete_expired(int limit, KeptRows *kept)
{
	static ExpiredRows expired = {
		"authfort.email_codes",
		"id",
		UUIDOID,
		"SELECT c.id FROM authfort.email_codes c WHERE c.expires_at OPERATOR(pg_catalog.<=) $1"
		" AND (c.wrong_in_day OPERATOR(pg_catalog.=) 0"
		" OR c.day_began OPERATOR(pg_catalog.<=) ($1 OPERATOR(pg_catalog.-) '1 day'::pg_catalog.interval))"
		" AND c.id OPERATOR(pg_catalog.<>) ALL ($3) ORDER BY c.expires_at LIMIT $2"
		" FOR UPDATE SKIP LOCKED",
		3,
		{TIMESTAMPTZOID, INT4OID, UUIDARRAYOID},
	};

	return expired_rows_delete_before(&expired, GetCurrentTimestamp(), limit, kept);
}
