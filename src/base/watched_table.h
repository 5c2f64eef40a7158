/*
 * watched_table.h
 *		Tables whose contents each backend caches.
 *
 * A trigger on such a table calls watched_table_invalidate(), which
 * invalidates the table's relation-cache entry.  That message reaches every
 * backend, and in WAL every standby, when the change commits.
 */
#ifndef AUTHFORT_WATCHED_TABLE_H
#define AUTHFORT_WATCHED_TABLE_H

#include "postgres.h"

#include "fmgr.h"

/* Declare it static, as {name}. */
typedef struct WatchedTable
{
	const char *name; /* in schema authfort */
	Oid relid;        /* of what was read */
	uint64 changes;   /* 0: not registered yet */
	struct WatchedTable *next;
} WatchedTable;

extern void watched_table_register(WatchedTable *table);

/*
 * Rises when the table changes; never 0.  It is up to date at the start of
 * each statement: what other backends committed before is seen.
 */
extern uint64 watched_table_changes(WatchedTable *table);

/* The table's OID, looked up now.  Raises undefined_table. */
extern Oid watched_table_oid(WatchedTable *table);

/* For triggers that do more than authfort_internal.invalidate_caches(), which calls this. */
extern void watched_table_invalidate(FunctionCallInfo fcinfo, const char *function);

#endif /* AUTHFORT_WATCHED_TABLE_H */
