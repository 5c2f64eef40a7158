/*
 * others_code.c
 *		Functions of other roles that authfort calls: event handlers, the
 *		claims hook.
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "catalog/namespace.h"
#include "catalog/pg_proc.h"
#include "catalog/pg_type.h"
#include "fmgr.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/regproc.h"
#include "utils/syscache.h"

#include "base/open_cursors.h"
#include "base/others_code.h"
#include "base/security_context.h"
#include "compat.h"

static uint64 calls = 0;

uint64
others_code_calls(void)
{
	return calls;
}

/* A temporary function would disappear with its session. */
static bool
has_form(Oid function, const OthersCodeForm *wanted)
{
	HeapTuple tuple = SearchSysCache1(PROCOID, ObjectIdGetDatum(function));
	Form_pg_proc form;
	bool has;

	if (!HeapTupleIsValid(tuple))
		return false;
	form = (Form_pg_proc) GETSTRUCT(tuple);
	has = form->prokind == PROKIND_FUNCTION && !form->proretset &&
		  form->pronargs == wanted->argument_count && !isAnyTempNamespace(form->pronamespace) &&
		  (!OidIsValid(wanted->result) || form->prorettype == wanted->result);
	for (int i = 0; has && i < wanted->argument_count; i++)
		has = form->proargtypes.values[i] == JSONBOID;
	ReleaseSysCache(tuple);
	return has;
}

static void
require_form(Oid function, const OthersCodeForm *form)
{
	if (!has_form(function, form))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_FUNCTION_DEFINITION),
				 errmsg("function %s cannot %s", format_procedure(function), form->what),
				 errdetail("%s", form->detail)));
}

Oid
others_code_require_own(Oid function, const OthersCodeForm *form)
{
	Oid owner = security_context_function_owner(function);

	if (!compat_owns_function(function, GetUserId()))
		ereport(ERROR,
				(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
				 errmsg("must be owner of function %s", format_procedure(function))));
	require_form(function, form);
	return owner;
}

Oid
others_code_find(const char *signature)
{
	LOCAL_FCINFO(fcinfo, 1);
	Datum found;

	InitFunctionCallInfoData(*fcinfo, NULL, 1, InvalidOid, NULL, NULL);
	fcinfo->args[0].value = CStringGetTextDatum(signature);
	fcinfo->args[0].isnull = false;
	found = to_regprocedure(fcinfo);
	return fcinfo->isnull ? InvalidOid : DatumGetObjectId(found);
}

/* A function may well return NULL, unlike those of OidFunctionCall1(). */
static Datum
call_function(Oid function, int argument_count, const Datum *arguments, bool *isnull)
{
	LOCAL_FCINFO(fcinfo, FUNC_MAX_ARGS);
	FmgrInfo flinfo;
	Datum result;

	fmgr_info(function, &flinfo);
	InitFunctionCallInfoData(*fcinfo, &flinfo, argument_count, InvalidOid, NULL, NULL);
	for (int i = 0; i < argument_count; i++)
	{
		fcinfo->args[i].value = arguments[i];
		fcinfo->args[i].isnull = false;
	}
	result = FunctionCallInvoke(fcinfo);
	*isnull = fcinfo->isnull;
	return result;
}

/*
 * The form is checked again.  The owner may have replaced the function by one
 * of the same signature and another result, which as jsonb would be any address
 * of this backend's memory.
 */
Datum
others_code_call(Oid function, Oid owner, const OthersCodeForm *form, const Datum *arguments,
				 bool *isnull)
{
	OpenCursors *cursors;
	SecurityContext saved;
	volatile Datum result = (Datum) 0;

	require_form(function, form);
	calls++;
	cursors = open_cursors_shield();
	security_context_restrict(owner, &saved);
	PG_TRY();
	{
		result = call_function(function, form->argument_count, arguments, isnull);
		open_cursors_close_new();
	}
	PG_FINALLY();
	{
		open_cursors_release(cursors);
	}
	PG_END_TRY();
	security_context_restore(&saved);
	return result;
}
