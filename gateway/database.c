/*
 * database.c
 *		One connection to PostgreSQL: sends requests and receives results, each
 *		before its deadline.
 *
 * Nothing here depends on the session: a pooler may assign each transaction to
 * another server connection, and rejects startup options that it does not
 * know.  So a request is one transaction of unnamed statements, sent in one
 * piece.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "clock.h"
#include "database.h"

typedef struct Statement
{
	const char *sql;
	int count; /* of the parameters */
	const char *const *values;
	const int *lengths; /* of those in binary */
	const int *formats; /* 1: binary; NULL: all are text */
	int result_format;
} Statement;

/* Every name is qualified, so that no search_path changes its meaning. */
static const char router_query[] =
	"SELECT r.status, r.body, r.headers, r.fetch"
	" FROM authfort.http_request($1::pg_catalog.text, $2::pg_catalog.text, $3::pg_catalog.text,"
	"                            $4::pg_catalog.text[], $5::pg_catalog.text, $6::pg_catalog.inet) AS r";

static const char resume_query[] =
	"SELECT r.status, r.body, r.headers, r.fetch"
	" FROM authfort.http_resume_request($1::pg_catalog.text, $2::pg_catalog.int4,"
	"                                   $3::pg_catalog.text[], $4::pg_catalog.text) AS r";

static const Options *options;
static char set_timeout[64];
static int interrupt_fd = -1; /* readable once every wait has to end */
static atomic_int closing;    /* threads that close a connection */

bool
database_init(const Options *given)
{
	options = given;
	/* the server's own timeout comes first, and the connection survives it */
	snprintf(set_timeout, sizeof(set_timeout), "SET LOCAL statement_timeout = %ld",
			 options->request_timeout * 1000);
	interrupt_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	return interrupt_fd >= 0;
}

void
database_interrupt(void)
{
	uint64_t one = 1;

	if (write(interrupt_fd, &one, sizeof(one)) != sizeof(one))
		fprintf(stderr, "authfort-gateway: cannot interrupt the connections: %m\n");
}

/*
 * Notices and warnings are in the server's log.  An error that arrives while
 * no statement runs is delivered as a notice too, and ends the session.
 */
static void
receive_notice(void *arg, const PGresult *result)
{
	Database *database = arg;
	const char *severity = PQresultErrorField(result, PG_DIAG_SEVERITY_NONLOCALIZED);

	if (severity != NULL && (strcmp(severity, "FATAL") == 0 || strcmp(severity, "PANIC") == 0))
		database->terminated = true;
}

static void
ignore_notice(void *arg, const PGresult *result)
{
}

/*
 * Logs at most once a second, although every connection tries several times.
 * The message names hosts and roles, but never the password.
 */
static void
log_connection_failure(PGconn *conn)
{
	static _Atomic int64_t next = 0;
	int64_t expected = atomic_load(&next);
	int64_t now = clock_ms();

	if (now >= expected && atomic_compare_exchange_strong(&next, &expected, now + 1000))
		fprintf(stderr, "authfort-gateway: no connection to PostgreSQL: %s",
				conn != NULL ? PQerrorMessage(conn) : "out of memory\n");
}

bool
database_connect(Database *database)
{
	const char *keywords[] = {"connect_timeout", "client_encoding", "fallback_application_name",
							  "dbname", NULL};
	const char *values[] = {"5", "UTF8", "authfort-gateway", options->dsn, NULL};
	PGconn *conn = PQconnectdbParams(keywords, values, 1);

	if (PQstatus(conn) != CONNECTION_OK || PQsetnonblocking(conn, 1) != 0 ||
		!PQenterPipelineMode(conn))
	{
		log_connection_failure(conn);
		PQfinish(conn);
		return false;
	}
	database->conn = conn;
	database->terminated = false;
	PQsetNoticeReceiver(conn, receive_notice, database);
	return true;
}

/* Milliseconds for poll(): 0 if the deadline has passed. */
static int
time_left(int64_t deadline)
{
	int64_t left = deadline - clock_ms();

	return left > 0 ? (int) left : 0;
}

/*
 * Waits until the next result can be read without blocking.  Returns false
 * once the deadline has passed.  A broken connection has a result at once.
 */
static bool
wait_for_result(PGconn *conn, int64_t deadline)
{
	for (;;)
	{
		int unsent = PQflush(conn);
		struct pollfd fds[] = {
			{PQsocket(conn), POLLIN | (unsent > 0 ? POLLOUT : 0), 0},
			{interrupt_fd, POLLIN, 0},
		};
		int count;

		if (unsent < 0 || PQsocket(conn) < 0 || !PQisBusy(conn))
			return true;
		count = poll(fds, 2, time_left(deadline));
		if (count == 0 || (count > 0 && fds[1].revents != 0))
			return false;
		if (count > 0 && fds[0].revents != 0 && PQconsumeInput(conn) == 0)
			return true;
	}
}

static bool
send_statements(PGconn *conn, const Statement *statements, int count)
{
	for (int i = 0; i < count; i++)
	{
		if (!PQsendQueryParams(conn, statements[i].sql, statements[i].count, NULL,
							   statements[i].values, statements[i].lengths, statements[i].formats,
							   statements[i].result_format))
			return false;
	}
	return PQpipelineSync(conn) == 1;
}

static bool
is_success(const PGresult *result)
{
	return PQresultStatus(result) == PGRES_TUPLES_OK || PQresultStatus(result) == PGRES_COMMAND_OK;
}

/*
 * Sends the statements in one piece, and collects the result of the wanted
 * one, or of the first that failed.  *result stays NULL otherwise.
 */
static Outcome
run_statements(PGconn *conn, const Statement *statements, int count, int wanted, int64_t deadline,
			   PGresult **result)
{
	Outcome outcome = OUTCOME_ANSWER;
	int done = 0;

	*result = NULL;
	if (!send_statements(conn, statements, count))
		return OUTCOME_LOST;
	for (;;)
	{
		PGresult *next;

		if (!wait_for_result(conn, deadline))
		{
			PQclear(*result);
			*result = NULL;
			return OUTCOME_TIMEOUT;
		}
		next = PQgetResult(conn);
		if (next == NULL)
		{
			/* the end of a statement, or of a connection */
			if (PQstatus(conn) == CONNECTION_OK && ++done <= count)
				continue;
			break;
		}
		if (PQresultStatus(next) == PGRES_PIPELINE_SYNC)
		{
			PQclear(next);
			return outcome;
		}
		if (outcome == OUTCOME_ANSWER && (done == wanted || !is_success(next)))
		{
			PQclear(*result);
			*result = next;
			if (!is_success(next))
				outcome = OUTCOME_ERROR;
		}
		else
			PQclear(next);
	}
	/* keep the server's last error, which explains the disconnect */
	if (outcome == OUTCOME_ERROR && PQresultErrorField(*result, PG_DIAG_SQLSTATE) != NULL)
		return OUTCOME_ERROR;
	PQclear(*result);
	*result = NULL;
	return OUTCOME_LOST;
}

static bool
run_one(PGconn *conn, const char *sql, int64_t deadline)
{
	const Statement statement = {.sql = sql};
	PGresult *result;
	Outcome outcome = run_statements(conn, &statement, 1, 0, deadline, &result);

	PQclear(result);
	return outcome == OUTCOME_ANSWER;
}

bool
database_is_alive(Database *database)
{
	struct pollfd fd = {PQsocket(database->conn), POLLIN, 0};
	PGnotify *notify;

	/* the server's last message and the end of the connection arrive separately */
	while (poll(&fd, 1, 0) > 0)
	{
		if (PQconsumeInput(database->conn) == 0)
			return false;
	}
	while ((notify = PQnotifies(database->conn)) != NULL)
		PQfreemem(notify);
	return PQstatus(database->conn) == CONNECTION_OK && !database->terminated;
}

bool
database_probe(Database *database, int64_t deadline)
{
	return run_one(database->conn, "SELECT", deadline);
}

/* Runs the statement in a transaction of its own. */
static Outcome
run_transaction(Database *database, Statement statement, int64_t deadline, PGresult **result)
{
	const Statement statements[] = {
		/* the role may have a stricter default, under which concurrent logins fail */
		{.sql = "BEGIN ISOLATION LEVEL READ COMMITTED"},
		{.sql = set_timeout},
		statement,
		{.sql = "COMMIT"},
	};
	Outcome outcome = run_statements(database->conn, statements, 4, 2, deadline, result);

	if (outcome == OUTCOME_ERROR && PQtransactionStatus(database->conn) == PQTRANS_INERROR)
		run_one(database->conn, "ROLLBACK", deadline);
	return outcome;
}

static Outcome
call_router(Database *database, const Request *request, int64_t deadline, PGresult **result)
{
	const char *values[] = {request_method_for_router(request),
							request->path,
							request->query,
							request->headers.data,
							request->body.data,
							request->peer[0] ? request->peer : NULL};
	const int lengths[] = {0, 0, 0, (int) request->headers.len, 0, 0};
	static const int formats[] = {0, 0, 0, 1, 0, 0};
	Statement statement = {router_query, 6, values, lengths, formats, 1};

	return run_transaction(database, statement, deadline, result);
}

static Outcome
resume_router(Database *database, const Request *request, int64_t deadline, PGresult **result)
{
	char status[16];
	const char *values[] = {request->resume.data, request->fetch_status != 0 ? status : NULL,
							request->fetch_headers.data, request->fetch_body.data};
	const int lengths[] = {0, 0, (int) request->fetch_headers.len, 0};
	static const int formats[] = {0, 0, 1, 0};
	Statement statement = {resume_query, 4, values, lengths, formats, 1};

	snprintf(status, sizeof(status), "%d", request->fetch_status);
	return run_transaction(database, statement, deadline, result);
}

Outcome
database_call(Database *database, const Request *request, int64_t deadline, PGresult **result)
{
	return request->resume.len > 0 ? resume_router(database, request, deadline, result)
								   : call_router(database, request, deadline, result);
}

int
database_integer(const PGresult *result, int column)
{
	uint32_t bytes;

	if (PQgetlength(result, 0, column) != sizeof(bytes))
		return 0;
	memcpy(&bytes, PQgetvalue(result, 0, column), sizeof(bytes));
	return (int) ntohl(bytes);
}

bool
database_is_idle(const Database *database)
{
	return PQstatus(database->conn) == CONNECTION_OK &&
		   PQtransactionStatus(database->conn) == PQTRANS_IDLE;
}

void
database_close(Database *database)
{
	PQfinish(database->conn);
	database->conn = NULL;
}

/* Runs in a thread, because a cancel request can block as long as any other. */
static void *
cancel_and_close(void *arg)
{
	PGconn *conn = arg;
	PGcancel *cancel = PQgetCancel(conn);
	char error[256];

	if (cancel != NULL)
		PQcancel(cancel, error, sizeof(error));
	PQfreeCancel(cancel);
	PQfinish(conn);
	atomic_fetch_sub(&closing, 1);
	return NULL;
}

void
database_abandon(Database *database)
{
	pthread_t thread;

	/* "database" no longer owns this connection */
	PQsetNoticeReceiver(database->conn, ignore_notice, NULL);
	atomic_fetch_add(&closing, 1);
	if (pthread_create(&thread, NULL, cancel_and_close, database->conn) == 0)
		pthread_detach(thread);
	else
	{
		PQfinish(database->conn);
		atomic_fetch_sub(&closing, 1);
	}
	database->conn = NULL;
}

bool
database_all_closed(void)
{
	return atomic_load(&closing) == 0;
}
