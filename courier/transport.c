/*
 * transport.c
 *		A way to deliver messages: mail or webhook, and whether it works now.
 */
#include <stdlib.h>
#include <string.h>

#include "log.h"
#include "smtp.h"
#include "transport.h"
#include "webhook.h"
#include "workers.h"

/* So many for each worker, so that few transactions are needed, and no worker waits for one. */
#define QUEUED 2

/* Seconds: of pauses that get longer, and of any, whatever a server asks for. */
#define MAX_BACKOFF_PAUSE (5 * 60)
#define MAX_PAUSE (60 * 60)

/* The names hold nothing that an array would have to quote. */
static char *
array_of(const char *names)
{
	char *array = malloc(strlen(names) + 3);

	if (array != NULL)
	{
		array[0] = '{';
		strcpy(array + 1, names);
		strcat(array, "}");
	}
	return array;
}

int
transports_make(Transport *transports, const Options *options)
{
	bool is_divided = options->webhook_kinds[0] != '\0';
	char *posted = is_divided ? array_of(options->webhook_kinds) : NULL;
	int count = 0;

	if (is_divided && posted == NULL)
		return 0;
	if (options->smtp_url[0] != '\0')
		transports[count++] =
			(Transport){.sender = &smtp_sender, .options = options, .except_kinds = posted};
	if (options->webhook_url[0] != '\0')
		transports[count++] =
			(Transport){.sender = &webhook_sender, .options = options, .kinds = posted};
	return count;
}

bool
transport_is_paused(const Transport *transport, int64_t now)
{
	return now < transport->resume_at;
}

int
transport_capacity(const Transport *transport, int64_t now)
{
	int limit = transport->failures > 0 ? 1 : QUEUED * (int) transport->options->concurrency;

	if (transport_is_paused(transport, now) || transport->in_flight > limit / 2)
		return 0;
	return limit - transport->in_flight;
}

/* Seconds before attempt number "count" + 1, within a fifth of it, so that not all come at once. */
static long
backoff(const Options *options, long count)
{
	long wait = options->retry_min;

	while (--count > 0 && wait < options->retry_max)
		wait *= 2;
	if (wait > options->retry_max)
		wait = options->retry_max;
	return wait + (wait >= 5 ? random() % (wait / 5 + 1) : 0);
}

static long
max(long a, long b)
{
	return a > b ? a : b;
}

static long
min(long a, long b)
{
	return a < b ? a : b;
}

/* Messages that were on their way when the pause began do not prolong it. */
static void
pause_transport(Transport *transport, const Job *job, int64_t now)
{
	long wait;

	if (job->started < transport->paused_at)
		return;
	transport->failures++;
	wait = min(backoff(transport->options, transport->failures), MAX_BACKOFF_PAUSE);
	wait = min(max(wait, job->outcome.retry_after), MAX_PAUSE);
	transport->paused_at = now;
	transport->resume_at = now + wait * 1000;
	log_problem("%s pauses for %ld s: %s", transport->sender->name, wait, job->outcome.reason);
}

/*
 * The message that met the failure comes after the others that are due when
 * the pause ends: if it is the cause, another one shows that.
 */
long
transport_settle(Transport *transport, const Job *job, int64_t now)
{
	const Outcome *outcome = &job->outcome;
	long wait;

	if (outcome->type == OUTCOME_UNAVAILABLE)
	{
		pause_transport(transport, job, now);
		/* a pause that began while it was tried may be over */
		wait = max((long) ((transport->resume_at - now) / 1000), 0) + 2;
		return min(max(wait, outcome->retry_after), MAX_DEFERRAL);
	}
	if (outcome->at_server && job->started >= transport->paused_at && transport->failures > 0)
	{
		transport->failures = 0;
		log_problem("%s works again", transport->sender->name);
	}
	return min(max(backoff(transport->options, job->message->attempts), outcome->retry_after),
			   MAX_DEFERRAL);
}
