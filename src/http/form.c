/*
 * form.c
 *		Bodies of the type application/x-www-form-urlencoded.
 */
#include "postgres.h"

#include "mb/pg_wchar.h"

#include "base/secret.h"
#include "http/form.h"
#include "http/url.h"

#define FORM_TYPE "application/x-www-form-urlencoded"

bool
http_has_form_type(const HttpRequest *request)
{
	char *type = http_header(request, "content-type");
	size_t len = (type != NULL) ? strcspn(type, "; \t") : 0;

	return len == strlen(FORM_TYPE) && pg_strncasecmp(type, FORM_TYPE, len) == 0;
}

static bool
is_repeated(const char *rest, const char *name)
{
	const char *value;
	size_t len;

	rest += (*rest == '&');
	return url_find_parameter(rest, name, &value, &len);
}

/* An empty field is treated as absent (RFC 6749, section 3.1). */
static void
read_form_field(const char *body, BodyField *field, HttpResponse *response)
{
	const char *raw;
	size_t len;
	char *text;

	field->value = NULL;
	field->present = url_find_parameter(body, field->name, &raw, &len) && len > 0;
	if (!field->present)
	{
		if (field->required)
			http_add_fault(response, "body", field->name, "missing", "Field required");
		return;
	}
	text = secret_copy(raw, len);
	if (is_repeated(raw + len, field->name))
		http_add_fault(response, "body", field->name, "repeated", "Field given twice");
	else if (!url_decode(raw, len, true, text) || !pg_verifymbstr(text, strlen(text), true))
		http_add_fault(response, "body", field->name, "string_type", "Input should be a valid string");
	else
		field->value = text;
}

bool
http_read_form(HttpRequest *request, BodyField *fields, int count, HttpResponse *response)
{
	const char *body = (request->body != NULL) ? request->body : "";
	const Refusal *refusal = NULL;

	if (strlen(body) > HTTP_MAX_BODY_BYTES)
		refusal = &http_body_too_large;
	else if (body[0] != '\0' && !http_has_form_type(request))
		refusal = &http_wrong_content_type;
	if (refusal != NULL)
	{
		http_respond_refusal(response, refusal);
		return false;
	}
	for (int i = 0; i < count; i++)
		read_form_field(body, &fields[i], response);
	return !http_end_faults(response);
}

bool
http_read_body_or_form(HttpRequest *request, BodyField *fields, int count, HttpResponse *response)
{
	return http_has_form_type(request) ? http_read_form(request, fields, count, response)
									   : http_read_body(request, fields, count, response);
}
