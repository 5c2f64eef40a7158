/*
 * message.c
 *		A request, from a gateway or PostgREST, and the response to it.
 */
#include "postgres.h"

#include "mb/pg_wchar.h"
#include "utils/builtins.h"

#include "base/json.h"
#include "base/secret.h"
#include "http/message.h"
#include "http/url.h"

const Refusal http_body_too_large = {"body_too_large", "The request body is too large", 413};
const Refusal http_wrong_content_type = {"unsupported_media_type",
										 "Content-Type must be application/json", 415};

char *
http_header(const HttpRequest *request, const char *name)
{
	return headers_first(&request->headers, name);
}

char *
http_header_joined(const HttpRequest *request, const char *name, const char *separator)
{
	return headers_joined(&request->headers, name, separator);
}

char *
http_header_list(const HttpRequest *request, const char *name)
{
	return http_header_joined(request, name, ",");
}

/* RFC 9110, section 11.4 */
char *
http_credentials(const HttpRequest *request, const char *scheme)
{
	char *authorization = http_header(request, "authorization");
	size_t len = strlen(scheme);

	if (authorization == NULL || pg_strncasecmp(authorization, scheme, len) != 0 ||
		authorization[len] != ' ')
		return NULL;
	return authorization + len + strspn(authorization + len, " ");
}

/* RFC 6750, section 2.1 */
char *
http_bearer_token(const HttpRequest *request)
{
	return http_credentials(request, "Bearer");
}

/* Values are constants, or were checked when they were set, so they have no line breaks. */
void
http_add_header(HttpResponse *response, const char *name, const char *value)
{
	headers_add(&response->headers, name, value);
}

void
http_respond_refusal(HttpResponse *response, const Refusal *refusal)
{
	response->status = refusal->status;
	json_open(&response->body);
	json_name(&response->body, "detail");
	json_open(&response->body);
	json_write_string(&response->body, "error", refusal->code);
	json_write_string(&response->body, "message", refusal->message);
	if (refusal->retry_after > 0)
	{
		json_write_integer(&response->body, "retry_after", refusal->retry_after);
		http_add_header(response, "Retry-After", psprintf("%d", refusal->retry_after));
	}
	if (refusal->extra != NULL)
		json_write_members(&response->body, refusal->extra);
	json_close(&response->body);
	json_close(&response->body);
}

void
http_respond_nothing(HttpResponse *response, const Refusal *refusal)
{
	if (refusal != NULL)
		http_respond_refusal(response, refusal);
	else
		response->status = 204;
}

/* For routes that only acknowledge. */
void
http_respond_message(HttpResponse *response, const char *message)
{
	response->status = 200;
	json_open(&response->body);
	json_write_string(&response->body, "message", message);
	json_close(&response->body);
}

void
http_respond_done(HttpResponse *response, const Refusal *refusal, const char *message)
{
	if (refusal != NULL)
		http_respond_refusal(response, refusal);
	else
		http_respond_message(response, message);
}

/*
 * In FastAPI's format.  The input is not repeated, because it may be a password
 * in the wrong field.
 */
void
http_add_fault(HttpResponse *response, const char *where, const char *field, const char *type,
			   const char *message)
{
	StringInfo body = &response->body;

	if (body->len == 0)
		appendStringInfoString(body, "{\"detail\":[");
	else
		appendStringInfoChar(body, ',');
	json_open(body);
	json_write_string(body, "type", type);
	json_name(body, "loc");
	appendStringInfo(body, "[\"%s\"", where);
	if (field != NULL)
		appendStringInfo(body, ",\"%s\"", field);
	appendStringInfoChar(body, ']');
	json_write_string(body, "msg", message);
	json_close(body);
}

bool
http_end_faults(HttpResponse *response)
{
	if (response->body.len == 0)
		return false;
	appendStringInfoString(&response->body, "]}");
	response->status = 422;
	return true;
}

/*
 * Whether a media type is application/json or application/...+json (RFC 6839).
 * Pages of other sites can send forms and plain text without a preflight, but
 * not these.
 */
static bool
is_json_type(const char *type, size_t len)
{
	static const char application[] = "application/";
	size_t skip = sizeof(application) - 1;

	if (len <= skip || pg_strncasecmp(type, application, skip) != 0)
		return false;
	type += skip;
	len -= skip;
	if (strcspn(type, ",/") < len)
		return false;
	return (len == 4 && pg_strncasecmp(type, "json", 4) == 0) ||
		   (len > 5 && pg_strncasecmp(type + len - 5, "+json", 5) == 0);
}

bool
http_has_json_type(const HttpRequest *request)
{
	char *type = http_header(request, "content-type");

	return type != NULL && is_json_type(type, strcspn(type, "; \t"));
}

static void
read_string(const JsonbValue *value, BodyField *field, HttpResponse *response)
{
	if (value->type == jbvString)
		field->value = secret_copy(value->val.string.val, value->val.string.len);
	else
		http_add_fault(response, "body", field->name, "string_type", "Input should be a valid string");
}

static void
read_boolean(const JsonbValue *value, BodyField *field, HttpResponse *response)
{
	if (value->type == jbvBool)
		field->boolean = value->val.boolean;
	else
		http_add_fault(response, "body", field->name, "bool_type", "Input should be a valid boolean");
}

static void
read_strings(const JsonbValue *value, BodyField *field, HttpResponse *response)
{
	JsonbContainer *array = value->val.binary.data;

	if (value->type != jbvBinary || !JsonContainerIsArray(array))
	{
		http_add_fault(response, "body", field->name, "list_type", "Input should be a valid list");
		return;
	}
	field->count = JsonContainerSize(array);
	field->values = palloc(Max(field->count, 1) * sizeof(char *));
	for (int i = 0; i < field->count; i++)
	{
		JsonbValue *element = getIthJsonbValueFromContainer(array, i);

		if (element->type != jbvString)
		{
			http_add_fault(response, "body", field->name, "string_type",
						   "Input should be a list of valid strings");
			return;
		}
		field->values[i] = pnstrdup(element->val.string.val, element->val.string.len);
	}
}

static void
read_object_field(JsonbValue *value, BodyField *field, HttpResponse *response)
{
	if (value->type == jbvBinary && JsonContainerIsObject(value->val.binary.data))
		field->object = JsonbValueToJsonb(value);
	else
		http_add_fault(response, "body", field->name, "dict_type",
					   "Input should be a valid dictionary");
}

/* A null member is treated as absent, if it is optional. */
static void
read_field(Jsonb *json, BodyField *field, HttpResponse *response)
{
	JsonbValue *value = (json != NULL) ? json_member(json, field->name) : NULL;

	field->value = NULL;
	field->present = value != NULL && (value->type != jbvNull || field->required);
	if (!field->present)
	{
		if (field->required)
			http_add_fault(response, "body", field->name, "missing", "Field required");
		return;
	}
	switch (field->type)
	{
		case FIELD_STRING:
			read_string(value, field, response);
			break;
		case FIELD_BOOLEAN:
			read_boolean(value, field, response);
			break;
		case FIELD_STRINGS:
			read_strings(value, field, response);
			break;
		case FIELD_OBJECT:
			read_object_field(value, field, response);
			break;
		case FIELD_ANY:
			if (value->type == jbvString)
				read_string(value, field, response);
			else
				field->value = pstrdup("");
			break;
	}
}

/* JSON's null is treated as an empty body. */
static bool
is_null(const char *text)
{
	static const char blanks[] = " \t\r\n";

	text += strspn(text, blanks);
	return strncmp(text, "null", 4) == 0 && text[4 + strspn(text + 4, blanks)] == '\0';
}

/*
 * Reads the body as a JSON object.  NULL stays in request->json if there is
 * none.
 */
static bool
read_json(HttpRequest *request, HttpResponse *response)
{
	const Refusal *refusal = NULL;

	if (request->body == NULL || request->body[0] == '\0')
		return true;
	if (strlen(request->body) > HTTP_MAX_BODY_BYTES)
		refusal = &http_body_too_large;
	else if (!http_has_json_type(request))
		refusal = &http_wrong_content_type;
	if (refusal != NULL)
	{
		http_respond_refusal(response, refusal);
		return false;
	}
	if (is_null(request->body))
		return true;
	switch (json_read_secret_object(request->body, strlen(request->body), &request->json))
	{
		case JSON_MALFORMED:
			http_add_fault(response, "body", NULL, "json_invalid", "JSON decode error");
			break;
		case JSON_NOT_OBJECT:
			http_add_fault(response, "body", NULL, "model_attributes_type",
						   "Input should be a valid dictionary or object to extract fields from");
			break;
		case JSON_READ:
			break;
	}
	return !http_end_faults(response);
}

char *
http_body_string(const HttpRequest *request, const char *name)
{
	Jsonb *json;

	if (request->body == NULL || strlen(request->body) > HTTP_MAX_BODY_BYTES ||
		!http_has_json_type(request) ||
		json_read_secret_object(request->body, strlen(request->body), &json) != JSON_READ)
		return NULL;
	return json_member_string(json, name);
}

bool
http_read_object(HttpRequest *request, HttpResponse *response)
{
	if (!read_json(request, response))
		return false;
	if (request->json != NULL)
		return true;
	http_add_fault(response, "body", NULL, "missing", "Field required");
	http_end_faults(response);
	return false;
}

bool
http_read_body(HttpRequest *request, BodyField *fields, int count, HttpResponse *response)
{
	if (!read_json(request, response))
		return false;
	for (int i = 0; i < count; i++)
		read_field(request->json, &fields[i], response);
	return !http_end_faults(response);
}

bool
http_refuse_parameter(const char *name, const char *type, const char *message, HttpResponse *response)
{
	http_add_fault(response, "query", name, type, message);
	http_end_faults(response);
	return false;
}

bool
http_query_text(const HttpRequest *request, const char *name, char **value, HttpResponse *response)
{
	const char *raw;
	size_t len;
	char *text;

	if (request->query == NULL || !url_find_parameter(request->query, name, &raw, &len))
		return true;
	text = palloc(len + 1);
	if (!url_decode(raw, len, true, text) || !pg_verifymbstr(text, strlen(text), true))
		return http_refuse_parameter(name, "string_type", "Input should be a valid string", response);
	*value = text;
	return true;
}

bool
http_query_boolean(const HttpRequest *request, const char *name, bool *value, bool *present,
				   HttpResponse *response)
{
	char *text = NULL;

	if (!http_query_text(request, name, &text, response))
		return false;
	*present = text != NULL;
	if (*present && !parse_bool(text, value))
		return http_refuse_parameter(name, "bool_parsing", "Input should be a valid boolean",
									 response);
	return true;
}

bool
http_query_integer(const HttpRequest *request, const char *name, int min, int max, int *value,
				   HttpResponse *response)
{
	char *text = NULL;
	char *end;
	long number;

	if (!http_query_text(request, name, &text, response))
		return false;
	if (text == NULL)
		return true;
	errno = 0;
	number = strtol(text, &end, 10);
	if (errno != 0 || end == text || *end != '\0' || number < min || number > max)
		return http_refuse_parameter(name, "int_parsing",
									 "Input should be a valid integer in range", response);
	*value = (int) number;
	return true;
}
