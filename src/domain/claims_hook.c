/*
 * claims_hook.c
 *		The function that adds claims to access tokens: table
 *		authfort.claims_hook and its cache.
 */
#include "postgres.h"

#include "access/genam.h"
#include "access/htup_details.h"
#include "access/table.h"
#include "catalog/pg_type.h"
#include "fmgr.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/jsonb.h"
#include "utils/memutils.h"
#include "utils/regproc.h"
#include "utils/rel.h"

#include "base/json.h"
#include "base/others_code.h"
#include "base/security_context.h"
#include "base/spi_query.h"
#include "base/watched_table.h"
#include "domain/claims_hook.h"

PG_FUNCTION_INFO_V1(authfort_set_claims_hook);

#define MAX_HOOK_CLAIMS 2048 /* bytes of JSON */

/* Columns of authfort.claims_hook; claims_hook.sql says the same. */
#define COLUMN_HOOK 2
#define COLUMN_OWNER 3

/* Claims of RFC 7519, those that authfort sets or reads, and "scope" (RFC 8693). */
static const char *const reserved_claims[] = {
	"iss",   "sub",  "aud",  "exp",   "nbf",         "iat", "jti",     "sid",       "ver",
	"email", "name", "role", "roles", "mfa_enabled", "amr", "aal",     "auth_time", "purpose",
	"scope", "acr",  "azp",  "cnf",   "client_id",   "act", "may_act",
};

static const OthersCodeForm hook_form = {
	2,
	JSONBOID,
	"be the claims hook",
	"A claims hook takes two arguments of type jsonb, returns jsonb but no set of it, and is not temporary.",
};

static WatchedTable hook_table = {"claims_hook"};

/* The row of the table. */
static struct
{
	MemoryContext context; /* owns the texts */
	uint64 read_at;        /* changes of the table when it was read; 0: never */
	char *hook;            /* NULL: none */
	char *owner;
} registered;

void
claims_hook_init(void)
{
	watched_table_register(&hook_table);
}

static char *
text_column(HeapTuple tuple, int column, TupleDesc columns)
{
	bool isnull;

	return TextDatumGetCString(heap_getattr(tuple, column, columns, &isnull));
}

/*
 * A scan under a catalog snapshot sees what has committed by now, whatever the
 * isolation level.
 */
static void
read_hook(void)
{
	MemoryContext context =
		AllocSetContextCreate(CurTransactionContext, "authfort claims hook", ALLOCSET_SMALL_SIZES);
	MemoryContext old = MemoryContextSwitchTo(context);
	Relation relation = table_open(watched_table_oid(&hook_table), AccessShareLock);
	uint64 changes = hook_table.changes;
	SysScanDesc scan = systable_beginscan(relation, InvalidOid, false, NULL, 0, NULL);
	HeapTuple tuple = systable_getnext(scan);
	char *hook = NULL;
	char *owner = NULL;

	if (HeapTupleIsValid(tuple))
	{
		hook = text_column(tuple, COLUMN_HOOK, RelationGetDescr(relation));
		owner = text_column(tuple, COLUMN_OWNER, RelationGetDescr(relation));
	}
	systable_endscan(scan);
	table_close(relation, AccessShareLock);
	MemoryContextSwitchTo(old);

	if (registered.context != NULL)
		MemoryContextDelete(registered.context);
	MemoryContextSetParent(context, CacheMemoryContext);
	registered.context = context;
	registered.read_at = changes;
	registered.hook = hook;
	registered.owner = owner;
}

/*
 * The signature of the hook; NULL without one.  A copy, because the hook's own
 * code may change the table.
 */
static char *
find_hook(char **owner)
{
	if (registered.read_at != watched_table_changes(&hook_table))
		read_hook();
	if (registered.hook == NULL)
		return NULL;
	*owner = pstrdup(registered.owner);
	return pstrdup(registered.hook);
}

/*
 * An error that the hook raises is not one of the client's request, whatever
 * its SQLSTATE says.  Errors of resources, conflicts and cancellation keep
 * their SQLSTATE.
 */
static void
name_hook(void *arg)
{
	switch (ERRCODE_TO_CATEGORY(geterrcode()))
	{
		case ERRCODE_SUCCESSFUL_COMPLETION:
		case ERRCODE_WARNING:
		case ERRCODE_NO_DATA:
		case ERRCODE_TRANSACTION_ROLLBACK:
		case ERRCODE_INSUFFICIENT_RESOURCES:
		case ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE:
		case ERRCODE_OPERATOR_INTERVENTION:
		case ERRCODE_SYSTEM_ERROR:
		case ERRCODE_INTERNAL_ERROR:
			break;
		default:
			errcode(ERRCODE_EXTERNAL_ROUTINE_EXCEPTION);
			break;
	}
	errcontext("claims hook %s", (const char *) arg);
}

/* For the same reasons as for event handlers (events.c). */
static Oid
require_registered(const char *hook, const char *registered_by, Oid *owner)
{
	Oid function = others_code_find(hook);
	char *name;

	if (!OidIsValid(function))
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_FUNCTION),
				 errmsg("claims hook %s does not exist", hook),
				 errhint("Create the function again, or remove the hook with authfort.set_claims_hook(NULL).")));
	*owner = security_context_function_owner(function);
	name = GetUserNameFromId(*owner, false);
	if (strcmp(name, registered_by) != 0)
		ereport(ERROR,
				(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
				 errmsg("claims hook %s is not the function that was registered", hook),
				 errdetail("It belongs to role \"%s\", and role \"%s\" registered it.", name, registered_by),
				 errhint("If it is the right one, have its owner register it again with authfort.set_claims_hook().")));
	return function;
}

static Datum
user_argument(const User *user, const Session *session)
{
	StringInfoData json;

	initStringInfo(&json);
	users_append_profile_json(&json, user, &session->id);
	return JsonbPGetDatum(json_to_jsonb(&json));
}

static Datum
session_argument(const Session *session)
{
	StringInfoData json;

	initStringInfo(&json);
	json_open(&json);
	json_write_uuid(&json, "id", &session->id);
	json_write_time(&json, "created_at", session->created_at);
	json_write_time(&json, "auth_time", session->auth_time);
	json_write_integer(&json, "aal", session->aal);
	json_write_strings(&json, "amr", session->amr, session->amr_count);
	json_close(&json);
	return JsonbPGetDatum(json_to_jsonb(&json));
}

static void
refuse_reserved(Jsonb *claims)
{
	for (size_t i = 0; i < lengthof(reserved_claims); i++)
	{
		if (json_member(claims, reserved_claims[i]) != NULL)
			ereport(ERROR,
					(errcode(ERRCODE_EXTERNAL_ROUTINE_INVOCATION_EXCEPTION),
					 errmsg("the claims hook set the reserved claim \"%s\"", reserved_claims[i])));
	}
}

/* The members of the object, without its braces; NULL if it has none. */
static char *
accept_claims(Jsonb *claims)
{
	char *text;
	size_t len;
	Jsonb *read_again;

	if (!JB_ROOT_IS_OBJECT(claims))
		ereport(ERROR,
				(errcode(ERRCODE_EXTERNAL_ROUTINE_INVOCATION_EXCEPTION),
				 errmsg("the claims hook did not return a JSON object")));
	if (JB_ROOT_COUNT(claims) == 0)
		return NULL;
	refuse_reserved(claims);
	text = JsonbToCString(NULL, &claims->root, VARSIZE(claims));
	len = strlen(text);
	if (len > MAX_HOOK_CLAIMS)
		ereport(ERROR,
				(errcode(ERRCODE_EXTERNAL_ROUTINE_INVOCATION_EXCEPTION),
				 errmsg("the claims hook returned more than %d bytes", MAX_HOOK_CLAIMS)));
	/* a token with such claims would be issued, and accepted nowhere */
	if (json_read_object(text, len, &read_again) != JSON_READ)
		ereport(ERROR,
				(errcode(ERRCODE_EXTERNAL_ROUTINE_INVOCATION_EXCEPTION),
				 errmsg("the claims hook returned claims that are nested too deeply, or have a number that is too long")));
	text[len - 1] = '\0';
	return text + 1;
}

static char *
call_hook(const char *hook, const char *registered_by, const User *user, const Session *session)
{
	Datum arguments[2] = {user_argument(user, session), session_argument(session)};
	Oid owner;
	Oid function = require_registered(hook, registered_by, &owner);
	bool isnull;
	Datum result = others_code_call(function, owner, &hook_form, arguments, &isnull);

	return isnull ? NULL : accept_claims(DatumGetJsonbP(result));
}

/*
 * The log shows nothing of the client's message, so nothing of the error's
 * context either (src/redact/README.md).  authfort's own records stay, so this one names the hook.
 */
static void
log_hook_failure(const char *hook)
{
	const char *state = unpack_sql_state(geterrcode());

	ereport(LOG,
			(errmsg("claims hook %s failed with SQLSTATE %s, and no token was issued", hook, state)));
}

/* The claims of a hook that exists; an error of it is logged with its name. */
static char *
call_hook_or_log(const char *hook, const char *registered_by, const User *user, const Session *session)
{
	MemoryContext caller = CurrentMemoryContext;
	char *volatile claims = NULL;

	PG_TRY();
	{
		claims = call_hook(hook, registered_by, user, session);
	}
	PG_CATCH();
	{
		MemoryContextSwitchTo(caller);
		log_hook_failure(hook);
		PG_RE_THROW();
	}
	PG_END_TRY();
	return claims;
}

char *
claims_hook_run(const User *user, const Session *session)
{
	char *registered_by;
	char *hook = find_hook(&registered_by);
	char *claims;
	ErrorContextCallback context;

	if (hook == NULL)
		return NULL;
	context.callback = name_hook;
	context.arg = hook;
	context.previous = error_context_stack;
	error_context_stack = &context;
	claims = call_hook_or_log(hook, registered_by, user, session);
	error_context_stack = context.previous;
	return claims;
}

static void
store_hook(Oid function, const char *owner)
{
	static SpiQuery query = {
		"INSERT INTO authfort.claims_hook (hook, owner) VALUES ($1, $2)"
		" ON CONFLICT ((true)) DO UPDATE SET hook = excluded.hook, owner = excluded.owner",
		2,
		{TEXTOID, TEXTOID},
	};
	Datum values[2] = {CStringGetTextDatum(format_procedure_qualified(function)),
					   CStringGetTextDatum(owner)};

	spi_query_run_alone(&query, values, NULL, SPI_OK_INSERT);
}

static void
remove_hook(void)
{
	static SpiQuery query = {"DELETE FROM authfort.claims_hook", 0};

	spi_query_run_alone(&query, NULL, NULL, SPI_OK_DELETE);
}

/* set_claims_hook(hook) -> void */
Datum
authfort_set_claims_hook(PG_FUNCTION_ARGS)
{
	Oid function = PG_ARGISNULL(0) ? InvalidOid : PG_GETARG_OID(0);
	char *owner = NULL;
	SecurityContext caller;

	if (OidIsValid(function))
		owner = GetUserNameFromId(others_code_require_own(function, &hook_form), false);
	security_context_become_owner(fcinfo, &caller);
	if (OidIsValid(function))
		store_hook(function, owner);
	else
		remove_hook();
	security_context_restore(&caller);
	PG_RETURN_VOID();
}
