/*
 * client_statement.c
 *		What the client sent, shown without the secrets in it.
 *
 * A statement has secrets if it calls a function that is handed some, or sets
 * a setting that is one.  That is known from its analysis, from its plan, or,
 * where it did not come to these, from its text.  From then on, to the end of
 * what the client sent, its text is shown without them: in pg_stat_activity,
 * in STATEMENT of the log and by current_query().
 */
#include "postgres.h"

#include "access/parallel.h"
#include "access/xact.h"
#include "catalog/pg_class.h"
#include "catalog/pg_type.h"
#include "common/hashfn.h"
#include "executor/executor.h"
#include "miscadmin.h"
#include "parser/analyze.h"
#include "parser/parsetree.h"
#include "pgstat.h"
#include "tcop/pquery.h"
#include "tcop/tcopprot.h"
#include "tcop/utility.h"
#include "utils/memutils.h"
#include "utils/portal.h"

#include "redact/client_statement.h"
#include "redact/secret_functions.h"

/* What the client sent last: one message of the protocol. */
static struct
{
	const char *text;			/* debug_query_string; valid as long as that is */
	TimestampTz sent_at;
	bool		decided;		/* whether it has secrets, with all that can be known */
	bool		has_secrets;
	const char *shown;			/* its text without them */
	MemoryContext context;		/* owns "shown" */
} statement;

/*
 * A portal that executes one.  Its text is shown without secrets from then
 * on; what was left out may turn up in messages as long as there is the portal.
 */
typedef struct SecretPortal
{
	struct SecretPortal *next;
	Portal		portal;
	const char *text;			/* as the client sent it */
	MemoryContextCallback on_end;
} SecretPortal;

static SecretPortal *secret_portals = NULL;

/* Of the text last found to have secrets; another message may bring it again. */
static uint64 known_text = 0;

static post_parse_analyze_hook_type next_post_parse_analyze = NULL;
static ExecutorStart_hook_type next_executor_start = NULL;
static ProcessUtility_hook_type next_process_utility = NULL;

static uint64
hash_text(const char *text)
{
	return hash_bytes_extended((const unsigned char *) text, strlen(text), 0);
}

static bool
is_present_statement(void)
{
	/* a worker of somebody's may go on to the next with the text of the last */
	if (statement.shown != NULL && debug_query_string == statement.shown)
		return true;
	return statement.sent_at == GetCurrentStatementStartTimestamp() &&
		(debug_query_string == statement.text || debug_query_string == NULL);
}

/*
 * Begins anew if the client has sent something since the last call.  What
 * comes between, such as a commit, belongs to what was sent before; only its
 * text may have gone.
 */
static void
take_statement(void)
{
	if (is_present_statement())
	{
		if (debug_query_string == NULL)
			statement.text = NULL;
		return;
	}
	if (statement.context != NULL)
		MemoryContextReset(statement.context);
	statement.text = debug_query_string;
	statement.sent_at = GetCurrentStatementStartTimestamp();
	statement.decided = statement.has_secrets = false;
	statement.shown = NULL;
}

void
client_statement_hide(const StatementNames *names)
{
	MemoryContext old;

	take_statement();
	if (statement.has_secrets)
		return;
	statement.has_secrets = true;
	if (statement.text == NULL)
		return;
	if (statement.context == NULL)
		statement.context = AllocSetContextCreate(TopMemoryContext, "authfort statement",
												  ALLOCSET_SMALL_SIZES);
	old = MemoryContextSwitchTo(statement.context);
	statement.shown = statement_without_secrets(statement.text, names);
	MemoryContextSwitchTo(old);
	if (statement.shown == NULL)
		statement.shown = STATEMENT_REDACTED;
	known_text = hash_text(statement.text);
	debug_query_string = statement.shown;
	pgstat_report_activity(STATE_RUNNING, debug_query_string);
}

bool
client_statement_has_secrets(const StatementNames *names)
{
	take_statement();
	if (statement.has_secrets || statement.text == NULL ||
		(statement.decided && names != &secret_functions_by_guess))
		return statement.has_secrets;
	if ((known_text != 0 && known_text == hash_text(statement.text)) ||
		statement_has_secrets(statement.text, names))
		client_statement_hide(names);
	statement.decided = (names != &secret_functions_by_memory);
	return statement.has_secrets;
}

/* Utility statements are read even in a transaction that has failed. */
static const StatementNames *
names_for_now(void)
{
	return (IsTransactionState() && !IsAbortedTransactionBlockState())
		? &secret_functions_by_catalog : &secret_functions_by_memory;
}

/* The part of a source text that is one statement, as a string. */
static char *
statement_part(const char *source, int location, int len)
{
	if (location < 0)
		return pstrdup(source);
	return (len > 0) ? pnstrdup(source + location, len) : pstrdup(source + location);
}

static bool
part_has_secrets(const char *source, int location, int len)
{
	char	   *part = statement_part(source, location, len);
	bool		has_secrets = statement_has_secrets(part, names_for_now());

	pfree(part);
	return has_secrets;
}

/* UPDATE pg_settings sets what it names: a rule makes a call of it. */
static bool
changes_view(const Query *query)
{
	return query->resultRelation > 0 &&
		rt_fetch(query->resultRelation, query->rtable)->relkind == RELKIND_VIEW;
}

/* Utility statements are mostly not analyzed, so these are read. */
static bool
analyzed_has_secrets(ParseState *pstate, Query *query)
{
	if (query_has_secrets((Node *) query))
		return true;
	return (query->commandType == CMD_UTILITY || changes_view(query)) &&
		part_has_secrets(pstate->p_sourcetext, query->stmt_location, query->stmt_len);
}

/* Whether a source text holds other statements beside this one. */
static bool
is_one_of_many(const char *source, const Query *query)
{
	const char *rest;

	if (query->stmt_location > 0)
		return true;
	if (query->stmt_len == 0)
		return false;
	rest = source + query->stmt_len;
	return rest[strspn(rest, "; \t\r\n")] != '\0';
}

/*
 * Whether there is anything in a text that would have to be left out.  Each
 * of the statements in what the client sent asks that about all of it.
 */
static bool
has_something_to_hide(const char *source)
{
	char	   *shown;
	bool		differs;

	if (source == statement.text)
		return strcmp(statement.shown, source) != 0;
	shown = statement_without_secrets(source, names_for_now());
	differs = (shown == NULL || strcmp(shown, source) != 0);
	if (shown != NULL)
		pfree(shown);
	return differs;
}

/*
 * pg_stat_statements passes over what has no query id.  It would replace
 * constants, but not in utility statements, and not when it finds that its
 * entry has gone meanwhile.
 */
static void
on_post_parse_analyze(ParseState *pstate, Query *query, JumbleState *jumble)
{
	take_statement();
	if (analyzed_has_secrets(pstate, query))
	{
		client_statement_hide(names_for_now());
		if (has_something_to_hide(pstate->p_sourcetext))
			query->queryId = 0;
	}
	else if (is_one_of_many(pstate->p_sourcetext, query))
		(void) client_statement_has_secrets(names_for_now());
	if (pstate->p_sourcetext == statement.text)
		statement.decided = true;
	if (next_post_parse_analyze != NULL)
		next_post_parse_analyze(pstate, query, jumble);
}

static void
forget_portal(void *arg)
{
	SecretPortal **link = &secret_portals;

	while (*link != arg)
		link = &(*link)->next;
	*link = (*link)->next;
}

static bool
is_secret_portal(Portal portal)
{
	for (SecretPortal *secret = secret_portals; secret != NULL; secret = secret->next)
	{
		if (secret->portal == portal)
			return true;
	}
	return false;
}

/*
 * The present portal, if that is its text which is executed.  It is shown by
 * later messages of the extended protocol, if it is the client's own.
 */
static void
hide_portal(const char *source)
{
	Portal		portal = ActivePortal;
	SecretPortal *secret;

	if (portal == NULL || portal->sourceText == NULL || is_secret_portal(portal) ||
		strcmp(portal->sourceText, source) != 0)
		return;
	secret = MemoryContextAlloc(portal->portalContext, sizeof(SecretPortal));
	secret->next = secret_portals;
	secret->portal = portal;
	secret->text = portal->sourceText;
	secret->on_end.func = forget_portal;
	secret->on_end.arg = secret;
	MemoryContextRegisterResetCallback(portal->portalContext, &secret->on_end);
	secret_portals = secret;
	if (statement.text != NULL && strcmp(source, statement.text) == 0)
		portal->sourceText = MemoryContextStrdup(portal->portalContext, statement.shown);
}

static void
on_executor_start(QueryDesc *query, int flags)
{
	if (plan_has_secrets(query->plannedstmt))
	{
		client_statement_hide(&secret_functions_by_catalog);
		hide_portal(query->sourceText);
	}
	/* the leader sent its text along, but nothing of what is known about it */
	else if (IsParallelWorker())
		(void) client_statement_has_secrets(&secret_functions_by_catalog);
	if (next_executor_start != NULL)
		next_executor_start(query, flags);
	else
		standard_ExecutorStart(query, flags);
}

/*
 * Whether a statement goes on with a portal that has secrets, or ends it.  At
 * the end of a transaction cursors WITH HOLD are executed.
 */
static bool
uses_secret_portal(const Node *statement)
{
	switch (nodeTag(statement))
	{
		case T_FetchStmt:
			return is_secret_portal(GetPortalByName(((const FetchStmt *) statement)->portalname));
		case T_ClosePortalStmt:
		case T_TransactionStmt:
			return secret_portals != NULL;
		default:
			return false;
	}
}

static void
on_process_utility(PlannedStmt *pstmt, const char *query_string, bool read_only_tree,
				   ProcessUtilityContext context, ParamListInfo params,
				   QueryEnvironment *query_env, DestReceiver *dest, QueryCompletion *qc)
{
	if (uses_secret_portal(pstmt->utilityStmt))
		client_statement_hide(names_for_now());
	else if (!IsA(pstmt->utilityStmt, TransactionStmt) &&
			 part_has_secrets(query_string, pstmt->stmt_location, pstmt->stmt_len))
	{
		client_statement_hide(names_for_now());
		hide_portal(query_string);
	}
	if (next_process_utility != NULL)
		next_process_utility(pstmt, query_string, read_only_tree, context, params, query_env,
							 dest, qc);
	else
		standard_ProcessUtility(pstmt, query_string, read_only_tree, context, params, query_env,
								dest, qc);
}

void
client_statement_init(void)
{
	next_post_parse_analyze = post_parse_analyze_hook;
	post_parse_analyze_hook = on_post_parse_analyze;
	next_executor_start = ExecutorStart_hook;
	ExecutorStart_hook = on_executor_start;
	next_process_utility = ProcessUtility_hook;
	ProcessUtility_hook = on_process_utility;
}

const char *
client_statement_sent(void)
{
	return statement.text;
}

const char *
client_statement_shown(void)
{
	return statement.shown;
}

/* As text if it is one, and one that can be read without detoasting; or NULL. */
static char *
parameter_text(const ParamExternData *parameter)
{
	struct varlena *value = (struct varlena *) DatumGetPointer(parameter->value);

	switch (parameter->ptype)
	{
		case TEXTOID:
		case VARCHAROID:
		case BPCHAROID:
		case JSONOID:
			if (!parameter->isnull && !VARATT_IS_EXTERNAL(value) && !VARATT_IS_COMPRESSED(value))
				return pnstrdup(VARDATA_ANY(value), VARSIZE_ANY_EXHDR(value));
	}
	return NULL;
}

static void
each_parameter(ParamListInfo parameters, void (*use) (const char *value, void *arg), void *arg)
{
	for (int i = 0; parameters != NULL && i < parameters->numParams; i++)
	{
		char	   *value = parameter_text(&parameters->params[i]);

		if (value != NULL)
			use(value, arg);
	}
}

void
client_statement_each_value(void (*use) (const char *value, void *arg), void *arg)
{
	if (statement.text != NULL)
		statement_each_string(statement.text, use, arg);
	for (SecretPortal *secret = secret_portals; secret != NULL; secret = secret->next)
	{
		statement_each_string(secret->text, use, arg);
		each_parameter(secret->portal->portalParams, use, arg);
	}
}
