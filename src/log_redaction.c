/*
 * log_redaction.c
 *		Keeps passwords, tokens, codes and keys out of the server's log,
 *		pg_stat_activity and pg_stat_statements.
 *
 * A statement has secrets if it calls a function that is handed some, or sets
 * a setting that is one.  That is known from its analysis, from its plan, or,
 * where it did not come to these, from its text.  From then on, to
 * the end of what the client sent, its text is shown without them: in
 * pg_stat_activity, in STATEMENT of the log and by current_query().
 *
 * Whatever is logged meanwhile has to get by on_emit_log().  A record that
 * has to change is held back from the log, and another one is written instead;
 * what the client is told stays as it is.
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
#include "utils/builtins.h"
#include "utils/memutils.h"
#include "utils/portal.h"

#include "log_redaction.h"
#include "secret_functions.h"
#include "statement_text.h"

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

/* The record that is written in place of one that was held back. */
static ErrorData *replacement = NULL;
static bool redacting = false;

static post_parse_analyze_hook_type next_post_parse_analyze = NULL;
static ExecutorStart_hook_type next_executor_start = NULL;
static ProcessUtility_hook_type next_process_utility = NULL;
static emit_log_hook_type next_emit_log = NULL;

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

/* Shows the client's statement without its secrets, from here on. */
static void
hide_statement(const StatementNames *names)
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

/*
 * Decides about the client's statement by its text.  With "names" that look
 * into the catalog that is for good.
 */
static bool
text_has_secrets(const StatementNames *names)
{
	take_statement();
	if (statement.has_secrets || statement.text == NULL ||
		(statement.decided && names != &secret_functions_by_guess))
		return statement.has_secrets;
	if ((known_text != 0 && known_text == hash_text(statement.text)) ||
		statement_has_secrets(statement.text, names))
		hide_statement(names);
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
		hide_statement(names_for_now());
		if (has_something_to_hide(pstate->p_sourcetext))
			query->queryId = 0;
	}
	else if (is_one_of_many(pstate->p_sourcetext, query))
		(void) text_has_secrets(names_for_now());
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
		hide_statement(&secret_functions_by_catalog);
		hide_portal(query->sourceText);
	}
	/* the leader sent its text along, but nothing of what is known about it */
	else if (IsParallelWorker())
		(void) text_has_secrets(&secret_functions_by_catalog);
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
		hide_statement(names_for_now());
	else if (!IsA(pstmt->utilityStmt, TransactionStmt) &&
			 part_has_secrets(query_string, pstmt->stmt_location, pstmt->stmt_len))
	{
		hide_statement(names_for_now());
		hide_portal(query_string);
	}
	if (next_process_utility != NULL)
		next_process_utility(pstmt, query_string, read_only_tree, context, params, query_env,
							 dest, qc);
	else
		standard_ProcessUtility(pstmt, query_string, read_only_tree, context, params, query_env,
								dest, qc);
}

/* Replaces each occurrence of a value, in place of *text. */
static void
leave_out_value(char **text, const char *value)
{
	size_t		len = strlen(value);
	const char *found;
	const char *rest;
	StringInfoData result;

	if (*text == NULL || len < STATEMENT_MIN_SECRET || strstr(*text, value) == NULL)
		return;
	initStringInfo(&result);
	for (rest = *text; (found = strstr(rest, value)) != NULL; rest = found + len)
	{
		appendBinaryStringInfo(&result, rest, found - rest);
		appendStringInfoString(&result, STATEMENT_REDACTED);
	}
	appendStringInfoString(&result, rest);
	*text = result.data;
}

static void
leave_out_string(const char *value, void *text)
{
	leave_out_value(text, value);
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
leave_out_parameters(ParamListInfo parameters, char **text)
{
	for (int i = 0; parameters != NULL && i < parameters->numParams; i++)
	{
		char	   *value = parameter_text(&parameters->params[i]);

		if (value != NULL)
			leave_out_value(text, value);
	}
}

/* What the statement and all that is under way got, wherever it came from. */
static void
leave_out_values(char **text, const ErrorData *record)
{
	const char *quoted = (record->context != NULL) ? strchr(record->context, '"') : NULL;

	if (*text == NULL)
		return;
	if (statement.text != NULL)
		statement_each_string(statement.text, leave_out_string, text);
	if (quoted != NULL)
		statement_each_string(quoted + 1, leave_out_string, text);
	for (SecretPortal *secret = secret_portals; secret != NULL; secret = secret->next)
	{
		statement_each_string(secret->text, leave_out_string, text);
		leave_out_parameters(secret->portal->portalParams, text);
	}
}

/*
 * Replaces what stands between quotes.  Where PostgreSQL does not understand a
 * statement or a value it says so with a part of it.
 */
static void
leave_out_quoted(char **text)
{
	const char *rest = *text;
	const char *quote;
	StringInfoData result;

	if (rest == NULL || strchr(rest, '"') == NULL)
		return;
	initStringInfo(&result);
	while ((quote = strchr(rest, '"')) != NULL)
	{
		const char *end = strchr(quote + 1, '"');

		appendBinaryStringInfo(&result, rest, quote + 1 - rest);
		appendStringInfoString(&result, STATEMENT_REDACTED "\"");
		rest = (end != NULL) ? end + 1 : quote + strlen(quote);
	}
	appendStringInfoString(&result, rest);
	*text = result.data;
}

/* A text about a statement, in which parts of it may occur. */
static void
leave_out_parts(char **text, const ErrorData *record)
{
	int			category = ERRCODE_TO_CATEGORY(record->sqlerrcode);

	if (record->sqlerrcode != ERRCODE_NULL_VALUE_NOT_ALLOWED &&
		(category == ERRCODE_TO_CATEGORY(ERRCODE_SYNTAX_ERROR) ||
		 category == ERRCODE_TO_CATEGORY(ERRCODE_DATA_EXCEPTION)))
		leave_out_quoted(text);
	leave_out_values(text, record);
}

/* A text that ends with the statement, or has it somewhere. */
static bool
leave_out_statement(char **text)
{
	const char *found = (statement.text != NULL) ? strstr(*text, statement.text) : NULL;

	if (found == NULL || statement.text[0] == '\0')
		return false;
	*text = psprintf("%.*s%s%s", (int) (found - *text), *text, statement.shown,
					 found + strlen(statement.text));
	return true;
}

static char *
text_without_secrets(const char *text)
{
	char	   *shown;

	/* how strings are to be read may have been set meanwhile */
	if (statement.has_secrets && statement.text != NULL && strcmp(text, statement.text) == 0)
		return pstrdup(statement.shown);
	shown = statement_without_secrets(text, &secret_functions_by_memory);
	return (shown != NULL) ? shown : pstrdup(STATEMENT_REDACTED);
}

/*
 * Only for the log are the statements of those in a deadlock, each behind
 * "Process 123: ".
 */
static char *
deadlock_without_secrets(const char *text)
{
	static const char separator[] = "\nProcess ";
	StringInfoData result;

	initStringInfo(&result);
	for (;;)
	{
		const char *end = strstr(text + 1, separator);
		const char *statement_begin = strstr(text, ": ");
		size_t		len = (end != NULL) ? (size_t) (end - text) : strlen(text);

		if (statement_begin == NULL || statement_begin >= text + len)
			appendBinaryStringInfo(&result, text, len);
		else
		{
			statement_begin += 2;
			appendBinaryStringInfo(&result, text, statement_begin - text);
			appendStringInfoString(&result, text_without_secrets(pnstrdup(statement_begin,
																	text + len - statement_begin)));
		}
		if (end == NULL)
			return result.data;
		text = end;
	}
}

static bool
is_audit(const ErrorData *record)
{
	return record->message != NULL && strncmp(record->message, "AUDIT: ", 7) == 0;
}

/* auto_explain shows the statement, its parameters and what became of both. */
static bool
is_explained_plan(const ErrorData *record)
{
	return record->message_id != NULL && strncmp(record->message_id, "duration: ", 10) == 0 &&
		strstr(record->message_id, "plan:") != NULL;
}

/* The end of a field of CSV: the comma behind it, or the end of the text. */
static const char *
field_end(const char *field)
{
	bool		quoted = false;

	for (; *field != '\0' && (quoted || *field != ','); field++)
		quoted ^= *field == '"';
	return field;
}

static char *
field_value(const char *field, const char *end)
{
	char	   *value = palloc(end - field + 1);
	char	   *out = value;

	if (*field != '"')
		return pnstrdup(field, end - field);
	for (const char *p = field + 1; p < end - 1; p++)
	{
		*out++ = *p;
		if (*p == '"')
			p++;
	}
	*out = '\0';
	return value;
}

static void
append_field(StringInfo out, const char *value)
{
	appendStringInfoChar(out, '"');
	for (; *value != '\0'; value++)
		appendStringInfo(out, "%s%c", (*value == '"') ? "\"" : "", *value);
	appendStringInfoChar(out, '"');
}

/*
 * A record of pgaudit: type, two numbers, class, command, object type and name
 * are kept; the statement is shown without secrets, and its parameters are not.
 */
static char *
without_audited_secrets(const char *message)
{
	const char *field = message;
	const char *end;
	StringInfoData result;

	initStringInfo(&result);
	for (int i = 0; i < 7; i++)
	{
		end = field_end(field);
		if (*end == '\0')
			return pstrdup(message);
		field = end + 1;
	}
	appendBinaryStringInfo(&result, message, field - message);
	end = field_end(field);
	append_field(&result, text_without_secrets(field_value(field, end)));
	if (*end == ',')
	{
		appendStringInfoString(&result, "," STATEMENT_REDACTED);
		appendStringInfoString(&result, field_end(end + 1));
	}
	return result.data;
}

static char *
without_plan(const char *message)
{
	const char *end = strstr(message, "plan:");

	if (end == NULL)
		return pstrdup(STATEMENT_REDACTED);
	return psprintf("%.*s\n" STATEMENT_REDACTED, (int) (end + 5 - message), message);
}

static char *
redacted_message(const ErrorData *record)
{
	char	   *message = record->message;

	if (message == NULL)
		return NULL;
	if (is_audit(record))
		return without_audited_secrets(message);
	if (is_explained_plan(record))
		return without_plan(message);
	message = pstrdup(message);
	if (!leave_out_statement(&message))
		leave_out_parts(&message, record);
	return message;
}

/* Rows and keys are told with their values, and long ones are cut off. */
static bool
tells_row(const ErrorData *record)
{
	int			category = ERRCODE_TO_CATEGORY(record->sqlerrcode);

	return category == ERRCODE_TO_CATEGORY(ERRCODE_INTEGRITY_CONSTRAINT_VIOLATION) ||
		category == ERRCODE_TO_CATEGORY(ERRCODE_WITH_CHECK_OPTION_VIOLATION);
}

/*
 * The detail of a record about a statement that is under way gives its
 * parameters, or what was prepared; debug_print_parse and the like give trees.
 */
static char *
redacted_detail(const ErrorData *record, const char *text)
{
	char	   *detail;

	if (text == NULL)
		return NULL;
	if (record->funcname != NULL && strcmp(record->funcname, "elog_node_display") == 0)
		return pstrdup(STATEMENT_REDACTED);
	if (text == record->detail_log)
		return deadlock_without_secrets(text);
	if (record->elevel < WARNING)
		return text_without_secrets(text);
	if (tells_row(record))
		return pstrdup(STATEMENT_REDACTED);
	detail = pstrdup(text);
	leave_out_parts(&detail, record);
	return detail;
}

static char *
redacted_hint(const ErrorData *record)
{
	char	   *hint = (record->hint != NULL) ? pstrdup(record->hint) : NULL;

	leave_out_parts(&hint, record);
	return hint;
}

/*
 * Of the context only the lines that name functions are kept.  The others
 * show statements, parameters and values.
 */
static char *
redacted_context(const char *context)
{
	static const char kept[][20] = {"PL/pgSQL function ", "SQL function "};
	StringInfoData result;
	bool		left_out = false;

	if (context == NULL)
		return NULL;
	initStringInfo(&result);
	while (*context != '\0')
	{
		size_t		len = strcspn(context, "\n");

		if (strncmp(context, kept[0], strlen(kept[0])) == 0 ||
			strncmp(context, kept[1], strlen(kept[1])) == 0)
			appendStringInfo(&result, "%s%.*s", (result.len > 0) ? "\n" : "", (int) len, context);
		else
			left_out = true;
		context += len + (context[len] == '\n');
	}
	if (left_out)
		appendStringInfo(&result, "%s" STATEMENT_REDACTED, (result.len > 0) ? "\n" : "");
	return result.data;
}

static void
redact(const ErrorData *record, ErrorData *redacted)
{
	*redacted = *record;
	redacted->message = redacted_message(record);
	redacted->detail = redacted_detail(record, record->detail);
	redacted->detail_log = redacted_detail(record, record->detail_log);
	redacted->hint = redacted_hint(record);
	redacted->context = redacted_context(record->context);
	redacted->backtrace = (record->backtrace != NULL) ? pstrdup(record->backtrace) : NULL;
	redacted->internalquery = (record->internalquery != NULL)
		? text_without_secrets(record->internalquery) : NULL;
	/* the log does not show these */
	redacted->schema_name = redacted->table_name = redacted->column_name = NULL;
	redacted->datatype_name = redacted->constraint_name = NULL;
}

/*
 * Whether the catalog may be read: in a transaction that has not failed, with
 * no lock of the server held.  Those who log what a client sent do so.  The
 * parser does, too; an error that has a position in the client's text is its,
 * and the transaction is not aborted before it has been reported.
 */
static bool
may_read_catalog(const ErrorData *record)
{
	static const char *const loggers[] = {
		"exec_simple_query", "exec_parse_message", "exec_bind_message", "exec_execute_message",
		"elog_node_display", "ShowUsage",
	};

	if (record->elevel > ERROR || record->funcname == NULL || !IsTransactionState() ||
		IsAbortedTransactionBlockState() || CritSectionCount > 0)
		return false;
	if (record->elevel == ERROR)
		return record->cursorpos > 0;
	if (InterruptHoldoffCount > 0)
		return false;
	for (size_t i = 0; i < lengthof(loggers); i++)
	{
		if (strcmp(record->funcname, loggers[i]) == 0)
			return true;
	}
	return false;
}

/*
 * Contexts show statements in quotes.  What is read from within the first of
 * them on is SQL enough to find calls.
 */
static bool
context_has_secrets(const char *context)
{
	const char *quote = (context != NULL) ? strchr(context, '"') : NULL;

	return quote != NULL && statement_has_secrets(quote + 1, &secret_functions_by_memory);
}

/*
 * pgaudit and auto_explain write when an execution ends, which may be in
 * another statement.  The text of theirs is told from the rest by nothing, so
 * all is read as SQL, once as it stands and once from within the first quotes.
 */
static bool
report_has_secrets(const ErrorData *record)
{
	return (is_audit(record) || is_explained_plan(record)) &&
		(statement_has_secrets(record->message, &secret_functions_by_memory) ||
		 context_has_secrets(record->message));
}

/* A function that is not found may be one of ours, with its schema forgotten. */
static const StatementNames *
names_for_record(const ErrorData *record)
{
	if (!may_read_catalog(record))
		return &secret_functions_by_memory;
	return (record->sqlerrcode == ERRCODE_UNDEFINED_FUNCTION) ? &secret_functions_by_guess
		: &secret_functions_by_catalog;
}

static bool
record_has_secrets(const ErrorData *record)
{
	if (text_has_secrets(names_for_record(record)))
		return true;
	if (context_has_secrets(record->context) ||
		(record->detail_log != NULL &&
		 statement_has_secrets(record->detail_log, &secret_functions_by_memory)) ||
		(record->internalquery != NULL &&
		 statement_has_secrets(record->internalquery, &secret_functions_by_memory)))
	{
		hide_statement(&secret_functions_by_memory);
		return true;
	}
	return report_has_secrets(record);
}

/*
 * Writes a record without secrets to the log, by way of another one; that
 * comes back to on_emit_log(), and there takes over the first one's contents.
 * False if the log takes no such record now.
 */
static bool
write_instead(const ErrorData *record)
{
	ErrorContextCallback *callbacks = error_context_stack;
	ErrorData	redacted;

	redact(record, &redacted);
	replacement = &redacted;
	error_context_stack = NULL;
	ereport(LOG_SERVER_ONLY, (errmsg_internal("%s", STATEMENT_REDACTED)));
	error_context_stack = callbacks;
	if (replacement == NULL)
		return true;
	replacement = NULL;
	return false;
}

static void
take_over(ErrorData *record)
{
	ErrorData  *redacted = replacement;
	ErrorData	own = *record;

	replacement = NULL;
	pfree(own.message);
	*record = *redacted;
	record->output_to_server = own.output_to_server;
	record->output_to_client = false;
	record->assoc_context = own.assoc_context;
}

static void
redact_record(ErrorData *record)
{
	MemoryContext old;

	if (!record_has_secrets(record))
		return;
	if (write_instead(record))
	{
		record->output_to_server = false;
		return;
	}
	old = MemoryContextSwitchTo(record->assoc_context);
	redact(record, record);
	MemoryContextSwitchTo(old);
}

static void
redact_in_scratch(ErrorData *record)
{
	MemoryContext scratch = AllocSetContextCreate(TopMemoryContext, "authfort log record",
												  ALLOCSET_DEFAULT_SIZES);
	MemoryContext old = MemoryContextSwitchTo(scratch);

	redacting = true;
	PG_TRY();
	{
		redact_record(record);
	}
	PG_FINALLY();
	{
		redacting = false;
		replacement = NULL;
		MemoryContextSwitchTo(old);
		MemoryContextDelete(scratch);
	}
	PG_END_TRY();
}

/* The end of a secret setting's name in a message, in whatever language; or NULL. */
static const char *
secret_setting_end(const char *message)
{
	static const char in_names[] = "abcdefghijklmnopqrstuvwxyz_.";

	while (*message != '\0')
	{
		size_t		len = strspn(message, in_names);
		char		name[SQL_NAME_SIZE];

		if (len < sizeof(name))
		{
			strlcpy(name, message, len + 1);
			if (setting_is_secret(name))
				return message + len;
		}
		message += Max(len, 1);
	}
	return NULL;
}

/* On reload, who reads the files tells of what was changed in them. */
static void
redact_changed_setting(ErrorData *record)
{
	const char *end;

	if (record->message_id == NULL || record->message == NULL ||
		strcmp(record->message_id, "parameter \"%s\" changed to \"%s\"") != 0)
		return;
	end = secret_setting_end(record->message);
	if (end != NULL)
	{
		MemoryContext old = MemoryContextSwitchTo(record->assoc_context);

		record->message = psprintf("%.*s\" changed to \"" STATEMENT_REDACTED "\"",
								   (int) (end - record->message), record->message);
		MemoryContextSwitchTo(old);
	}
}

static void
on_emit_log(ErrorData *record)
{
	redact_changed_setting(record);
	if (replacement != NULL)
		take_over(record);
	else if (!redacting && record->output_to_server && IsUnderPostmaster)
		redact_in_scratch(record);
	if (record->output_to_server && next_emit_log != NULL)
		next_emit_log(record);
}

void
log_redaction_init(void)
{
	secret_functions_init();
	next_post_parse_analyze = post_parse_analyze_hook;
	post_parse_analyze_hook = on_post_parse_analyze;
	next_executor_start = ExecutorStart_hook;
	ExecutorStart_hook = on_executor_start;
	next_process_utility = ProcessUtility_hook;
	ProcessUtility_hook = on_process_utility;
	next_emit_log = emit_log_hook;
	emit_log_hook = on_emit_log;
}
