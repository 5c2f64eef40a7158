/*
 * pool.c
 *		Connections to PostgreSQL, and the requests that wait for one.
 *
 * Each worker thread owns one connection.  A route may occupy only a share of
 * the workers and of the queue, so that many slow requests leave room for the
 * rest.  A route is a method and a path; those of --slow-routes, which hash
 * passwords or wait deliberately, share one route's limits.
 *
 * A request for which the router needs another server's answer is passed to the
 * fetcher, occupies neither a worker nor the queue, and comes back.
 */
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "clock.h"
#include "database.h"
#include "failure.h"
#include "fetcher.h"
#include "pool.h"

#define BACKOFF_MIN_MS 100
#define BACKOFF_MAX_MS 5000
#define IDLE_CHECK_MS 500   /* how soon a lost idle connection is noticed */
#define PROBE_EVERY_MS 1000 /* if no request uses the server */
#define PROBE_MS 3000       /* time limit of that query */
#define READY_MS 5000       /* how old the last answer may be */
#define MAX_TRIES 3         /* of a request that a conflict rolled back */
#define STOP_MS 1000        /* for threads to end */
#define STOP_CHECK_MS 20

/*
 * The server's own timeout should come first: the connection survives it.
 */
#define SERVER_TIMEOUT_GRACE_MS 500

typedef struct Worker
{
	pthread_t thread;
	Database database;
	Request *running;
	unsigned int seed;
} Worker;

static struct
{
	pthread_mutex_t lock;
	pthread_cond_t work;  /* a request came: one worker may take it */
	pthread_cond_t stop;  /* stopping */
	pthread_cond_t ended; /* a worker has ended */
	const Options *options;
	Worker *workers;
	long started;      /* how many of them run */
	long worker_share; /* how many workers one route may occupy */
	long queue_share;
	Request *first; /* the queue, oldest first */
	Request *last;
	long waiting;
	long up;             /* connections */
	int64_t down_since;  /* if none is up; clock_ms(), as all of these */
	int64_t last_answer; /* of the server */
	bool probing;
	bool stopping;
} pool = {.lock = PTHREAD_MUTEX_INITIALIZER};

static void
resume_client(Request *request)
{
	MHD_resume_connection(request->connection);
}

static void
refuse_unavailable(Request *request)
{
	request_refuse(request, 503, "service_unavailable", "The database is not available", true);
}

static void
refuse_busy(Request *request)
{
	request_refuse(request, 503, "server_busy", "The server is busy", true);
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

/* Whether the path ends in the entry, slashes at its end left aside. */
static bool
ends_with(const char *path, const char *entry, size_t len)
{
	size_t path_len = strlen(path);

	while (path_len > 0 && path[path_len - 1] == '/')
		path_len--;
	return len > 0 && path_len >= len && memcmp(path + path_len - len, entry, len) == 0;
}

static bool
is_slow(const Request *request)
{
	const char *entry = pool.options->slow_routes;

	if (strcmp(request->method, "POST") != 0)
		return false;
	for (;;)
	{
		size_t len = strcspn(entry, ",");

		if (ends_with(request->path, entry, len))
			return true;
		if (entry[len] == '\0')
			return false;
		entry += len + 1;
	}
}

static bool
same_route(const Request *a, const Request *b)
{
	if (a->slow || b->slow)
		return a->slow && b->slow;
	return strcmp(a->path, b->path) == 0 && strcmp(a->method, b->method) == 0;
}

static bool
route_may_run(const Request *request)
{
	long count = 0;

	for (long i = 0; i < pool.options->pool_size; i++)
	{
		if (pool.workers[i].running != NULL && same_route(pool.workers[i].running, request))
			count++;
	}
	return count < pool.worker_share;
}

static bool
route_may_wait(const Request *request)
{
	long count = 0;

	for (const Request *other = pool.first; other != NULL; other = other->next)
	{
		if (same_route(other, request))
			count++;
	}
	return count < pool.queue_share;
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

/* Takes the request behind "before" out of the queue; NULL stands for the queue's head. */
static void
unlink_request(Request *before, Request *request)
{
	if (before != NULL)
		before->next = request->next;
	else
		pool.first = request->next;
	if (pool.last == request)
		pool.last = before;
	pool.waiting--;
}

/* The oldest request whose route may run, taken out of the queue; or NULL. */
static Request *
dequeue_request(void)
{
	Request *before = NULL;

	for (Request *request = pool.first; request != NULL; before = request, request = request->next)
	{
		if (route_may_run(request))
		{
			unlink_request(before, request);
			return request;
		}
	}
	return NULL;
}

/* Refuses all waiting requests. */
static void
refuse_waiting(void)
{
	while (pool.first != NULL)
	{
		Request *request = pool.first;

		unlink_request(NULL, request);
		refuse_unavailable(request);
		resume_client(request);
	}
}

/* Refuses requests that have waited too long; the queue is ordered by age. */
static void
refuse_expired(void)
{
	int64_t oldest = clock_ms() - pool.options->request_timeout * 1000;

	while (pool.first != NULL && pool.first->queued < oldest)
	{
		Request *request = pool.first;

		unlink_request(NULL, request);
		refuse_busy(request);
		resume_client(request);
	}
}

/* For a while requests wait for PostgreSQL, which may only be restarting. */
static bool
is_down_for_good(void)
{
	return pool.up == 0 && clock_ms() - pool.down_since >= pool.options->reconnect_wait * 1000;
}

void
pool_tick(void)
{
	pthread_mutex_lock(&pool.lock);
	refuse_expired();
	if (is_down_for_good())
		refuse_waiting();
	pthread_mutex_unlock(&pool.lock);
}

static void
note_disconnection(void)
{
	if (--pool.up == 0)
		pool.down_since = clock_ms();
}

/* Called with the lock held, and returns with it; releases it in between. */
static void
disconnect_worker(Worker *worker)
{
	note_disconnection();
	pthread_mutex_unlock(&pool.lock);
	database_close(&worker->database);
	pthread_mutex_lock(&pool.lock);
}

/* Moves a column; libpq does not wipe what it frees, and it may have tokens in it. */
static bool
take_column(Text *text, PGresult *result, int column)
{
	char *value = PQgetvalue(result, 0, column);
	size_t len = PQgetlength(result, 0, column);
	bool ok = text_append(text, value, len);

	explicit_bzero(value, len);
	return ok;
}

/* Takes the fetch instead of the answer beside it, which is for doors that cannot fetch. */
static void
take_answer(Request *request, PGresult *result)
{
	bool asks = !PQgetisnull(result, 0, 3);
	bool ok = asks ? take_column(&request->fetch, result, 3)
				   : take_column(&request->reply_body, result, 1) &&
						 take_column(&request->reply_headers, result, 2);

	request->status = database_integer(result, 0);
	if (!ok)
	{
		text_free(&request->fetch);
		request_refuse(request, 503, "service_unavailable", "Out of memory", true);
	}
	request->answered = request->fetch.len == 0;
	text_free(&request->resume);
	text_free(&request->fetch_headers);
	text_free(&request->fetch_body);
}

/*
 * The log gets the primary message; DETAIL and CONTEXT may repeat values.  An
 * application may have put what a client sent into its message, which must
 * not forge lines.
 */
static void
log_error(const PGresult *result)
{
	const char *state = PQresultErrorField(result, PG_DIAG_SQLSTATE);
	const char *message = PQresultErrorField(result, PG_DIAG_MESSAGE_PRIMARY);
	char line[1024];

	snprintf(line, sizeof(line), "%s: %s", state != NULL ? state : "no SQLSTATE",
			 message != NULL ? message : "no message");
	text_make_printable(line);
	fprintf(stderr, "authfort-gateway: %s\n", line);
}

/*
 * A request is sent again only if it was certainly rolled back; one whose
 * answer was lost may have committed.  Returns whether the connection can be
 * used again.
 */
static bool
run_request(Database *database, Request *request)
{
	int64_t deadline = clock_ms() + pool.options->request_timeout * 1000 + SERVER_TIMEOUT_GRACE_MS;

	for (int tries = 1;; tries++)
	{
		PGresult *result;
		Outcome outcome = database_call(database, request, deadline, &result);
		Failure failure;

		switch (outcome)
		{
			case OUTCOME_ANSWER:
				take_answer(request, result);
				PQclear(result);
				return true;
			case OUTCOME_TIMEOUT:
				request_refuse(request, 503, "timeout", "The request took too long", true);
				return false;
			case OUTCOME_LOST:
				refuse_unavailable(request);
				return false;
			case OUTCOME_ERROR:
				break;
		}
		failure = failure_of_result(result);
		if (failure.rolled_back && tries < MAX_TRIES && database_is_idle(database))
		{
			PQclear(result);
			continue;
		}
		log_error(result);
		request_refuse(request, failure.status, failure.code, failure.message, failure.temporary);
		PQclear(result);
		return !failure.disconnect && database_is_idle(database);
	}
}

/* Abandons a connection in which a statement may still run. */
static void
leave_connection(Database *database)
{
	if (PQstatus(database->conn) == CONNECTION_OK && !database_is_idle(database))
		database_abandon(database);
	else
		database_close(database);
}

/* The first retries are quick, because requests may be waiting for a restarting server. */
static long
next_backoff(long backoff)
{
	if (!is_down_for_good())
		return BACKOFF_MIN_MS;
	return backoff * 2 < BACKOFF_MAX_MS ? backoff * 2 : BACKOFF_MAX_MS;
}

/* Returns with a connection, or when the pool stops; with the lock held. */
static void
connect_worker(Worker *worker)
{
	long backoff = BACKOFF_MIN_MS;

	while (!pool.stopping)
	{
		bool connected;

		pthread_mutex_unlock(&pool.lock);
		connected = database_connect(&worker->database);
		pthread_mutex_lock(&pool.lock);
		if (connected)
		{
			pool.up++;
			pool.last_answer = clock_ms();
			return;
		}
		/* spreads the reconnects of all workers when the server is back */
		wait_ms(&pool.stop, backoff / 2 + rand_r(&worker->seed) % backoff);
		backoff = next_backoff(backoff);
	}
}

/* To the client, or to the fetcher if the router needs another server's answer first. */
static void
pass_on(Request *request)
{
	if (request->answered)
		resume_client(request);
	else if (!fetcher_submit(request))
	{
		refuse_busy(request);
		resume_client(request);
	}
}

/*
 * The fetcher calls this: the request goes to the router again, with the answer,
 * unless the fetcher had no room.
 */
static void
take_back(Request *request)
{
	pthread_mutex_lock(&pool.lock);
	if (pool.stopping)
	{
		refuse_unavailable(request);
		resume_client(request);
	}
	else if (request->resume.len == 0)
	{
		refuse_busy(request);
		resume_client(request);
	}
	else
	{
		request->queued = clock_ms();
		enqueue_last(request);
		pthread_cond_signal(&pool.work);
	}
	pthread_mutex_unlock(&pool.lock);
}

/* Called and left with the lock held. */
static void
serve_one(Worker *worker, Request *request)
{
	bool usable;

	worker->running = request;
	pthread_mutex_unlock(&pool.lock);
	usable = run_request(&worker->database, request);
	if (!usable)
		leave_connection(&worker->database);
	pthread_mutex_lock(&pool.lock);
	if (usable)
		pool.last_answer = clock_ms();
	else
		note_disconnection();
	/* once it is passed on it may be freed at any time, so no other thread may still see it */
	worker->running = NULL;
	pass_on(request);
}

/* Called and left with the lock held. */
static void
probe_server(Worker *worker)
{
	bool usable;

	pool.probing = true;
	pthread_mutex_unlock(&pool.lock);
	usable = database_probe(&worker->database, clock_ms() + PROBE_MS);
	if (!usable)
		leave_connection(&worker->database);
	pthread_mutex_lock(&pool.lock);
	pool.probing = false;
	if (usable)
		pool.last_answer = clock_ms();
	else
		note_disconnection();
}

static bool
probe_is_due(void)
{
	return !pool.probing && clock_ms() - pool.last_answer >= PROBE_EVERY_MS;
}

/*
 * A request wakes one worker.  If the request's route has its share already,
 * the next worker that finishes one of them takes it.
 */
static void *
serve_requests(void *arg)
{
	Worker *worker = arg;

	pthread_mutex_lock(&pool.lock);
	while (!pool.stopping)
	{
		Request *request;

		if (worker->database.conn == NULL)
		{
			connect_worker(worker);
			continue;
		}
		refuse_expired();
		request = dequeue_request();
		if (!database_is_alive(&worker->database))
		{
			/* it was not sent, so it may go to another connection */
			if (request != NULL)
			{
				enqueue_first(request);
				pthread_cond_signal(&pool.work);
			}
			disconnect_worker(worker);
		}
		else if (request != NULL)
			serve_one(worker, request);
		else if (probe_is_due())
			probe_server(worker);
		else
			wait_ms(&pool.work, IDLE_CHECK_MS);
	}
	if (worker->database.conn != NULL)
		disconnect_worker(worker);
	pool.started--;
	pthread_cond_signal(&pool.ended);
	pthread_mutex_unlock(&pool.lock);
	return NULL;
}

/* The given share, or half of the whole. */
static long
share_or_half(long given, long whole)
{
	return given > 0 ? given : (whole + 1) / 2;
}

bool
pool_start(const Options *options)
{
	pthread_condattr_t attributes;

	if (!database_init(options))
		return false;
	pthread_condattr_init(&attributes);
	pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
	pthread_cond_init(&pool.work, &attributes);
	pthread_cond_init(&pool.stop, &attributes);
	pthread_cond_init(&pool.ended, &attributes);
	pool.options = options;
	pool.worker_share = share_or_half(options->max_connections_per_route, options->pool_size);
	pool.queue_share = share_or_half(0, options->queue_size);
	pool.down_since = clock_ms();
	pool.workers = calloc(options->pool_size, sizeof(Worker));
	if (pool.workers == NULL)
		return false;
	pthread_mutex_lock(&pool.lock);
	for (long i = 0; i < options->pool_size; i++)
	{
		pool.workers[i].seed = (unsigned int) (getpid() + i);
		if (pthread_create(&pool.workers[i].thread, NULL, serve_requests, &pool.workers[i]) != 0)
			break;
		pool.started++;
	}
	pthread_mutex_unlock(&pool.lock);
	return pool.started == options->pool_size && fetcher_start(options, take_back);
}

bool
pool_is_ready(void)
{
	bool ready;

	pthread_mutex_lock(&pool.lock);
	ready = pool.up > 0 && clock_ms() - pool.last_answer <= READY_MS;
	pthread_mutex_unlock(&pool.lock);
	return ready;
}

bool
pool_submit(Request *request)
{
	bool taken = false;

	request->slow = is_slow(request);
	pthread_mutex_lock(&pool.lock);
	if (is_down_for_good() || pool.stopping)
		refuse_unavailable(request);
	else if (pool.waiting >= pool.options->queue_size || !route_may_wait(request))
		refuse_busy(request);
	else
	{
		MHD_suspend_connection(request->connection);
		request->queued = clock_ms();
		enqueue_last(request);
		pthread_cond_signal(&pool.work);
		taken = true;
	}
	pthread_mutex_unlock(&pool.lock);
	return taken;
}

bool
pool_stop(void)
{
	int64_t until = clock_ms() + STOP_MS;
	bool workers_ended;
	bool fetcher_ended;

	database_interrupt();
	pthread_mutex_lock(&pool.lock);
	pool.stopping = true;
	refuse_waiting();
	pthread_cond_broadcast(&pool.work);
	pthread_cond_broadcast(&pool.stop);
	pthread_mutex_unlock(&pool.lock);
	/* it hands back what it has, which is then refused */
	fetcher_ended = fetcher_stop();
	pthread_mutex_lock(&pool.lock);
	while ((pool.started > 0 || !database_all_closed()) && clock_ms() < until)
		wait_ms(&pool.ended, STOP_CHECK_MS);
	workers_ended = pool.started == 0;
	pthread_mutex_unlock(&pool.lock);
	if (!workers_ended || !fetcher_ended)
		return false;
	for (long i = 0; i < pool.options->pool_size; i++)
		pthread_join(pool.workers[i].thread, NULL);
	free(pool.workers);
	return database_all_closed();
}
