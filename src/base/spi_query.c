/*
 * spi_query.c
 *		Statements that each backend plans once, run through SPI.
 */
#include "postgres.h"

#include "access/table.h"
#include "access/xact.h"
#include "catalog/pg_trigger.h"
#include "catalog/pg_type.h"
#include "commands/trigger.h"
#include "miscadmin.h"
#include "parser/parsetree.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/plancache.h"
#include "utils/rel.h"
#include "utils/relcache.h"
#include "utils/resowner.h"
#include "utils/snapmgr.h"
#include "utils/timestamp.h"

#include "base/arguments.h"
#include "base/open_cursors.h"
#include "base/security_context.h"
#include "base/spi_query.h"
#include "compat.h"

static uint64 current_row;

/* in a STABLE function: statements only read, in the active snapshot */
static bool stable = false;

void
spi_query_open(void)
{
	if (SPI_connect() != SPI_OK_CONNECT)
		elog(ERROR, "SPI_connect failed");
}

void
spi_query_close(void)
{
	SPI_finish();
}

static uint64
finish_run(int result, int expected)
{
	if (result != expected)
		elog(ERROR, "unexpected result of a statement: %s", SPI_result_code_string(result));
	current_row = 0;
	return SPI_processed;
}

static SPIPlanPtr
prepare_query(SpiQuery *query)
{
	if (query->plan == NULL)
	{
		SPIPlanPtr prepared = SPI_prepare(query->sql, query->parameter_count, query->parameter_types);

		if (prepared == NULL || SPI_keepplan(prepared) != 0)
			elog(ERROR, "could not prepare a statement: %s", SPI_result_code_string(SPI_result));
		query->plan = prepared;
	}
	return query->plan;
}

/* The part of a statement that writes; NULL if it only reads. */
static const Query *
writing_query(SPIPlanPtr plan)
{
	CachedPlanSource *source;
	ListCell *cell;

	/* a plan that DDL invalidated is analyzed again */
	if (!SPI_plan_is_valid(plan))
		ReleaseCachedPlan(SPI_plan_get_cached_plan(plan), CurrentResourceOwner);
	source = linitial(SPI_plan_get_plan_sources(plan));
	foreach (cell, source->query_list)
	{
		Query *query = lfirst_node(Query, cell);

		if (!query->canSetTag)
			continue;
		if (query->hasModifyingCTE)
			query = castNode(Query, linitial_node(CommonTableExpr, query->cteList)->ctequery);
		return (query->commandType != CMD_SELECT) ? query : NULL;
	}
	return NULL;
}

static bool
has_triggers_for(const TriggerDesc *triggers, CmdType command)
{
	bool on_insert = triggers->trig_insert_before_row || triggers->trig_insert_after_row ||
					 triggers->trig_insert_before_statement || triggers->trig_insert_after_statement;
	bool on_update = triggers->trig_update_before_row || triggers->trig_update_after_row ||
					 triggers->trig_update_before_statement || triggers->trig_update_after_statement;
	bool on_delete = triggers->trig_delete_before_row || triggers->trig_delete_after_row ||
					 triggers->trig_delete_before_statement || triggers->trig_delete_after_statement;

	switch (command)
	{
		case CMD_INSERT: /* ON CONFLICT makes it an UPDATE */
			return on_insert || on_update;
		case CMD_UPDATE:
			return on_update;
		default:
			return on_delete;
	}
}

/*
 * Triggers of authfort's tables run with the privileges of its owner.  No
 * other role may gain these: neither by creating a trigger
 * (authfort_internal.refuse_triggers() prevents that), nor by owning a trigger's
 * function.
 */
static void
require_trusted_triggers(Relation relation)
{
	for (int i = 0; i < relation->trigdesc->numtriggers; i++)
	{
		const Trigger *trigger = &relation->trigdesc->triggers[i];
		Oid owner;

		if (trigger->tgisinternal || trigger->tgenabled == TRIGGER_DISABLED)
			continue;
		owner = security_context_function_owner(trigger->tgfoid);
		if (owner != GetUserId() && !superuser_arg(owner) &&
			!security_context_is_definer(trigger->tgfoid))
			ereport(ERROR,
					(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
					 errmsg("trigger \"%s\" on table \"%s\" would run code of role \"%s\" as role \"%s\"",
							trigger->tgname, RelationGetRelationName(relation),
							GetUserNameFromId(owner, false), GetUserNameFromId(GetUserId(), false)),
					 errhint("Make its function SECURITY DEFINER, give it to the owner of the extension, or drop the trigger.")));
	}
}

/*
 * Whether the statement may cascade to tables of the application through
 * foreign keys.  Statements of authfort change no primary key, and its tables
 * have no other unique index that a foreign key could refer to, unless the
 * owner created one.
 */
static bool
may_cascade(Relation relation, CmdType command)
{
	if (command == CMD_DELETE)
		return true;
	for (int i = 0; i < relation->trigdesc->numtriggers; i++)
	{
		const Trigger *trigger = &relation->trigdesc->triggers[i];

		if ((trigger->tgfoid == F_RI_FKEY_CASCADE_UPD || trigger->tgfoid == F_RI_FKEY_SETNULL_UPD ||
			 trigger->tgfoid == F_RI_FKEY_SETDEFAULT_UPD) &&
			trigger->tgconstrindid != compat_primary_key_index(relation))
			return true;
	}
	return false;
}

/*
 * Which role the AFTER triggers of a statement run as, before PostgreSQL 18:
 * it remembers for each the role that its table was written as.  Triggers of
 * authfort's tables belong to the owner and run as the owner.  But if the
 * statement may cascade, all triggers, also those of other tables, run as the
 * role that is current when they fire.  That is then a role that may do no
 * more than any client on the network.
 */
static Oid
role_of_triggers(Relation relation, CmdType command)
{
	return may_cascade(relation, command) ? get_role_oid("authfort_http", false) : GetUserId();
}

bool
spi_query_is_stable(void)
{
	return stable;
}

/*
 * Statements see what has committed by now, also under REPEATABLE READ, where
 * otherwise they would see what had when the transaction began.  Under the lock
 * of a user, a token that was used before must be found used, and no row of a
 * deleted user may remain.  PostgreSQL checks foreign keys in the same way.
 */
static Snapshot
snapshot_of_now(void)
{
	if (stable || !IsolationUsesXactSnapshot())
		return InvalidSnapshot;
	CommandCounterIncrement();
	return GetLatestSnapshot();
}

static uint64
run_in_snapshot(SPIPlanPtr plan, Datum *values, const char *nulls, int expected, bool fire_triggers)
{
	return finish_run(SPI_execute_snapshot(plan, values, nulls, snapshot_of_now(), InvalidSnapshot,
										   stable, fire_triggers, 0),
					  expected);
}

Datum
spi_query_run_stable(PGFunction function, FunctionCallInfo fcinfo)
{
	bool before = stable;
	Datum result;

	PushCopiedSnapshot(GetActiveSnapshot());
	UpdateActiveSnapshotCommandId();
	stable = true;
	PG_TRY();
	{
		result = function(fcinfo);
	}
	PG_FINALLY();
	{
		stable = before;
	}
	PG_END_TRY();
	PopActiveSnapshot();
	return result;
}

/* Runs a statement that fires triggers, confined, because they may be other roles' code. */
static uint64
run_confined(SPIPlanPtr plan, Datum *values, const char *nulls, int expected, Oid trigger_role)
{
	OpenCursors *cursors = open_cursors_shield();
	SecurityContext writing;
	SecurityContext firing;
	volatile uint64 rows = 0;

	security_context_restrict(GetUserId(), &writing);
	PG_TRY();
	{
		AfterTriggerBeginQuery();
		rows = run_in_snapshot(plan, values, nulls, expected, false);
		security_context_restrict(trigger_role, &firing);
		AfterTriggerEndQuery(NULL);
		open_cursors_close_new();
	}
	PG_FINALLY();
	{
		open_cursors_release(cursors);
	}
	PG_END_TRY();
	security_context_restore(&firing);
	security_context_restore(&writing);
	return rows;
}

/*
 * Runs a statement between spi_query_open() and spi_query_close(), in a new
 * snapshot whatever the isolation level.  "nulls" is as for SPI_execute_plan().
 * Returns the number of rows.
 */
uint64
spi_query_run(SpiQuery *query, Datum *values, const char *nulls, int expected)
{
	SPIPlanPtr prepared = prepare_query(query);
	const Query *statement = writing_query(prepared);
	CmdType command;
	Relation relation;
	bool confined;
	Oid trigger_role = InvalidOid;

	if (statement == NULL)
		return run_in_snapshot(prepared, values, nulls, expected, true);
	command = statement->commandType;
	relation =
		table_open(rt_fetch(statement->resultRelation, statement->rtable)->relid, RowExclusiveLock);
	confined = relation->trigdesc != NULL && has_triggers_for(relation->trigdesc, command);
	if (confined)
	{
		require_trusted_triggers(relation);
		trigger_role = role_of_triggers(relation, command);
	}
	table_close(relation, NoLock);
	if (confined)
		return run_confined(prepared, values, nulls, expected, trigger_role);
	return run_in_snapshot(prepared, values, nulls, expected, true);
}

uint64
spi_query_run_once(const char *sql, int parameter_count, Oid *parameter_types, Datum *values,
				   const char *nulls, int expected)
{
	int result =
		SPI_execute_with_args(sql, parameter_count, parameter_types, values, nulls, stable, 0);

	return finish_run(result, expected);
}

uint64
spi_query_run_alone(SpiQuery *query, Datum *values, const char *nulls, int expected)
{
	uint64 rows;

	spi_query_open();
	rows = spi_query_run(query, values, nulls, expected);
	spi_query_close();
	return rows;
}

void
spi_query_run_by_id(SpiQuery *query, const pg_uuid_t *id, int expected)
{
	Datum value = UUIDPGetDatum(id);

	spi_query_run_alone(query, &value, NULL, expected);
}

void
spi_query_run_by_id_and(SpiQuery *query, const pg_uuid_t *id, Datum value, int expected)
{
	Datum values[2] = {UUIDPGetDatum(id), value};

	spi_query_run_alone(query, values, NULL, expected);
}

pg_uuid_t *
spi_query_run_for_ids(SpiQuery *query, Datum *values, int expected, int *count)
{
	MemoryContext caller = CurrentMemoryContext;
	pg_uuid_t *ids;

	spi_query_open();
	*count = (int) spi_query_run(query, values, NULL, expected);
	ids = MemoryContextAlloc(caller, Max(*count, 1) * sizeof(pg_uuid_t));
	for (int row = 0; row < *count; row++)
	{
		spi_query_use_row(row);
		spi_query_uuid(1, &ids[row]);
	}
	spi_query_close();
	return ids;
}

int64
spi_query_run_for_number(SpiQuery *query, Datum *values, const char *nulls)
{
	int64 number;

	spi_query_open();
	spi_query_run(query, values, nulls, SPI_OK_SELECT);
	number = DatumGetInt64(spi_query_datum(1));
	spi_query_close();
	return number;
}

char **
spi_query_run_for_texts(SpiQuery *query, Datum *values, int *count)
{
	MemoryContext caller = CurrentMemoryContext;
	char **texts;

	spi_query_open();
	spi_query_run(query, values, NULL, SPI_OK_SELECT);
	texts = spi_query_texts(caller, 1, count);
	spi_query_close();
	return texts;
}

void
spi_query_use_row(uint64 row)
{
	current_row = row;
}

static Datum
column_of_row(int column, bool *isnull)
{
	return SPI_getbinval(SPI_tuptable->vals[current_row], SPI_tuptable->tupdesc, column, isnull);
}

bool
spi_query_is_null(int column)
{
	bool isnull;

	column_of_row(column, &isnull);
	return isnull;
}

/* Only for types that are passed by value. */
Datum
spi_query_datum(int column)
{
	bool isnull;
	Datum value = column_of_row(column, &isnull);

	if (isnull)
		elog(ERROR, "unexpected null in column %d", column);
	return value;
}

/* NULL for NULL. */
char *
spi_query_text(MemoryContext context, int column)
{
	bool isnull;
	Datum value = column_of_row(column, &isnull);
	MemoryContext old;
	char *result;

	if (isnull)
		return NULL;
	old = MemoryContextSwitchTo(context);
	result = TextDatumGetCString(value);
	MemoryContextSwitchTo(old);
	return result;
}

/* A value of variable length, detoasted; NULL for NULL. */
static struct varlena *
copy_of_column(MemoryContext context, int column)
{
	bool isnull;
	Datum value = column_of_row(column, &isnull);
	MemoryContext old;
	struct varlena *copy;

	if (isnull)
		return NULL;
	old = MemoryContextSwitchTo(context);
	copy = PG_DETOAST_DATUM_COPY(value);
	MemoryContextSwitchTo(old);
	return copy;
}

bytea *
spi_query_bytea(MemoryContext context, int column)
{
	return (bytea *) copy_of_column(context, column);
}

Jsonb *
spi_query_jsonb(MemoryContext context, int column)
{
	return (Jsonb *) copy_of_column(context, column);
}

void
spi_query_uuid(int column, pg_uuid_t *uuid)
{
	*uuid = *DatumGetUUIDP(spi_query_datum(column));
}

/* DT_NOBEGIN for NULL, which json_write_time() writes as null. */
TimestampTz
spi_query_time(int column)
{
	bool isnull;
	Datum value = column_of_row(column, &isnull);

	return isnull ? DT_NOBEGIN : DatumGetTimestampTz(value);
}

/* A text[] without nulls. */
char **
spi_query_texts(MemoryContext context, int column, int *count)
{
	Datum array = spi_query_datum(column);
	MemoryContext old = MemoryContextSwitchTo(context);
	char **texts = texts_from_array(array, count);

	MemoryContextSwitchTo(old);
	return texts;
}

void
spi_query_columns(int count, Datum *values, bool *nulls)
{
	for (int i = 0; i < count; i++)
		values[i] = column_of_row(i + 1, &nulls[i]);
}
