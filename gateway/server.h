/*
 * server.h
 *		The HTTP side: reads requests, and writes the answers.
 */
#ifndef GATEWAY_SERVER_H
#define GATEWAY_SERVER_H

#include <stdbool.h>

#include "options.h"

/* Reports a failure on standard error. */
extern bool server_start(const Options *options);

/* Accepts no new connections from now on, and closes each one after its response. */
extern void server_quiesce(void);

/* Whether every request is answered and written; waits up to 1,000 ms for it. */
extern bool server_is_drained(long ms);
extern void server_stop(void);

#endif /* GATEWAY_SERVER_H */
