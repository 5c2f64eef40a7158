/*
 * pace.c
 *		Answers that take the same time whatever they found.
 */
#include "postgres.h"

#include "miscadmin.h"
#include "storage/latch.h"
#include "utils/wait_event.h"

#include "compat.h"
#include "pace.h"

void
pace_until(instr_time start, int milliseconds)
{
	for (;;)
	{
		instr_time	passed;
		double		left;

		INSTR_TIME_SET_CURRENT(passed);
		INSTR_TIME_SUBTRACT(passed, start);
		left = milliseconds - INSTR_TIME_GET_MILLISEC(passed);
		if (left <= 0)
			return;
		(void) WaitLatch(MyLatch, WL_LATCH_SET | WL_TIMEOUT | WL_EXIT_ON_PM_DEATH,
						 (long) left + 1, PG_WAIT_EXTENSION);
		ResetLatch(MyLatch);
		CHECK_FOR_INTERRUPTS();
	}
}

void
pace_commit(void)
{
	compat_log_message("authfort", "", 0);
}
