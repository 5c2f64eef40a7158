/*
 * fetching.c
 *		Responses that need another server's answer first (flow/fetch.h).
 */
#include "postgres.h"

#include "base/json.h"
#include "flow/oauth_steps.h"
#include "http/cross_origin.h"
#include "http/fetching.h"
#include "http/oauth.h"
#include "http/router.h"

typedef struct FetchStep
{
	const char *name; /* flow->step */
	FetchHandler handler;
} FetchStep;

static const FetchStep steps[] = {
	{OAUTH_STEP_DISCOVERY, handle_oauth_answer}, {OAUTH_STEP_TOKENS, handle_oauth_answer},
	{OAUTH_STEP_KEYS, handle_oauth_answer},      {OAUTH_STEP_USERINFO, handle_oauth_answer},
	{OAUTH_STEP_EMAILS, handle_oauth_answer},    {OAUTH_STEP_APP_DISCOVERY, handle_oauth_answer},
	{OAUTH_STEP_APP_KEYS, handle_oauth_answer},  {NULL},
};

/* Headers of the request on which the response depends; the continuation holds them. */
static const char *const kept_headers[] = {"host", "origin", "sec-fetch-site"};

static Jsonb *
describe_request(const HttpRequest *request)
{
	StringInfoData out;

	initStringInfo(&out);
	json_open(&out);
	json_write_string(&out, "method", request->method);
	json_write_string(&out, "path", request->path);
	json_name(&out, "headers");
	json_open(&out);
	for (size_t i = 0; i < lengthof(kept_headers); i++)
	{
		char *value = http_header_list(request, kept_headers[i]);

		if (value[0] != '\0')
			json_write_string(&out, kept_headers[i], value);
	}
	json_close(&out);
	json_close(&out);
	return json_to_jsonb(&out);
}

void
http_respond_fetch(HttpResponse *response, FetchFlow *flow, Fetch *fetch)
{
	const HttpRequest *request = response->request;
	const Refusal *refusal;

	if (!fetch_is_allowed(request->door))
	{
		http_respond_refusal(response, &refusal_fetch_unsupported);
		return;
	}
	if (flow->request == NULL)
		flow->request = describe_request(request);
	refusal = fetch_seal(flow, fetch);
	if (refusal == NULL)
		response->fetch = fetch;
	http_respond_refusal(response, (refusal != NULL) ? refusal : &refusal_fetch_unsupported);
}

/* A flow that SQL began has no request, and is answered as a GET. */
static void
restore_request(const FetchFlow *flow, HttpRequest *request)
{
	request->client = flow->client;
	request->method = "GET";
	request->path = "";
	if (flow->request == NULL)
		return;
	request->method = json_member_string(flow->request, "method");
	request->path = json_member_string(flow->request, "path");
	headers_read_jsonb(&request->headers, JsonbValueToJsonb(json_member(flow->request, "headers")));
}

static FetchHandler
find_handler(const FetchFlow *flow)
{
	for (const FetchStep *step = steps; step->name != NULL; step++)
	{
		if (strcmp(step->name, flow->step) == 0)
			return step->handler;
	}
	return NULL;
}

void
http_serve_answer(FetchFlow *flow, const FetchAnswer *answer, HttpRequest *request,
				  HttpResponse *response)
{
	FetchHandler handler = find_handler(flow);

	restore_request(flow, request);
	http_begin_response(request, response);
	cors_add_headers(request, response);
	if (handler != NULL)
		handler(request, flow, answer, response);
	else
		http_respond_refusal(response, &refusal_resume_invalid);
	http_complete_response(request, response);
}
