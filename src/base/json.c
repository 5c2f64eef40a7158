/*
 * json.c
 *		Reading untrusted JSON, and writing JSON.
 *
 * PostgreSQL's parser does the work, in one pass.  Input for which jsonb_in()
 * raises errors (depth, numbers out of range) is refused here, and so are
 * duplicate members, which it accepts: another parser may use the other one.
 */
#include "postgres.h"

#include <sodium.h>

#include "catalog/pg_type.h"
#include "fmgr.h"
#include "utils/builtins.h"
#include "utils/datetime.h"
#include "utils/json.h"
#include "utils/memutils.h"
#include "utils/timestamp.h"

#include "base/json.h"
#include "base/secret.h"
#include "base/uuid.h"
#include "compat.h"

#define MAX_DEPTH 32
#define MAX_NUMBER_LENGTH 64
#define MAX_EXPONENT 99 /* and then only where one may be */

/* One pass over the text: what it becomes, and what is wrong with it. */
typedef struct Reading
{
	JsonLexContext *lexer;
	bool exponents; /* whether numbers may have one */
	bool number_too_big;
	bool repeats;               /* an object has a member twice */
	int depth;                  /* of open objects and arrays */
	int members[MAX_DEPTH + 1]; /* of the open object at that depth */
	JsonbParseState *open;      /* the innermost object or array; NULL: none */
	JsonbValue *value;          /* the last one that was closed */
} Reading;

static JsonActionResult
open_object(void *state)
{
	Reading *reading = state;

	reading->members[++reading->depth] = 0;
	reading->value = pushJsonbValue(&reading->open, WJB_BEGIN_OBJECT, NULL);
	JSON_ACTION_DONE;
}

static JsonActionResult
close_object(void *state)
{
	Reading *reading = state;

	/* closing it removes repeated members */
	reading->value = pushJsonbValue(&reading->open, WJB_END_OBJECT, NULL);
	if (reading->value->val.object.nPairs != reading->members[reading->depth--])
		reading->repeats = true;
	JSON_ACTION_DONE;
}

static JsonActionResult
open_array(void *state)
{
	Reading *reading = state;

	reading->depth++;
	reading->value = pushJsonbValue(&reading->open, WJB_BEGIN_ARRAY, NULL);
	JSON_ACTION_DONE;
}

static JsonActionResult
close_array(void *state)
{
	Reading *reading = state;

	reading->depth--;
	reading->value = pushJsonbValue(&reading->open, WJB_END_ARRAY, NULL);
	JSON_ACTION_DONE;
}

static void
set_string(JsonbValue *value, char *text)
{
	value->type = jbvString;
	value->val.string.val = text;
	value->val.string.len = strlen(text);
}

static JsonActionResult
read_member(void *state, char *name, bool isnull)
{
	Reading *reading = state;
	JsonbValue key;

	reading->members[reading->depth]++;
	set_string(&key, name);
	(void) pushJsonbValue(&reading->open, WJB_KEY, &key);
	JSON_ACTION_DONE;
}

/* "1e999999" is short, but no numeric holds it. */
static bool
is_too_big(const char *number, bool exponents)
{
	const char *exponent = strpbrk(number, "eE");

	if (strlen(number) > MAX_NUMBER_LENGTH)
		return true;
	return exponent != NULL && (!exponents || labs(strtol(exponent + 1, NULL, 10)) > MAX_EXPONENT);
}

static void
set_number(Reading *reading, JsonbValue *value, char *token)
{
	value->type = jbvNull;
	if (is_too_big(token, reading->exponents))
	{
		reading->number_too_big = true;
		return;
	}
	value->type = jbvNumeric;
	value->val.numeric =
		DatumGetNumeric(DirectFunctionCall3(numeric_in, CStringGetDatum(token),
											ObjectIdGetDatum(InvalidOid), Int32GetDatum(-1)));
}

static JsonActionResult
read_scalar(void *state, char *token, JsonTokenType type)
{
	Reading *reading = state;
	JsonbValue value;

	if (type == JSON_TOKEN_STRING)
		set_string(&value, token);
	else if (type == JSON_TOKEN_NUMBER)
		set_number(reading, &value, token);
	else if (type == JSON_TOKEN_NULL)
		value.type = jbvNull;
	else
	{
		value.type = jbvBool;
		value.val.boolean = (type == JSON_TOKEN_TRUE);
	}
	/* a value outside of an object is refused */
	if (reading->open != NULL)
		(void) pushJsonbValue(&reading->open,
							  reading->open->contVal.type == jbvArray ? WJB_ELEM : WJB_VALUE, &value);
	JSON_ACTION_DONE;
}

/* Whether brackets nest so deep that a recursive parser would run out of stack. */
static bool
too_deep(const char *text, size_t len)
{
	int depth = 0;
	bool in_string = false;

	for (size_t i = 0; i < len; i++)
	{
		char c = text[i];

		if (in_string)
		{
			if (c == '\\')
				i++;
			else if (c == '"')
				in_string = false;
		}
		else if (c == '"')
			in_string = true;
		else if (c == '{' || c == '[')
		{
			if (++depth > MAX_DEPTH)
				return true;
		}
		else if (c == '}' || c == ']')
			depth--;
	}
	return false;
}

static Jsonb *
cstring_to_jsonb(const char *text)
{
	return DatumGetJsonbP(DirectFunctionCall1(jsonb_in, CStringGetDatum(text)));
}

static JsonReading
read_json_object(const char *text, size_t len, bool exponents, Jsonb **object)
{
	JsonSemAction actions = {0};
	Reading reading = {0};

	if (len > MaxAllocSize / 8 || memchr(text, '\0', len) != NULL ||
		pg_verify_mbstr(PG_UTF8, text, len, true) == false || too_deep(text, len))
		return JSON_MALFORMED;

	reading.exponents = exponents;
	reading.lexer = compat_json_lexer(text, len);
	actions.semstate = &reading;
	actions.object_start = open_object;
	actions.object_end = close_object;
	actions.array_start = open_array;
	actions.array_end = close_array;
	actions.object_field_start = read_member;
	actions.scalar = read_scalar;
	if (pg_parse_json(reading.lexer, &actions) != JSON_SUCCESS || reading.number_too_big ||
		reading.repeats)
		return JSON_MALFORMED;
	if (reading.value == NULL || reading.value->type != jbvObject)
		return JSON_NOT_OBJECT;

	*object = JsonbValueToJsonb(reading.value);
	return JSON_READ;
}

/*
 * Reads a JSON object, in UTF-8 as the database is.  Refuses other values,
 * duplicate members of any object, nesting deeper than 32, numbers with an
 * exponent or of more than 64 characters, and \u0000.
 */
JsonReading
json_read_object(const char *text, size_t len, Jsonb **object)
{
	return read_json_object(text, len, false, object);
}

/*
 * The same for what another program wrote: PostgREST's library writes
 * 1700000000.5 as 1.7000000005e9.
 */
JsonReading
json_read_foreign_object(const char *text, size_t len, Jsonb **object)
{
	return read_json_object(text, len, true, object);
}

/* The parsers leave many copies of the text in their memory. */
#define PARSER_MEMORY(len) (16 * (len))

JsonReading
json_read_secret_object(const char *text, size_t len, Jsonb **object)
{
	MemoryContext caller = CurrentMemoryContext;
	MemoryContext scratch = secret_scratch_create(PARSER_MEMORY(len));
	volatile JsonReading reading = JSON_MALFORMED;

	MemoryContextSwitchTo(scratch);
	PG_TRY();
	{
		Jsonb *read;

		reading = json_read_object(text, len, &read);
		MemoryContextSwitchTo(caller);
		if (reading == JSON_READ)
			*object = (Jsonb *) secret_copy((char *) read, VARSIZE(read));
	}
	PG_FINALLY();
	{
		secret_scratch_delete(scratch);
	}
	PG_END_TRY();
	return reading;
}

/* NULL if there is no such member. */
JsonbValue *
json_member(Jsonb *object, const char *name)
{
	return getKeyJsonValueFromContainer(&object->root, name, strlen(name), NULL);
}

/* A copy in the current memory context; NULL if there is no such string. */
char *
json_member_string(Jsonb *object, const char *name)
{
	JsonbValue *value = json_member(object, name);

	if (value == NULL || value->type != jbvString)
		return NULL;
	return pnstrdup(value->val.string.val, value->val.string.len);
}

/* Whether it is that string. */
bool
json_member_is(Jsonb *object, const char *name, const char *text)
{
	JsonbValue *value = json_member(object, name);

	return value != NULL && value->type == jbvString && value->val.string.len == (int) strlen(text) &&
		   memcmp(value->val.string.val, text, value->val.string.len) == 0;
}

bool
json_member_is_true(Jsonb *object, const char *name)
{
	JsonbValue *value = json_member(object, name);

	return value != NULL && value->type == jbvBool && value->val.boolean;
}

Jsonb *
json_member_jsonb(Jsonb *object, const char *name)
{
	JsonbValue *value = json_member(object, name);

	return (value != NULL && value->type == jbvBinary) ? JsonbValueToJsonb(value) : NULL;
}

JsonbContainer *
json_member_array(Jsonb *object, const char *name)
{
	JsonbValue *value = json_member(object, name);

	if (value == NULL || value->type != jbvBinary || !JsonContainerIsArray(value->val.binary.data))
		return NULL;
	return value->val.binary.data;
}

bool
json_member_lists(Jsonb *object, const char *name, const char *text)
{
	JsonbContainer *array = json_member_array(object, name);
	JsonbValue element = {jbvString};

	element.val.string.val = unconstify(char *, text);
	element.val.string.len = strlen(text);
	return array != NULL && findJsonbValueFromContainer(array, JB_FARRAY, &element) != NULL;
}

/* False unless it is a string that uuid_read() accepts. */
bool
json_member_uuid(Jsonb *object, const char *name, pg_uuid_t *uuid)
{
	char *text = json_member_string(object, name);

	return text != NULL && uuid_read(text, uuid);
}

static bool
numeric_to_integer(Datum numeric, int64 *number)
{
	char *digits = DatumGetCString(DirectFunctionCall1(numeric_out, numeric));
	char *end;

	errno = 0;
	*number = strtoll(digits, &end, 10);
	return errno == 0 && *end == '\0';
}

/* False unless it is a number without a fraction that fits. */
bool
json_member_integer(Jsonb *object, const char *name, int64 *number)
{
	JsonbValue *value = json_member(object, name);

	return value != NULL && value->type == jbvNumeric &&
		   numeric_to_integer(NumericGetDatum(value->val.numeric), number);
}

/* The same for a number with a fraction, which is rounded up or down. */
bool
json_member_rounded(Jsonb *object, const char *name, bool up, int64 *number)
{
	JsonbValue *value = json_member(object, name);

	return value != NULL && value->type == jbvNumeric &&
		   numeric_to_integer(DirectFunctionCall1(up ? numeric_ceil : numeric_floor,
												  NumericGetDatum(value->val.numeric)),
							  number);
}

bool
json_member_strings(Jsonb *object, const char *name, char ***strings, int *count)
{
	JsonbContainer *array = json_member_array(object, name);

	if (array == NULL)
		return false;
	*count = JsonContainerSize(array);
	*strings = palloc(Max(*count, 1) * sizeof(char *));
	for (int i = 0; i < *count; i++)
	{
		JsonbValue *element = getIthJsonbValueFromContainer(array, i);

		if (element->type != jbvString)
			return false;
		(*strings)[i] = pnstrdup(element->val.string.val, element->val.string.len);
	}
	return true;
}

void
json_open(StringInfo out)
{
	appendStringInfoChar(out, '{');
}

void
json_close(StringInfo out)
{
	appendStringInfoChar(out, '}');
}

/* Names are our own literals; the comma is due unless the object just opened. */
void
json_name(StringInfo out, const char *name)
{
	if (out->data[out->len - 1] != '{')
		appendStringInfoChar(out, ',');
	appendStringInfoChar(out, '"');
	appendStringInfoString(out, name);
	appendBinaryStringInfo(out, "\":", 2);
}

void
json_next_element(StringInfo out)
{
	if (out->data[out->len - 1] != '[')
		appendStringInfoChar(out, ',');
}

void
json_write_members(StringInfo out, const char *members)
{
	if (out->data[out->len - 1] != '{')
		appendStringInfoChar(out, ',');
	appendStringInfoString(out, members);
}

/* NULL is written as null, here and for times. */
void
json_write_string(StringInfo out, const char *name, const char *value)
{
	json_name(out, name);
	if (value != NULL)
		escape_json(out, value);
	else
		appendStringInfoString(out, "null");
}

void
json_write_string_unless_null(StringInfo out, const char *name, const char *value)
{
	if (value != NULL)
		json_write_string(out, name, value);
}

void
json_write_jsonb_unless_null(StringInfo out, const char *name, Jsonb *value)
{
	if (value == NULL)
		return;
	json_name(out, name);
	(void) JsonbToCString(out, &value->root, VARSIZE(value));
}

void
json_write_integer(StringInfo out, const char *name, int64 value)
{
	json_name(out, name);
	appendStringInfo(out, INT64_FORMAT, value);
}

void
json_write_bool(StringInfo out, const char *name, bool value)
{
	json_name(out, name);
	appendStringInfoString(out, value ? "true" : "false");
}

void
json_write_uuid(StringInfo out, const char *name, const pg_uuid_t *value)
{
	json_write_string(out, name, (value != NULL) ? uuid_text(value) : NULL);
}

/* RFC 3339, in UTC; DT_NOBEGIN stands for no time. */
void
json_write_time(StringInfo out, const char *name, TimestampTz value)
{
	char text[MAXDATELEN + 1];
	int utc = 0;

	if (TIMESTAMP_IS_NOBEGIN(value))
		json_write_string(out, name, NULL);
	else
		json_write_string(out, name,
						  JsonEncodeDateTime(text, TimestampTzGetDatum(value), TIMESTAMPTZOID, &utc));
}

void
json_write_strings(StringInfo out, const char *name, char *const *values, int count)
{
	json_name(out, name);
	appendStringInfoChar(out, '[');
	for (int i = 0; i < count; i++)
	{
		json_next_element(out);
		escape_json(out, values[i]);
	}
	appendStringInfoChar(out, ']');
}

Jsonb *
json_to_jsonb(StringInfo json)
{
	return cstring_to_jsonb(json->data);
}
