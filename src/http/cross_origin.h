/*
 * cross_origin.h
 *		Requests from pages of other origins: the rule for cookie-authenticated
 *		requests, and CORS.
 */
#ifndef AUTHFORT_CROSS_ORIGIN_H
#define AUTHFORT_CROSS_ORIGIN_H

#include "postgres.h"

#include "http/message.h"

/* The origin of a request, as reported by the browser. */
typedef enum RequestOrigin
{
	ORIGIN_UNSTATED, /* not sent by a current browser */
	ORIGIN_OURS,
	ORIGIN_FOREIGN
} RequestOrigin;

extern RequestOrigin cross_origin_of(const HttpRequest *request);

/*
 * Checks a request that changes something and whose token, valid or not, came
 * as a cookie.  Returns NULL or the refusal.
 */
extern const Refusal *cross_origin_check(const HttpRequest *request);

/* Adds the headers by which browsers let listed origins read the response. */
extern void cors_add_headers(const HttpRequest *request, HttpResponse *response);

extern bool cors_is_preflight(const HttpRequest *request);

/* Answers a preflight request for a path that takes these methods. */
extern void
cors_respond_preflight(const HttpRequest *request, const char *methods, HttpResponse *response);

#endif /* AUTHFORT_CROSS_ORIGIN_H */
