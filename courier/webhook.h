/*
 * webhook.h
 *		Posts messages to a URL, signed as Standard Webhooks.
 */
#ifndef COURIER_WEBHOOK_H
#define COURIER_WEBHOOK_H

#include "sender.h"

extern const Sender webhook_sender;

#endif /* COURIER_WEBHOOK_H */
