/*
 * secret.h
 *		Memory that held a password or a key, and is wiped.
 */
#ifndef AUTHFORT_SECRET_H
#define AUTHFORT_SECRET_H

#include "postgres.h"

/*
 * A copy in the current memory context.  It is wiped when the context is
 * reset or deleted, so also after an error, and must not be freed before.
 */
extern char *secret_copy(const char *text, size_t len);

/* The same for existing memory of the current context. */
extern void secret_wipe_later(void *memory, size_t len);

/*
 * Creates and deletes a memory context for work that leaves copies of a secret
 * in it.  Deleting it wipes its memory, except single chunks of several
 * kilobytes.  "size" is the expected amount.
 */
extern MemoryContext secret_scratch_create(size_t size);
extern void secret_scratch_delete(MemoryContext scratch);

#endif /* AUTHFORT_SECRET_H */
