/*
 * response_timing.c
 *		Response times that do not depend on the result.
 */
#include "postgres.h"

#include "commands/async.h"
#include "common/hashfn.h"
#include "miscadmin.h"
#include "storage/latch.h"
#include "storage/lock.h"
#include "utils/wait_event.h"

#include "compat.h"
#include "flow/response_timing.h"
#include "settings.h"

/* No session has to listen to it. */
#define TIMING_CHANNEL "authfort_timing"

/*
 * In milliseconds; well above the duration of the work for an existing
 * account.
 */
#define RESPONSE_TIME 25

/* Distinguishes these advisory locks from those of flow/mail_limit.c, and of SQL functions. */
#define QUEUE_LOCK_CLASS 0xa0ff

static double
time_left(instr_time start)
{
	instr_time passed;

	INSTR_TIME_SET_CURRENT(passed);
	INSTR_TIME_SUBTRACT(passed, start);
	return RESPONSE_TIME - INSTR_TIME_GET_MILLISEC(passed);
}

/*
 * A latch waits for whole milliseconds, and the missing rest would reveal how
 * long the work took; so pg_usleep() waits for the rest.
 */
void
timing_equalize_response(instr_time start)
{
	double left;

	while ((left = time_left(start)) >= 1)
	{
		(void) WaitLatch(MyLatch, WL_LATCH_SET | WL_TIMEOUT | WL_EXIT_ON_PM_DEATH, (long) left,
						 PG_WAIT_EXTENSION);
		ResetLatch(MyLatch);
		CHECK_FOR_INTERRUPTS();
	}
	if (left > 0)
		pg_usleep((long) (left * 1000));
}

void
timing_equalize_commit(void)
{
	compat_log_message("authfort", "", 0);
	if (setting_notify_events)
		Async_Notify(TIMING_CHANNEL, "");
}

void
timing_queue(const char *email)
{
	uint64 key = hash_bytes_extended((const unsigned char *) email, strlen(email), 0);
	LOCKTAG tag;

	SET_LOCKTAG_ADVISORY(tag, MyDatabaseId, (uint32) (key >> 32), (uint32) key, QUEUE_LOCK_CLASS);
	(void) LockAcquire(&tag, ExclusiveLock, false, false);
}
