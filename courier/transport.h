/*
 * transport.h
 *		A way to deliver messages: mail or webhook, and whether it works now.
 *
 * When no message can be sent, as with a wrong password, none is taken for a
 * while.  Then one message is tried, and if it succeeds, all others.
 */
#ifndef COURIER_TRANSPORT_H
#define COURIER_TRANSPORT_H

#include <stdbool.h>
#include <stdint.h>

#include "options.h"
#include "sender.h"

struct Job;
struct Workers;

typedef struct Transport
{
	const Sender *sender;
	const Options *options;
	char *kinds;        /* those that it delivers, as a text[]; NULL: all */
	char *except_kinds; /* but not these; NULL: no exceptions */
	struct Workers *workers;

	/* the rest is for the main thread */
	int in_flight;     /* messages with the workers */
	int failures;      /* pauses since the last success */
	int64_t paused_at; /* on clock_ms(), as all of these */
	int64_t resume_at;
	int64_t next_take; /* when to look for messages */
	bool is_drained;   /* there were fewer than it could take */
} Transport;

/* The longest deferral that authfort.message_deferred() accepts, in seconds. */
#define MAX_DEFERRAL (7 * 24 * 60 * 60)

/* The transports that the options ask for; returns their number, 0 if out of memory. */
#define MAX_TRANSPORTS 2
extern int transports_make(Transport *transports, const Options *options);

/* How many messages it can be given now. */
extern int transport_capacity(const Transport *transport, int64_t now);

extern bool transport_is_paused(const Transport *transport, int64_t now);

/* Learns from an outcome.  Returns the seconds after which a deferred message is due. */
extern long transport_settle(Transport *transport, const struct Job *job, int64_t now);

#endif /* COURIER_TRANSPORT_H */
