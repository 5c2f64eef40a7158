/*
 * fetcher.h
 *		Requests to other servers, which the router has asked for.
 */
#ifndef GATEWAY_FETCHER_H
#define GATEWAY_FETCHER_H

#include <stdbool.h>

#include "options.h"
#include "request.h"

/*
 * Starts the fetcher.  It calls "done" in its own thread, once for each
 * request that it took, with the answer in the request, or with the status 0
 * without an answer.  Without "resume", the request cannot continue.
 */
extern bool fetcher_start(const Options *options, void (*done)(Request *request));

/*
 * Takes a request whose "fetch" is set, which belongs to the fetcher from then
 * on.  False if it has --max-fetches of them already.
 */
extern bool fetcher_submit(Request *request);

/* Gives up all fetches.  False if the thread has not ended after a while. */
extern bool fetcher_stop(void);

#endif /* GATEWAY_FETCHER_H */
