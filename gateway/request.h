/*
 * request.h
 *		One request on its way to the router, and the answer on its way back.
 */
#ifndef GATEWAY_REQUEST_H
#define GATEWAY_REQUEST_H

#include <microhttpd.h>
#include <stdbool.h>
#include <time.h>

#include "text.h"

/*
 * Belongs to the server's thread, but for the time between pool_submit() and
 * the resuming of its connection, when it belongs to the pool.
 */
typedef struct Request
{
	struct MHD_Connection *connection;
	char	   *path;			/* as sent, up to the query */
	char	   *query;			/* behind the '?'; NULL: none */
	char		method[32];
	char		peer[64];		/* address without port */
	Text		headers;		/* JSON array of single-key objects */
	Text		body;
	struct timespec received;	/* monotonic */
	bool		begun;			/* its headers were read */
	bool		too_large;
	bool		malformed;		/* not UTF-8, or out of memory */
	bool		answered;		/* the fields below are set */
	int			status;
	Text		reply_headers;	/* lines "name: value" */
	Text		reply_body;
	size_t		reply_length;	/* of the body, kept for the log */
	struct Request *next;		/* in the pool's queue */
} Request;

/* Answers in the gateway's own name; "retry" adds Retry-After. */
extern void request_refuse(Request *request, int status, const char *code, const char *message,
						   bool retry);
extern void request_free(Request *request);

#endif							/* GATEWAY_REQUEST_H */
