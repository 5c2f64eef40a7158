/*
 * transfer.h
 *		Transfers by libcurl: what mails and webhooks have in common.
 */
#ifndef COURIER_TRANSFER_H
#define COURIER_TRANSFER_H

#include <curl/curl.h>
#include <stdbool.h>

#include "options.h"

/* A handle, with the connection that it keeps. */
typedef struct Transfer
{
	const Options *options;
	CURL *easy;
	char error[CURL_ERROR_SIZE];
} Transfer;

/* False if out of memory. */
extern bool transfer_open(Transfer *transfer, const Options *options);
extern void transfer_close(Transfer *transfer);

/*
 * Begins another transfer: all options of the handle are those of every
 * transfer to that URL, of one of the protocols.  "connect_timeout" is in
 * seconds.
 */
extern void
transfer_begin(Transfer *transfer, const char *url, const char *protocols, long connect_timeout);

/* Runs it; ends early if the workers are aborted. */
extern CURLcode transfer_run(Transfer *transfer);

/* Why it failed, in libcurl's words. */
extern const char *transfer_problem(const Transfer *transfer, CURLcode result);

/* False if out of memory. */
extern bool transfer_add_string(struct curl_slist **list, const char *string);

#endif /* COURIER_TRANSFER_H */
