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
 * Adds a client, and may disconnect another to make room.  Returns NULL if it
 * is refused; its socket is then already shut down.
 */
extern Client *client_connected(int fd, const struct sockaddr *address);
extern void client_disconnected(Client *client);

/* Note what the gateway waits for from now on. A NULL client is ignored. */
extern void client_sends_request(Client *client);
extern void client_waits(Client *client); /* for the answer: it is our turn */
extern void client_reads_answer(Client *client, size_t length);
extern void client_is_idle(Client *client);

/* Disconnects clients whose deadline has passed; to be called several times a second. */
extern void clients_tick(void);

#endif /* GATEWAY_CLIENTS_H */
