/*
 * request.h
 *		One request on its way to the router, and the answer on its way back.
 */
#ifndef GATEWAY_REQUEST_H
#define GATEWAY_REQUEST_H

#include <microhttpd.h>
#include <stdbool.h>
#include <stdint.h>

#include "text.h"

/*
 * Belongs to the server's thread, except from pool_submit() until its
 * connection is resumed, when it belongs to the pool, or, while another server
 * is asked, to the fetcher.
 */
typedef struct Request
{
	struct MHD_Connection *connection;
	char *target; /* as sent; path and query lie in it */
	char *path;
	char *query; /* behind the '?'; NULL without one */
	char method[32];
	char peer[64]; /* address without port */
	Text headers;  /* see headers.h; empty without headers */
	Text body;
	int64_t received; /* its first line; clock_ms() */
	int64_t queued;   /* since when it waits in the pool's queue */
	bool begun;       /* its headers were read */
	bool too_large;
	bool malformed; /* not UTF-8, or out of memory */
	bool slow;      /* of the class that hashes, see pool.c */
	bool answered;  /* the fields below are set */
	int status;
	bool close;         /* the connection ends with this answer */
	Text reply_headers; /* see headers.h */
	Text reply_body;
	size_t reply_length; /* of the body, kept for the log */
	Text fetch;          /* what the router asked for, see headers.h; empty: nothing */
	Text resume;      /* with this the router takes the answer below; empty: it takes the request */
	int fetch_status; /* 0: no answer */
	Text fetch_headers;
	Text fetch_body;
	int64_t fetch_until;  /* for all fetches of the request; 0 before the first */
	struct Request *next; /* in the pool's queue, or the fetcher's */
} Request;

/* GET for HEAD: libmicrohttpd sends the header of its answer, and no body. */
extern const char *request_method_for_router(const Request *request);

/* Set a response of the gateway itself: a JSON text, or an error; "retry" adds Retry-After. */
extern void request_respond(Request *request, int status, const char *body);
extern void
request_refuse(Request *request, int status, const char *code, const char *message, bool retry);
extern void request_free(Request *request);

#endif /* GATEWAY_REQUEST_H */
