/*
 * workers.h
 *		Threads that send messages.
 */
#ifndef COURIER_WORKERS_H
#define COURIER_WORKERS_H

#include <stdbool.h>
#include <stdint.h>

#include "message.h"
#include "outcome.h"
#include "transport.h"

/* A message with a worker, and then its outcome. */
typedef struct Job
{
	struct Job *next;
	Transport *transport;
	Message *message;
	Outcome outcome;
	int64_t started; /* on clock_ms() */
	int64_t finished;
	long delay; /* seconds after which a deferred message is due */
} Job;

/* Once, before all others; false if the system does not allow it. */
extern bool workers_init(void);

/* Starts the threads of a transport. */
extern bool workers_start(Transport *transport);

/* Hands a job to a thread of its transport. */
extern void workers_put(Job *job);

/* Takes the jobs that have an outcome, in a list.  The descriptor is readable if there are any. */
extern Job *workers_collect(void);
extern int workers_descriptor(void);

/* Ends the transfers that run; they get an outcome like others. */
extern void workers_abort(void);
extern bool workers_are_aborted(void);

/* Ends the threads, which have no jobs, and their connections.  False if some are not ended in time. */
extern bool workers_stop(Transport *transport);

#endif /* COURIER_WORKERS_H */
