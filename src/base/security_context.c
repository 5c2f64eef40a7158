/*
 * security_context.c
 *		With whose rights code runs.
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "catalog/pg_proc.h"
#include "miscadmin.h"
#include "utils/guc.h"
#include "utils/syscache.h"

#include "base/security_context.h"

Oid
security_context_function_owner(Oid function)
{
	HeapTuple	tuple = SearchSysCache1(PROCOID, ObjectIdGetDatum(function));
	Oid			owner;

	if (!HeapTupleIsValid(tuple))
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_FUNCTION),
				 errmsg("function with OID %u does not exist", function)));
	owner = ((Form_pg_proc) GETSTRUCT(tuple))->proowner;
	ReleaseSysCache(tuple);
	return owner;
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
						   SECURITY_RESTRICTED_OPERATION);
}

void
security_context_restore(const SecurityContext *saved)
{
	/* as if a subtransaction aborted, for a plain SET outlives a function */
	if (saved->settings != 0)
		AtEOXact_GUC(false, saved->settings);
	SetUserIdAndSecContext(saved->user, saved->context);
}
