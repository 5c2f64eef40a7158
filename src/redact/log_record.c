/*
 * log_record.c
 *		A record of the server's log without the secrets in it.
 */
#include "postgres.h"

#include "lib/stringinfo.h"

#include "redact/client_statement.h"
#include "redact/log_record.h"
#include "redact/secret_functions.h"

/* Replaces each occurrence of a value in a text, which is a char **. */
static void
leave_out_value(const char *value, void *arg)
{
	char	  **text = arg;
	size_t		len = strlen(value);
	const char *found;
	const char *rest;
	StringInfoData result;

	if (len < STATEMENT_MIN_SECRET || strstr(*text, value) == NULL)
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

/* What the statement and all that is under way got, wherever it came from. */
static void
leave_out_values(char **text, const ErrorData *record)
{
	const char *quoted = (record->context != NULL) ? strchr(record->context, '"') : NULL;

	if (*text == NULL)
		return;
	client_statement_each_value(leave_out_value, text);
	if (quoted != NULL)
		statement_each_string(quoted + 1, leave_out_value, text);
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
	const char *sent = client_statement_sent();
	const char *found = (sent != NULL) ? strstr(*text, sent) : NULL;

	if (found == NULL || sent[0] == '\0' || client_statement_shown() == NULL)
		return false;
	*text = psprintf("%.*s%s%s", (int) (found - *text), *text, client_statement_shown(),
					 found + strlen(sent));
	return true;
}

static char *
text_without_secrets(const char *text)
{
	const char *sent = client_statement_sent();
	char	   *shown;

	/* how strings are to be read may have been set meanwhile */
	if (sent != NULL && client_statement_shown() != NULL && strcmp(text, sent) == 0)
		return pstrdup(client_statement_shown());
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
	char	   *value;
	char	   *out;

	if (*field != '"')
		return pnstrdup(field, end - field);
	value = out = palloc(end - field);
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

void
log_record_redact(const ErrorData *record, ErrorData *redacted)
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
bool
log_record_reports_secrets(const ErrorData *record)
{
	return (is_audit(record) || is_explained_plan(record)) &&
		(statement_has_secrets(record->message, &secret_functions_by_memory) ||
		 context_has_secrets(record->message));
}

bool
log_record_shows_secrets(const ErrorData *record)
{
	return context_has_secrets(record->context) ||
		(record->detail_log != NULL &&
		 statement_has_secrets(record->detail_log, &secret_functions_by_memory)) ||
		(record->internalquery != NULL &&
		 statement_has_secrets(record->internalquery, &secret_functions_by_memory));
}
