/*
 * secret.c
 *		Memory that held a password or a key, and is wiped.
 */
#include "postgres.h"

#include <sodium.h>

#include "utils/memutils.h"

#include "base/secret.h"

#define LARGEST_PIECE 4096 /* larger ones may get blocks of their own */
#define SMALLEST_PIECE 8

typedef struct Wipe
{
	MemoryContextCallback callback;
	void *memory;
	size_t len;
} Wipe;

static void
wipe_secret(void *arg)
{
	Wipe *what = arg;

	sodium_memzero(what->memory, what->len);
}

static Wipe *
register_wipe(void)
{
	Wipe *what = palloc0(sizeof(Wipe));

	what->callback.func = wipe_secret;
	what->callback.arg = what;
	MemoryContextRegisterResetCallback(CurrentMemoryContext, &what->callback);
	return what;
}

void
secret_wipe_later(void *memory, size_t len)
{
	Wipe *what = register_wipe();

	what->memory = memory;
	what->len = len;
}

char *
secret_copy(const char *text, size_t len)
{
	char *copy = palloc(len + 1);

	secret_wipe_later(copy, len);
	memcpy(copy, text, len);
	copy[len] = '\0';
	return copy;
}

MemoryContext
secret_scratch_create(size_t size)
{
	size = TYPEALIGN(8 * LARGEST_PIECE, size + 1);
	return AllocSetContextCreate(CurrentMemoryContext, "authfort scratch", size, size, size);
}

/*
 * PostgreSQL has no way to wipe a context, but a context that was reset keeps
 * its first block, which can be allocated again completely.  When a chunk no
 * longer fits and is taken from a second block, the rest of the first is split
 * into smaller chunks, at most one of each size.
 */
void
secret_scratch_delete(MemoryContext scratch)
{
	Size first_block;
	size_t size = LARGEST_PIECE;

	MemoryContextReset(scratch);
	first_block = MemoryContextMemAllocated(scratch, false);
	while (MemoryContextMemAllocated(scratch, false) == first_block)
		sodium_memzero(MemoryContextAlloc(scratch, size), size);
	for (size /= 2; size >= SMALLEST_PIECE; size /= 2)
		sodium_memzero(MemoryContextAlloc(scratch, size), size);
	MemoryContextDelete(scratch);
}
