/*
 * headers.c
 *		The headers of a request or of a response, in their order.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "utils/builtins.h"

#include "base/json.h"
#include "compat.h"
#include "http/headers.h"

static void
add_header(HttpHeaders *headers, const char *name, int name_len, const char *value, int value_len)
{
	if (headers->count == headers->capacity)
	{
		headers->capacity = Max(2 * headers->capacity, 16);
		headers->list = (headers->list == NULL)
							? palloc(headers->capacity * sizeof(HttpHeader))
							: repalloc(headers->list, headers->capacity * sizeof(HttpHeader));
	}
	headers->list[headers->count++] = (HttpHeader){
		name,
		name_len,
		value,
		value_len,
	};
}

void
headers_add(HttpHeaders *headers, const char *name, const char *value)
{
	add_header(headers, name, (int) strlen(name), value, (int) strlen(value));
}

static void
read_header_object(HttpHeaders *headers, JsonbContainer *object)
{
	JsonbIterator *it = JsonbIteratorInit(object);
	JsonbIteratorToken token;
	JsonbValue value;
	const char *name = NULL;
	int name_len = 0;

	while ((token = JsonbIteratorNext(&it, &value, true)) != WJB_DONE)
	{
		if (token == WJB_KEY)
		{
			name = value.val.string.val;
			name_len = value.val.string.len;
		}
		else if (token == WJB_VALUE && value.type == jbvString)
			add_header(headers, name, name_len, value.val.string.val, value.val.string.len);
	}
}

void
headers_read_jsonb(HttpHeaders *headers, Jsonb *json)
{
	if (!JB_ROOT_IS_ARRAY(json))
	{
		read_header_object(headers, &json->root);
		return;
	}
	for (uint32 i = 0; i < JB_ROOT_COUNT(json); i++)
	{
		JsonbValue *element = getIthJsonbValueFromContainer(&json->root, i);

		if (element->type == jbvBinary && JsonContainerIsObject(element->val.binary.data))
			read_header_object(headers, element->val.binary.data);
	}
}

void
headers_read_array(HttpHeaders *headers, ArrayType *array)
{
	Datum *texts;
	int count;

	if (ARR_NDIM(array) > 1 || array_contains_nulls(array) ||
		ArrayGetNItems(ARR_NDIM(array), ARR_DIMS(array)) % 2 != 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("invalid value for parameter \"%s\"", "headers"),
				 errdetail("In this array each name is followed by its value, and none is null.")));
	deconstruct_array(array, TEXTOID, -1, false, TYPALIGN_INT, &texts, NULL, &count);
	for (int i = 0; i < count; i += 2)
		add_header(headers, VARDATA_ANY(DatumGetPointer(texts[i])),
				   VARSIZE_ANY_EXHDR(DatumGetPointer(texts[i])),
				   VARDATA_ANY(DatumGetPointer(texts[i + 1])),
				   VARSIZE_ANY_EXHDR(DatumGetPointer(texts[i + 1])));
}

static bool
has_name(const HttpHeader *header, const char *name)
{
	return header->name_len == (int) strlen(name) &&
		   pg_strncasecmp(header->name, name, header->name_len) == 0;
}

char *
headers_first(const HttpHeaders *headers, const char *name)
{
	for (int i = 0; i < headers->count; i++)
	{
		const HttpHeader *header = &headers->list[i];

		if (has_name(header, name))
			return pnstrdup(header->value, header->value_len);
	}
	return NULL;
}

char *
headers_joined(const HttpHeaders *headers, const char *name, const char *separator)
{
	StringInfoData list;

	initStringInfo(&list);
	for (int i = 0; i < headers->count; i++)
	{
		const HttpHeader *header = &headers->list[i];

		if (!has_name(header, name))
			continue;
		if (list.len > 0)
			appendStringInfoString(&list, separator);
		appendBinaryStringInfo(&list, header->value, header->value_len);
	}
	return list.data;
}

/* Only for headers that headers_add() added: their strings end in a zero byte. */
void
headers_write_json(const HttpHeaders *headers, StringInfo out)
{
	appendStringInfoChar(out, '[');
	for (int i = 0; i < headers->count; i++)
	{
		json_next_element(out);
		json_open(out);
		json_write_string(out, headers->list[i].name, headers->list[i].value);
		json_close(out);
	}
	appendStringInfoChar(out, ']');
}

ArrayType *
headers_to_array(const HttpHeaders *headers)
{
	Datum *texts = palloc(2 * headers->count * sizeof(Datum) + 1);

	for (int i = 0; i < headers->count; i++)
	{
		const HttpHeader *header = &headers->list[i];

		texts[2 * i] = PointerGetDatum(cstring_to_text_with_len(header->name, header->name_len));
		texts[2 * i + 1] =
			PointerGetDatum(cstring_to_text_with_len(header->value, header->value_len));
	}
	return construct_array(texts, 2 * headers->count, TEXTOID, -1, false, TYPALIGN_INT);
}
