/*
 * log_redaction.c
 *		What the server logs about a sensitive client message.
 *
 * A record that must not be shown is withheld from the log, and one without
 * secrets is written instead.  Log and client share the texts of a record, so
 * the original is not changed.
 */
#include "postgres.h"

#include "mb/pg_wchar.h"
#include "miscadmin.h"
#include "replication/logicalworker.h"
#include "storage/ipc.h"
#include "tcop/tcopprot.h"
#include "utils/guc.h"
#include "utils/memutils.h"

#include "base/client_message.h"
#include "redact/log_redaction.h"
#include "redact/own_message.h"

/* elog.c keeps at most five records on its stack, and panics beyond. */
#define MAX_DEPTH 1

/* Memory for writing a record, with a margin. */
#define RECORD_MEMORY (64 * 1024)

/* The longest message that is written; it is cut off there. */
#define MESSAGE_SIZE 1024

/* The original of the redacted record that is being written. */
static const ErrorData *replaced = NULL;

static emit_log_hook_type next_emit_log = NULL;

static bool
begins_with(const char *text, const char *beginning)
{
	return text != NULL && strncmp(text, beginning, strlen(beginning)) == 0;
}

static bool
is_of_authfort(const ErrorData *record)
{
	return strcmp(record->domain, TEXTDOMAIN) == 0;
}

/*
 * Whether PostgreSQL itself worded the record.  A message of "%s" is passed on
 * from elsewhere, and one without an id from a parallel worker.
 */
static bool
is_of_server(const ErrorData *record)
{
	return record->message_id != NULL && strcmp(record->message_id, "%s") != 0 &&
		   strcmp(record->domain, PG_TEXTDOMAIN("postgres")) == 0;
}

static bool
in_postmaster(void)
{
	return IsPostmasterEnvironment && !IsUnderPostmaster;
}

/* The end of a secret setting's name in a message on reload; or NULL. */
static const char *
changed_secret_setting(const ErrorData *record)
{
	static const char *const settings[] = {"authfort.jwt\"", "authfort.master_key_command\""};

	if (!begins_with(record->message_id, "parameter \"%s\" changed to \"%s\""))
		return NULL;
	for (size_t i = 0; i < lengthof(settings); i++)
	{
		const char *name = strstr(record->message, settings[i]);

		if (name != NULL)
			return name + strlen(settings[i]);
	}
	return NULL;
}

/* The texts of authfort's own records do not quote a message. */
static bool
quotes_names(const ErrorData *record)
{
	return own_message_names_in(record->context) || own_message_names_in(record->internalquery) ||
		   (!is_of_authfort(record) &&
			(own_message_names_in(record->message) || own_message_names_in(record->detail) ||
			 own_message_names_in(record->detail_log) || own_message_names_in(record->hint)));
}

/*
 * Whether the texts of a record may quote a message.  While no message is
 * being processed, two kinds of records do: reports on this process's memory,
 * which name prepared statements, and errors about rows that a publisher sent.
 */
static bool
may_quote(const ErrorData *record)
{
	return debug_query_string != NULL || record->elevel == LOG_SERVER_ONLY ||
		   (IsLogicalWorker() && record->detail != NULL);
}

static bool
must_be_hidden(const ErrorData *record)
{
	if (changed_secret_setting(record) != NULL)
		return true;
	if (in_postmaster())
		return own_message_names_in(record->detail); /* what a crashed process was running */
	if (proc_exit_inprogress)
		return false;
	if (own_message_is_present() || own_message_takes_effect())
		return true;
	if (!may_quote(record) || !quotes_names(record))
		return false;
	if (debug_query_string != NULL)
		client_message_judge(CLIENT_MESSAGE_OURS);
	return true;
}

/*
 * These errors describe the state of the server or the connection, and do not
 * quote the client.
 */
static bool
in_kept_class(int sqlstate)
{
	static const int kept[] = {
		MAKE_SQLSTATE('0', '8', '0', '0', '0'), MAKE_SQLSTATE('4', '0', '0', '0', '0'),
		MAKE_SQLSTATE('5', '3', '0', '0', '0'), MAKE_SQLSTATE('5', '5', '0', '0', '0'),
		MAKE_SQLSTATE('5', '7', '0', '0', '0'), MAKE_SQLSTATE('5', '8', '0', '0', '0'),
	};

	for (size_t i = 0; i < lengthof(kept); i++)
	{
		if (ERRCODE_TO_CATEGORY(sqlstate) == kept[i])
			return true;
	}
	return false;
}

static bool
keeps_message(const ErrorData *record)
{
	if (record->message == NULL)
		return false;
	return is_of_authfort(record) ||
		   (is_of_server(record) && (in_kept_class(record->sqlerrcode) || in_postmaster() ||
									 strcmp(record->message_id, "duration: %s ms") == 0));
}

/* The beginning of a text up to the given comma; pgaudit's is "AUDIT: type,number,number,class,command,". */
static int
length_to_comma(const char *text, int number)
{
	const char *end = text;

	for (; *end != '\0'; end++)
	{
		if (*end == ',' && --number == 0)
			break;
	}
	return (int) (end - text);
}

static void
write_message(char *to, const ErrorData *record)
{
	const char *message = record->message;
	const char *setting_end;

	if ((setting_end = changed_secret_setting(record)) != NULL)
		snprintf(to, MESSAGE_SIZE, "%.*s changed to " HIDDEN_TEXT, (int) (setting_end - message),
				 message);
	else if (keeps_message(record))
		strlcpy(to, message, MESSAGE_SIZE);
	else if (begins_with(record->message_id, "duration: "))
	{
		const char *number = message + strcspn(message, "0123456789");

		snprintf(to, MESSAGE_SIZE, "duration: %.*s ms  " HIDDEN_TEXT,
				 (int) strspn(number, "0123456789."), number);
	}
	else if (begins_with(record->message_id, "AUDIT: %s,"))
		snprintf(to, MESSAGE_SIZE, "%.*s,,," HIDDEN_TEXT "," HIDDEN_TEXT,
				 length_to_comma(message, 5), message);
	else
		strlcpy(to, HIDDEN_TEXT, MESSAGE_SIZE);
}

/* Names set by PostgreSQL itself; those set by a function may contain anything. */
static void
append_names(char *to, const ErrorData *record)
{
	const char *const names[][2] = {
		{"schema", record->schema_name},
		{"table", record->table_name},
		{"constraint", record->constraint_name},
	};

	if (!is_of_server(record) && !is_of_authfort(record))
		return;
	for (size_t i = 0; i < lengthof(names); i++)
	{
		size_t len = strlen(to);

		if (names[i][1] != NULL)
			snprintf(to + len, MESSAGE_SIZE - len, ", %s \"%s\"", names[i][0], names[i][1]);
	}
}

static bool
has_room(const ErrorData *record)
{
	static const ErrorData *lowest = NULL;
	void *memory;

	/* elog.c keeps its records in an array, and the first of all is the lowest */
	if (lowest == NULL || record < lowest)
		lowest = record;
	if (record - lowest > MAX_DEPTH)
		return false;
	memory = MemoryContextAllocExtended(CurrentMemoryContext, RECORD_MEMORY, MCXT_ALLOC_NO_OOM);
	if (memory != NULL)
		pfree(memory);
	return memory != NULL;
}

/*
 * Writes another record to the log.  It reaches on_emit_log(), which copies
 * the fields that may be shown.  If there is no room for it, nothing is
 * written.
 */
static void
emit_replacement(const ErrorData *record)
{
	char message[MESSAGE_SIZE];
	ErrorContextCallback *callbacks = error_context_stack;
	int level = log_min_messages;

	if (!has_room(record))
		return;
	write_message(message, record);
	append_names(message, record);
	message[pg_mbcliplen(message, strlen(message), MESSAGE_SIZE - 1)] = '\0';

	/* suppress error contexts and interrupts; a FATAL's record must be written as well */
	error_context_stack = NULL;
	log_min_messages = LOG;
	HOLD_INTERRUPTS();
	replaced = record;
	ereport(LOG_SERVER_ONLY, (errmsg_internal("%s", message)));
	replaced = NULL;
	RESUME_INTERRUPTS();
	log_min_messages = level;
	error_context_stack = callbacks;
}

/* errfinish() has already decided what to do next, so a higher level is only displayed. */
static void
replace_record(ErrorData *record)
{
	record->elevel = replaced->elevel;
	record->sqlerrcode = replaced->sqlerrcode;
	record->filename = replaced->filename;
	record->lineno = replaced->lineno;
	record->funcname = replaced->funcname;
	record->hide_stmt = record->hide_ctx = true;
	replaced = NULL;
}

static void
on_emit_log(ErrorData *record)
{
	if (replaced != NULL)
		replace_record(record);
	else if (record->output_to_server && must_be_hidden(record))
	{
		emit_replacement(record);
		record->output_to_server = false;
	}
	if (record->output_to_server && next_emit_log != NULL)
		next_emit_log(record);
}

void
log_redaction_init(void)
{
	own_message_init();
	next_emit_log = emit_log_hook;
	emit_log_hook = on_emit_log;
}
