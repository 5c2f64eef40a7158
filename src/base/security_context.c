/*
 * security_context.c
 *		The role whose privileges code runs with.
 */
#include "postgres.h"

#include "access/genam.h"
#include "access/htup_details.h"
#include "access/table.h"
#include "catalog/namespace.h"
#include "catalog/objectaccess.h"
#include "catalog/objectaddress.h"
#include "catalog/pg_proc.h"
#include "miscadmin.h"
#include "utils/fmgroids.h"
#include "utils/guc.h"
#include "utils/regproc.h"
#include "utils/rel.h"
#include "utils/snapmgr.h"
#include "utils/syscache.h"

#include "base/security_context.h"

/*
 * A bit of the security context beside PostgreSQL's own, which are the lowest
 * ones.  PostgreSQL saves, inherits and restores the context as a whole, also
 * when a subtransaction is rolled back.
 */
#define SECURITY_CONFINED_CODE (1 << 30)

static object_access_hook_type next_object_access = NULL;

static HeapTuple
find_function(Oid function)
{
	HeapTuple tuple = SearchSysCache1(PROCOID, ObjectIdGetDatum(function));

	if (!HeapTupleIsValid(tuple))
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_FUNCTION),
				 errmsg("function with OID %u does not exist", function)));
	return tuple;
}

Oid
security_context_function_owner(Oid function)
{
	HeapTuple tuple = find_function(function);
	Oid owner = ((Form_pg_proc) GETSTRUCT(tuple))->proowner;

	ReleaseSysCache(tuple);
	return owner;
}

bool
security_context_is_definer(Oid function)
{
	HeapTuple tuple = find_function(function);
	bool definer = ((Form_pg_proc) GETSTRUCT(tuple))->prosecdef;

	ReleaseSysCache(tuple);
	return definer;
}

void
security_context_become_owner(FunctionCallInfo fcinfo, SecurityContext *saved)
{
	saved->settings = 0;
	GetUserIdAndSecContext(&saved->user, &saved->context);
	SetUserIdAndSecContext(security_context_function_owner(fcinfo->flinfo->fn_oid),
						   saved->context | SECURITY_LOCAL_USERID_CHANGE);
}

void
security_context_restrict(Oid user, SecurityContext *saved)
{
	saved->settings = NewGUCNestLevel();
	GetUserIdAndSecContext(&saved->user, &saved->context);
	SetUserIdAndSecContext(user, saved->context | SECURITY_LOCAL_USERID_CHANGE |
									 SECURITY_RESTRICTED_OPERATION | SECURITY_CONFINED_CODE);
}

void
security_context_restore(const SecurityContext *saved)
{
	/* as if a subtransaction aborted, because a plain SET outlives a function */
	if (saved->settings != 0)
		AtEOXact_GUC(false, saved->settings);
	SetUserIdAndSecContext(saved->user, saved->context);
}

static bool
in_confined_code(void)
{
	Oid user;
	int context;

	GetUserIdAndSecContext(&user, &context);
	return (context & SECURITY_CONFINED_CODE) != 0;
}

/* Whether a new object is in a temporary schema.  Its row may be too new for the caches. */
static bool
is_temporary(Oid class, Oid object)
{
	AttrNumber schema_column;
	Relation catalog;
	SysScanDesc scan;
	ScanKeyData key;
	HeapTuple tuple;
	bool temporary = false;

	if (!is_objectclass_supported(class))
		return false;
	schema_column = get_object_attnum_namespace(class);
	if (schema_column == InvalidAttrNumber)
		return false;
	catalog = table_open(class, AccessShareLock);
	ScanKeyInit(&key, get_object_attnum_oid(class), BTEqualStrategyNumber, F_OIDEQ,
				ObjectIdGetDatum(object));
	scan = systable_beginscan(catalog, get_object_oid_index(class), true, SnapshotSelf, 1, &key);
	tuple = systable_getnext(scan);
	if (HeapTupleIsValid(tuple))
	{
		bool isnull;
		Datum schema = heap_getattr(tuple, schema_column, RelationGetDescr(catalog), &isnull);

		temporary = !isnull && isAnyTempNamespace(DatumGetObjectId(schema));
	}
	systable_endscan(scan);
	table_close(catalog, AccessShareLock);
	return temporary;
}

/* Functions of PostgreSQL that change the session, and that every role may call. */
static bool
outlasts_transaction(Oid function)
{
	switch (function)
	{
		case F_PG_ADVISORY_LOCK_INT8:
		case F_PG_ADVISORY_LOCK_INT4_INT4:
		case F_PG_ADVISORY_LOCK_SHARED_INT8:
		case F_PG_ADVISORY_LOCK_SHARED_INT4_INT4:
		case F_PG_TRY_ADVISORY_LOCK_INT8:
		case F_PG_TRY_ADVISORY_LOCK_INT4_INT4:
		case F_PG_TRY_ADVISORY_LOCK_SHARED_INT8:
		case F_PG_TRY_ADVISORY_LOCK_SHARED_INT4_INT4:
		case F_PG_ADVISORY_UNLOCK_INT8:
		case F_PG_ADVISORY_UNLOCK_INT4_INT4:
		case F_PG_ADVISORY_UNLOCK_SHARED_INT8:
		case F_PG_ADVISORY_UNLOCK_SHARED_INT4_INT4:
		case F_PG_ADVISORY_UNLOCK_ALL:
		case F_SETSEED:
			return true;
		default:
			return false;
	}
}

/*
 * PostgreSQL itself refuses most actions that would outlive a
 * security-restricted operation: temporary tables, prepared statements,
 * LISTEN, cursors WITH HOLD, deferred triggers; settings are rolled back.  But
 * 15.18, 16.2 and 18.6 allow other objects in pg_temp, where a domain of the
 * name of a type stands before it for all later statements of the session.
 */
static void
refuse_what_lasts(ObjectAccessType access, Oid class, Oid object, int subobject, void *arg)
{
	if (next_object_access != NULL)
		next_object_access(access, class, object, subobject, arg);
	if (!in_confined_code())
		return;
	if (access == OAT_POST_CREATE && is_temporary(class, object))
		ereport(ERROR,
				(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
				 errmsg("cannot create temporary objects within security-restricted operation")));
	if (access == OAT_FUNCTION_EXECUTE && outlasts_transaction(object))
		ereport(ERROR,
				(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
				 errmsg("cannot call function %s within security-restricted operation",
						format_procedure(object)),
				 errdetail("Its effects would outlive the transaction.")));
}

void
security_context_init(void)
{
	next_object_access = object_access_hook;
	object_access_hook = refuse_what_lasts;
}
