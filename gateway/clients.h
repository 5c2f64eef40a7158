/*
 * clients.h
 *		The clients that are connected: how many there may be, and how long
 *		the gateway waits for each.
 */
#ifndef GATEWAY_CLIENTS_H
#define GATEWAY_CLIENTS_H

#include <stddef.h>
#include <sys/socket.h>

#include "options.h"

typedef struct Client Client;

extern void clients_init(const Options *options);

/*
 * Takes a client in, and may end another to make room.  NULL if it is not let
 * in: then its socket is shut down already.
 */
extern Client *client_connected(int fd, const struct sockaddr *address);
extern void client_disconnected(Client *client);

/* What the gateway waits for from now on.  A NULL client is left alone. */
extern void client_sends_request(Client *client);
extern void client_waits(Client *client);	/* for the answer: it is our turn */
extern void client_reads_answer(Client *client, size_t length);
extern void client_is_idle(Client *client);

/* Ends those whose deadline has passed; to be called several times a second. */
extern void clients_tick(void);

#endif							/* GATEWAY_CLIENTS_H */
