/*
 * webhook.c
 *		Posts messages to a URL, signed as Standard Webhooks.
 *
 * The body is {"type": kind, "timestamp": time, "user_id": id, "data": message}
 * and, where there is a template, {"rendered": {"subject", "text", "html"}}.
 */
#include <curl/curl.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "render.h"
#include "webhook.h"
#include "workers.h"

#define CONNECT_TIMEOUT 10 /* seconds, as these */
#define KEEP_CONNECTION 30
#define MAX_RETRY_AFTER (24 * 60 * 60)

struct WebhookClient
{
	const Options *options;
	CURL *easy;
	char error[CURL_ERROR_SIZE];
};

WebhookClient *
webhook_open(const Options *options)
{
	WebhookClient *client = calloc(1, sizeof(WebhookClient));

	if (client == NULL)
		return NULL;
	client->options = options;
	client->easy = curl_easy_init();
	if (client->easy == NULL)
	{
		free(client);
		return NULL;
	}
	return client;
}

void
webhook_close(WebhookClient *client)
{
	curl_easy_cleanup(client->easy);
	free(client);
}

static bool
append(Text *out, const char *text)
{
	return text_append(out, text, strlen(text));
}

static bool
append_rendered(Text *body, const Rendered *rendered)
{
	return append(body, ",\"rendered\":{\"subject\":") &&
	       text_append_json(body, rendered->subject.data) && append(body, ",\"text\":") &&
	       text_append_json(body, rendered->text.data) && append(body, ",\"html\":") &&
	       text_append_json(body, rendered->html.data) && append(body, "}");
}

/* A message without a template is posted as well. */
static bool
make_body(Text *body, const Message *message)
{
	Rendered rendered;
	bool ok = append(body, "{\"type\":") && text_append_json(body, message->kind.data) &&
	          append(body, ",\"timestamp\":") && text_append_json(body, message->created_at.data) &&
	          append(body, ",\"user_id\":") && text_append_json(body, message->user_id.data) &&
	          append(body, ",\"data\":") && append(body, message->json.data);

	if (render_message(message, &rendered) == RENDERED)
		ok = ok && append_rendered(body, &rendered);
	rendered_free(&rendered);
	return ok && append(body, "}");
}

/* Base64 of the HMAC of "id.timestamp.body". */
static bool
append_signature(Text *out, const WebhookSecret *secret, const Text *signed_text)
{
	unsigned char mac[EVP_MAX_MD_SIZE];
	unsigned char encoded[EVP_MAX_MD_SIZE * 2];
	unsigned int len;

	if (HMAC(EVP_sha256(), secret->key, (int) secret->len, (unsigned char *) signed_text->data,
	         signed_text->len, mac, &len) == NULL)
		return false;
	EVP_EncodeBlock(encoded, mac, (int) len);
	return append(out, " v1,") && append(out, (char *) encoded);
}

static bool
append_signatures(Text *header, const Options *options, const char *id, const char *timestamp,
                  const Text *body)
{
	Text signed_text = {0};
	bool ok = append(&signed_text, id) && append(&signed_text, ".") &&
	          append(&signed_text, timestamp) && append(&signed_text, ".") &&
	          text_append(&signed_text, body->data, body->len) &&
	          append(header, "webhook-signature:");

	for (int i = 0; ok && i < options->webhook_secret_count; i++)
		ok = append_signature(header, &options->webhook_secrets[i], &signed_text);
	text_free(&signed_text);
	return ok;
}

static bool
add_header(struct curl_slist **list, const char *header)
{
	struct curl_slist *longer = curl_slist_append(*list, header);

	if (longer == NULL)
		return false;
	*list = longer;
	return true;
}

/* The id is that of the message, so a receiver recognizes a repetition. */
static bool
make_headers(struct curl_slist **list, const Options *options, const Message *message,
             const Text *body)
{
	char timestamp[32];
	char line[128];
	Text signatures = {0};
	bool ok;

	snprintf(timestamp, sizeof(timestamp), "%lld", (long long) time(NULL));
	ok = append_signatures(&signatures, options, message->id, timestamp, body) &&
	     add_header(list, signatures.data);
	text_free(&signatures);
	snprintf(line, sizeof(line), "webhook-id: %s", message->id);
	ok = ok && add_header(list, line);
	snprintf(line, sizeof(line), "webhook-timestamp: %s", timestamp);
	return ok && add_header(list, line) && add_header(list, "Content-Type: application/json") &&
	       add_header(list, "Expect:");
}

static size_t
discard(char *data, size_t size, size_t count, void *arg)
{
	return size * count;
}

static int
check_abort(void *arg, curl_off_t a, curl_off_t b, curl_off_t c, curl_off_t d)
{
	return workers_are_aborted();
}

static void
set_options(WebhookClient *client, struct curl_slist *headers, const Text *body)
{
	const Options *options = client->options;
	CURL *easy = client->easy;

	curl_easy_reset(easy);
	curl_easy_setopt(easy, CURLOPT_URL, options->webhook_url);
	curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https");
	curl_easy_setopt(easy, CURLOPT_FOLLOWLOCATION, 0L);
	/* a proxy of the environment must not see what is sent to this machine */
	if (strncmp(options->webhook_url, "http:", 5) == 0)
		curl_easy_setopt(easy, CURLOPT_PROXY, "");
	if (options->ca_file[0] != '\0')
		curl_easy_setopt(easy, CURLOPT_CAINFO, options->ca_file);
	curl_easy_setopt(easy, CURLOPT_USERAGENT, "authfort-courier/" AUTHFORT_VERSION);
	curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT, (long) CONNECT_TIMEOUT);
	curl_easy_setopt(easy, CURLOPT_TIMEOUT, options->send_timeout);
	curl_easy_setopt(easy, CURLOPT_MAXAGE_CONN, (long) KEEP_CONNECTION);
	curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, client->error);
	curl_easy_setopt(easy, CURLOPT_NOPROGRESS, 0L);
	curl_easy_setopt(easy, CURLOPT_XFERINFOFUNCTION, check_abort);
	curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, discard);
	curl_easy_setopt(easy, CURLOPT_HTTPHEADER, headers);
	curl_easy_setopt(easy, CURLOPT_POSTFIELDS, body->data);
	curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t) body->len);
}

/* Whether it failed before any of the request was sent. */
static bool
is_unreachable(WebhookClient *client)
{
	curl_off_t ready = 0;

	curl_easy_getinfo(client->easy, CURLINFO_PRETRANSFER_TIME_T, &ready);
	return ready == 0;
}

static long
retry_after(WebhookClient *client)
{
	curl_off_t seconds = 0;

	curl_easy_getinfo(client->easy, CURLINFO_RETRY_AFTER, &seconds);
	return seconds < MAX_RETRY_AFTER ? (long) seconds : MAX_RETRY_AFTER;
}

static void
judge_status(WebhookClient *client, Outcome *outcome)
{
	long status = 0;
	long wait = retry_after(client);
	OutcomeType type = OUTCOME_DEFERRED;

	curl_easy_getinfo(client->easy, CURLINFO_RESPONSE_CODE, &status);
	if (status >= 200 && status <= 299)
		type = OUTCOME_SENT;
	else if (status == 410)
		type = OUTCOME_FAILED;
	else if (status == 429 || (status == 503 && wait > 0))
		type = OUTCOME_UNAVAILABLE;
	outcome_set(outcome, type, "status %ld", status);
	outcome->retry_after = wait;
}

static void
post(WebhookClient *client, struct curl_slist *headers, const Text *body, Outcome *outcome)
{
	CURLcode result;

	set_options(client, headers, body);
	client->error[0] = '\0';
	result = curl_easy_perform(client->easy);
	if (result == CURLE_OK)
		judge_status(client, outcome);
	else if (is_unreachable(client))
		outcome_set(outcome, OUTCOME_UNAVAILABLE, "connecting: %s",
		            client->error[0] ? client->error : curl_easy_strerror(result));
	else
		outcome_set(outcome, OUTCOME_DEFERRED, "no answer: %s", curl_easy_strerror(result));
}

void
webhook_send(WebhookClient *client, const Message *message, Outcome *outcome)
{
	Text body = {0};
	struct curl_slist *headers = NULL;

	if (make_body(&body, message) && make_headers(&headers, client->options, message, &body))
		post(client, headers, &body, outcome);
	else
		outcome_set(outcome, OUTCOME_DEFERRED, "out of memory");
	curl_slist_free_all(headers);
	text_free(&body);
}
