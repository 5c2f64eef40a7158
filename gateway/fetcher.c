/*
 * fetcher.c
 *		Requests to other servers, which the router has asked for.
 *
 * One thread drives all of them with libcurl and never waits for a single one;
 * libcurl resolves names in its own threads.  URLs are configured by an
 * administrator or named by a provider's discovery document, and a provider
 * must not be able to reach into this network: each address is checked when the
 * connection to it is made, after the name was resolved.
 *
 * A fetch is sent at most once.  libcurl repeats a request by itself if a
 * connection that it kept turns out to be dead; so none is kept.
 */
#include <curl/curl.h>
#include <netdb.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>

#include "address.h"
#include "clock.h"
#include "fetcher.h"
#include "headers.h"

#define ALL_FETCHES_MS 30000   /* of one request */
#define MAX_HEADER_BYTES 65536 /* of an answer */
#define POLL_MS 1000           /* also ended by curl_multi_wakeup() */
#define STOP_SECONDS 1
#define MAX_AUTHORITY 256 /* a longer one is cut off */

/* One fetch. */
typedef struct Transfer
{
	Request *request;
	CURL *curl;
	struct curl_slist *headers;
	Text method;
	Text url;
	Text body;
	Text resume;
	bool has_body;
	long timeout_ms;
	size_t max_bytes;
	size_t header_bytes;
	Text answer_headers; /* see headers.h */
	Text answer_body;
	char authority[MAX_AUTHORITY]; /* of the URL */
	char refused[NI_MAXHOST];      /* address that is not public; "": none */
	char error[CURL_ERROR_SIZE];
	struct Transfer *previous;
	struct Transfer *next;
} Transfer;

static struct
{
	pthread_mutex_t lock;
	Request *submitted; /* not yet taken by the thread */
	long count;         /* of those that were taken or are submitted */
	bool stopping;
	const Options *options;
	void (*done)(Request *request);
	pthread_t thread;
	CURLM *multi;
	Transfer *first; /* the thread's own */
} fetcher = {.lock = PTHREAD_MUTEX_INITIALIZER};

/* Host and port of a URL. */
static void
copy_authority(const char *url, char to[MAX_AUTHORITY])
{
	const char *slashes = strstr(url, "//");
	const char *authority = slashes != NULL ? slashes + 2 : url;

	snprintf(to, MAX_AUTHORITY, "%.*s", (int) strcspn(authority, "/?#"), authority);
}

/*
 * Logs at most once a second: how often it happens is up to clients.  The other
 * server may have written a part of the reason.
 */
static void
log_failure(const Transfer *transfer, const char *reason)
{
	static int64_t next = 0;
	char line[1536];

	if (clock_ms() < next)
		return;
	next = clock_ms() + 1000;
	snprintf(line, sizeof(line), "fetch from %s failed: %s", transfer->authority, reason);
	text_make_printable(line);
	fprintf(stderr, "authfort-gateway: %s\n", line);
}

/* Refuses addresses that are not public.  libcurl then tries the next one of the name. */
static curl_socket_t
open_socket_to(void *arg, curlsocktype purpose, struct curl_sockaddr *address)
{
	Transfer *transfer = arg;

	if (purpose != CURLSOCKTYPE_IPCXN)
		return CURL_SOCKET_BAD;
	if (!address_is_public(&address->addr) &&
		!address_is_in(&address->addr, fetcher.options->allow_fetch_to))
	{
		if (getnameinfo(&address->addr, address->addrlen, transfer->refused,
						sizeof(transfer->refused), NULL, 0, NI_NUMERICHOST) != 0)
			snprintf(transfer->refused, sizeof(transfer->refused), "of another family");
		return CURL_SOCKET_BAD;
	}
	return socket(address->family, address->socktype | SOCK_CLOEXEC, address->protocol);
}

/* libcurl ends the transfer if this does not return "size". */
static size_t
receive_body(char *data, size_t one, size_t size, void *arg)
{
	Transfer *transfer = arg;

	if (size > transfer->max_bytes - transfer->answer_body.len ||
		!text_append(&transfer->answer_body, data, size))
		return 0;
	return size;
}

/* A line of the answer's head, also of interim answers (1xx), which precede it. */
static size_t
receive_header(char *data, size_t one, size_t size, void *arg)
{
	Transfer *transfer = arg;

	transfer->header_bytes += size;
	if (transfer->header_bytes > MAX_HEADER_BYTES)
		return 0;
	if (size >= 5 && memcmp(data, "HTTP/", 5) == 0)
		text_free(&transfer->answer_headers);
	else if (!headers_add_answer(&transfer->answer_headers, data, size))
		return 0;
	return size;
}

static bool
is_named(const HeaderReader *reader, const char *name)
{
	return strcmp(reader->name.data, name) == 0;
}

static bool
add_own_header(Transfer *transfer, const char *header)
{
	struct curl_slist *longer = curl_slist_append(transfer->headers, header);

	if (longer == NULL)
		return false;
	transfer->headers = longer;
	return true;
}

static bool
take_member(Transfer *transfer, const HeaderReader *reader)
{
	const Text *value = &reader->value;

	if (is_named(reader, "method"))
		return text_append(&transfer->method, value->data, value->len);
	if (is_named(reader, "url"))
		return text_append(&transfer->url, value->data, value->len);
	if (is_named(reader, "resume"))
		return text_append(&transfer->resume, value->data, value->len);
	if (is_named(reader, "header"))
		return add_own_header(transfer, value->data);
	if (is_named(reader, "body"))
	{
		transfer->has_body = true;
		return text_append(&transfer->body, value->data, value->len);
	}
	if (is_named(reader, "timeout_ms"))
		transfer->timeout_ms = strtol(value->data, NULL, 10);
	if (is_named(reader, "max_bytes"))
		transfer->max_bytes = strtoul(value->data, NULL, 10);
	return true;
}

/* Reads what the router asked for. */
static bool
read_fetch(Transfer *transfer)
{
	HeaderReader reader;
	bool ok = headers_read(&reader, &transfer->request->fetch);

	while (ok && headers_next(&reader))
		ok = take_member(transfer, &reader);
	headers_end(&reader);
	if (!ok || transfer->url.len == 0 || transfer->resume.len == 0)
		return false;
	copy_authority(transfer->url.data, transfer->authority);
	return true;
}

/* Milliseconds that this fetch may take; all of a request's have a limit together. */
static long
time_limit(const Transfer *transfer)
{
	int64_t left = transfer->request->fetch_until - clock_ms();

	return left < transfer->timeout_ms ? (long) left : transfer->timeout_ms;
}

/* The router asks in clear only for this machine, which is one of the networks then. */
static const char *
allowed_protocols(void)
{
	return fetcher.options->allow_fetch_to[0] ? "http,https" : "https";
}

static bool
set_limits(const Transfer *transfer)
{
	CURL *curl = transfer->curl;

	return curl_easy_setopt(curl, CURLOPT_TIMEOUT_MS, transfer->timeout_ms) == CURLE_OK &&
		   curl_easy_setopt(curl, CURLOPT_MAXFILESIZE_LARGE, (curl_off_t) transfer->max_bytes) ==
			   CURLE_OK &&
		   curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, allowed_protocols()) == CURLE_OK &&
		   curl_easy_setopt(curl, CURLOPT_FOLLOWLOCATION, 0L) == CURLE_OK &&
		   curl_easy_setopt(curl, CURLOPT_DISALLOW_USERNAME_IN_URL, 1L) == CURLE_OK &&
		   /* an empty proxy also keeps libcurl from reading the environment */
		   curl_easy_setopt(curl, CURLOPT_PROXY, "") == CURLE_OK &&
		   curl_easy_setopt(curl, CURLOPT_FRESH_CONNECT, 1L) == CURLE_OK &&
		   curl_easy_setopt(curl, CURLOPT_FORBID_REUSE, 1L) == CURLE_OK &&
		   /* HTTP/2 lets a server have a request repeated */
		   curl_easy_setopt(curl, CURLOPT_HTTP_VERSION, (long) CURL_HTTP_VERSION_1_1) == CURLE_OK &&
		   /* a name that takes long to resolve must not hold up the thread */
		   curl_easy_setopt(curl, CURLOPT_QUICK_EXIT, 1L) == CURLE_OK &&
		   curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L) == CURLE_OK;
}

static bool
set_verification(const Transfer *transfer)
{
	CURL *curl = transfer->curl;
	const char *ca_file = fetcher.options->fetch_ca_file;

	return curl_easy_setopt(curl, CURLOPT_SSL_VERIFYPEER, 1L) == CURLE_OK &&
		   curl_easy_setopt(curl, CURLOPT_SSL_VERIFYHOST, 2L) == CURLE_OK &&
		   curl_easy_setopt(curl, CURLOPT_SSLVERSION, (long) CURL_SSLVERSION_TLSv1_2) == CURLE_OK &&
		   /* without a directory, libcurl keeps what it read from the file */
		   curl_easy_setopt(curl, CURLOPT_CAPATH, NULL) == CURLE_OK &&
		   (ca_file[0] == '\0' || curl_easy_setopt(curl, CURLOPT_CAINFO, ca_file) == CURLE_OK);
}

static bool
set_request(Transfer *transfer)
{
	CURL *curl = transfer->curl;

	/* none of libcurl's own */
	if (!add_own_header(transfer, "Expect:") ||
		(transfer->has_body &&
		 (curl_easy_setopt(curl, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t) transfer->body.len) !=
			  CURLE_OK ||
		  curl_easy_setopt(curl, CURLOPT_POSTFIELDS, transfer->body.data) != CURLE_OK)))
		return false;
	return curl_easy_setopt(curl, CURLOPT_URL, transfer->url.data) == CURLE_OK &&
		   curl_easy_setopt(curl, CURLOPT_CUSTOMREQUEST, transfer->method.data) == CURLE_OK &&
		   curl_easy_setopt(curl, CURLOPT_HTTPHEADER, transfer->headers) == CURLE_OK &&
		   curl_easy_setopt(curl, CURLOPT_USERAGENT, "authfort-gateway/" AUTHFORT_VERSION) == CURLE_OK;
}

static bool
set_callbacks(Transfer *transfer)
{
	CURL *curl = transfer->curl;

	return curl_easy_setopt(curl, CURLOPT_PRIVATE, transfer) == CURLE_OK &&
		   curl_easy_setopt(curl, CURLOPT_ERRORBUFFER, transfer->error) == CURLE_OK &&
		   curl_easy_setopt(curl, CURLOPT_OPENSOCKETFUNCTION, open_socket_to) == CURLE_OK &&
		   curl_easy_setopt(curl, CURLOPT_OPENSOCKETDATA, transfer) == CURLE_OK &&
		   curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, receive_body) == CURLE_OK &&
		   curl_easy_setopt(curl, CURLOPT_WRITEDATA, transfer) == CURLE_OK &&
		   curl_easy_setopt(curl, CURLOPT_HEADERFUNCTION, receive_header) == CURLE_OK &&
		   curl_easy_setopt(curl, CURLOPT_HEADERDATA, transfer) == CURLE_OK;
}

/* Each setting is checked: with one that does not hold, nothing is sent. */
static bool
begin_transfer(Transfer *transfer)
{
	transfer->timeout_ms = time_limit(transfer);
	if (transfer->timeout_ms <= 0)
		return false;
	transfer->curl = curl_easy_init();
	return transfer->curl != NULL && set_limits(transfer) && set_verification(transfer) &&
		   set_request(transfer) && set_callbacks(transfer) &&
		   curl_multi_add_handle(fetcher.multi, transfer->curl) == CURLM_OK;
}

static void
move_text(Text *to, Text *from)
{
	text_free(to);
	*to = *from;
	memset(from, 0, sizeof(*from));
}

static void
link_transfer(Transfer *transfer)
{
	transfer->next = fetcher.first;
	if (fetcher.first != NULL)
		fetcher.first->previous = transfer;
	fetcher.first = transfer;
}

static void
unlink_transfer(Transfer *transfer)
{
	if (transfer->previous != NULL)
		transfer->previous->next = transfer->next;
	else
		fetcher.first = transfer->next;
	if (transfer->next != NULL)
		transfer->next->previous = transfer->previous;
}

static void
free_transfer(Transfer *transfer)
{
	if (transfer->curl != NULL)
	{
		curl_multi_remove_handle(fetcher.multi, transfer->curl);
		curl_easy_cleanup(transfer->curl);
	}
	/* an Authorization header is a secret; libcurl has no function that wipes a list */
	for (struct curl_slist *header = transfer->headers; header != NULL; header = header->next)
		explicit_bzero(header->data, strlen(header->data));
	curl_slist_free_all(transfer->headers);
	text_free(&transfer->method);
	text_free(&transfer->url);
	text_free(&transfer->body);
	text_free(&transfer->resume);
	text_free(&transfer->answer_headers);
	text_free(&transfer->answer_body);
	free(transfer);
}

static void
hand_back(Request *request)
{
	text_free(&request->fetch);
	pthread_mutex_lock(&fetcher.lock);
	fetcher.count--;
	pthread_mutex_unlock(&fetcher.lock);
	fetcher.done(request);
}

/* Hands the request back, with the answer if the status is not 0. */
static void
finish_transfer(Transfer *transfer, int status)
{
	Request *request = transfer->request;

	move_text(&request->resume, &transfer->resume);
	request->fetch_status = status;
	if (status != 0)
	{
		move_text(&request->fetch_headers, &transfer->answer_headers);
		move_text(&request->fetch_body, &transfer->answer_body);
	}
	unlink_transfer(transfer);
	free_transfer(transfer);
	hand_back(request);
}

/* The status of a complete answer; 0, after a record in the log, for an incomplete one. */
static int
judge_transfer(const Transfer *transfer, CURLcode result)
{
	char refused[sizeof(transfer->refused) + 64];
	long status = 0;

	if (result == CURLE_COULDNT_CONNECT && transfer->refused[0] != '\0')
	{
		snprintf(refused, sizeof(refused), "its address %s is not public", transfer->refused);
		log_failure(transfer, refused);
		return 0;
	}
	if (result != CURLE_OK)
	{
		log_failure(transfer,
					transfer->error[0] != '\0' ? transfer->error : curl_easy_strerror(result));
		return 0;
	}
	if (transfer->answer_body.data != NULL &&
		!text_is_utf8(transfer->answer_body.data, transfer->answer_body.len))
	{
		log_failure(transfer, "the answer is not valid UTF-8");
		return 0;
	}
	curl_easy_getinfo(transfer->curl, CURLINFO_RESPONSE_CODE, &status);
	return (int) status;
}

static void
finish_completed(void)
{
	CURLMsg *message;
	int left;

	while ((message = curl_multi_info_read(fetcher.multi, &left)) != NULL)
	{
		Transfer *transfer;
		CURLcode result = message->data.result;

		if (message->msg != CURLMSG_DONE)
			continue;
		curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, &transfer);
		finish_transfer(transfer, judge_transfer(transfer, result));
	}
}

/*
 * One host may occupy three quarters of the fetches: while it does not answer,
 * the users of other providers can still sign in.
 */
static bool
host_has_room(const Transfer *transfer)
{
	long max = fetcher.options->max_fetches;
	long count = 0;

	for (const Transfer *other = fetcher.first; other != NULL; other = other->next)
	{
		if (strcasecmp(other->authority, transfer->authority) == 0)
			count++;
	}
	return count <= max - max / 4;
}

/* Hands back a request that was not sent, without what it continues with. */
static void
refuse_request(Transfer *transfer)
{
	Request *request = transfer->request;

	unlink_transfer(transfer);
	free_transfer(transfer);
	hand_back(request);
}

static void
start_one(Request *request)
{
	Transfer *transfer = calloc(1, sizeof(Transfer));
	bool readable;

	if (transfer == NULL)
	{
		hand_back(request);
		return;
	}
	transfer->request = request;
	link_transfer(transfer);
	readable = read_fetch(transfer);
	if (readable && !host_has_room(transfer))
	{
		refuse_request(transfer);
		return;
	}
	if (readable && begin_transfer(transfer))
		return;
	log_failure(transfer, "it could not be started");
	finish_transfer(transfer, 0);
}

/* Takes all that was submitted; false once the fetcher stops. */
static bool
take_submitted(Request **taken)
{
	bool stopping;

	pthread_mutex_lock(&fetcher.lock);
	*taken = fetcher.submitted;
	fetcher.submitted = NULL;
	stopping = fetcher.stopping;
	pthread_mutex_unlock(&fetcher.lock);
	return !stopping;
}

/* Calls the function for each request of a list, which may free it. */
static void
for_each(Request *request, void (*function)(Request *request))
{
	while (request != NULL)
	{
		Request *next = request->next;

		function(request);
		request = next;
	}
}

static void *
run_fetcher(void *arg)
{
	Request *taken;

	while (take_submitted(&taken))
	{
		int running;

		for_each(taken, start_one);
		curl_multi_perform(fetcher.multi, &running);
		finish_completed();
		curl_multi_poll(fetcher.multi, NULL, 0, POLL_MS, NULL);
	}
	for_each(taken, hand_back);
	while (fetcher.first != NULL)
		finish_transfer(fetcher.first, 0);
	return NULL;
}

bool
fetcher_start(const Options *options, void (*done)(Request *request))
{
	fetcher.options = options;
	fetcher.done = done;
	if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK)
		return false;
	fetcher.multi = curl_multi_init();
	return fetcher.multi != NULL && pthread_create(&fetcher.thread, NULL, run_fetcher, NULL) == 0;
}

bool
fetcher_submit(Request *request)
{
	bool taken;

	if (request->fetch_until == 0)
		request->fetch_until = clock_ms() + ALL_FETCHES_MS;
	pthread_mutex_lock(&fetcher.lock);
	taken = fetcher.count < fetcher.options->max_fetches && !fetcher.stopping;
	if (taken)
	{
		request->next = fetcher.submitted;
		fetcher.submitted = request;
		fetcher.count++;
	}
	pthread_mutex_unlock(&fetcher.lock);
	if (taken)
		curl_multi_wakeup(fetcher.multi);
	return taken;
}

bool
fetcher_stop(void)
{
	struct timespec until;

	pthread_mutex_lock(&fetcher.lock);
	fetcher.stopping = true;
	pthread_mutex_unlock(&fetcher.lock);
	curl_multi_wakeup(fetcher.multi);
	clock_gettime(CLOCK_REALTIME, &until);
	until.tv_sec += STOP_SECONDS;
	if (pthread_timedjoin_np(fetcher.thread, NULL, &until) != 0)
		return false;
	curl_multi_cleanup(fetcher.multi);
	return true;
}
