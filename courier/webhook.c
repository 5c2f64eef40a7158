/*
 * webhook.c
 *		Posts messages to a URL, signed as Standard Webhooks.
 *
 * The body is {"type": kind, "timestamp": time, "user_id": id, "data": message}
 * and, where there is a template, {"rendered": {"subject", "text", "html"}}.
 */
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "render.h"
#include "transfer.h"
#include "webhook.h"

#define CONNECT_TIMEOUT 10 /* seconds, as this */
#define MAX_RETRY_AFTER (24 * 60 * 60)

static void *
open_webhook(const Options *options)
{
	Transfer *transfer = calloc(1, sizeof(Transfer));

	if (transfer != NULL && !transfer_open(transfer, options))
	{
		free(transfer);
		return NULL;
	}
	return transfer;
}

static void
close_webhook(void *transfer)
{
	transfer_close(transfer);
	free(transfer);
}

static bool
append_rendered(Text *body, const Rendered *rendered)
{
	return text_append_string(body, ",\"rendered\":{\"subject\":") &&
		   text_append_json(body, rendered->subject.data) && text_append_string(body, ",\"text\":") &&
		   text_append_json(body, rendered->text.data) && text_append_string(body, ",\"html\":") &&
		   text_append_json(body, rendered->html.data) && text_append_string(body, "}");
}

/* A message without a template is posted as well. */
static bool
make_body(Text *body, const Message *message)
{
	Rendered rendered;
	bool ok = text_append_string(body, "{\"type\":") && text_append_json(body, message->kind.data) &&
			  text_append_string(body, ",\"timestamp\":") &&
			  text_append_json(body, message->created_at.data) &&
			  text_append_string(body, ",\"user_id\":") &&
			  text_append_json(body, message->user_id.data) &&
			  text_append_string(body, ",\"data\":") && text_append_string(body, message->json.data);

	if (render_message(message, &rendered) == RENDERED)
		ok = ok && append_rendered(body, &rendered);
	rendered_free(&rendered);
	return ok && text_append_string(body, "}");
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
	return text_append_string(out, " v1,") && text_append_string(out, (char *) encoded);
}

static bool
append_signatures(Text *header, const Options *options, const char *id, const char *timestamp,
				  const Text *body)
{
	Text signed_text = {0};
	bool ok = text_append_string(&signed_text, id) && text_append_string(&signed_text, ".") &&
			  text_append_string(&signed_text, timestamp) && text_append_string(&signed_text, ".") &&
			  text_append(&signed_text, body->data, body->len) &&
			  text_append_string(header, "webhook-signature:");

	for (int i = 0; ok && i < options->webhook_secret_count; i++)
		ok = append_signature(header, &options->webhook_secrets[i], &signed_text);
	text_free(&signed_text);
	return ok;
}

/* The id is that of the message, so a receiver recognizes a repetition. */
static bool
make_headers(struct curl_slist **list, const Options *options, const Message *message, const Text *body)
{
	char timestamp[32];
	char line[128];
	Text signatures = {0};
	bool ok;

	snprintf(timestamp, sizeof(timestamp), "%lld", (long long) time(NULL));
	ok = append_signatures(&signatures, options, message->id, timestamp, body) &&
		 transfer_add_string(list, signatures.data);
	text_free(&signatures);
	snprintf(line, sizeof(line), "webhook-id: %s", message->id);
	ok = ok && transfer_add_string(list, line);
	snprintf(line, sizeof(line), "webhook-timestamp: %s", timestamp);
	return ok && transfer_add_string(list, line) &&
		   transfer_add_string(list, "Content-Type: application/json") &&
		   transfer_add_string(list, "Expect:");
}

static size_t
discard(char *data, size_t size, size_t count, void *arg)
{
	return size * count;
}

static void
begin_post(Transfer *transfer, struct curl_slist *headers, const Text *body)
{
	const char *url = transfer->options->webhook_url;
	CURL *easy = transfer->easy;

	transfer_begin(transfer, url, "http,https", CONNECT_TIMEOUT);
	curl_easy_setopt(easy, CURLOPT_FOLLOWLOCATION, 0L);
	/* a proxy of the environment must not see what is sent to this machine */
	if (strncmp(url, "http:", 5) == 0)
		curl_easy_setopt(easy, CURLOPT_PROXY, "");
	curl_easy_setopt(easy, CURLOPT_USERAGENT, "authfort-courier/" AUTHFORT_VERSION);
	curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, discard);
	curl_easy_setopt(easy, CURLOPT_HTTPHEADER, headers);
	curl_easy_setopt(easy, CURLOPT_POSTFIELDS, body->data);
	curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t) body->len);
}

/* Whether it failed before any of the request was sent. */
static bool
is_unreachable(Transfer *transfer)
{
	curl_off_t ready = 0;

	curl_easy_getinfo(transfer->easy, CURLINFO_PRETRANSFER_TIME_T, &ready);
	return ready == 0;
}

static long
retry_after(Transfer *transfer)
{
	curl_off_t seconds = 0;

	curl_easy_getinfo(transfer->easy, CURLINFO_RETRY_AFTER, &seconds);
	return seconds < MAX_RETRY_AFTER ? (long) seconds : MAX_RETRY_AFTER;
}

static void
judge_status(Transfer *transfer, Outcome *outcome)
{
	long status = 0;
	long wait = retry_after(transfer);
	OutcomeType type = OUTCOME_DEFERRED;

	curl_easy_getinfo(transfer->easy, CURLINFO_RESPONSE_CODE, &status);
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
post(Transfer *transfer, struct curl_slist *headers, const Text *body, Outcome *outcome)
{
	CURLcode result;

	begin_post(transfer, headers, body);
	result = transfer_run(transfer);
	if (result == CURLE_OK)
		judge_status(transfer, outcome);
	else if (is_unreachable(transfer))
		outcome_set(outcome, OUTCOME_UNAVAILABLE, "connecting: %s",
					transfer_problem(transfer, result));
	else
		outcome_set(outcome, OUTCOME_DEFERRED, "no answer: %s", curl_easy_strerror(result));
	outcome->at_server = true;
}

static void
send_webhook(void *arg, const Message *message, Outcome *outcome)
{
	Transfer *transfer = arg;
	Text body = {0};
	struct curl_slist *headers = NULL;

	if (make_body(&body, message) && make_headers(&headers, transfer->options, message, &body))
		post(transfer, headers, &body, outcome);
	else
		outcome_set(outcome, OUTCOME_DEFERRED, "out of memory");
	curl_slist_free_all(headers);
	text_free(&body);
}

const Sender webhook_sender = {"webhook", open_webhook, send_webhook, close_webhook};
