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

/* Whether a connection is up. */
extern bool pool_is_up(void);

/*
 * Hands over a request whose connection is suspended; it is resumed once the
 * request is answered.  False, and nothing happens, if there is no room or no
 * connection: then the request is answered with a refusal.
 */
extern bool pool_submit(Request *request);

/* Refuses what still waits, cancels what runs, and ends the threads. */
extern void pool_stop(void);

#endif							/* GATEWAY_POOL_H */
