/*
 * transfer.c
 *		Transfers by libcurl: what mails and webhooks have in common.
 */
#include "transfer.h"
#include "workers.h"

#define KEEP_CONNECTION 30 /* seconds */

bool
transfer_open(Transfer *transfer, const Options *options)
{
	transfer->options = options;
	transfer->easy = curl_easy_init();
	return transfer->easy != NULL;
}

void
transfer_close(Transfer *transfer)
{
	curl_easy_cleanup(transfer->easy);
}

static int
check_abort(void *arg, curl_off_t a, curl_off_t b, curl_off_t c, curl_off_t d)
{
	return workers_are_aborted();
}

void
transfer_begin(Transfer *transfer, const char *url, const char *protocols, long connect_timeout)
{
	const Options *options = transfer->options;
	CURL *easy = transfer->easy;

	curl_easy_reset(easy);
	curl_easy_setopt(easy, CURLOPT_URL, url);
	curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, protocols);
	if (options->ca_file[0] != '\0')
		curl_easy_setopt(easy, CURLOPT_CAINFO, options->ca_file);
	curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT, connect_timeout);
	curl_easy_setopt(easy, CURLOPT_TIMEOUT, options->send_timeout);
	curl_easy_setopt(easy, CURLOPT_MAXAGE_CONN, (long) KEEP_CONNECTION);
	curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, transfer->error);
	curl_easy_setopt(easy, CURLOPT_NOPROGRESS, 0L);
	curl_easy_setopt(easy, CURLOPT_XFERINFOFUNCTION, check_abort);
}

CURLcode
transfer_run(Transfer *transfer)
{
	transfer->error[0] = '\0';
	return curl_easy_perform(transfer->easy);
}

const char *
transfer_problem(const Transfer *transfer, CURLcode result)
{
	return transfer->error[0] != '\0' ? transfer->error : curl_easy_strerror(result);
}

bool
transfer_add_string(struct curl_slist **list, const char *string)
{
	struct curl_slist *longer = curl_slist_append(*list, string);

	if (longer == NULL)
		return false;
	*list = longer;
	return true;
}
