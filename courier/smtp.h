/*
 * smtp.h
 *		Sends mails to a server by SMTP.
 */
#ifndef COURIER_SMTP_H
#define COURIER_SMTP_H

#include "sender.h"

extern const Sender smtp_sender;

#endif /* COURIER_SMTP_H */
