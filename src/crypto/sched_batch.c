/*
 * sched_batch.c
 *		Lets long computations yield to short ones.
 *
 * Linux schedules a process that requests long time slices after those that
 * request short ones, so these need not wait for it (6.12 and later; before
 * that only the policy has an effect).  This needs no privilege, and can be
 * undone without one.
 *
 * A low priority would not do.  Undoing it needs a privilege.  It has no
 * effect between processes of different sessions, as backends are, if the
 * kernel groups by session.  And on a machine with other load, logins would
 * starve.
 */
#include "postgres.h"

#include "crypto/sched_batch.h"

#ifdef __linux__
#include <sched.h>
#include <sys/syscall.h>
#include <unistd.h>

#define SLICE_NS 100000000 /* the maximum of Linux */

/* As in linux/sched/types.h, of which not every system has all members. */
typedef struct SchedulingAttributes
{
	uint32 size;
	uint32 policy;
	uint64 flags;
	int32 nice;
	uint32 priority;
	uint64 runtime; /* length of a slice in nanoseconds */
	uint64 deadline;
	uint64 period;
} SchedulingAttributes;

static SchedulingAttributes usual;
static bool is_long = false;

void
sched_batch_begin(void)
{
	SchedulingAttributes attributes;

	if (syscall(SYS_sched_getattr, 0, &usual, sizeof(usual), 0) != 0 || usual.policy != SCHED_OTHER)
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
