/*
 * secret_functions.c
 *		Which functions are handed secrets: ours, and those that pass on to them.
 *
 * Of our own functions all are but those that are listed here.  A function of
 * somebody else's counts if it has arguments, or is a trigger's, and its body
 * calls one that counts; writing to a table counts if a trigger of it does.
 * That is read from its text, and remembered until any function changes.
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "catalog/namespace.h"
#include "catalog/pg_aggregate.h"
#include "catalog/pg_language.h"
#include "catalog/pg_proc.h"
#include "catalog/pg_type.h"
#include "commands/prepare.h"
#include "common/keywords.h"
#include "nodes/nodeFuncs.h"
#include "parser/parsetree.h"
#include "storage/lmgr.h"
#include "utils/builtins.h"
#include "utils/catcache.h"
#include "utils/fmgroids.h"
#include "utils/hsearch.h"
#include "utils/inval.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/rel.h"
#include "utils/relcache.h"
#include "utils/syscache.h"

#include "redact/secret_functions.h"

/* Schemas of a search_path that are looked at; in a longer one all names count. */
#define MAX_SEARCH_PATH 32

/* What calls one another deeper than this counts. */
#define MAX_CALL_DEPTH 64

/* Those in schema authfort that take neither password, token, code nor key. */
static const char *const harmless[] = {
	"add_role", "ban_user", "claims", "cleanup", "cleanup_expired_keys",
	"cleanup_expired_sessions", "cleanup_expired_tokens", "create_password_reset_token",
	"current_user", "delete_user", "get_roles", "get_sessions", "get_user", "get_user_count",
	"has_role", "jwks", "list_users", "message_sent", "nginx_locations", "nginx_maps", "off",
	"on", "prepare_key", "publish_jwks", "rate_limit_status", "rate_limits", "remove_role",
	"require_role", "reset_rate_limits", "revoke_session", "revoke_sessions", "role_members",
	"roles", "rotate_key", "routes", "session_id", "setup_postgrest", "take_messages", "uid",
	"unban_user", "update_user", "user_has_role", "version",
};

/*
 * Keyed by the hash value of the function's entry in the system cache, for
 * that is how a plan names the functions that it depends on.
 */
typedef struct KnownFunction
{
	uint32		hash;
	NameData	name;
	bool		takes_secrets;
	uint64		generation;		/* of the catalog when it was looked at */
	bool		under_way;		/* it is being looked at, */
	bool		met_again;		/* and has been met within what it calls */
} KnownFunction;

static HTAB *known_functions = NULL;
static uint64 catalog_generation = 1;
static bool path_had_ours = false;

static bool
is_our_schema(const char *name)
{
	return strcmp(name, "authfort") == 0 || strcmp(name, "authfort_api") == 0;
}

/* For names in our schemas, also for those that do not exist. */
static bool
our_function_takes_secrets(const char *schema, const char *name)
{
	if (strcmp(schema, "authfort_api") == 0)
		return true;
	for (size_t i = 0; i < lengthof(harmless); i++)
	{
		if (strcmp(name, harmless[i]) == 0)
			return false;
	}
	return true;
}

static void
on_function_change(Datum arg, int cacheid, uint32 hashvalue)
{
	(void) arg;
	(void) cacheid;
	(void) hashvalue;
	catalog_generation++;
}

void
secret_functions_init(void)
{
	CacheRegisterSyscacheCallback(PROCOID, on_function_change, (Datum) 0);
}

/* Bodies may call ours without their schema, if it is in the path. */
static void
note_path(void)
{
	bool		has_ours = strstr(namespace_search_path, "authfort") != NULL;

	if (has_ours != path_had_ours)
		catalog_generation++;
	path_had_ours = has_ours;
}

static KnownFunction *
remember(uint32 hash)
{
	KnownFunction *known;
	bool		found;

	if (known_functions == NULL)
	{
		HASHCTL		control = {0};

		control.keysize = sizeof(uint32);
		control.entrysize = sizeof(KnownFunction);
		control.hcxt = CacheMemoryContext;
		known_functions = hash_create("authfort functions", 64, &control,
									  HASH_ELEM | HASH_BLOBS | HASH_CONTEXT);
	}
	known = hash_search(known_functions, &hash, HASH_ENTER, &found);
	if (!found)
		memset((char *) known + sizeof(uint32), 0, sizeof(*known) - sizeof(uint32));
	return known;
}

/* An attribute of a function as text; NULL for NULL. */
static char *
function_text(HeapTuple tuple, AttrNumber attribute)
{
	bool		isnull;
	Datum		value = SysCacheGetAttr(PROCOID, tuple, attribute, &isnull);

	return isnull ? NULL : TextDatumGetCString(value);
}

/* Whether its own settings let it find our functions without their schema. */
static bool
sees_our_schema(HeapTuple tuple)
{
	bool		isnull;
	Datum		config = SysCacheGetAttr(PROCOID, tuple, Anum_pg_proc_proconfig, &isnull);
	char	   *text;

	if (isnull)
		return false;
	text = OidOutputFunctionCall(F_ARRAY_OUT, config);
	return strstr(text, "authfort") != NULL;
}

/* Whether the function passes on, by its text, to one that takes secrets. */
static bool
body_has_secrets(Oid language, HeapTuple tuple)
{
	char	   *sql_body = function_text(tuple, Anum_pg_proc_prosqlbody);
	char	   *source = function_text(tuple, Anum_pg_proc_prosrc);
	char	   *language_name;

	if (language == INTERNALlanguageId || language == ClanguageId)
		return false;
	if (sql_body != NULL)
		return query_has_secrets(stringToNode(sql_body));
	language_name = get_language_name(language, true);
	if (language != SQLlanguageId &&
		(language_name == NULL || strcmp(language_name, "plpgsql") != 0))
		return source != NULL && strstr(source, "authfort") != NULL;
	return source != NULL && (sees_our_schema(tuple) ||
							  statement_body_has_secrets(source, &secret_functions_by_catalog));
}

static bool function_takes_secrets(Oid id);

/* An aggregate has no body, but functions that it is made of. */
static bool
aggregate_takes_secrets(Oid id)
{
	HeapTuple	tuple = SearchSysCache1(AGGFNOID, ObjectIdGetDatum(id));
	Form_pg_aggregate aggregate;
	bool		takes_secrets;

	if (!HeapTupleIsValid(tuple))
		return false;
	aggregate = (Form_pg_aggregate) GETSTRUCT(tuple);
	takes_secrets = function_takes_secrets(aggregate->aggtransfn) ||
		function_takes_secrets(aggregate->aggmtransfn) ||
		function_takes_secrets(aggregate->aggfinalfn) ||
		function_takes_secrets(aggregate->aggmfinalfn);
	ReleaseSysCache(tuple);
	return takes_secrets;
}

static bool
tuple_takes_secrets(HeapTuple tuple)
{
	Form_pg_proc function = (Form_pg_proc) GETSTRUCT(tuple);
	char	   *schema = get_namespace_name(function->pronamespace);

	/* our own triggers pass on nothing */
	if (schema != NULL && is_our_schema(schema))
		return function->prorettype != TRIGGEROID &&
			our_function_takes_secrets(schema, NameStr(function->proname));
	if (function->prokind == PROKIND_AGGREGATE)
		return aggregate_takes_secrets(function->oid);
	return (function->pronargs > 0 || function->prorettype == TRIGGEROID) &&
		body_has_secrets(function->prolang, tuple);
}

static bool
look_at(Oid id, KnownFunction *known)
{
	MemoryContext scratch = AllocSetContextCreate(CurrentMemoryContext, "authfort function",
												  ALLOCSET_SMALL_SIZES);
	MemoryContext old = MemoryContextSwitchTo(scratch);
	HeapTuple	tuple = SearchSysCache1(PROCOID, ObjectIdGetDatum(id));
	bool		takes_secrets = false;

	if (HeapTupleIsValid(tuple))
	{
		known->name = ((Form_pg_proc) GETSTRUCT(tuple))->proname;
		takes_secrets = tuple_takes_secrets(tuple);
		ReleaseSysCache(tuple);
	}
	MemoryContextSwitchTo(old);
	MemoryContextDelete(scratch);
	return takes_secrets;
}

/* Has all that do not take secrets looked at again. */
static void
forget_harmless(void)
{
	HASH_SEQ_STATUS all;
	KnownFunction *known;

	hash_seq_init(&all, known_functions);
	while ((known = hash_seq_search(&all)) != NULL)
	{
		if (!known->takes_secrets)
			known->generation = 0;
	}
}

static bool
function_takes_secrets(Oid id)
{
	static int	depth = 0;
	uint64		generation;
	KnownFunction *known;

	if (id < FirstNormalObjectId)
		return false;
	if (depth >= MAX_CALL_DEPTH)
		return true;
	note_path();
	generation = catalog_generation;
	known = remember(GetSysCacheHashValue1(PROCOID, ObjectIdGetDatum(id)));
	if (known->under_way)
	{
		known->met_again = true;
		return known->takes_secrets;
	}
	if (known->generation == generation)
		return known->takes_secrets;
	known->under_way = true;
	known->met_again = known->takes_secrets = false;
	depth++;
	PG_TRY();
	{
		known->takes_secrets = look_at(id, known);
		known->generation = generation;
	}
	PG_FINALLY();
	{
		known->under_way = false;
		depth--;
	}
	PG_END_TRY();
	/* what called it in a circle was told too early that it takes none */
	if (known->takes_secrets && known->met_again)
		forget_harmless();
	return known->takes_secrets;
}

/* Whether a function in that schema is what the name may stand for. */
static bool
is_in_reach(Oid schema, const CalledName *name)
{
	Oid			search_path[MAX_SEARCH_PATH];
	int			count;

	if (name->schema[0] != '\0')
		return schema == get_namespace_oid(name->schema, true);
	/* unlike fetch_search_path() this makes no schema for temporary tables */
	count = fetch_search_path_array(search_path, MAX_SEARCH_PATH);
	if (count > MAX_SEARCH_PATH)
		return true;
	for (int i = 0; i < count; i++)
	{
		if (search_path[i] == schema)
			return true;
	}
	return false;
}

/* Whether any function of that name takes secrets, whatever its arguments. */
static bool
catalog_takes_secrets(const CalledName *name)
{
	CatCList   *functions;
	bool		takes_secrets = false;

	/* one that does not exist may be one of ours that was misspelled */
	if (is_our_schema(name->schema))
		return our_function_takes_secrets(name->schema, name->name);
	functions = SearchSysCacheList1(PROCNAMEARGSNSP, CStringGetDatum(name->name));
	for (int i = 0; i < functions->n_members && !takes_secrets; i++)
	{
		Form_pg_proc function = (Form_pg_proc) GETSTRUCT(&functions->members[i]->tuple);

		takes_secrets = is_in_reach(function->pronamespace, name) &&
			function_takes_secrets(function->oid);
	}
	ReleaseSysCacheList(functions);
	return takes_secrets;
}

/* Whether a trigger passes on what is written there.  The caller holds a lock. */
static bool
relation_takes_secrets(Oid id)
{
	Relation	relation = (id >= FirstNormalObjectId) ? RelationIdGetRelation(id) : NULL;
	TriggerDesc *triggers;
	bool		takes_secrets = false;

	if (relation == NULL)
		return false;
	triggers = relation->trigdesc;
	for (int i = 0; triggers != NULL && i < triggers->numtriggers && !takes_secrets; i++)
		takes_secrets = function_takes_secrets(triggers->triggers[i].tgfoid);
	RelationClose(relation);
	return takes_secrets;
}

/* The same by name.  One that somebody is changing just now may be any. */
static bool
catalog_relation_takes_secrets(const CalledName *name)
{
	Oid			id = (name->schema[0] == '\0') ? RelnameGetRelid(name->name)
		: get_relname_relid(name->name, get_namespace_oid(name->schema, true));
	bool		takes_secrets;

	if (id < FirstNormalObjectId)
		return false;
	if (!ConditionalLockRelationOid(id, AccessShareLock))
		return true;
	takes_secrets = relation_takes_secrets(id);
	UnlockRelationOid(id, AccessShareLock);
	return takes_secrets;
}

static bool
memory_relation_takes_secrets(const CalledName *name)
{
	(void) name;
	return false;
}

/* Whether we have a function of that name that takes secrets. */
static bool
catalog_has_ours(const char *name)
{
	CatCList   *functions = SearchSysCacheList1(PROCNAMEARGSNSP, CStringGetDatum(name));
	Oid			schema = get_namespace_oid("authfort", true);
	bool		found = false;

	for (int i = 0; i < functions->n_members && !found; i++)
	{
		Form_pg_proc function = (Form_pg_proc) GETSTRUCT(&functions->members[i]->tuple);

		found = function->pronamespace == schema;
	}
	ReleaseSysCacheList(functions);
	return found && our_function_takes_secrets("authfort", name);
}

/* VALUES (, IN ( and the like are no calls. */
static bool
is_reserved(const char *name)
{
	int			keyword = ScanKeywordLookup(name, &ScanKeywords);

	return keyword >= 0 && ScanKeywordCategories[keyword] != UNRESERVED_KEYWORD;
}

/* Without the catalog, a name that may be one of ours is taken for one. */
static bool
memory_has_ours(const char *name)
{
	return !is_reserved(name) && our_function_takes_secrets("authfort", name);
}

/* Whether it takes secrets, as far as can be told without the catalog. */
static bool
memory_takes_secrets(const CalledName *name)
{
	HASH_SEQ_STATUS all;
	KnownFunction *known;

	if (is_our_schema(name->schema))
		return our_function_takes_secrets(name->schema, name->name);
	if (name->schema[0] == '\0' && strstr(namespace_search_path, "authfort") != NULL)
		return memory_has_ours(name->name);
	if (known_functions == NULL)
		return false;
	hash_seq_init(&all, known_functions);
	while ((known = hash_seq_search(&all)) != NULL)
	{
		if (known->takes_secrets && strcmp(NameStr(known->name), name->name) == 0)
		{
			hash_seq_term(&all);
			return true;
		}
	}
	return false;
}

static const char *
prepared_statement(const char *name)
{
	PreparedStatement *prepared = FetchPreparedStatement(name, false);

	return (prepared != NULL) ? prepared->plansource->query_string : NULL;
}

const StatementNames secret_functions_by_catalog = {
	catalog_takes_secrets, catalog_has_ours, catalog_relation_takes_secrets, prepared_statement, false
};
const StatementNames secret_functions_by_guess = {
	catalog_takes_secrets, catalog_has_ours, catalog_relation_takes_secrets, prepared_statement, true
};
const StatementNames secret_functions_by_memory = {
	memory_takes_secrets, memory_has_ours, memory_relation_takes_secrets, prepared_statement, false
};

static bool
function_id_takes_secrets(Oid id, void *context)
{
	(void) context;
	return function_takes_secrets(id);
}

/* As sets_secret() in statement_text.c: a name that is not plain may be any. */
static bool
sets_secret(const FuncExpr *call)
{
	Const	   *name = linitial(call->args);

	return !IsA(name, Const) ||
		(!name->constisnull && setting_is_secret(TextDatumGetCString(name->constvalue)));
}

static bool
writes_secret(const Query *query)
{
	return query->resultRelation > 0 &&
		relation_takes_secrets(rt_fetch(query->resultRelation, query->rtable)->relid);
}

static bool
has_secrets_walker(Node *node, void *context)
{
	if (node == NULL)
		return false;
	if (IsA(node, Query))
		return writes_secret((Query *) node) ||
			query_tree_walker((Query *) node, has_secrets_walker, context, 0);
	if (IsA(node, FuncExpr) && ((FuncExpr *) node)->funcid == F_SET_CONFIG)
	{
		if (sets_secret((FuncExpr *) node))
			return true;
	}
	else if (check_functions_in_node(node, function_id_takes_secrets, context))
		return true;
	return expression_tree_walker(node, has_secrets_walker, context);
}

/* What a utility statement has been analyzed into, if it was. */
static Node *
analyzed_part(Node *utility)
{
	switch (nodeTag(utility))
	{
		case T_ExplainStmt:
			return ((ExplainStmt *) utility)->query;
		case T_DeclareCursorStmt:
			return ((DeclareCursorStmt *) utility)->query;
		case T_CreateTableAsStmt:
			return ((CreateTableAsStmt *) utility)->query;
		case T_CallStmt:
			return (Node *) ((CallStmt *) utility)->funcexpr;
		default:
			return NULL;
	}
}

bool
query_has_secrets(Node *query)
{
	if (IsA(query, Query) && ((Query *) query)->commandType == CMD_UTILITY)
		return has_secrets_walker(analyzed_part(((Query *) query)->utilityStmt), NULL);
	return has_secrets_walker(query, NULL);
}

bool
plan_has_secrets(const PlannedStmt *plan)
{
	ListCell   *cell;

	foreach(cell, plan->resultRelations)
	{
		if (relation_takes_secrets(rt_fetch(lfirst_int(cell), plan->rtable)->relid))
			return true;
	}
	if (known_functions == NULL)
		return false;
	foreach(cell, plan->invalItems)
	{
		PlanInvalItem *item = lfirst(cell);
		KnownFunction *known;

		if (item->cacheId != PROCOID)
			continue;
		known = hash_search(known_functions, &item->hashValue, HASH_FIND, NULL);
		if (known != NULL && known->takes_secrets)
			return true;
	}
	return false;
}
