/*
 * cross_origin.h
 *		What pages of other origins may do with a visitor's browser: the rule
 *		for requests by cookie, and CORS.
 */
#ifndef AUTHFORT_CROSS_ORIGIN_H
#define AUTHFORT_CROSS_ORIGIN_H

#include "postgres.h"

#include "http/message.h"

/* Where a request comes from, as its browser says. */
typedef enum RequestOrigin
{
	ORIGIN_UNSTATED,			/* not sent by a current browser */
	ORIGIN_OURS,
	ORIGIN_FOREIGN
} RequestOrigin;

extern RequestOrigin cross_origin_of(const HttpRequest *request);

/*
 * Checks a request that changes something and whose token came as a cookie,
 * good or not.  Returns NULL or the refusal.
 */
extern const Refusal *cross_origin_check(const HttpRequest *request);

/* Adds the headers by which browsers let listed origins read the response. */
extern void cors_add_headers(const HttpRequest *request, HttpResponse *response);

extern bool cors_is_preflight(const HttpRequest *request);

/* Answers a preflight request for a path that takes these methods. */
extern void cors_respond_preflight(const HttpRequest *request, const char *methods,
								   HttpResponse *response);

#endif							/* AUTHFORT_CROSS_ORIGIN_H */
