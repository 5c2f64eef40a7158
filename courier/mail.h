/*
 * mail.h
 *		A mail, as libcurl sends it.
 */
#ifndef COURIER_MAIL_H
#define COURIER_MAIL_H

#include <curl/curl.h>
#include <stdbool.h>

#include "message.h"
#include "options.h"
#include "render.h"

typedef struct Mail
{
	curl_mime *mime;
	struct curl_slist *headers;
	struct curl_slist *recipients;
	Text sender; /* in angle brackets, as the recipients */
} Mail;

/* False if out of memory. */
extern bool mail_make(Mail *mail, CURL *easy, const Options *options, const Message *message,
					  const Rendered *rendered);

/* After the transfer, which uses all of it. */
extern void mail_free(Mail *mail);

#endif /* COURIER_MAIL_H */
