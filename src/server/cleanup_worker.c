/*
 * cleanup_worker.c
 *		The background worker that removes expired rows.
 *
 * A launcher starts a worker for one database after the other and waits for
 * it, but not without limit.  The launcher is not connected to a database, so
 * that databases can be dropped.  A worker that fails logs the reason, and does
 * not affect the others.  Between rounds, signing keys are removed when they expire, because
 * programs to which the keys are published trust them until then.  Neither
 * runs in recovery: a standby follows its primary, and begins when it is
 * promoted.
 */
#include "postgres.h"

#include "access/genam.h"
#include "access/heapam.h"
#include "access/htup_details.h"
#include "access/table.h"
#include "access/tableam.h"
#include "access/xact.h"
#include "catalog/pg_database.h"
#include "commands/dbcommands.h"
#include "commands/extension.h"
#include "commands/trigger.h"
#include "miscadmin.h"
#include "pgstat.h"
#include "postmaster/bgworker.h"
#include "postmaster/interrupt.h"
#include "storage/ipc.h"
#include "storage/latch.h"
#include "tcop/tcopprot.h"
#include "utils/guc.h"
#include "utils/memutils.h"
#include "utils/snapmgr.h"
#include "utils/timestamp.h"
#include "utils/varlena.h"

#include "domain/key_expiry.h"
#include "domain/signing_keys.h"
#include "flow/cleanup.h"
#include "server/cleanup_worker.h"
#include "settings.h"

#define NAME "authfort cleanup"

/* Seconds after which the postmaster restarts a launcher that has ended. */
#define RESTART_TIME 5

/* Seconds after which an expired key that could not be removed is tried again. */
#define RETRY_TIME 10

/*
 * Seconds after which the launcher goes on to the next database, although the
 * worker is not done: code of the application, behind a foreign key, may run
 * for any time.
 */
#define PATIENCE 10

/*
 * How many workers it leaves behind in this way; they take slots from others.
 * One more is ended: no number of databases that hang stops the cleanup of
 * another.  Batches that it has committed remain, and the next round continues.
 */
#define MAX_SLOW_WORKERS 3

/* The kinds of rows that a round removes. */
typedef enum Round
{
	ROUND_OF_ALL,
	ROUND_OF_KEYS
} Round;

/* A worker that the launcher no longer waits for. */
typedef struct SlowWorker
{
	Oid database;
	BackgroundWorkerHandle *handle;
} SlowWorker;

static List *slow_workers = NIL;

PGDLLEXPORT void authfort_cleanup_launcher(Datum argument);
PGDLLEXPORT void authfort_cleanup_worker(Datum argument);

static void
describe_worker(BackgroundWorker *worker, const char *function)
{
	MemSet(worker, 0, sizeof(*worker));
	worker->bgw_flags = BGWORKER_SHMEM_ACCESS | BGWORKER_BACKEND_DATABASE_CONNECTION;
	worker->bgw_start_time = BgWorkerStart_RecoveryFinished;
	strlcpy(worker->bgw_library_name, "authfort", sizeof(worker->bgw_library_name));
	strlcpy(worker->bgw_function_name, function, sizeof(worker->bgw_function_name));
}

void
cleanup_worker_init(void)
{
	BackgroundWorker worker;

	if (!process_shared_preload_libraries_in_progress || IsBinaryUpgrade)
		return;
	describe_worker(&worker, "authfort_cleanup_launcher");
	worker.bgw_restart_time = RESTART_TIME;
	strlcpy(worker.bgw_name, NAME " launcher", sizeof(worker.bgw_name));
	strlcpy(worker.bgw_type, NAME " launcher", sizeof(worker.bgw_type));
	RegisterBackgroundWorker(&worker);
}

/*
 * Sleeps until the latch is set, or for that many milliseconds; -1 means
 * without limit.  Exits if a shutdown is requested.
 */
static void
wait_for_latch(long timeout)
{
	int events = WL_LATCH_SET | WL_EXIT_ON_PM_DEATH;

	(void) WaitLatch(MyLatch, timeout < 0 ? events : events | WL_TIMEOUT, timeout, PG_WAIT_EXTENSION);
	ResetLatch(MyLatch);
	CHECK_FOR_INTERRUPTS();
	/* with a status other than zero, the postmaster restarts it, unless the server stops */
	if (ShutdownRequestPending)
		proc_exit(1);
	if (ConfigReloadPending)
	{
		ConfigReloadPending = false;
		ProcessConfigFile(PGC_SIGHUP);
	}
}

static List *
list_append_database(List *databases, Oid database, MemoryContext context)
{
	MemoryContext old = MemoryContextSwitchTo(context);

	databases = lappend_oid(databases, database);
	MemoryContextSwitchTo(old);
	return databases;
}

/*
 * All databases that allow connections, including templates: a database's
 * owner must not be able to stop its cleanup by changing its attributes.  Only
 * template1 is skipped, because it is often in use as a template.
 */
static List *
all_databases(MemoryContext context)
{
	Relation relation = table_open(DatabaseRelationId, AccessShareLock);
	TableScanDesc scan = table_beginscan_catalog(relation, 0, NULL);
	List *databases = NIL;
	HeapTuple tuple;

	while (HeapTupleIsValid(tuple = heap_getnext(scan, ForwardScanDirection)))
	{
		Form_pg_database database = (Form_pg_database) GETSTRUCT(tuple);

		if (database->datallowconn && database->oid != Template1DbOid &&
			!database_is_invalid_form(database))
			databases = list_append_database(databases, database->oid, context);
	}
	table_endscan(scan);
	table_close(relation, AccessShareLock);
	return databases;
}

static List *
named_databases(List *names, MemoryContext context)
{
	List *databases = NIL;
	ListCell *cell;

	foreach (cell, names)
	{
		char *name = lfirst(cell);
		Oid database = get_database_oid(name, true);

		if (OidIsValid(database))
			databases = list_append_database(databases, database, context);
		else
			ereport(LOG,
					(errmsg("database \"%s\" in \"authfort.cleanup_databases\" does not exist",
							name)));
	}
	return databases;
}

/* The databases that are to be cleaned, in "context". */
static List *
databases_to_clean(MemoryContext context)
{
	List *names;
	List *databases;

	StartTransactionCommand();
	PushActiveSnapshot(GetTransactionSnapshot());
	/* the setting's check hook has validated the list */
	(void) SplitIdentifierString(pstrdup(setting_cleanup_databases), ',', &names);
	databases = (names == NIL) ? all_databases(context) : named_databases(names, context);
	PopActiveSnapshot();
	CommitTransactionCommand();
	MemoryContextSwitchTo(context);
	return databases;
}

static bool
has_ended(BackgroundWorkerHandle *handle)
{
	pid_t pid;

	return GetBackgroundWorkerPid(handle, &pid) == BGWH_STOPPED;
}

/* Forgets slow workers that have ended; returns how many are left. */
static int
count_slow_workers(void)
{
	ListCell *cell;

	foreach (cell, slow_workers)
	{
		SlowWorker *slow = lfirst(cell);

		if (!has_ended(slow->handle))
			continue;
		slow_workers = foreach_delete_current(slow_workers, cell);
		pfree(slow->handle);
		pfree(slow);
	}
	return list_length(slow_workers);
}

static bool
has_slow_worker(Oid database)
{
	ListCell *cell;

	(void) count_slow_workers();
	foreach (cell, slow_workers)
	{
		if (((SlowWorker *) lfirst(cell))->database == database)
			return true;
	}
	return false;
}

static void
note_slow_worker(Oid database, BackgroundWorkerHandle *handle)
{
	MemoryContext old = MemoryContextSwitchTo(TopMemoryContext);
	SlowWorker *slow = palloc(sizeof(SlowWorker));

	slow->database = database;
	slow->handle = handle;
	slow_workers = lappend(slow_workers, slow);
	MemoryContextSwitchTo(old);
}

/* It may take a moment to end, and no other worker joins it until then. */
static void
end_worker(Oid database, BackgroundWorkerHandle *handle)
{
	ereport(LOG,
			(errmsg("authfort's cleanup of the database with OID %u takes too long and is ended",
					database),
			 errhint("Look in pg_stat_activity for what the workers wait for.")));
	TerminateBackgroundWorker(handle);
	note_slow_worker(database, handle);
}

/* Waits until a worker has ended, or takes too long. */
static void
wait_for_worker(Oid database, BackgroundWorkerHandle *handle)
{
	TimestampTz until = TimestampTzPlusMilliseconds(GetCurrentTimestamp(), PATIENCE * 1000);
	long left = PATIENCE * 1000;

	while (!has_ended(handle) && left > 0)
	{
		wait_for_latch(left);
		left = TimestampDifferenceMilliseconds(GetCurrentTimestamp(), until);
	}
	if (has_ended(handle))
		pfree(handle);
	else if (count_slow_workers() < MAX_SLOW_WORKERS)
		note_slow_worker(database, handle);
	else
		end_worker(database, handle);
}

/* NULL if there is no room for a worker. */
static BackgroundWorkerHandle *
start_worker(Oid database, Round round)
{
	MemoryContext old = MemoryContextSwitchTo(TopMemoryContext);
	BackgroundWorker worker;
	BackgroundWorkerHandle *handle;

	describe_worker(&worker, "authfort_cleanup_worker");
	worker.bgw_restart_time = BGW_NEVER_RESTART;
	worker.bgw_main_arg = ObjectIdGetDatum(database);
	worker.bgw_extra[0] = round;
	worker.bgw_notify_pid = MyProcPid;
	snprintf(worker.bgw_name, sizeof(worker.bgw_name), NAME " worker for database %u", database);
	strlcpy(worker.bgw_type, NAME " worker", sizeof(worker.bgw_type));
	if (!RegisterDynamicBackgroundWorker(&worker, &handle))
		handle = NULL;
	MemoryContextSwitchTo(old);
	return handle;
}

/* False if there is no room for a worker. */
static bool
clean_database(Oid database, Round round)
{
	BackgroundWorkerHandle *handle;

	if (has_slow_worker(database))
		return true;
	handle = start_worker(database, round);
	if (handle == NULL)
		return false;
	wait_for_worker(database, handle);
	return true;
}

static void
clean_databases(Round round, MemoryContext context)
{
	ListCell *cell;

	pgstat_report_activity(STATE_RUNNING, "authfort: waiting for workers");
	key_expiry_forget(); /* the workers report what is left */
	foreach (cell, databases_to_clean(context))
	{
		if (!clean_database(lfirst_oid(cell), round))
		{
			ereport(LOG,
					(errmsg("out of background worker slots for authfort's cleanup"),
					 errhint("You might need to increase \"max_worker_processes\".")));
			break;
		}
	}
	MemoryContextReset(context);
	pgstat_report_activity(STATE_IDLE, NULL);
}

/* Milliseconds until a round that follows one begun at "last"; -1: never. */
static long
time_to_next_round(TimestampTz last)
{
	TimestampTz due = TimestampTzPlusMilliseconds(last, INT64CONST(1000) * setting_cleanup_interval);

	if (setting_cleanup_interval == 0)
		return -1;
	return TimestampDifferenceMilliseconds(GetCurrentTimestamp(), due);
}

/* Milliseconds until the next known key expires; -1 if no key is known to expire. */
static long
time_to_next_expiry(void)
{
	TimestampTz next = key_expiry_next();

	if (next == DT_NOEND)
		return -1;
	if (next == DT_NOBEGIN)
		return 0;
	return TimestampDifferenceMilliseconds(GetCurrentTimestamp(), next);
}

/* How long the launcher may sleep: until the earlier of the two. */
static long
time_to_sleep(TimestampTz last_round)
{
	long to_round = time_to_next_round(last_round);
	long to_expiry = time_to_next_expiry();

	return (to_round < 0 || to_expiry < 0) ? to_round : Min(to_round, to_expiry);
}

static void
forget_launcher(int code, Datum arg)
{
	key_expiry_wake(NULL);
}

static void
show_name(void)
{
	SetConfigOption("application_name", NAME, PGC_USERSET, PGC_S_SESSION);
}

/* An error here ends the process, and the postmaster starts another. */
void
authfort_cleanup_launcher(Datum argument)
{
	MemoryContext context;
	TimestampTz last_round = GetCurrentTimestamp();

	pqsignal(SIGHUP, SignalHandlerForConfigReload);
	pqsignal(SIGTERM, SignalHandlerForShutdownRequest);
	pqsignal(SIGINT, SIG_IGN);
	BackgroundWorkerUnblockSignals();
	BackgroundWorkerInitializeConnection(NULL, NULL, 0);
	show_name();
	context = AllocSetContextCreate(TopMemoryContext, NAME, ALLOCSET_SMALL_SIZES);
	MemoryContextSwitchTo(context);
	pgstat_report_activity(STATE_IDLE, NULL);

	key_expiry_wake(MyLatch);
	on_shmem_exit(forget_launcher, (Datum) 0);

	for (;;)
	{
		wait_for_latch(time_to_sleep(last_round));
		if (time_to_next_round(last_round) == 0)
		{
			last_round = GetCurrentTimestamp();
			clean_databases(ROUND_OF_ALL, context);
		}
		else if (setting_cleanup_interval > 0 && time_to_next_expiry() == 0)
			clean_databases(ROUND_OF_KEYS, context);
	}
}

static void
begin_transaction(const char *activity)
{
	SetCurrentStatementStartTimestamp();
	pgstat_report_activity(STATE_RUNNING, activity);
	StartTransactionCommand();
	PushActiveSnapshot(GetTransactionSnapshot());
}

static void
commit_transaction(void)
{
	PopActiveSnapshot();
	CommitTransactionCommand();
	pgstat_report_stat(false);
	pgstat_report_activity(STATE_IDLE, NULL);
}

static bool
has_extension(void)
{
	bool found;

	begin_transaction("authfort: looking for the extension");
	found = OidIsValid(get_extension_oid("authfort", true));
	commit_transaction();
	return found;
}

/* A deferred foreign key would fail at commit, when it is too late to leave a row out. */
static void
check_constraints_at_once(void)
{
	ConstraintsSetStmt *statement = makeNode(ConstraintsSetStmt);

	AfterTriggerSetState(statement);
}

/*
 * One transaction for each batch, so that locks and snapshots are short.
 * Returns whether foreign keys kept rows.
 */
static bool
clean_kind(CleanupKind kind)
{
	CleanupPass pass;
	char *activity = psprintf("authfort: cleaning up %s", cleanup_name(kind));

	cleanup_begin(&pass, kind);
	while (!pass.done)
	{
		CHECK_FOR_INTERRUPTS();
		begin_transaction(activity);
		check_constraints_at_once();
		cleanup_batch(&pass);
		commit_transaction();
	}
	if (pass.removed > 0)
		ereport(DEBUG1, (errmsg_internal("%s: " UINT64_FORMAT " removed", activity, pass.removed)));
	return pass.kept.count > 0;
}

/*
 * An error with one kind of rows does not affect the others, unless it cancels
 * the worker.  Returns whether foreign keys kept rows.
 */
static bool
clean_kind_or_report(CleanupKind kind)
{
	MemoryContext context = CurrentMemoryContext;
	volatile bool kept = false;

	PG_TRY();
	{
		kept = clean_kind(kind);
	}
	PG_CATCH();
	{
		if (geterrcode() == ERRCODE_QUERY_CANCELED)
			PG_RE_THROW();
		HOLD_INTERRUPTS();
		EmitErrorReport();
		AbortCurrentTransaction();
		MemoryContextSwitchTo(context);
		FlushErrorState();
		RESUME_INTERRUPTS();
	}
	PG_END_TRY();
	return kept;
}

/*
 * Reports to the launcher when the next key expires, of those that expire
 * after a time.
 */
static void
report_next_expiry(TimestampTz after)
{
	TimestampTz now = GetCurrentTimestamp();
	TimestampTz next;

	begin_transaction("authfort: looking for the next key to expire");
	next = signing_keys_next_expiry(after);
	commit_transaction();
	if (next != DT_NOEND)
		key_expiry_report((next > now) ? next : TimestampTzPlusMilliseconds(now, RETRY_TIME * 1000));
}

/*
 * Settings that the database's owner has made for all of its sessions must not
 * affect this one: it remains the superuser that it started as, and these
 * settings must not make its statements fail.  It does not wait long for a
 * lock, but leaves the work to the next round.
 */
static void
pin_settings(void)
{
	static const struct
	{
		const char *name;
		const char *value;
	} pinned[] = {
		{"role", "none"},
		{"search_path", "pg_catalog, pg_temp"},
		{"row_security", "on"},
		{"statement_timeout", "0"},
		{"transaction_timeout", "0"}, /* since PostgreSQL 17 */
		{"idle_in_transaction_session_timeout", "0"},
		{"lock_timeout", "5s"},
		{"default_transaction_isolation", "read committed"},
		{"default_transaction_read_only", "off"},
		{"default_transaction_deferrable", "off"},
		{"enable_seqscan", "on"},
		{"enable_indexscan", "on"},
		{"enable_bitmapscan", "on"},
		{"enable_tidscan", "on"},
		{"enable_sort", "on"},
		{"plan_cache_mode", "auto"},
		{"array_nulls", "on"},
		{"transform_null_equals", "off"},
	};

	SetSessionAuthorization(GetAuthenticatedUserId(), true);
	for (size_t i = 0; i < lengthof(pinned); i++)
	{
		if (GetConfigOption(pinned[i].name, true, false) != NULL)
			SetConfigOption(pinned[i].name, pinned[i].value, PGC_SUSET, PGC_S_OVERRIDE);
	}
}

/*
 * A key that could not be removed is tried again soon, unless a foreign key
 * keeps it: then the next round is soon enough.  Returns the time up to which
 * keys that have expired are left to that round.
 */
static TimestampTz
clean_keys(void)
{
	TimestampTz begin = GetCurrentTimestamp();

	return clean_kind_or_report(CLEANUP_KEYS) ? begin : DT_NOBEGIN;
}

static void
clean_all(Round round)
{
	TimestampTz left_until = clean_keys();

	report_next_expiry(left_until);
	if (round == ROUND_OF_KEYS)
		return;
	for (int kind = CLEANUP_KEYS + 1; kind < CLEANUP_KINDS; kind++)
		clean_kind_or_report(kind);
	/* if that took long, the launcher may have had no worker for a key that expired */
	report_next_expiry(left_until);
}

/* Cleans up the database whose OID is the argument, and exits. */
void
authfort_cleanup_worker(Datum argument)
{
	Round round = MyBgworkerEntry->bgw_extra[0];

	pqsignal(SIGTERM, die);
	BackgroundWorkerUnblockSignals();
	BackgroundWorkerInitializeConnectionByOid(DatumGetObjectId(argument), InvalidOid, 0);
	show_name();
	pin_settings();
	if (has_extension())
		clean_all(round);
}
