/*
 * pool.h
 *		Connections to PostgreSQL, and the requests that wait for one.
 */
#ifndef GATEWAY_POOL_H
#define GATEWAY_POOL_H

#include <stdbool.h>

#include "options.h"
#include "request.h"

extern bool pool_start(const Options *options);

/* Whether PostgreSQL has answered within the last seconds. */
extern bool pool_is_ready(void);

/*
 * Hands over a request.  Its connection is suspended, and resumed once the
 * request is answered.  If the queue is full or the database is unavailable,
 * the result is false and the request is answered with a refusal.
 */
extern bool pool_submit(Request *request);

/* Refuses requests that have waited too long; to be called several times a second. */
extern void pool_tick(void);

/*
 * Refuses waiting requests, cancels running ones, and ends the threads.
 * Returns false if a thread is still connecting or cancelling after a while.
 */
extern bool pool_stop(void);

#endif /* GATEWAY_POOL_H */
