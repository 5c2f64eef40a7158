/*
 * message.c
 *		A request as authfort.http() got it, and the response it gives.
 */
#include "postgres.h"

#include "mb/pg_wchar.h"
#include "utils/builtins.h"

#include "base/json.h"
#include "base/secret.h"
#include "http/cookie.h"
#include "http/message.h"
#include "http/url.h"
#include "settings.h"

#define MAX_BODY_BYTES 65536

static const Refusal body_too_large =
{"body_too_large", "The request body is too large", 413};
const Refusal http_wrong_content_type =
{"unsupported_media_type", "The request body must be application/json", 415};

static char *
header_in_object(JsonbContainer *object, const char *name)
{
	JsonbIterator *it = JsonbIteratorInit(object);
	JsonbIteratorToken token;
	JsonbValue	value;
	bool		matches = false;

	while ((token = JsonbIteratorNext(&it, &value, true)) != WJB_DONE)
	{
		if (token == WJB_KEY)
			matches = value.val.string.len == (int) strlen(name) &&
				pg_strncasecmp(value.val.string.val, name, value.val.string.len) == 0;
		else if (token == WJB_VALUE && matches && value.type == jbvString)
			return pnstrdup(value.val.string.val, value.val.string.len);
	}
	return NULL;
}

char *
http_header(const HttpRequest *request, const char *name)
{
	char	   *found = NULL;

	if (request->headers == NULL)
		return NULL;
	if (!JB_ROOT_IS_ARRAY(request->headers))
		return header_in_object(&request->headers->root, name);
	for (uint32 i = 0; found == NULL && i < JB_ROOT_COUNT(request->headers); i++)
	{
		JsonbValue *element = getIthJsonbValueFromContainer(&request->headers->root, i);

		if (element->type == jbvBinary && JsonContainerIsObject(element->val.binary.data))
			found = header_in_object(element->val.binary.data, name);
	}
	return found;
}

char *
http_header_list(const HttpRequest *request, const char *name)
{
	StringInfoData list;

	initStringInfo(&list);
	if (request->headers == NULL)
		return list.data;
	if (!JB_ROOT_IS_ARRAY(request->headers))
	{
		char	   *value = header_in_object(&request->headers->root, name);

		return (value != NULL) ? value : list.data;
	}
	for (uint32 i = 0; i < JB_ROOT_COUNT(request->headers); i++)
	{
		JsonbValue *element = getIthJsonbValueFromContainer(&request->headers->root, i);
		char	   *value = NULL;

		if (element->type == jbvBinary && JsonContainerIsObject(element->val.binary.data))
			value = header_in_object(element->val.binary.data, name);
		if (value != NULL)
			appendStringInfo(&list, "%s%s", (list.len > 0) ? "," : "", value);
	}
	return list.data;
}

char *
http_cookie(const HttpRequest *request, const char *name)
{
	char	   *header;
	const char *value;
	size_t		len;

	if (!setting_cookies)
		return NULL;
	if (request->cookies != NULL)
	{
		char	   *cookie = json_member_string(request->cookies, name);

		return (cookie == NULL || cookie[0] == '\0') ? NULL : cookie;
	}
	header = http_header(request, "cookie");
	if (header == NULL || !cookie_find(header, name, &value, &len) || len == 0)
		return NULL;
	return pnstrdup(value, len);
}

/* RFC 6750, section 2.1 */
static char *
bearer_token(const HttpRequest *request)
{
	char	   *authorization = http_header(request, "authorization");

	if (authorization != NULL && pg_strncasecmp(authorization, "Bearer ", 7) == 0)
		return authorization + 7 + strspn(authorization + 7, " ");
	return NULL;
}

char *
http_access_token(const HttpRequest *request)
{
	char	   *token = bearer_token(request);

	return (token != NULL) ? token : http_cookie(request, setting_access_cookie_name);
}

/* Values are ours, or were checked when they were set: no line breaks. */
void
http_add_header(HttpResponse *response, const char *name, const char *value)
{
	if (response->headers.len > 1)
		appendStringInfoChar(&response->headers, ',');
	json_open(&response->headers);
	json_write_string(&response->headers, name, value);
	json_close(&response->headers);
}

static void
set_cookie(HttpResponse *response, const char *name, const char *value, int max_age)
{
	StringInfoData cookie;

	initStringInfo(&cookie);
	appendStringInfo(&cookie, "%s=%s; Max-Age=%d; Path=%s", name, value, max_age,
					 setting_cookie_path);
	if (setting_cookie_domain[0] != '\0')
		appendStringInfo(&cookie, "; Domain=%s", setting_cookie_domain);
	appendStringInfoString(&cookie, "; HttpOnly");
	if (setting_cookie_secure)
		appendStringInfoString(&cookie, "; Secure");
	appendStringInfo(&cookie, "; SameSite=%s", settings_samesite_name());
	http_add_header(response, "Set-Cookie", cookie.data);
}

void
http_set_cookies(HttpResponse *response, const AuthResult *result)
{
	if (!setting_cookies)
		return;
	set_cookie(response, setting_access_cookie_name, result->access_token, result->expires_in);
	set_cookie(response, setting_refresh_cookie_name, result->refresh_token,
			   setting_refresh_token_ttl);
}

void
http_clear_cookies(HttpResponse *response)
{
	if (!setting_cookies)
		return;
	set_cookie(response, setting_access_cookie_name, "", 0);
	set_cookie(response, setting_refresh_cookie_name, "", 0);
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
	json_close(&response->body);
	json_close(&response->body);
}

/* For routes that only say that they were heard. */
void
http_respond_message(HttpResponse *response, const char *message)
{
	response->status = 200;
	json_open(&response->body);
	json_write_string(&response->body, "message", message);
	json_close(&response->body);
}

void
http_respond_auth(HttpResponse *response, int status, const AuthResult *result)
{
	if (result->refusal != NULL)
	{
		http_respond_refusal(response, result->refusal);
		return;
	}
	if (result->message != NULL)
	{
		/* accepted; what came of it is not told */
		http_respond_message(response, result->message);
		response->status = 202;
		return;
	}
	response->status = status;
	http_set_cookies(response, result);
	json_open(&response->body);
	auth_append_members(&response->body, result);
	json_close(&response->body);
}

/*
 * Adds one fault of the body, in the shape that FastAPI gives them.  What was
 * sent is not repeated: it may be a password in the wrong field.
 */
static void
add_fault(HttpResponse *response, const char *where, const char *field, const char *type,
		  const char *message)
{
	StringInfo	body = &response->body;

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

/* Whether there were faults; if so the response is complete. */
static bool
end_faults(HttpResponse *response)
{
	if (response->body.len == 0)
		return false;
	appendStringInfoString(&response->body, "]}");
	response->status = 422;
	return true;
}

/*
 * Only application/json: a page of another site can send forms and plain
 * text with the visitor's cookies, but no JSON without being asked first.
 */
static bool
has_json_content_type(const HttpRequest *request)
{
	static const char json[] = "application/json";
	char	   *type = http_header(request, "content-type");
	char		next;

	if (type == NULL || pg_strncasecmp(type, json, sizeof(json) - 1) != 0)
		return false;
	next = type[sizeof(json) - 1];
	return next == '\0' || next == ';' || next == ' ';
}

bool
http_may_be_forged(const HttpRequest *request)
{
	return strcmp(request->method, "POST") == 0 && bearer_token(request) == NULL &&
		!has_json_content_type(request);
}

static void
read_string(const JsonbValue *value, BodyField *field, HttpResponse *response)
{
	if (value->type == jbvString)
		field->value = secret_copy(value->val.string.val, value->val.string.len);
	else
		add_fault(response, "body", field->name, "string_type", "Input should be a valid string");
}

static void
read_boolean(const JsonbValue *value, BodyField *field, HttpResponse *response)
{
	if (value->type == jbvBool)
		field->boolean = value->val.boolean;
	else
		add_fault(response, "body", field->name, "bool_type", "Input should be a valid boolean");
}

static void
read_strings(const JsonbValue *value, BodyField *field, HttpResponse *response)
{
	JsonbContainer *array = value->val.binary.data;

	if (value->type != jbvBinary || !JsonContainerIsArray(array))
	{
		add_fault(response, "body", field->name, "list_type", "Input should be a valid list");
		return;
	}
	field->count = JsonContainerSize(array);
	field->values = palloc(Max(field->count, 1) * sizeof(char *));
	for (int i = 0; i < field->count; i++)
	{
		JsonbValue *element = getIthJsonbValueFromContainer(array, i);

		if (element->type != jbvString)
		{
			add_fault(response, "body", field->name, "string_type",
					  "Input should be a list of valid strings");
			return;
		}
		field->values[i] = pnstrdup(element->val.string.val, element->val.string.len);
	}
}

/* A member that is null is absent, where it may be. */
static void
read_field(Jsonb *json, BodyField *field, HttpResponse *response)
{
	JsonbValue *value = (json != NULL) ? json_member(json, field->name) : NULL;

	field->value = NULL;
	field->present = value != NULL && (value->type != jbvNull || field->required);
	if (!field->present)
	{
		if (field->required)
			add_fault(response, "body", field->name, "missing", "Field required");
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
	}
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
	if (strlen(request->body) > MAX_BODY_BYTES)
		refusal = &body_too_large;
	else if (!has_json_content_type(request))
		refusal = &http_wrong_content_type;
	if (refusal != NULL)
	{
		http_respond_refusal(response, refusal);
		return false;
	}
	switch (json_read_secret_object(request->body, strlen(request->body), &request->json))
	{
		case JSON_MALFORMED:
			add_fault(response, "body", NULL, "json_invalid", "JSON decode error");
			break;
		case JSON_NOT_OBJECT:
			add_fault(response, "body", NULL, "model_attributes_type",
					  "Input should be a valid dictionary or object to extract fields from");
			break;
		case JSON_READ:
			break;
	}
	return !end_faults(response);
}

bool
http_read_object(HttpRequest *request, HttpResponse *response)
{
	if (!read_json(request, response))
		return false;
	if (request->json != NULL)
		return true;
	add_fault(response, "body", NULL, "missing", "Field required");
	end_faults(response);
	return false;
}

bool
http_read_body(HttpRequest *request, BodyField *fields, int count, HttpResponse *response)
{
	if (!read_json(request, response))
		return false;
	for (int i = 0; i < count; i++)
		read_field(request->json, &fields[i], response);
	return !end_faults(response);
}

bool
http_refuse_parameter(const char *name, const char *type, const char *message,
					  HttpResponse *response)
{
	add_fault(response, "query", name, type, message);
	end_faults(response);
	return false;
}

bool
http_query_text(const HttpRequest *request, const char *name, char **value,
				HttpResponse *response)
{
	const char *raw;
	size_t		len;
	char	   *text;

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
	char	   *text = NULL;

	if (!http_query_text(request, name, &text, response))
		return false;
	*present = text != NULL;
	if (*present && !parse_bool(text, value))
		return http_refuse_parameter(name, "bool_parsing", "Input should be a valid boolean", response);
	return true;
}

bool
http_query_integer(const HttpRequest *request, const char *name, int min, int max, int *value,
				   HttpResponse *response)
{
	char	   *text = NULL;
	char	   *end;
	long		number;

	if (!http_query_text(request, name, &text, response))
		return false;
	if (text == NULL)
		return true;
	errno = 0;
	number = strtol(text, &end, 10);
	if (errno != 0 || end == text || *end != '\0' || number < min || number > max)
		return http_refuse_parameter(name, "int_parsing", "Input should be a valid integer in range",
								response);
	*value = (int) number;
	return true;
}
