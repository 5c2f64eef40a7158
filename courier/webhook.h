/*
 * webhook.h
 *		Posts messages to a URL, signed as Standard Webhooks.
 */
#ifndef COURIER_WEBHOOK_H
#define COURIER_WEBHOOK_H

#include "message.h"
#include "options.h"
#include "outcome.h"

/* A client, used by one thread at a time; it keeps its connection for the next message. */
typedef struct WebhookClient WebhookClient;

/* NULL if out of memory. */
extern WebhookClient *webhook_open(const Options *options);

extern void webhook_send(WebhookClient *client, const Message *message, Outcome *outcome);
extern void webhook_close(WebhookClient *client);

#endif /* COURIER_WEBHOOK_H */
