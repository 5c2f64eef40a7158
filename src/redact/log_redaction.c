/*
 * log_redaction.c
 *		Keeps passwords, tokens, codes and keys out of the server's log,
 *		pg_stat_activity and pg_stat_statements.
 *
 * Whatever is logged while the client's statement has secrets gets by
 * on_emit_log().  A record that has to change is held back from the log, and
 * another one is written instead; what the client is told stays as it is.
 */
#include "postgres.h"

#include "access/xact.h"
#include "miscadmin.h"
#include "utils/memutils.h"

#include "redact/client_statement.h"
#include "redact/log_record.h"
#include "redact/log_redaction.h"
#include "redact/secret_functions.h"

/* The record that is written in place of one that was held back. */
static ErrorData *replacement = NULL;
static bool redacting = false;

static emit_log_hook_type next_emit_log = NULL;

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
	if (client_statement_has_secrets(names_for_record(record)))
		return true;
	if (log_record_shows_secrets(record))
	{
		client_statement_hide(&secret_functions_by_memory);
		return true;
	}
	return log_record_reports_secrets(record);
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

	log_record_redact(record, &redacted);
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
	log_record_redact(record, record);
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
	client_statement_init();
	next_emit_log = emit_log_hook;
	emit_log_hook = on_emit_log;
}
