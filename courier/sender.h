/*
 * sender.h
 *		A way to send a message: by mail, or to a webhook.
 */
#ifndef COURIER_SENDER_H
#define COURIER_SENDER_H

#include "message.h"
#include "options.h"
#include "outcome.h"

/* A client is used by one thread; it keeps its connection for the next message. */
typedef struct Sender
{
	const char *name;
	void *(*open)(const Options *options); /* makes a client; NULL if out of memory */
	void (*send)(void *client, const Message *message, Outcome *outcome);
	void (*close)(void *client);
} Sender;

#endif /* COURIER_SENDER_H */
