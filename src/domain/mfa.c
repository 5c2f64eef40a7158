/*
 * mfa.c
 *		Authenticator apps, and the lock after wrong codes: table authfort.mfa.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "utils/timestamp.h"

#include "base/spi_query.h"
#include "base/uuid.h"
#include "crypto/seal.h"
#include "crypto/totp.h"
#include "domain/mfa.h"
#include "domain/sealed_column.h"
#include "domain/user_rows.h"
#include "domain/users.h"

/* Steps before the last one that may still come: as many as the clocks may differ, either way. */
#define EARLIER_STEPS (2 * TOTP_DRIFT)

MfaState
mfa_find(const pg_uuid_t *user_id)
{
	static SpiQuery query = {
		"SELECT totp_secret, totp_confirmed_at IS NOT NULL, totp_last_step, totp_earlier_steps,"
		" failed_attempts, locked_until, lock_count"
		" FROM authfort.mfa WHERE user_id OPERATOR(pg_catalog.=) $1",
		1,
		{UUIDOID},
	};
	MemoryContext caller = CurrentMemoryContext;
	Datum key = UUIDPGetDatum(user_id);
	MfaState state = {.last_step = -1, .locked_until = DT_NOBEGIN};

	spi_query_open();
	if (spi_query_run(&query, &key, NULL, SPI_OK_SELECT) > 0)
	{
		state.sealed_secret = spi_query_bytea(caller, 1);
		state.confirmed = DatumGetBool(spi_query_datum(2));
		if (!spi_query_is_null(3))
			state.last_step = DatumGetInt64(spi_query_datum(3));
		state.earlier_steps = DatumGetInt16(spi_query_datum(4));
		state.failed_attempts = DatumGetInt32(spi_query_datum(5));
		state.locked_until = spi_query_time(6);
		state.lock_count = DatumGetInt32(spi_query_datum(7));
	}
	spi_query_close();
	return state;
}

/* The associated data of a sealed secret. */
static char *
secret_seal_name(const pg_uuid_t *user_id)
{
	return psprintf("TOTP secret of user %s", uuid_text(user_id));
}

unsigned char *
mfa_open_secret(const pg_uuid_t *user_id, const MfaState *state, size_t *len)
{
	return unseal(state->sealed_secret, secret_seal_name(user_id), NULL, len);
}

void
mfa_set_secret(const pg_uuid_t *user_id, const unsigned char *secret, size_t len)
{
	static SpiQuery query = {
		"INSERT INTO authfort.mfa (user_id, totp_secret) SELECT u.id, $2" FROM_USER("$1") " ON CONFLICT (user_id) DO UPDATE SET totp_secret = excluded.totp_secret,"
				  " totp_confirmed_at = NULL, totp_last_step = NULL, totp_earlier_steps = 0",
			2, {UUIDOID, BYTEAOID},
	};
	Datum values[2] = {UUIDPGetDatum(user_id),
					   PointerGetDatum(seal(secret, len, secret_seal_name(user_id), NULL))};

	if (spi_query_run_alone(&query, values, NULL, SPI_OK_INSERT) == 0)
		users_raise_unknown(user_id);
}

void
mfa_confirm_secret(const pg_uuid_t *user_id)
{
	static SpiQuery query = {
		"UPDATE authfort.mfa SET totp_confirmed_at = $2 WHERE user_id OPERATOR(pg_catalog.=) $1",
		2,
		{UUIDOID, TIMESTAMPTZOID},
	};

	spi_query_run_by_id_and(&query, user_id, TimestampTzGetDatum(GetCurrentTimestamp()),
							SPI_OK_UPDATE);
}

void
mfa_remove_secret(const pg_uuid_t *user_id)
{
	static SpiQuery query = {
		"UPDATE authfort.mfa SET totp_secret = NULL, totp_confirmed_at = NULL, totp_last_step = NULL,"
		" totp_earlier_steps = 0 WHERE user_id OPERATOR(pg_catalog.=) $1",
		1,
		{UUIDOID},
	};

	spi_query_run_by_id(&query, user_id, SPI_OK_UPDATE);
}

void
mfa_remove_secret_since(const pg_uuid_t *user_id, TimestampTz time)
{
	static SpiQuery query = {
		"UPDATE authfort.mfa SET totp_secret = NULL, totp_confirmed_at = NULL, totp_last_step = NULL,"
		" totp_earlier_steps = 0 WHERE user_id OPERATOR(pg_catalog.=) $1"
		" AND (totp_confirmed_at IS NULL OR totp_confirmed_at OPERATOR(pg_catalog.>=) $2)",
		2,
		{UUIDOID, TIMESTAMPTZOID},
	};

	spi_query_run_by_id_and(&query, user_id, TimestampTzGetDatum(time), SPI_OK_UPDATE);
}

/* A step before those that are remembered can come only after the clock was set back. */
bool
mfa_step_is_used(const MfaState *state, int64 step)
{
	int64 before = state->last_step - step;

	if (before < 0)
		return false;
	return before == 0 || before > EARLIER_STEPS || (state->earlier_steps & (1 << (before - 1))) != 0;
}

void
mfa_use_step(const pg_uuid_t *user_id, const MfaState *state, int64 step)
{
	static SpiQuery query = {
		"UPDATE authfort.mfa SET totp_last_step = $2, totp_earlier_steps = $3"
		" WHERE user_id OPERATOR(pg_catalog.=) $1",
		3,
		{UUIDOID, INT8OID, INT2OID},
	};
	int64 later = step - state->last_step;
	int earlier = state->earlier_steps;
	Datum values[3];

	if (later < 0)
		earlier |= 1 << (-later - 1);
	else if (state->last_step >= 0 && later <= EARLIER_STEPS)
		earlier = ((earlier << 1 | 1) << (later - 1)) & ((1 << EARLIER_STEPS) - 1);
	else
		earlier = 0;
	values[0] = UUIDPGetDatum(user_id);
	values[1] = Int64GetDatum(Max(step, state->last_step));
	values[2] = Int16GetDatum(earlier);
	spi_query_run_alone(&query, values, NULL, SPI_OK_UPDATE);
}

void
mfa_set_failures(const pg_uuid_t *user_id, const MfaState *state)
{
	static SpiQuery query = {
		"INSERT INTO authfort.mfa (user_id, failed_attempts, locked_until, lock_count)"
		" SELECT u.id, $2, $3, $4" FROM_USER("$1") " ON CONFLICT (user_id) DO UPDATE SET failed_attempts = excluded.failed_attempts,"
				  " locked_until = excluded.locked_until, lock_count = excluded.lock_count",
			4, {UUIDOID, INT4OID, TIMESTAMPTZOID, INT4OID},
	};
	Datum values[4] = {UUIDPGetDatum(user_id), Int32GetDatum(state->failed_attempts),
					   TimestampTzGetDatum(state->locked_until), Int32GetDatum(state->lock_count)};

	spi_query_run_alone(&query, values, (state->locked_until == DT_NOBEGIN) ? "  n " : NULL,
						SPI_OK_INSERT);
}

void
mfa_delete(const pg_uuid_t *user_id)
{
	static UserRows rows = {"authfort.mfa"};

	user_rows_delete(&rows, user_id);
}

static char *
name_of_secret(Datum user_id, const char *unused)
{
	return secret_seal_name(DatumGetUUIDP(user_id));
}

void
mfa_reseal(Resealing *progress)
{
	static SealedColumn column = {
		{"SELECT user_id, totp_secret, NULL FROM authfort.mfa WHERE " SEALED_OLDER("totp_secret") SEALED_NEXT("user_id"), SEALED_FIND_PARAMETERS(UUIDOID)},
		 {"UPDATE authfort.mfa SET totp_secret = $2 WHERE user_id OPERATOR(pg_catalog.=) $1",
		  2,
		  {UUIDOID, BYTEAOID}},
		 name_of_secret,
	};

	sealed_column_reseal(&column, NULL, progress);
}
