/*
 * pool.c
 *		Connections to PostgreSQL, and the requests that wait for one.
 *
 * Each worker thread owns one connection.  So that many slow requests of one
 * path, logins that hash, cannot hold up the others, one path may occupy only
 * a part of the workers.  The pool knows no path by name.
 */
#include <errno.h>
#include <libpq-fe.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "pool.h"

#define BACKOFF_MIN_MS 100
#define BACKOFF_MAX_MS 5000
#define IDLE_CHECK_MS 500		/* how soon a lost idle connection is noticed */

typedef struct Worker
{
	pthread_t	thread;
	PGconn	   *conn;			/* NULL: down */
	Request    *running;
	bool		prepared;
	unsigned int seed;
} Worker;

static struct
{
	pthread_mutex_t lock;
	pthread_cond_t work;		/* a request came: one worker may take it */
	pthread_cond_t stop;		/* stopping */
	const Options *options;
	Worker	   *workers;
	long		share;
	Request    *first;			/* the queue, oldest first */
	Request    *last;
	long		waiting;
	long		up;
	bool		stopping;
} pool = {.lock = PTHREAD_MUTEX_INITIALIZER};

static const char router_query[] =
"SELECT r.status, r.body,"
" (SELECT pg_catalog.string_agg(h.key || ': ' || h.value || E'\\n', '' ORDER BY e.n)"
"  FROM pg_catalog.jsonb_array_elements(r.headers) WITH ORDINALITY AS e(header, n),"
"       pg_catalog.jsonb_each_text(e.header) AS h)"
" FROM authfort.http($1::text, $2::text, $3::text, $4::jsonb, $5::text, $6::inet) AS r";

static void
resume(Request *request)
{
	MHD_resume_connection(request->connection);
}

static void
refuse_unavailable(Request *request)
{
	request_refuse(request, 503, "service_unavailable", "The database is not available", true);
}

static void
wait_ms(pthread_cond_t *event, long ms)
{
	struct timespec until;

	clock_gettime(CLOCK_MONOTONIC, &until);
	until.tv_nsec += ms % 1000 * 1000000;
	until.tv_sec += ms / 1000 + until.tv_nsec / 1000000000;
	until.tv_nsec %= 1000000000;
	pthread_cond_timedwait(event, &pool.lock, &until);
}

static long
age_seconds(const Request *request)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec - request->received.tv_sec;
}

static bool
same_path(const Request *a, const Request *b)
{
	return strcmp(a->path, b->path) == 0 && strcmp(a->method, b->method) == 0;
}

static bool
path_has_room(const Request *request)
{
	long		count = 0;

	for (long i = 0; i < pool.options->pool_size; i++)
	{
		if (pool.workers[i].running != NULL && same_path(pool.workers[i].running, request))
			count++;
	}
	return count < pool.share;
}

static void
enqueue_first(Request *request)
{
	request->next = pool.first;
	pool.first = request;
	if (pool.last == NULL)
		pool.last = request;
	pool.waiting++;
}

static void
enqueue_last(Request *request)
{
	request->next = NULL;
	if (pool.last != NULL)
		pool.last->next = request;
	else
		pool.first = request;
	pool.last = request;
	pool.waiting++;
}

/* The oldest request whose path has room, taken out of the queue; or NULL. */
static Request *
dequeue(void)
{
	Request    *before = NULL;

	for (Request *request = pool.first; request != NULL; before = request, request = request->next)
	{
		if (!path_has_room(request))
			continue;
		if (before != NULL)
			before->next = request->next;
		else
			pool.first = request->next;
		if (pool.last == request)
			pool.last = before;
		pool.waiting--;
		return request;
	}
	return NULL;
}

/* Refuses all that waits. */
static void
flush(void)
{
	while (pool.first != NULL)
	{
		Request    *request = pool.first;

		pool.first = request->next;
		pool.waiting--;
		refuse_unavailable(request);
		resume(request);
	}
	pool.last = NULL;
}

/* Refuses those at the front that have waited too long. */
static void
expire(void)
{
	while (pool.first != NULL && age_seconds(pool.first) > pool.options->request_timeout)
	{
		Request    *request = pool.first;

		pool.first = request->next;
		if (pool.first == NULL)
			pool.last = NULL;
		pool.waiting--;
		request_refuse(request, 503, "server_busy", "The server is busy", true);
		resume(request);
	}
}

/* The message of libpq names hosts and roles, but never the password. */
static void
log_connection_failure(PGconn *conn)
{
	fprintf(stderr, "authfort-gateway: no connection to PostgreSQL: %s",
			conn != NULL ? PQerrorMessage(conn) : "out of memory\n");
}

static bool
prepare(PGconn *conn)
{
	PGresult   *result = PQprepare(conn, "authfort_http", router_query, 6, NULL);
	bool		ok = PQresultStatus(result) == PGRES_COMMAND_OK;

	PQclear(result);
	return ok;
}

/* Without the lock, for it takes long.  NULL if it failed. */
static PGconn *
connect_database(void)
{
	char		options[128];
	const char *keywords[] = {"connect_timeout", "client_encoding", "options",
	"fallback_application_name", "dbname", NULL};
	const char *values[] = {"5", "UTF8", options, "authfort-gateway", pool.options->dsn, NULL};
	PGconn	   *conn;

	/* whatever the role's own settings are */
	snprintf(options, sizeof(options), "-c search_path=pg_catalog -c statement_timeout=%lds",
			 pool.options->request_timeout);
	conn = PQconnectdbParams(keywords, values, 1);
	if (PQstatus(conn) == CONNECTION_OK && prepare(conn))
		return conn;
	log_connection_failure(conn);
	PQfinish(conn);
	return NULL;
}

static void
disconnect(Worker *worker)
{
	PQfinish(worker->conn);
	worker->conn = NULL;
	if (--pool.up == 0)
		flush();
}

/* Whether an idle connection still lives: a server that stops says so. */
static bool
is_alive(PGconn *conn)
{
	PGnotify   *notify;

	if (PQconsumeInput(conn) == 0 || PQstatus(conn) != CONNECTION_OK)
		return false;
	while ((notify = PQnotifies(conn)) != NULL)
		PQfreemem(notify);
	return true;
}

static void
take_answer(Request *request, PGresult *result)
{
	request->status = atoi(PQgetvalue(result, 0, 0));
	if (!text_append(&request->reply_body, PQgetvalue(result, 0, 1), PQgetlength(result, 0, 1)) ||
		!text_append(&request->reply_headers, PQgetvalue(result, 0, 2), PQgetlength(result, 0, 2)))
		request_refuse(request, 503, "service_unavailable", "Out of memory", true);
	/* libpq does not wipe what it frees, and this had tokens in it */
	explicit_bzero(PQgetvalue(result, 0, 1), PQgetlength(result, 0, 1));
	explicit_bzero(PQgetvalue(result, 0, 2), PQgetlength(result, 0, 2));
	request->answered = true;
}

static bool
is_state(const char *state, const char *wanted)
{
	return state != NULL && strcmp(state, wanted) == 0;
}

/* The log gets the primary message; DETAIL and CONTEXT may repeat values. */
static void
take_error(Request *request, const PGresult *result)
{
	const char *state = PQresultErrorField(result, PG_DIAG_SQLSTATE);
	const char *message = PQresultErrorField(result, PG_DIAG_MESSAGE_PRIMARY);

	fprintf(stderr, "authfort-gateway: %s: %s\n", state != NULL ? state : "no SQLSTATE",
			message != NULL ? message : "no message");
	if (is_state(state, "57014"))
		request_refuse(request, 503, "timeout", "The request took too long", true);
	else
		request_refuse(request, 500, "internal_error", "Internal error", false);
}

static bool
is_worth_a_retry(const PGresult *result)
{
	const char *state = PQresultErrorField(result, PG_DIAG_SQLSTATE);

	return is_state(state, "40001") || is_state(state, "40P01");
}

static PGresult *
call_router(PGconn *conn, const Request *request)
{
	const char *values[] = {request->method, request->path, request->query,
	request->headers.data, request->body.data, request->peer[0] ? request->peer : NULL};

	return PQexecPrepared(conn, "authfort_http", 6, values, NULL, NULL, 0);
}

/* A request that was sent is never sent again: it may have committed. */
static void
run(Worker *worker, Request *request)
{
	PGresult   *result = call_router(worker->conn, request);

	if (is_worth_a_retry(result))
	{
		PQclear(result);
		result = call_router(worker->conn, request);
	}
	/* a pooler gave us another server connection */
	if (is_state(PQresultErrorField(result, PG_DIAG_SQLSTATE), "26000") && prepare(worker->conn))
	{
		PQclear(result);
		result = call_router(worker->conn, request);
	}

	if (PQresultStatus(result) == PGRES_TUPLES_OK && PQntuples(result) == 1)
		take_answer(request, result);
	else if (PQstatus(worker->conn) != CONNECTION_OK)
		refuse_unavailable(request);
	else
		take_error(request, result);
	PQclear(result);
}

/* Comes back with a connection, or when the pool stops; with the lock held. */
static void
come_up(Worker *worker)
{
	long		backoff = BACKOFF_MIN_MS;

	while (!pool.stopping && worker->conn == NULL)
	{
		PGconn	   *conn;

		pthread_mutex_unlock(&pool.lock);
		conn = connect_database();
		pthread_mutex_lock(&pool.lock);
		if (conn != NULL)
		{
			worker->conn = conn;
			pool.up++;
			return;
		}
		/* not all at once, when the server comes back */
		wait_ms(&pool.stop, backoff / 2 + rand_r(&worker->seed) % backoff);
		backoff = backoff * 2 < BACKOFF_MAX_MS ? backoff * 2 : BACKOFF_MAX_MS;
	}
}

static void
serve_one(Worker *worker, Request *request)
{
	worker->running = request;
	pthread_mutex_unlock(&pool.lock);
	run(worker, request);
	pthread_mutex_lock(&pool.lock);
	/* once resumed it may be freed at any time, so nobody may still see it */
	worker->running = NULL;
	resume(request);
}

/*
 * A request wakes one worker.  Where it finds the request's path occupied, it
 * is the worker that makes room for it who takes it next.
 */
static void *
work(void *arg)
{
	Worker	   *worker = arg;

	pthread_mutex_lock(&pool.lock);
	while (!pool.stopping)
	{
		Request    *request;

		come_up(worker);
		if (worker->conn == NULL)
			break;
		expire();
		request = dequeue();
		if (!is_alive(worker->conn))
		{
			/* it was not sent, so it may go to another connection */
			if (request != NULL)
			{
				enqueue_first(request);
				pthread_cond_signal(&pool.work);
			}
			disconnect(worker);
		}
		else if (request != NULL)
			serve_one(worker, request);
		else
			wait_ms(&pool.work, IDLE_CHECK_MS);
	}
	if (worker->conn != NULL)
		disconnect(worker);
	pthread_mutex_unlock(&pool.lock);
	return NULL;
}

bool
pool_start(const Options *options)
{
	pthread_condattr_t attributes;

	pthread_condattr_init(&attributes);
	pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
	pthread_cond_init(&pool.work, &attributes);
	pthread_cond_init(&pool.stop, &attributes);
	pool.options = options;
	pool.share = options->max_connections_per_route > 0 ? options->max_connections_per_route : (options->pool_size + 1) / 2;
	pool.workers = calloc(options->pool_size, sizeof(Worker));
	if (pool.workers == NULL)
		return false;
	for (long i = 0; i < options->pool_size; i++)
	{
		pool.workers[i].seed = (unsigned int) (getpid() + i);
		if (pthread_create(&pool.workers[i].thread, NULL, work, &pool.workers[i]) != 0)
			return false;
	}
	return true;
}

bool
pool_is_up(void)
{
	bool		up;

	pthread_mutex_lock(&pool.lock);
	up = pool.up > 0;
	pthread_mutex_unlock(&pool.lock);
	return up;
}

bool
pool_submit(Request *request)
{
	bool		taken = false;

	pthread_mutex_lock(&pool.lock);
	if (pool.up == 0 || pool.stopping)
		refuse_unavailable(request);
	else if (pool.waiting >= pool.options->queue_size)
		request_refuse(request, 503, "server_busy", "The server is busy", true);
	else
	{
		MHD_suspend_connection(request->connection);
		enqueue_last(request);
		pthread_cond_signal(&pool.work);
		taken = true;
	}
	pthread_mutex_unlock(&pool.lock);
	return taken;
}

void
pool_stop(void)
{
	pthread_mutex_lock(&pool.lock);
	pool.stopping = true;
	flush();
	for (long i = 0; i < pool.options->pool_size; i++)
	{
		PGcancel   *cancel = pool.workers[i].running != NULL && pool.workers[i].conn != NULL
			? PQgetCancel(pool.workers[i].conn) : NULL;
		char		error[256];

		if (cancel != NULL)
			PQcancel(cancel, error, sizeof(error));
		PQfreeCancel(cancel);
	}
	pthread_cond_broadcast(&pool.work);
	pthread_cond_broadcast(&pool.stop);
	pthread_mutex_unlock(&pool.lock);
	for (long i = 0; i < pool.options->pool_size; i++)
		pthread_join(pool.workers[i].thread, NULL);
	free(pool.workers);
}
