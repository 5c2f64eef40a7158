/*
 * hash_budget.c
 *		Limits concurrent password hashing in the whole server.
 *
 * A process hashes while it holds one of authfort.max_concurrent_hashes slots.
 * Each process is a waiter in shared memory.  The process that gives up a slot
 * grants it to the first waiter in the queue and wakes it.  No lock is held
 * while hashing, and no process keeps its slot, or its place in the queue, when
 * it ends: an error, a cancel and the end of the process give them back, and
 * after a crash the server initializes shared memory again.
 */
#include "postgres.h"

#include "lib/ilist.h"
#include "miscadmin.h"
#include "storage/ipc.h"
#include "storage/latch.h"
#include "storage/lwlock.h"
#include "storage/proc.h"
#include "utils/timestamp.h"
#include "utils/wait_event.h"

#include "base/shared_memory.h"
#include "compat.h"
#include "crypto/hash_budget.h"
#include "settings.h"

typedef enum WaiterState
{
	WAITER_IDLE,
	WAITER_QUEUED,
	WAITER_HAS_SLOT
} WaiterState;

typedef struct HashWaiter
{
	dlist_node node; /* in the queue, while waiting */
	WaiterState state;
	Latch *latch;
} HashWaiter;

typedef struct HashBudget
{
	LWLock *lock; /* protects this whole struct */
	int slots_used;
	dlist_head queue;
	HashWaiter waiters[FLEXIBLE_ARRAY_MEMBER]; /* one for each process that runs SQL */
} HashBudget;

static HashBudget *budget = NULL;

static Size
budget_size(void)
{
	return add_size(offsetof(HashBudget, waiters), mul_size(MaxBackends, sizeof(HashWaiter)));
}

static void
budget_init(void *memory, LWLock *lock)
{
	HashBudget *fresh = memory;

	fresh->lock = lock;
	dlist_init(&fresh->queue);
}

static const SharedPart budget_part = {
	"authfort hash budget",
	budget_size,
	budget_init,
	(void **) &budget,
};

void
hash_budget_init(void)
{
	shared_memory_register(&budget_part);
}

static HashWaiter *
my_waiter(void)
{
	return &budget->waiters[compat_proc_number()];
}

/* Grants free slots to the first waiters in the queue; under the lock. */
static void
grant_slots(void)
{
	while (budget->slots_used < setting_max_concurrent_hashes && !dlist_is_empty(&budget->queue))
	{
		HashWaiter *next = dlist_container(HashWaiter, node, dlist_pop_head_node(&budget->queue));

		next->state = WAITER_HAS_SLOT;
		budget->slots_used++;
		SetLatch(next->latch);
	}
}

void
hash_budget_leave(void)
{
	HashWaiter *waiter;

	if (budget == NULL)
		return;
	waiter = my_waiter();
	LWLockAcquire(budget->lock, LW_EXCLUSIVE);
	if (waiter->state == WAITER_QUEUED)
		dlist_delete(&waiter->node);
	else if (waiter->state == WAITER_HAS_SLOT)
		budget->slots_used--;
	waiter->state = WAITER_IDLE;
	grant_slots();
	LWLockRelease(budget->lock);
}

static void
leave_at_exit(int code, Datum arg)
{
	hash_budget_leave();
}

static WaiterState
join_queue(void)
{
	HashWaiter *waiter = my_waiter();
	WaiterState state;

	LWLockAcquire(budget->lock, LW_EXCLUSIVE);
	waiter->latch = MyLatch;
	waiter->state = WAITER_QUEUED;
	dlist_push_tail(&budget->queue, &waiter->node);
	grant_slots();
	state = waiter->state;
	LWLockRelease(budget->lock);
	return state;
}

static WaiterState
current_state(void)
{
	WaiterState state;

	LWLockAcquire(budget->lock, LW_SHARED);
	state = my_waiter()->state;
	LWLockRelease(budget->lock);
	return state;
}

/* Returns false if no slot was granted within authfort.hash_queue_timeout. */
static bool
wait_for_slot(void)
{
	TimestampTz until =
		TimestampTzPlusMilliseconds(GetCurrentTimestamp(), setting_hash_queue_timeout);

	while (current_state() != WAITER_HAS_SLOT)
	{
		long left = TimestampDifferenceMilliseconds(GetCurrentTimestamp(), until);

		if (left <= 0)
			return false;
		(void) WaitLatch(MyLatch, WL_LATCH_SET | WL_TIMEOUT | WL_EXIT_ON_PM_DEATH, left,
						 PG_WAIT_EXTENSION);
		ResetLatch(MyLatch);
		CHECK_FOR_INTERRUPTS();
	}
	return true;
}

bool
hash_budget_enter(void)
{
	static bool registered = false;
	volatile bool entered = false;

	if (budget == NULL)
		return true;
	if (!registered)
	{
		before_shmem_exit(leave_at_exit, (Datum) 0);
		registered = true;
	}
	if (join_queue() == WAITER_HAS_SLOT)
		return true;
	PG_TRY();
	{
		entered = wait_for_slot();
	}
	PG_FINALLY();
	{
		if (!entered)
			hash_budget_leave();
	}
	PG_END_TRY();
	return entered;
}
