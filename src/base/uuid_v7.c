/*
 * uuid_v7.c
 *		Identifiers in the order of time: UUIDs of version 7 (RFC 9562).
 *
 * The 48 bits of milliseconds are followed by 12 bits, rand_a, that divide
 * the millisecond (section 6.2, method 3), so the first 60 bits that are not
 * fixed are one clock.  Where it has not advanced since the last identifier,
 * it is advanced by one.  The other 62 bits are random.
 */
#include "postgres.h"

#include <sodium.h>

#include "datatype/timestamp.h"
#include "fmgr.h"
#include "utils/timestamp.h"

#include "base/uuid_v7.h"

PG_FUNCTION_INFO_V1(authfort_uuid_v7);

#define USECS_PER_MSEC 1000
#define TICKS_PER_MSEC 4096

/* From 1970 to 2000, where PostgreSQL's timestamps begin. */
#define EPOCH_OFFSET ((POSTGRES_EPOCH_JDATE - UNIX_EPOCH_JDATE) * USECS_PER_DAY)

/* The time since 1970, in parts of a millisecond. */
static uint64
clock_ticks(void)
{
	uint64 usecs = (uint64) Max(GetCurrentTimestamp() + EPOCH_OFFSET, 0);

	return usecs / USECS_PER_MSEC * TICKS_PER_MSEC +
		   usecs % USECS_PER_MSEC * TICKS_PER_MSEC / USECS_PER_MSEC;
}

void
uuid_v7_make(pg_uuid_t *uuid)
{
	static uint64 last = 0;

	last = Max(clock_ticks(), last + 1);
	for (int i = 0; i < 6; i++)
		uuid->data[i] = (last >> (52 - 8 * i)) & 0xff;
	uuid->data[6] = 0x70 | ((last >> 8) & 0x0f);
	uuid->data[7] = last & 0xff;
	randombytes_buf(uuid->data + 8, UUID_LEN - 8);
	uuid->data[8] = 0x80 | (uuid->data[8] & 0x3f);
}

/* uuid_v7() -> uuid */
Datum
authfort_uuid_v7(PG_FUNCTION_ARGS)
{
	pg_uuid_t *uuid = palloc(sizeof(pg_uuid_t));

	uuid_v7_make(uuid);
	PG_RETURN_UUID_P(uuid);
}
