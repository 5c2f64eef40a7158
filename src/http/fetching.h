/*
 * fetching.h
 *		Responses that need another server's answer first (flow/fetch.h).
 */
#ifndef AUTHFORT_FETCHING_H
#define AUTHFORT_FETCHING_H

#include "postgres.h"

#include "flow/fetch.h"
#include "http/message.h"

/*
 * Continues a response once the answer is there.  The request has the method,
 * the path, the client and some of the headers of the one that began the flow,
 * but no cookie, query or body.  The response has its CORS headers already.
 */
typedef void (*FetchHandler)(HttpRequest *request, FetchFlow *flow, const FetchAnswer *answer,
							 HttpResponse *response);

/*
 * Responds with a fetch.  A door that is not given fetches, or that ignores
 * this one, sends the refusal fetch_unsupported, so the caller must have added
 * no header to the response.
 */
extern void http_respond_fetch(HttpResponse *response, FetchFlow *flow, Fetch *fetch);

/* Restores the request of a flow, and calls the handler of its step. */
extern void http_serve_answer(FetchFlow *flow, const FetchAnswer *answer, HttpRequest *request,
							  HttpResponse *response);

#endif /* AUTHFORT_FETCHING_H */
