/*
 * own_message.c
 *		Determines whether the client's message is sensitive ("ours"), and
 *		hides such messages from pg_stat_activity and pg_stat_statements.
 */
#include "postgres.h"

#include "commands/prepare.h"
#include "executor/executor.h"
#include "parser/analyze.h"
#include "pgstat.h"
#include "tcop/tcopprot.h"
#include "tcop/utility.h"
#include "utils/backend_status.h"
#include "utils/memutils.h"
#include "utils/portal.h"

#include "base/client_message.h"
#include "compat.h"
#include "redact/own_message.h"
#include "redact/secret_names.h"
#include "settings.h"

/* Whether a sensitive message ran in the current transaction, and whether it is ending. */
static bool ran_in_transaction = false;
static bool transaction_ends = false;
static MemoryContextCallback on_transaction_end;

static post_parse_analyze_hook_type next_post_parse_analyze = NULL;
static ExecutorRun_hook_type next_executor_run = NULL;
static ProcessUtility_hook_type next_process_utility = NULL;

static bool
part_has_names(const char *text, size_t len)
{
	return secret_names_in(text, len, setting_log_redact_names);
}

bool
own_message_names_in(const char *text)
{
	return text != NULL && part_has_names(text, strlen(text));
}

bool
own_message_is_present(void)
{
	ClientMessageKind kind = client_message_kind();

	if (kind == CLIENT_MESSAGE_UNJUDGED && debug_query_string != NULL)
	{
		kind =
			own_message_names_in(debug_query_string) ? CLIENT_MESSAGE_OURS : CLIENT_MESSAGE_FOREIGN;
		client_message_judge(kind);
	}
	return kind == CLIENT_MESSAGE_OURS;
}

static bool
is_between_messages(void)
{
	return MyBEEntry != NULL &&
		   (MyBEEntry->st_state == STATE_IDLE || MyBEEntry->st_state == STATE_IDLEINTRANSACTION ||
			MyBEEntry->st_state == STATE_IDLEINTRANSACTION_ABORTED);
}

/* A Sync message, which has no text, ends a transaction as COMMIT does. */
bool
own_message_takes_effect(void)
{
	return ran_in_transaction &&
		   (transaction_ends || (debug_query_string == NULL && !is_between_messages()));
}

static void
forget_transaction(void *arg)
{
	ran_in_transaction = transaction_ends = false;
}

static void
note_transaction(void)
{
	if (ran_in_transaction || TopTransactionContext == NULL)
		return;
	on_transaction_end.func = forget_transaction;
	MemoryContextRegisterResetCallback(TopTransactionContext, &on_transaction_end);
	ran_in_transaction = true;
}

/* The report resets the query id, which does not reveal the text. */
static void
hide_activity(void)
{
	if (debug_query_string != NULL && MyBEEntry != NULL)
	{
		uint64 query_id = pgstat_get_my_query_id();

		pgstat_report_activity(STATE_RUNNING, HIDDEN_TEXT);
		pgstat_report_query_id(query_id, true);
	}
	note_transaction();
}

static void
is_named(void *arg)
{
}

static void
is_not_named(void *arg)
{
}

/*
 * Whether a text that lives as long as a memory context names secrets.  The
 * verdict is stored in the context as a callback without effect, so that a
 * text is searched only once even if it is executed often.
 */
static bool
kept_text_has_names(const char *text, MemoryContext owner)
{
	MemoryContextCallback *verdict;

	for (verdict = owner->reset_cbs; verdict != NULL; verdict = verdict->next)
	{
		if (verdict->func == is_named || verdict->func == is_not_named)
			return verdict->func == is_named;
	}
	verdict = MemoryContextAlloc(owner, sizeof(MemoryContextCallback));
	verdict->func = own_message_names_in(text) ? is_named : is_not_named;
	verdict->arg = NULL;
	MemoryContextRegisterResetCallback(owner, verdict);
	return verdict->func == is_named;
}

/* The EXECUTE within an EXPLAIN or CREATE TABLE AS; otherwise the statement itself. */
static const Node *
contained_execute(const Node *statement)
{
	const Node *query = NULL;

	if (IsA(statement, ExplainStmt))
		query = ((const ExplainStmt *) statement)->query;
	else if (IsA(statement, CreateTableAsStmt))
		query = ((const CreateTableAsStmt *) statement)->query;
	if (query != NULL && IsA(query, Query) && ((const Query *) query)->utilityStmt != NULL &&
		IsA(((const Query *) query)->utilityStmt, ExecuteStmt))
		return ((const Query *) query)->utilityStmt;
	return statement;
}

/* Whether a statement uses a prepared statement or cursor of an earlier sensitive message. */
static bool
continues_sensitive_message(const Node *statement)
{
	PreparedStatement *prepared;
	Portal portal;

	statement = contained_execute(statement);
	switch (nodeTag(statement))
	{
		case T_ExecuteStmt:
			prepared = FetchPreparedStatement(((const ExecuteStmt *) statement)->name, false);
			return prepared != NULL && kept_text_has_names(prepared->plansource->query_string,
														   prepared->plansource->context);
		case T_FetchStmt:
			portal = GetPortalByName(((const FetchStmt *) statement)->portalname);
			return portal != NULL && portal->sourceText != NULL &&
				   kept_text_has_names(portal->sourceText, portal->portalContext);
		case T_ConstraintsSetStmt:
			return ran_in_transaction;
		default:
			return false;
	}
}

/* Called before work on a message begins. */
static void
look_at_message(const Node *utility)
{
	if (utility != NULL && continues_sensitive_message(utility))
		client_message_judge(CLIENT_MESSAGE_OURS);
	if (own_message_is_present())
		note_transaction();
}

/* Whether one statement of a source text has the names; others may stand beside it. */
static bool
statement_has_names(const char *source, const Query *query)
{
	if (source == NULL)
		return false;
	source += Max(query->stmt_location, 0);
	return part_has_names(source, (query->stmt_len > 0) ? (size_t) query->stmt_len : strlen(source));
}

/*
 * pg_stat_statements ignores statements without a query id.  It stores utility
 * statements as written.  In other statements it replaces constants, unless
 * their entry has been evicted by the time they end.
 */
static void
hide_from_statistics(const char *source, Query *query, const JumbleState *jumble)
{
	bool has_constants =
		(query->commandType == CMD_UTILITY || jumble == NULL || compat_has_constants(jumble));

	if (query->queryId != 0 && has_constants &&
		(own_message_is_present() ||
		 (source != debug_query_string && statement_has_names(source, query))))
		query->queryId = 0;
}

static void
on_post_parse_analyze(ParseState *pstate, Query *query, JumbleState *jumble)
{
	look_at_message(query->utilityStmt);
	hide_from_statistics(pstate->p_sourcetext, query, jumble);
	if (next_post_parse_analyze != NULL)
		next_post_parse_analyze(pstate, query, jumble);
}

static void
on_executor_run(QueryDesc *query, ScanDirection direction, uint64 count COMPAT_EXECUTE_ONCE)
{
	look_at_message(NULL);
	if (next_executor_run != NULL)
		next_executor_run(query, direction, count COMPAT_PASS_EXECUTE_ONCE);
	else
		standard_ExecutorRun(query, direction, count COMPAT_PASS_EXECUTE_ONCE);
}

static bool
ends_transaction(const Node *statement)
{
	if (!IsA(statement, TransactionStmt))
		return false;
	switch (((const TransactionStmt *) statement)->kind)
	{
		case TRANS_STMT_COMMIT:
		case TRANS_STMT_PREPARE:
			return true;
		default:
			return false;
	}
}

static void
on_process_utility(PlannedStmt *pstmt, const char *query_string, bool read_only_tree,
				   ProcessUtilityContext context, ParamListInfo params, QueryEnvironment *query_env,
				   DestReceiver *dest, QueryCompletion *qc)
{
	look_at_message(pstmt->utilityStmt);
	if (ran_in_transaction && ends_transaction(pstmt->utilityStmt))
		transaction_ends = true;
	if (next_process_utility != NULL)
		next_process_utility(pstmt, query_string, read_only_tree, context, params, query_env, dest,
							 qc);
	else
		standard_ProcessUtility(pstmt, query_string, read_only_tree, context, params, query_env,
								dest, qc);
}

void
own_message_init(void)
{
	client_message_marked = hide_activity;
	next_post_parse_analyze = post_parse_analyze_hook;
	post_parse_analyze_hook = on_post_parse_analyze;
	next_executor_run = ExecutorRun_hook;
	ExecutorRun_hook = on_executor_run;
	next_process_utility = ProcessUtility_hook;
	ProcessUtility_hook = on_process_utility;
}
