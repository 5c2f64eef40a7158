/*
 * main.c
 *		authfort-courier: sends the messages of authfort's outbox.
 *
 * This thread takes messages and reports what became of them; workers send
 * them.  While the database is away, reports are kept, and no more messages are
 * taken.
 */
#include <curl/curl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "clock.h"
#include "database.h"
#include "dry_run.h"
#include "log.h"
#include "options.h"
#include "transport.h"
#include "workers.h"

#define MAX_TAKEN 512
#define MAX_RECONNECT_WAIT 30000 /* milliseconds, as these */
#define ABORT_WAIT 3000
#define IDLE_WAIT 60000

typedef struct Courier
{
	Options options;
	Database database;
	Transport transports[MAX_TRANSPORTS];
	int transport_count;
	Job *unreported;
	int in_flight;
	int64_t next_connect;
	int64_t reconnect_wait;
	int64_t next_report; /* after an error */
	int signals;         /* a descriptor */
	bool stopping;
	int64_t stop_at;
	bool troubled; /* for the exit status of --once */
} Courier;

static void
free_job(Job *job)
{
	message_free(job->message);
	free(job);
}

/* Takes what the workers have done. */
static void
collect_jobs(Courier *courier, int64_t now)
{
	Job *next;

	for (Job *job = workers_collect(); job != NULL; job = next)
	{
		next = job->next;
		courier->in_flight--;
		job->transport->in_flight--;
		job->delay = transport_settle(job->transport, job, now);
		if (job->outcome.type == OUTCOME_UNAVAILABLE)
			courier->troubled = true;
		log_job(job);
		job->next = courier->unreported;
		courier->unreported = job;
	}
}

/* The ids of messages that were sent, as an array.  False if out of memory. */
static bool
list_sent(const Job *jobs, Text *ids)
{
	bool ok = text_append(ids, "{", 1);

	for (const Job *job = jobs; ok && job != NULL; job = job->next)
	{
		if (job->outcome.type == OUTCOME_SENT)
			ok = (ids->len == 1 || text_append(ids, ",", 1)) &&
				 text_append_string(ids, job->message->id);
	}
	return ok && text_append(ids, "}", 1);
}

static void
drop_sent(Courier *courier)
{
	Job **link = &courier->unreported;

	while (*link != NULL)
	{
		Job *job = *link;

		if (job->outcome.type == OUTCOME_SENT)
		{
			*link = job->next;
			free_job(job);
		}
		else
			link = &job->next;
	}
}

static bool
report_all_sent(Courier *courier)
{
	Text ids = {0};
	bool ok = list_sent(courier->unreported, &ids) &&
			  (ids.len == 2 || database_report_sent(&courier->database, ids.data));

	text_free(&ids);
	return ok;
}

/*
 * A foreign key of the application may keep a message from being deleted.  That
 * must not keep others from being delivered.  The message is put off for as long
 * as possible: most have expired by then, and are not sent again.
 */
static bool
report_one_sent(Courier *courier, const Job *job)
{
	char id[sizeof(job->message->id) + 2];

	snprintf(id, sizeof(id), "{%s}", job->message->id);
	return (courier->database.conn != NULL && database_report_sent(&courier->database, id)) ||
		   (courier->database.conn != NULL &&
			database_report_deferred(&courier->database, job->message->id, MAX_DEFERRAL));
}

static bool
report_sent_one_by_one(Courier *courier)
{
	Job **link = &courier->unreported;

	while (*link != NULL)
	{
		Job *job = *link;

		if (job->outcome.type != OUTCOME_SENT)
		{
			link = &job->next;
			continue;
		}
		if (!report_one_sent(courier, job))
			return false;
		*link = job->next;
		free_job(job);
	}
	return true;
}

static bool
report_sent(Courier *courier)
{
	if (!report_all_sent(courier))
		return report_sent_one_by_one(courier);
	drop_sent(courier);
	return true;
}

/*
 * An event handler of the application may refuse the event.  That must not keep
 * this message from being dropped for now, nor others from being delivered.
 */
static bool
report_failed(Courier *courier, const Job *job)
{
	return database_report_failed(&courier->database, job->message->id, job->outcome.reason) ||
		   (courier->database.conn != NULL &&
			database_report_deferred(&courier->database, job->message->id,
									 courier->options.retry_max));
}

static bool
report_deferred(Courier *courier, const Job *job)
{
	return database_report_deferred(&courier->database, job->message->id,
									workers_are_aborted() ? 0 : job->delay);
}

static bool
report_unsent(Courier *courier)
{
	while (courier->unreported != NULL)
	{
		Job *job = courier->unreported;

		if (!(job->outcome.type == OUTCOME_FAILED ? report_failed(courier, job)
												  : report_deferred(courier, job)))
			return false;
		courier->unreported = job->next;
		free_job(job);
	}
	return true;
}

static void
report_jobs(Courier *courier, int64_t now)
{
	if (courier->unreported == NULL || courier->database.conn == NULL || now < courier->next_report)
		return;
	if (!report_sent(courier) || !report_unsent(courier))
	{
		courier->next_report = now + courier->options.poll_interval * 1000;
		courier->troubled = true;
	}
}

static void
connect_if_due(Courier *courier, int64_t now)
{
	if (courier->database.conn != NULL || now < courier->next_connect)
		return;
	if (database_connect(&courier->database, &courier->options))
	{
		courier->reconnect_wait = 0;
		return;
	}
	courier->troubled = true;
	courier->reconnect_wait = courier->reconnect_wait == 0 ? 1000 : courier->reconnect_wait * 2;
	if (courier->reconnect_wait > MAX_RECONNECT_WAIT)
		courier->reconnect_wait = MAX_RECONNECT_WAIT;
	courier->next_connect = clock_ms() + courier->reconnect_wait;
}

/* False if out of memory; the message is then delivered later. */
static bool
start_job(Courier *courier, Transport *transport, Message *message)
{
	Job *job = calloc(1, sizeof(Job));

	if (job == NULL)
	{
		message_free(message);
		return false;
	}
	job->transport = transport;
	job->message = message;
	transport->in_flight++;
	courier->in_flight++;
	workers_put(job);
	return true;
}

static void
take_for(Courier *courier, Transport *transport, int64_t now)
{
	Message *messages[MAX_TAKEN];
	int wanted = transport_capacity(transport, now);
	int count;

	if (wanted == 0 || now < transport->next_take || courier->database.conn == NULL)
		return;
	count = database_take(&courier->database, transport, wanted, messages);
	if (count < 0)
		courier->troubled = true;
	for (int i = 0; i < count; i++)
		start_job(courier, transport, messages[i]);
	transport->is_drained = count < wanted;
	transport->next_take = transport->is_drained ? now + courier->options.poll_interval * 1000 : now;
}

static void
take_messages(Courier *courier, int64_t now)
{
	if (courier->stopping || courier->unreported != NULL)
		return;
	for (int i = 0; i < courier->transport_count; i++)
		take_for(courier, &courier->transports[i], now);
}

static void
earliest(int64_t *time, int64_t other)
{
	if (other < *time)
		*time = other;
}

/* When there is something to do, if nothing happens before. */
static int64_t
next_time(const Courier *courier, int64_t now)
{
	int64_t time = now + IDLE_WAIT;

	if (courier->stopping)
		earliest(&time, courier->stop_at);
	if (courier->database.conn == NULL)
		earliest(&time, courier->next_connect);
	else if (courier->unreported != NULL)
		earliest(&time, courier->next_report);
	else
	{
		for (int i = 0; i < courier->transport_count && !courier->stopping; i++)
		{
			const Transport *transport = &courier->transports[i];

			if (transport_is_paused(transport, now))
				earliest(&time, transport->resume_at);
			else if (transport_capacity(transport, now) > 0)
				earliest(&time, transport->next_take);
		}
	}
	return time;
}

static void
begin_to_stop(Courier *courier, int64_t now)
{
	struct signalfd_siginfo signal_info;

	if (read(courier->signals, &signal_info, sizeof(signal_info)) < 0 || courier->stopping)
		return;
	courier->stopping = true;
	courier->stop_at = now + courier->options.shutdown_timeout * 1000;
}

static void
notice_messages(Courier *courier, int64_t now)
{
	if (!database_was_notified(&courier->database))
		return;
	for (int i = 0; i < courier->transport_count; i++)
		courier->transports[i].next_take = now;
}

static void
wait_for_events(Courier *courier, int64_t now)
{
	struct pollfd fds[] = {{courier->signals, POLLIN, 0},
						   {workers_descriptor(), POLLIN, 0},
						   {courier->database.conn != NULL ? PQsocket(courier->database.conn) : -1,
							POLLIN, 0}};
	int64_t wait = next_time(courier, now) - now;

	if (poll(fds, 3, wait > 0 ? (int) wait : 0) <= 0)
		return;
	now = clock_ms();
	if (fds[0].revents != 0)
		begin_to_stop(courier, now);
	if (fds[2].revents != 0)
		notice_messages(courier, now);
}

/* With --once, whether nothing more is to be taken. */
static bool
has_taken_all(const Courier *courier)
{
	if (!courier->options.once)
		return false;
	for (int i = 0; i < courier->transport_count && !courier->troubled; i++)
	{
		if (!courier->transports[i].is_drained)
			return false;
	}
	return true;
}

/* Whether the loop is to end. */
static bool
is_done(Courier *courier, int64_t now)
{
	if (has_taken_all(courier) && !courier->stopping)
	{
		courier->stopping = true;
		courier->stop_at =
			now + (courier->options.send_timeout * 2 + courier->options.shutdown_timeout) * 1000;
	}
	if (!courier->stopping)
		return false;
	if (courier->in_flight == 0 && courier->unreported == NULL)
		return true;
	if (now < courier->stop_at)
		return false;
	if (workers_are_aborted())
		return true;
	workers_abort();
	courier->stop_at = now + ABORT_WAIT;
	return false;
}

static void
deliver(Courier *courier)
{
	for (;;)
	{
		int64_t now = clock_ms();

		collect_jobs(courier, now);
		connect_if_due(courier, now);
		report_jobs(courier, now);
		take_messages(courier, now);
		if (is_done(courier, now))
			break;
		wait_for_events(courier, clock_ms());
	}
	if (courier->in_flight > 0 || courier->unreported != NULL)
		log_problem("some messages could not be reported, and may be sent again");
}

static bool
start(Courier *courier)
{
	sigset_t signals;

	/* blocked before any thread starts, so that only the descriptor gets them */
	sigemptyset(&signals);
	sigaddset(&signals, SIGTERM);
	sigaddset(&signals, SIGINT);
	pthread_sigmask(SIG_BLOCK, &signals, NULL);
	signal(SIGPIPE, SIG_IGN);
	courier->signals = signalfd(-1, &signals, SFD_CLOEXEC);
	if (courier->signals < 0 || !workers_init())
		return false;
	for (int i = 0; i < courier->transport_count; i++)
	{
		if (!workers_start(&courier->transports[i]))
			return false;
	}
	return true;
}

static bool
stop(Courier *courier)
{
	bool ended = true;

	for (int i = 0; i < courier->transport_count; i++)
		ended &= workers_stop(&courier->transports[i]);
	database_close(&courier->database);
	return ended;
}

int
main(int argc, char **argv)
{
	static Courier courier;
	int status;

	if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK)
		return 1;
	options_read(argc, argv, &courier.options);
	log_init(strcmp(courier.options.log, "on") == 0);
	srandom((unsigned int) (clock_ms() ^ getpid()));
	courier.transport_count = transports_make(courier.transports, &courier.options);
	if (courier.options.dry_run)
		return dry_run(&courier.options, courier.transports, courier.transport_count);
	if (courier.transport_count == 0 || !start(&courier))
	{
		log_problem("cannot start");
		return 1;
	}
	deliver(&courier);
	status = courier.options.once && courier.troubled ? 1 : 0;
	/* with threads that wait for a server, the libraries must not be torn down */
	if (!stop(&courier))
	{
		fflush(stdout);
		_exit(status);
	}
	return status;
}
