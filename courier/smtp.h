/*
 * smtp.h
 *		Sends mails to a server by SMTP.
 */
#ifndef COURIER_SMTP_H
#define COURIER_SMTP_H

#include "message.h"
#include "options.h"
#include "outcome.h"

/* A client, used by one thread at a time; it keeps its connection for the next mail. */
typedef struct SmtpClient SmtpClient;

/* NULL if out of memory. */
extern SmtpClient *smtp_open(const Options *options);

extern void smtp_send(SmtpClient *client, const Message *message, Outcome *outcome);
extern void smtp_close(SmtpClient *client);

#endif /* COURIER_SMTP_H */
