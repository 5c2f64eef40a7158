/*
 * sched_batch.c
 *		Computing for long without being in the way of short work.
 *
 * Linux gives a process that asks for long slices of time its first one after
 * those that ask for short ones, so they need not wait for it (6.12 and
 * later; before that only the policy counts).  Everybody may ask for that and
 * take it back.
 *
 * A low priority would not do: nobody may take it back without a privilege,
 * it does not count between processes of different sessions, as backends are,
 * where the kernel groups by session, and on a machine that is busy otherwise
 * logins would starve.
 */
#include "postgres.h"

#include "crypto/sched_batch.h"

#ifdef __linux__
#include <sched.h>
#include <sys/syscall.h>
#include <unistd.h>

#define SLICE_NS 100000000		/* the longest that Linux takes */

/* As in linux/sched/types.h, of which not every system has all members. */
typedef struct SchedulingAttributes
{
	uint32		size;
	uint32		policy;
	uint64		flags;
	int32		nice;
	uint32		priority;
	uint64		runtime;		/* length of a slice in nanoseconds */
	uint64		deadline;
	uint64		period;
} SchedulingAttributes;

static SchedulingAttributes usual;
static bool is_long = false;

void
sched_batch_begin(void)
{
	SchedulingAttributes attributes;

	if (syscall(SYS_sched_getattr, 0, &usual, sizeof(usual), 0) != 0 ||
		usual.policy != SCHED_OTHER)
		return;
	attributes = usual;
	attributes.policy = SCHED_BATCH;
	attributes.runtime = SLICE_NS;
	is_long = syscall(SYS_sched_setattr, 0, &attributes, 0) == 0;
}

void
sched_batch_end(void)
{
	if (is_long)
		(void) syscall(SYS_sched_setattr, 0, &usual, 0);
	is_long = false;
}

#else

void
sched_batch_begin(void)
{
}

void
sched_batch_end(void)
{
}

#endif
