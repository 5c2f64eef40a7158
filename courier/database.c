/*
 * database.c
 *		The outbox: takes messages, and reports what became of them.
 *
 * Statements are unnamed and need no session, so a pooler in front of
 * PostgreSQL is fine.  Through one, announcements do not arrive, and new
 * messages are found by looking for them.
 */
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "clock.h"
#include "database.h"
#include "headers.h"
#include "log.h"

#define STATEMENT_TIMEOUT 20000 /* milliseconds */

/* Every name is qualified, so that no search_path changes its meaning. */
static const char take_query[] =
	"SELECT m.id::pg_catalog.text, m.kind, m.user_id::pg_catalog.text,"
	" pg_catalog.to_char(pg_catalog.timezone('UTC', m.created_at), "
	"'YYYY-MM-DD\"T\"HH24:MI:SS\"Z\"'),"
	" m.message::pg_catalog.text, m.attempts::pg_catalog.text,"
	" pg_catalog.date_part('epoch', m.expires_at OPERATOR(pg_catalog.-) "
	"m.created_at)::pg_catalog.int8::pg_catalog.text,"
	" ARRAY(SELECT p.part FROM pg_catalog.jsonb_each_text(m.message) AS v (name, value),"
	"  LATERAL (VALUES (1, v.name), (2, COALESCE(v.value, ''))) AS p (number, part) ORDER BY "
	"v.name, p.number),"
	" t.subject, t.text, t.html"
	" FROM authfort.take_messages($1::pg_catalog.int4, $2::pg_catalog.text[], "
	"$3::pg_catalog.text[]) AS m"
	" LEFT JOIN LATERAL authfort.message_template(m.kind, m.message OPERATOR(pg_catalog.->>) "
	"'locale') AS t ON true";

/* Columns of its result. */
enum
{
	TAKEN_ID,
	TAKEN_KIND,
	TAKEN_USER_ID,
	TAKEN_CREATED_AT,
	TAKEN_JSON,
	TAKEN_ATTEMPTS,
	TAKEN_LIFETIME,
	TAKEN_VALUES,
	TAKEN_SUBJECT,
	TAKEN_TEXT,
	TAKEN_HTML,
};

void
database_close(Database *database)
{
	PQfinish(database->conn);
	database->conn = NULL;
}

/* Warnings: of a message that cannot be unsealed, for instance. */
static void
receive_notice(void *arg, const PGresult *result)
{
	const char *severity = PQresultErrorField(result, PG_DIAG_SEVERITY_NONLOCALIZED);
	const char *message = PQresultErrorField(result, PG_DIAG_MESSAGE_PRIMARY);

	if (severity != NULL && message != NULL && strcmp(severity, "NOTICE") != 0)
		log_problem("PostgreSQL: %s: %s", severity, message);
}

/* Waits for all of the answer, so that nothing blocks after this. */
static bool
wait_for_answer(PGconn *conn)
{
	int64_t deadline = clock_ms() + STATEMENT_TIMEOUT;

	while (PQisBusy(conn))
	{
		struct pollfd fd = {PQsocket(conn), POLLIN, 0};
		int64_t left = deadline - clock_ms();

		if (left <= 0 || (poll(&fd, 1, (int) left) < 0 && errno != EINTR))
			return false;
		if (fd.revents != 0 && PQconsumeInput(conn) == 0)
			return false;
	}
	return true;
}

/* The primary message of our functions holds no secret. */
static void
log_error(Database *database, const PGresult *result)
{
	const char *state = PQresultErrorField(result, PG_DIAG_SQLSTATE);
	const char *message = PQresultErrorField(result, PG_DIAG_MESSAGE_PRIMARY);

	if (state != NULL && message != NULL)
		log_problem("PostgreSQL: %s: %s", state, message);
	else
		log_problem("the connection to PostgreSQL is lost");
}

/* NULL for an error.  The connection is closed unless it can be used again. */
static PGresult *
run(Database *database, const char *sql, int count, const char *const *values)
{
	PGconn *conn = database->conn;
	PGresult *result = NULL;
	PGresult *next;

	if (PQsendQueryParams(conn, sql, count, NULL, values, NULL, NULL, 1) == 1 && wait_for_answer(conn))
	{
		result = PQgetResult(conn);
		while (wait_for_answer(conn) && (next = PQgetResult(conn)) != NULL)
			PQclear(next);
	}
	if (PQresultStatus(result) == PGRES_TUPLES_OK || PQresultStatus(result) == PGRES_COMMAND_OK)
		return result;
	log_error(database, result);
	PQclear(result);
	if (PQstatus(conn) != CONNECTION_OK || PQtransactionStatus(conn) == PQTRANS_ACTIVE ||
		PQtransactionStatus(conn) == PQTRANS_UNKNOWN)
		database_close(database);
	return NULL;
}

static bool
run_command(Database *database, const char *sql, int count, const char *const *values)
{
	PGresult *result = run(database, sql, count, values);
	bool ok = result != NULL;

	PQclear(result);
	return ok;
}

bool
database_connect(Database *database, const Options *options)
{
	const char *keywords[] = {"connect_timeout", "client_encoding", "fallback_application_name",
							  "dbname", NULL};
	const char *values[] = {"5", "UTF8", "authfort-courier", options->dsn, NULL};

	database->conn = PQconnectdbParams(keywords, values, 1);
	if (PQstatus(database->conn) != CONNECTION_OK)
	{
		/* it names hosts and roles, but never the password */
		log_problem("no connection to PostgreSQL: %s",
					database->conn != NULL ? PQerrorMessage(database->conn) : "out of memory");
		database_close(database);
		return false;
	}
	PQsetNoticeReceiver(database->conn, receive_notice, NULL);
	/* a pooler may refuse that; messages are then found by looking for them */
	(void) run_command(database, "LISTEN authfort_outbox", 0, NULL);
	return database->conn != NULL;
}

static bool
copy_column(Text *text, const PGresult *result, int row, int column)
{
	return text_append(text, PQgetvalue(result, row, column), PQgetlength(result, row, column));
}

static bool
copy_values(Values *values, const PGresult *result, int row)
{
	Text array = {0};
	HeaderReader reader;
	bool ok = copy_column(&array, result, row, TAKEN_VALUES) && headers_read(&reader, &array);

	if (ok)
	{
		while (ok && headers_next(&reader))
			ok = values_add(values, reader.name.data, reader.value.data);
		headers_end(&reader);
	}
	text_free(&array);
	return ok;
}

static bool
copy_template(Message *message, const PGresult *result, int row)
{
	message->has_template = !PQgetisnull(result, row, TAKEN_SUBJECT);
	message->has_html = !PQgetisnull(result, row, TAKEN_HTML);
	return copy_column(&message->template.subject, result, row, TAKEN_SUBJECT) &&
		   copy_column(&message->template.text, result, row, TAKEN_TEXT) &&
		   copy_column(&message->template.html, result, row, TAKEN_HTML);
}

static long
read_number(const PGresult *result, int row, int column)
{
	Text digits = {0};
	long value = copy_column(&digits, result, row, column) ? atol(digits.data) : 0;

	text_free(&digits);
	return value;
}

/* NULL if out of memory; the message is then delivered later. */
static Message *
copy_message(const PGresult *result, int row, const char *app)
{
	Message *message = calloc(1, sizeof(Message));

	if (message == NULL)
		return NULL;
	snprintf(message->id, sizeof(message->id), "%.*s", PQgetlength(result, row, TAKEN_ID),
			 PQgetvalue(result, row, TAKEN_ID));
	message->attempts = read_number(result, row, TAKEN_ATTEMPTS);
	message->lifetime = read_number(result, row, TAKEN_LIFETIME);
	if (copy_column(&message->kind, result, row, TAKEN_KIND) &&
		copy_column(&message->user_id, result, row, TAKEN_USER_ID) &&
		copy_column(&message->created_at, result, row, TAKEN_CREATED_AT) &&
		copy_column(&message->json, result, row, TAKEN_JSON) &&
		copy_values(&message->values, result, row) && copy_template(message, result, row) &&
		message_complete(message, app))
		return message;
	message_free(message);
	return NULL;
}

int
database_take(Database *database, const Transport *transport, int max, Message **list)
{
	char limit[16];
	const char *values[] = {limit, transport->kinds, transport->except_kinds};
	PGresult *result;
	int count = 0;

	snprintf(limit, sizeof(limit), "%d", max);
	result = run(database, take_query, 3, values);
	if (result == NULL)
		return -1;
	for (int row = 0; row < PQntuples(result); row++)
	{
		list[count] = copy_message(result, row, transport->options->app);
		if (list[count] != NULL)
			count++;
	}
	PQclear(result);
	return count;
}

bool
database_report_sent(Database *database, const char *ids)
{
	return run_command(database,
					   "SELECT authfort.message_sent(m.id)"
					   " FROM pg_catalog.unnest($1::pg_catalog.uuid[]) AS m (id)",
					   1, &ids);
}

bool
database_report_failed(Database *database, const char *id, const char *reason)
{
	const char *values[] = {id, reason};

	return run_command(database,
					   "SELECT authfort.message_failed($1::pg_catalog.uuid, $2::pg_catalog.text)",
					   2, values);
}

bool
database_report_deferred(Database *database, const char *id, long seconds)
{
	char number[32];
	const char *values[] = {id, number};

	snprintf(number, sizeof(number), "%ld", seconds);
	return run_command(database,
					   "SELECT authfort.message_deferred($1::pg_catalog.uuid, $2::pg_catalog.int4)",
					   2, values);
}

bool
database_begin(Database *database)
{
	return run_command(database, "BEGIN", 0, NULL);
}

bool
database_rollback(Database *database)
{
	return run_command(database, "ROLLBACK", 0, NULL);
}

bool
database_was_notified(Database *database)
{
	PGnotify *notify;
	bool notified = false;

	if (PQconsumeInput(database->conn) == 0)
	{
		log_problem("the connection to PostgreSQL is lost");
		database_close(database);
		return false;
	}
	while ((notify = PQnotifies(database->conn)) != NULL)
	{
		notified = true;
		PQfreemem(notify);
	}
	return notified;
}
