/*
 * cleanup.h
 *		Removing what nobody needs any more.
 */
#ifndef AUTHFORT_CLEANUP_H
#define AUTHFORT_CLEANUP_H

#include "postgres.h"

#include "storage/block.h"

/* In the order of their names in cleanup.c. */
typedef enum CleanupKind
{
	CLEANUP_KEYS,
	CLEANUP_TOKENS,
	CLEANUP_SESSIONS,
	CLEANUP_EVENTS,
	CLEANUP_MESSAGES
} CleanupKind;

#define CLEANUP_KINDS (CLEANUP_MESSAGES + 1)

/* One removal of all that can go; begins as {kind}. */
typedef struct CleanupPass
{
	CleanupKind kind;
	BlockNumber position;		/* where sessions_delete_ended() goes on */
	uint64		removed;
	bool		done;
} CleanupPass;

extern const char *cleanup_name(CleanupKind kind);

/*
 * Removes some rows more, and waits for nobody: a row that is locked stays
 * for another pass.
 */
extern void cleanup_batch(CleanupPass *pass);

#endif							/* AUTHFORT_CLEANUP_H */
