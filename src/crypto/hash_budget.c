/*
 * hash_budget.c
 *		How many passwords are hashed at once in the whole server.
 *
 * Each process has a place in shared memory.  Whoever leaves hands the turn to
 * the first in the queue and wakes it.  No lock is held while hashing, and no
 * process can take its turn, or its place in the queue, with it: an error, a
 * cancel and the end of the process give them back, and after a crash the
 * server makes shared memory anew.
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

typedef enum PlaceState
{
	PLACE_AWAY,
	PLACE_WAITING,
	PLACE_HASHING
} PlaceState;

typedef struct Place
{
	dlist_node	node;			/* in the queue, while waiting */
	PlaceState	state;
	Latch	   *latch;
} Place;

typedef struct HashBudget
{
	LWLock	   *lock;			/* protects all that is here */
	int			hashing;
	dlist_head	queue;
	Place		places[FLEXIBLE_ARRAY_MEMBER];	/* one for each process that runs SQL */
} HashBudget;

static HashBudget *budget = NULL;

static Size
budget_size(void)
{
	return add_size(offsetof(HashBudget, places),
					mul_size(MaxBackends, sizeof(Place)));
}

static void
budget_init(void *memory, LWLock *lock)
{
	HashBudget *fresh = memory;

	fresh->lock = lock;
	dlist_init(&fresh->queue);
}

static const SharedPart budget_part = {
	"authfort hash budget", budget_size, budget_init, (void **) &budget
};

void
hash_budget_init(void)
{
	shared_memory_register(&budget_part);
}

static Place *
my_place(void)
{
	return &budget->places[compat_proc_number()];
}

/* Gives turns to those who wait, as far as there are any; under the lock. */
static void
hand_out_turns(void)
{
	while (budget->hashing < setting_max_concurrent_hashes && !dlist_is_empty(&budget->queue))
	{
		Place	   *next = dlist_container(Place, node, dlist_pop_head_node(&budget->queue));

		next->state = PLACE_HASHING;
		budget->hashing++;
		SetLatch(next->latch);
	}
}

void
hash_budget_leave(void)
{
	Place	   *place;

	if (budget == NULL)
		return;
	place = my_place();
	LWLockAcquire(budget->lock, LW_EXCLUSIVE);
	if (place->state == PLACE_WAITING)
		dlist_delete(&place->node);
	else if (place->state == PLACE_HASHING)
		budget->hashing--;
	place->state = PLACE_AWAY;
	hand_out_turns();
	LWLockRelease(budget->lock);
}

static void
leave_at_exit(int code, Datum arg)
{
	hash_budget_leave();
}

static PlaceState
queue_up(void)
{
	Place	   *place = my_place();
	PlaceState	state;

	LWLockAcquire(budget->lock, LW_EXCLUSIVE);
	place->latch = MyLatch;
	place->state = PLACE_WAITING;
	dlist_push_tail(&budget->queue, &place->node);
	hand_out_turns();
	state = place->state;
	LWLockRelease(budget->lock);
	return state;
}

static PlaceState
present_state(void)
{
	PlaceState	state;

	LWLockAcquire(budget->lock, LW_SHARED);
	state = my_place()->state;
	LWLockRelease(budget->lock);
	return state;
}

/* Waits until it is our turn; false if that takes too long. */
static bool
wait_for_turn(void)
{
	TimestampTz until = TimestampTzPlusMilliseconds(GetCurrentTimestamp(),
													setting_hash_queue_timeout);

	while (present_state() != PLACE_HASHING)
	{
		long		left = TimestampDifferenceMilliseconds(GetCurrentTimestamp(), until);

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
	if (queue_up() == PLACE_HASHING)
		return true;
	PG_TRY();
	{
		entered = wait_for_turn();
	}
	PG_FINALLY();
	{
		if (!entered)
			hash_budget_leave();
	}
	PG_END_TRY();
	return entered;
}
