/*
 * fetch.c
 *		Requests to other servers, which the door sends: a fetch is a value.
 */
#include "postgres.h"

#include <sodium.h>

#include "fmgr.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/inet.h"
#include "utils/timestamp.h"

#include "base/json.h"
#include "base/web_url.h"
#include "crypto/base64url.h"
#include "crypto/seal.h"
#include "domain/database_id.h"
#include "domain/input.h"
#include "domain/signing_keys.h"
#include "flow/fetch.h"

#define ROLE_NAME "authfort_fetch"
#define SEALED_NAME "continuation of a fetch"
#define MAX_URL 2048

FetchAnswer
fetch_answer(int status, const char *body)
{
	FetchAnswer answer = {0, NULL, NULL, ""};

	if (status < 100 || status > 599 || (body != NULL && strlen(body) > FETCH_MAX_BYTES))
		return answer;
	answer.status = status;
	if (body != NULL)
		answer.body = body;
	return answer;
}

bool
fetch_answer_object(const FetchAnswer *answer, Jsonb **object)
{
	return answer->status == 200 &&
		   json_read_foreign_object(answer->body, strlen(answer->body), object) == JSON_READ;
}

bool
fetch_is_allowed(Oid role)
{
	Oid fetchers = get_role_oid(ROLE_NAME, true);

	return OidIsValid(role) && OidIsValid(fetchers) && has_privs_of_role(role, fetchers);
}

void
fetch_flow_begin(FetchFlow *flow, const pg_uuid_t *id, const char *provider, const Client *client)
{
	memset(flow, 0, sizeof(*flow));
	flow->id = *id;
	flow->provider = provider;
	flow->client = *client;
	flow->expires_at = GetCurrentTimestamp() + FETCH_FLOW_SECONDS * USECS_PER_SEC;
}

/* Covers only what is the same when the question is asked again, unlike the proof of a client. */
static void
digest_question(const char *method, const char *url, unsigned char digest[FETCH_DIGEST_BYTES])
{
	crypto_hash_sha256_state state;

	crypto_hash_sha256_init(&state);
	crypto_hash_sha256_update(&state, (const unsigned char *) method, strlen(method) + 1);
	crypto_hash_sha256_update(&state, (const unsigned char *) url, strlen(url));
	crypto_hash_sha256_final(&state, digest);
}

bool
fetch_flow_asked(const FetchFlow *flow, const char *method, const char *url)
{
	unsigned char digest[FETCH_DIGEST_BYTES];

	if (url == NULL)
		return false;
	digest_question(method, url, digest);
	return sodium_memcmp(digest, flow->digest, sizeof(digest)) == 0;
}

static void
write_client(StringInfo out, const Client *client)
{
	json_write_string(out, "user_agent", input_user_agent(client->user_agent));
	if (client->has_ip)
		json_write_string(out, "ip_address",
						  DatumGetCString(DirectFunctionCall1(inet_out, client->ip)));
}

static void
write_flow(StringInfo out, const FetchFlow *flow)
{
	char digest[BASE64URL_ENCODED_SIZE(FETCH_DIGEST_BYTES)];

	base64url_encode(flow->digest, sizeof(flow->digest), digest);
	json_open(out);
	json_write_uuid(out, "id", &flow->id);
	json_write_string(out, "provider", flow->provider);
	write_client(out, &flow->client);
	json_write_integer(out, "expires_at", flow->expires_at);
	json_write_string(out, "step", flow->step);
	json_write_integer(out, "fetches", flow->fetches);
	json_write_string(out, "digest", digest);
	json_write_jsonb_unless_null(out, "state", flow->state);
	json_write_jsonb_unless_null(out, "request", flow->request);
	json_close(out);
}

/* NULL if it would be too large. */
static char *
seal_flow(const FetchFlow *flow)
{
	pg_uuid_t database = database_id();
	StringInfoData text;
	char *resume;

	initStringInfo(&text);
	write_flow(&text, flow);
	signing_keys_require_master_key();
	resume = seal_as_text((unsigned char *) text.data, text.len, SEALED_NAME, &database);
	sodium_memzero(text.data, text.len);
	return (strlen(resume) <= FETCH_MAX_RESUME) ? resume : NULL;
}

/* A header with a line break would be two. */
static bool
is_sendable(const Fetch *fetch)
{
	WebUrl url;

	for (int i = 0; i < fetch->header_count; i++)
	{
		for (const char *p = fetch->headers[i].value; *p != '\0'; p++)
		{
			if (*p < ' ' || *p >= 0x7f)
				return false;
		}
	}
	return strlen(fetch->url) <= MAX_URL && web_url_read(fetch->url, &url) &&
		   web_url_is_confidential(&url) && strchr(fetch->url, '#') == NULL;
}

const Refusal *
fetch_seal(FetchFlow *flow, Fetch *fetch)
{
	int64 left = (flow->expires_at - GetCurrentTimestamp()) / 1000;

	if (flow->fetches >= FETCH_LIMIT || left <= 0 || !is_sendable(fetch))
		return &refusal_oauth_provider_unavailable;
	flow->fetches++;
	digest_question(fetch->method, fetch->url, flow->digest);
	fetch->timeout_ms = (int) Min(FETCH_TIMEOUT_MS, left);
	fetch->resume = seal_flow(flow);
	return (fetch->resume != NULL) ? NULL : &refusal_oauth_provider_unavailable;
}

void
fetch_append(StringInfo out, const Fetch *fetch)
{
	json_open(out);
	json_write_string(out, "method", fetch->method);
	json_write_string(out, "url", fetch->url);
	json_name(out, "headers");
	json_open(out);
	for (int i = 0; i < fetch->header_count; i++)
		json_write_string(out, fetch->headers[i].name, fetch->headers[i].value);
	json_close(out);
	json_write_string(out, "body", fetch->body);
	json_write_integer(out, "timeout_ms", fetch->timeout_ms);
	json_write_integer(out, "max_bytes", FETCH_MAX_BYTES);
	json_write_string(out, "resume", fetch->resume);
	json_close(out);
}

static Client
read_client(Jsonb *json)
{
	char *address = json_member_string(json, "ip_address");
	Client client = {json_member_string(json, "user_agent")};

	client.has_ip = address != NULL;
	if (client.has_ip)
		client.ip = DirectFunctionCall1(inet_in, CStringGetDatum(address));
	return client;
}

/* The sealed text has the members that write_flow() wrote, unless another version wrote it. */
static bool
read_flow(Jsonb *json, FetchFlow *flow)
{
	char *digest = json_member_string(json, "digest");
	int64 fetches;
	size_t len;

	memset(flow, 0, sizeof(*flow));
	flow->provider = json_member_string(json, "provider");
	flow->step = json_member_string(json, "step");
	if (digest == NULL || flow->provider == NULL || flow->step == NULL ||
		!json_member_uuid(json, "id", &flow->id) ||
		!base64url_decode(digest, strlen(digest), flow->digest, sizeof(flow->digest), &len) ||
		!json_member_integer(json, "fetches", &fetches) ||
		!json_member_integer(json, "expires_at", &flow->expires_at))
		return false;
	flow->fetches = (int) fetches;
	flow->client = read_client(json);
	flow->state = json_member_jsonb(json, "state");
	flow->request = json_member_jsonb(json, "request");
	return true;
}

const Refusal *
fetch_flow_resume(const char *resume, FetchFlow *flow)
{
	pg_uuid_t database = database_id();
	unsigned char *text;
	size_t len;
	Jsonb *json;
	bool valid;

	if (strnlen(resume, FETCH_MAX_RESUME + 1) > FETCH_MAX_RESUME)
		return &refusal_resume_invalid;
	signing_keys_require_master_key();
	text = unseal_text(resume, SEALED_NAME, &database, &len);
	if (text == NULL)
		return &refusal_resume_invalid;
	valid = json_read_secret_object((char *) text, len, &json) == JSON_READ && read_flow(json, flow);
	sodium_memzero(text, len);
	if (!valid)
		return &refusal_resume_invalid;
	if (flow->expires_at <= GetCurrentTimestamp())
		return &refusal_oauth_provider_unavailable;
	return NULL;
}
