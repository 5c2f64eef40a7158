/*
 * cleanup.h
 *		Removing expired rows.
 */
#ifndef AUTHFORT_CLEANUP_H
#define AUTHFORT_CLEANUP_H

#include "postgres.h"

#include "domain/sessions.h"

/* In the order of their names in cleanup.c. */
typedef enum CleanupKind
{
	CLEANUP_KEYS,
	CLEANUP_TOKENS,
	CLEANUP_SESSIONS,
	CLEANUP_EVENTS,
	CLEANUP_MESSAGES,
	CLEANUP_SPENT_IDS,
	CLEANUP_ACCOUNTS
} CleanupKind;

#define CLEANUP_KINDS (CLEANUP_ACCOUNTS + 1)

/* One pass over all expired rows of a kind. */
typedef struct CleanupPass
{
	CleanupKind kind;
	SessionsPart position;
	KeptRows kept;
	uint64 removed;
	bool done;
} CleanupPass;

extern const char *cleanup_name(CleanupKind kind);

/* The pass has memory in the current context, until that is reset. */
extern void cleanup_begin(CleanupPass *pass, CleanupKind kind);

/*
 * Removes the next batch of rows, without waiting for other sessions: a locked
 * row is left for another pass, as is one that a foreign key keeps.
 */
extern void cleanup_batch(CleanupPass *pass);

#endif /* AUTHFORT_CLEANUP_H */
