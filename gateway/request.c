/*
 * request.c
 *		One request on its way to the router, and the answer on its way back.
 */
#include <stdlib.h>
#include <string.h>

#include "headers.h"
#include "request.h"

const char *
request_method_for_router(const Request *request)
{
	return strcmp(request->method, "HEAD") == 0 ? "GET" : request->method;
}

static void
append_reply(Text *text, const char *string)
{
	/* out of memory leaves an incomplete answer, which the status explains */
	text_append_string(text, string);
}

/* Replaces what of a response was set before. */
static void
begin_reply(Request *request, int status)
{
	text_free(&request->reply_headers);
	text_free(&request->reply_body);
	request->status = status;
	request->answered = true;
	headers_add(&request->reply_headers, "Content-Type", "application/json");
	headers_add(&request->reply_headers, "Cache-Control", "no-store");
}

void
request_respond(Request *request, int status, const char *body)
{
	begin_reply(request, status);
	append_reply(&request->reply_body, body);
}

void
request_refuse(Request *request, int status, const char *code, const char *message, bool retry)
{
	begin_reply(request, status);
	if (retry)
		headers_add(&request->reply_headers, "Retry-After", "1");
	append_reply(&request->reply_body, "{\"detail\":{\"error\":");
	text_append_json(&request->reply_body, code);
	append_reply(&request->reply_body, ",\"message\":");
	text_append_json(&request->reply_body, message);
	append_reply(&request->reply_body, "}}");
}

void
request_free(Request *request)
{
	text_free(&request->headers);
	text_free(&request->body);
	text_free(&request->reply_headers);
	text_free(&request->reply_body);
	text_free(&request->fetch);
	text_free(&request->resume);
	text_free(&request->fetch_headers);
	text_free(&request->fetch_body);
	/* the query may carry a code */
	if (request->query != NULL)
		explicit_bzero(request->query, strlen(request->query));
	free(request->target);
	free(request);
}
