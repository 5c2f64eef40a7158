/*
 * request.c
 *		One request on its way to the router, and the answer on its way back.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "request.h"

void
request_refuse(Request *request, int status, const char *code, const char *message, bool retry)
{
	static const char headers[] = "Content-Type: application/json\nCache-Control: no-store\n";
	static const char retry_after[] = "Retry-After: 1\n";
	char		body[512];
	int			len = snprintf(body, sizeof(body),
							   "{\"detail\":{\"error\":\"%s\",\"message\":\"%s\"}}", code, message);

	text_free(&request->reply_headers);
	text_free(&request->reply_body);
	request->status = status;
	/* out of memory leaves an empty answer, which the status explains */
	text_append(&request->reply_headers, headers, sizeof(headers) - 1);
	if (retry)
		text_append(&request->reply_headers, retry_after, sizeof(retry_after) - 1);
	text_append(&request->reply_body, body, len);
	request->answered = true;
}

void
request_free(Request *request)
{
	text_free(&request->headers);
	text_free(&request->body);
	text_free(&request->reply_headers);
	text_free(&request->reply_body);
	if (request->query != NULL)
		explicit_bzero(request->query, strlen(request->query));
	free(request->path);		/* the query lies in the same block */
	free(request);
}
