/*
 * watched_table.c
 *		Tables whose contents each backend caches.
 */
#include "postgres.h"

#include "access/xact.h"
#include "catalog/namespace.h"
#include "commands/trigger.h"
#include "fmgr.h"
#include "utils/inval.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/timestamp.h"

#include "base/watched_table.h"

PG_FUNCTION_INFO_V1(authfort_invalidate_caches);

static WatchedTable *tables = NULL;

/* The statement that last heard of changes. */
static TimestampTz heard_at = 0;

/* An invalid OID stands for all relations. */
static void
watched_table_relcache_callback(Datum arg, Oid relid)
{
	for (WatchedTable *table = tables; table != NULL; table = table->next)
	{
		if (relid == InvalidOid || relid == table->relid)
			table->changes++;
	}
}

void
watched_table_register(WatchedTable *table)
{
	if (tables == NULL)
		CacheRegisterRelcacheCallback(watched_table_relcache_callback, (Datum) 0);
	table->changes = 1;
	table->next = tables;
	tables = table;
}

uint64
watched_table_changes(WatchedTable *table)
{
	TimestampTz statement = GetCurrentStatementStartTimestamp();

	if (statement != heard_at)
	{
		heard_at = statement;
		AcceptInvalidationMessages();
	}
	return table->changes;
}

Oid
watched_table_oid(WatchedTable *table)
{
	Oid namespace = get_namespace_oid("authfort", true);

	table->relid = OidIsValid(namespace) ? get_relname_relid(table->name, namespace) : InvalidOid;
	if (!OidIsValid(table->relid))
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_TABLE),
				 errmsg("table authfort.%s does not exist", table->name),
				 errhint("CREATE EXTENSION authfort creates it.")));
	return table->relid;
}

void
watched_table_invalidate(FunctionCallInfo fcinfo, const char *function)
{
	if (!CALLED_AS_TRIGGER(fcinfo))
		ereport(ERROR,
				(errcode(ERRCODE_E_R_I_E_TRIGGER_PROTOCOL_VIOLATED),
				 errmsg("function \"%s\" must be called as a trigger", function)));
	CacheInvalidateRelcacheByRelid(RelationGetRelid(((TriggerData *) fcinfo->context)->tg_relation));
}

/* invalidate_caches() -> trigger, after any change of a watched table */
Datum
authfort_invalidate_caches(PG_FUNCTION_ARGS)
{
	watched_table_invalidate(fcinfo, "invalidate_caches");
	PG_RETURN_POINTER(NULL);
}
