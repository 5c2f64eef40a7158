/*
 * workers.c
 *		Threads that send messages.
 *
 * libcurl waits for a mail server's last answer in a blocking way, whichever of
 * its interfaces is used.  So each concurrent mail has a thread.
 */
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

#include "clock.h"
#include "workers.h"

/* How long servers may take to say goodbye. */
#define LAST_WORDS_SECONDS 2

typedef struct Workers
{
	pthread_mutex_t mutex;
	pthread_cond_t changed;
	Job *first; /* those that wait */
	Job *last;
	bool stopping;
	pthread_t *threads;
	int count;
} Workers;

static pthread_mutex_t finished_mutex = PTHREAD_MUTEX_INITIALIZER;
static Job *finished;
static int finished_fd = -1;
static atomic_bool aborted;

bool
workers_init(void)
{
	finished_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	return finished_fd >= 0;
}

/* NULL once the thread is to end. */
static Job *
next_job(Workers *workers)
{
	Job *job;

	pthread_mutex_lock(&workers->mutex);
	while (workers->first == NULL && !workers->stopping)
		pthread_cond_wait(&workers->changed, &workers->mutex);
	job = workers->first;
	if (job != NULL)
		workers->first = job->next;
	pthread_mutex_unlock(&workers->mutex);
	return job;
}

static void
finish_job(Job *job)
{
	uint64_t one = 1;
	ssize_t written;

	job->finished = clock_ms();
	pthread_mutex_lock(&finished_mutex);
	job->next = finished;
	finished = job;
	pthread_mutex_unlock(&finished_mutex);
	/* fails only when the descriptor is readable anyway */
	written = write(finished_fd, &one, sizeof(one));
	(void) written;
}

/* A transfer that was aborted says nothing about the server. */
static void
do_job(Job *job, void *client)
{
	if (client == NULL)
		outcome_set(&job->outcome, OUTCOME_UNAVAILABLE, "out of memory");
	else if (!workers_are_aborted())
		job->transport->sender->send(client, job->message, &job->outcome);
	if (workers_are_aborted() && job->outcome.type != OUTCOME_SENT &&
		job->outcome.type != OUTCOME_FAILED)
		outcome_set(&job->outcome, OUTCOME_DEFERRED, "the courier ends");
}

static void *
run_worker(void *arg)
{
	Transport *transport = arg;
	void *client = transport->sender->open(transport->options);
	Job *job;

	while ((job = next_job(transport->workers)) != NULL)
	{
		outcome_set(&job->outcome, OUTCOME_DEFERRED, "not sent");
		do_job(job, client);
		finish_job(job);
	}
	if (client != NULL)
		transport->sender->close(client);
	return NULL;
}

bool
workers_start(Transport *transport)
{
	Workers *workers = calloc(1, sizeof(Workers));
	int wanted = (int) transport->options->concurrency;

	if (workers == NULL || (workers->threads = calloc(wanted, sizeof(pthread_t))) == NULL)
		return false;
	pthread_mutex_init(&workers->mutex, NULL);
	pthread_cond_init(&workers->changed, NULL);
	transport->workers = workers;
	while (workers->count < wanted)
	{
		if (pthread_create(&workers->threads[workers->count], NULL, run_worker, transport) != 0)
			return false;
		workers->count++;
	}
	return true;
}

void
workers_put(Job *job)
{
	Workers *workers = job->transport->workers;

	job->started = clock_ms();
	job->next = NULL;
	pthread_mutex_lock(&workers->mutex);
	if (workers->first == NULL)
		workers->first = job;
	else
		workers->last->next = job;
	workers->last = job;
	pthread_cond_signal(&workers->changed);
	pthread_mutex_unlock(&workers->mutex);
}

int
workers_descriptor(void)
{
	return finished_fd;
}

Job *
workers_collect(void)
{
	uint64_t count;
	ssize_t got = read(finished_fd, &count, sizeof(count));
	Job *jobs;

	(void) got;
	pthread_mutex_lock(&finished_mutex);
	jobs = finished;
	finished = NULL;
	pthread_mutex_unlock(&finished_mutex);
	return jobs;
}

void
workers_abort(void)
{
	atomic_store(&aborted, true);
}

bool
workers_are_aborted(void)
{
	return atomic_load(&aborted);
}

bool
workers_stop(Transport *transport)
{
	Workers *workers = transport->workers;
	struct timespec deadline;
	bool ended = true;

	pthread_mutex_lock(&workers->mutex);
	workers->stopping = true;
	pthread_cond_broadcast(&workers->changed);
	pthread_mutex_unlock(&workers->mutex);
	clock_gettime(CLOCK_REALTIME, &deadline);
	deadline.tv_sec += LAST_WORDS_SECONDS;
	for (int i = 0; i < workers->count; i++)
		ended &= pthread_timedjoin_np(workers->threads[i], NULL, &deadline) == 0;
	return ended;
}
