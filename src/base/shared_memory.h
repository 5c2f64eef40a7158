/*
 * shared_memory.h
 *		Shared memory, if the library is preloaded.
 */
#ifndef AUTHFORT_SHARED_MEMORY_H
#define AUTHFORT_SHARED_MEMORY_H

#include "postgres.h"

#include "storage/lwlock.h"

/* One module's part of it. */
typedef struct SharedPart
{
	const char *name;
	Size (*size)(void);                       /* asked for once, when the server starts */
	void (*init)(void *memory, LWLock *lock); /* fills in zeroed memory */
	void **memory; /* where its address goes; NULL stays without preload */
} SharedPart;

/* Called from _PG_init(); does nothing without preloading. The part must be static. */
extern void shared_memory_register(const SharedPart *part);

#endif /* AUTHFORT_SHARED_MEMORY_H */
