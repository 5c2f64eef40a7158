/*
 * rfc_refusal.c
 *		Refusals of the routes that RFCs define (6749, 7009, 7662).
 */
#include "postgres.h"

#include "base/json.h"
#include "http/form.h"
#include "http/rfc_refusal.h"

/* Puts the members before those that the body has. */
static void
add_at_top(HttpResponse *response, const char *error, const char *description)
{
	StringInfoData body;

	initStringInfo(&body);
	json_open(&body);
	json_write_string(&body, "error", error);
	json_write_string(&body, "error_description", description);
	appendStringInfo(&body, ",%s", response->body.data + 1);
	response->body = body;
}

void
http_respond_rfc_refusal(HttpResponse *response, const Refusal *refusal, const char *error)
{
	http_respond_refusal(response, refusal);
	/* a request over a limit says nothing of the credentials */
	add_at_top(response, (refusal->status == 429) ? "temporarily_unavailable" : error,
			   refusal->message);
}

void
http_complete_rfc_faults(HttpResponse *response)
{
	add_at_top(response, "invalid_request", "The request body is not valid");
	if (response->status == 422 && http_has_form_type(response->request))
		response->status = 400;
}
