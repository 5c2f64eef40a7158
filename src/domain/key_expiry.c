/*
 * key_expiry.c
 *		When the next signing key of this cluster expires, in shared memory.
 */
#include "postgres.h"

#include "access/xact.h"
#include "miscadmin.h"
#include "storage/spin.h"

#include "base/shared_memory.h"
#include "domain/key_expiry.h"

typedef struct KeyExpiry
{
	slock_t lock;
	TimestampTz next;
	Latch *latch;
} KeyExpiry;

static KeyExpiry *shared = NULL;

/* The earliest in this transaction. */
static TimestampTz noted = DT_NOEND;

static Size
shared_size(void)
{
	return sizeof(KeyExpiry);
}

static void
shared_init(void *memory, LWLock *lock)
{
	KeyExpiry *fresh = memory;

	SpinLockInit(&fresh->lock);
	fresh->next = DT_NOBEGIN;
	fresh->latch = NULL;
}

static const SharedPart part = {
	"authfort key expiry",
	shared_size,
	shared_init,
	(void **) &shared,
};

/* A prepared transaction is reported early, which does no harm. */
static void
on_transaction_end(XactEvent event, void *arg)
{
	if (noted != DT_NOEND && (event == XACT_EVENT_COMMIT || event == XACT_EVENT_PREPARE))
		key_expiry_report(noted);
	if (event == XACT_EVENT_COMMIT || event == XACT_EVENT_PREPARE || event == XACT_EVENT_ABORT)
		noted = DT_NOEND;
}

void
key_expiry_init(void)
{
	if (!process_shared_preload_libraries_in_progress)
		return;
	shared_memory_register(&part);
	RegisterXactCallback(on_transaction_end, NULL);
}

void
key_expiry_note(TimestampTz expires_at)
{
	noted = Min(noted, expires_at);
}

void
key_expiry_report(TimestampTz expires_at)
{
	Latch *latch;

	if (shared == NULL)
		return;
	SpinLockAcquire(&shared->lock);
	shared->next = Min(shared->next, expires_at);
	latch = shared->latch;
	SpinLockRelease(&shared->lock);
	if (latch != NULL)
		SetLatch(latch);
}

TimestampTz
key_expiry_next(void)
{
	TimestampTz next;

	if (shared == NULL)
		return DT_NOEND;
	SpinLockAcquire(&shared->lock);
	next = shared->next;
	SpinLockRelease(&shared->lock);
	return next;
}

void
key_expiry_forget(void)
{
	if (shared == NULL)
		return;
	SpinLockAcquire(&shared->lock);
	shared->next = DT_NOEND;
	SpinLockRelease(&shared->lock);
}

void
key_expiry_wake(Latch *latch)
{
	if (shared == NULL)
		return;
	SpinLockAcquire(&shared->lock);
	shared->latch = latch;
	SpinLockRelease(&shared->lock);
}
