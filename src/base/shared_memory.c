/*
 * shared_memory.c
 *		Shared memory, if the library is preloaded.
 *
 * After a crash of a backend, the server initializes shared memory again, and
 * all of this is reset.
 */
#include "postgres.h"

#include "miscadmin.h"
#include "storage/ipc.h"
#include "storage/shmem.h"

#include "base/shared_memory.h"

#define MAX_PARTS 8

static const SharedPart *parts[MAX_PARTS];
static int part_count;

static shmem_request_hook_type next_request = NULL;
static shmem_startup_hook_type next_startup = NULL;

static void
request_parts(void)
{
	if (next_request != NULL)
		next_request();
	for (int i = 0; i < part_count; i++)
	{
		RequestAddinShmemSpace(parts[i]->size());
		RequestNamedLWLockTranche(parts[i]->name, 1);
	}
}

static void
attach_part(const SharedPart *part)
{
	bool found;
	Size size = part->size();
	void *memory = ShmemInitStruct(part->name, size, &found);

	if (!found)
	{
		memset(memory, 0, size);
		part->init(memory, &GetNamedLWLockTranche(part->name)->lock);
	}
	*part->memory = memory;
}

static void
create_parts(void)
{
	if (next_startup != NULL)
		next_startup();
	LWLockAcquire(AddinShmemInitLock, LW_EXCLUSIVE);
	for (int i = 0; i < part_count; i++)
		attach_part(parts[i]);
	LWLockRelease(AddinShmemInitLock);
}

void
shared_memory_register(const SharedPart *part)
{
	if (!process_shared_preload_libraries_in_progress)
		return;
	if (part_count == 0)
	{
		next_request = shmem_request_hook;
		shmem_request_hook = request_parts;
		next_startup = shmem_startup_hook;
		shmem_startup_hook = create_parts;
	}
	Assert(part_count < MAX_PARTS);
	parts[part_count++] = part;
}
