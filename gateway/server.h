/*
 * server.h
 *		The HTTP side: reads requests, and writes the answers.
 */
#ifndef GATEWAY_SERVER_H
#define GATEWAY_SERVER_H

#include <stdbool.h>

#include "options.h"

/* Says why on standard error if it fails. */
extern bool server_start(const Options *options);

/* Takes no new connections from now on. */
extern void server_quiesce(void);
extern void server_stop(void);

#endif							/* GATEWAY_SERVER_H */
