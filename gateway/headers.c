/*
 * headers.c
 *		Headers on their way to the router and back.
 *
 * Clients, proxies and other hosts of the same site put arbitrary bytes into
 * headers.  PostgreSQL accepts only UTF-8, so a byte that cannot be passed on
 * must not affect more than its own header or cookie.
 */
#include <arpa/inet.h>
#include <stdint.h>
#include <string.h>
#include <strings.h>

#include "headers.h"

/* An array in binary: dimensions, whether it holds a NULL, and the type of its elements; */
#define EMPTY_ARRAY_BYTES 12
/* then, unless it is empty, the number of elements and the index of the first, */
#define ARRAY_HEADER_BYTES 20
#define COUNT_OFFSET 12
/* and the elements, each behind its length. */
#define TEXT_OID 25

static const char *const passed_on[] = {
	"access-control-request-headers",
	"access-control-request-method",
	"authorization",
	"content-type",
	"cookie",
	"host",
	"origin",
	"sec-fetch-site",
	"user-agent",
	"x-forwarded-for",
};

/* Headers of the answer to a fetch. */
static const char *const passed_on_of_answers[] = {
	"cache-control",
	"content-type",
};

static const char *
name_for_router(const char *name)
{
	for (size_t i = 0; i < sizeof(passed_on) / sizeof(passed_on[0]); i++)
	{
		if (strcasecmp(name, passed_on[i]) == 0)
			return passed_on[i];
	}
	return NULL;
}

/* The length of the usable character that "value" begins with; 0 if it is not one. */
static size_t
usable_length(const char *value, size_t len)
{
	unsigned char first = (unsigned char) value[0];

	if ((first < ' ' && first != '\t') || first == 0x7f)
		return 0;
	return text_character_length(value, len);
}

static bool
is_usable(const char *value, size_t len)
{
	for (size_t i = 0; i < len;)
	{
		size_t step = usable_length(value + i, len - i);

		if (step == 0)
			return false;
		i += step;
	}
	return true;
}

/*
 * Replaces each unusable byte by a question mark.  Omitting the header instead
 * would let a client hide a header to which a proxy has added, and turn a
 * wrong token or origin into a missing one.
 */
static bool
append_replaced(Text *text, const char *value, size_t len)
{
	for (size_t i = 0; i < len;)
	{
		size_t step = usable_length(value + i, len - i);

		if (!text_append(text, step > 0 ? value + i : "?", step > 0 ? step : 1))
			return false;
		i += step > 0 ? step : 1;
	}
	return true;
}

/* Other applications' cookies are in the same header, so each cookie is checked separately. */
static bool
append_cookies(Text *text, const char *value, size_t len)
{
	const char *end = value + len;

	while (value < end)
	{
		const char *semicolon = memchr(value, ';', end - value);
		const char *stop = semicolon != NULL ? semicolon + 1 : end;

		if (is_usable(value, stop - value) && !text_append(text, value, stop - value))
			return false;
		value = stop;
	}
	return true;
}

static bool
append_integer(Text *array, uint32_t number)
{
	uint32_t bytes = htonl(number);

	return text_append(array, (const char *) &bytes, sizeof(bytes));
}

static uint32_t
read_integer(const char *from)
{
	uint32_t bytes;

	memcpy(&bytes, from, sizeof(bytes));
	return ntohl(bytes);
}

static bool
append_element(Text *array, const char *data, size_t len)
{
	uint32_t count = htonl(read_integer(array->data + COUNT_OFFSET) + 1);

	if (!append_integer(array, len) || !text_append(array, data, len))
		return false;
	memcpy(array->data + COUNT_OFFSET, &count, sizeof(count));
	return true;
}

/* An array of one dimension without elements. */
static bool
begin_array(Text *array)
{
	return append_integer(array, 1) &&                                    /* dimensions */
		   append_integer(array, 0) &&                                    /* it holds no NULL */
		   append_integer(array, TEXT_OID) && append_integer(array, 0) && /* elements */
		   append_integer(array, 1);                                      /* the first index */
}

static bool
append_header(Text *array, const char *name, const char *value, size_t len)
{
	return (array->len > 0 || begin_array(array)) && append_element(array, name, strlen(name)) &&
		   append_element(array, value, len);
}

bool
headers_add(Text *array, const char *name, const char *value)
{
	return append_header(array, name, value, strlen(value));
}

bool
headers_add_request(Text *array, const char *name, const char *value, size_t len)
{
	const char *known = name_for_router(name);
	Text usable = {0};
	bool ok;

	if (known == NULL)
		return true;
	ok = text_append(&usable, "", 0) &&
		 (strcmp(known, "cookie") == 0 ? append_cookies(&usable, value, len)
									   : append_replaced(&usable, value, len)) &&
		 append_header(array, known, usable.data, usable.len);
	text_free(&usable);
	return ok;
}

static const char *
name_of_answer(const char *name, size_t len)
{
	for (size_t i = 0; i < sizeof(passed_on_of_answers) / sizeof(passed_on_of_answers[0]); i++)
	{
		const char *known = passed_on_of_answers[i];

		if (strlen(known) == len && strncasecmp(name, known, len) == 0)
			return known;
	}
	return NULL;
}

static bool
is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

bool
headers_add_answer(Text *array, const char *line, size_t len)
{
	const char *colon = memchr(line, ':', len);
	const char *known = colon != NULL ? name_of_answer(line, colon - line) : NULL;
	const char *value;
	const char *end = line + len;
	Text usable = {0};
	bool ok;

	if (known == NULL)
		return true;
	value = colon + 1;
	while (value < end && is_blank(*value))
		value++;
	while (end > value && is_blank(end[-1]))
		end--;
	ok = text_append(&usable, "", 0) && append_replaced(&usable, value, end - value) &&
		 append_header(array, known, usable.data, usable.len);
	text_free(&usable);
	return ok;
}

bool
headers_read(HeaderReader *reader, const Text *array)
{
	memset(reader, 0, sizeof(*reader));
	if (array->len == EMPTY_ARRAY_BYTES && read_integer(array->data) == 0)
		return true;
	if (array->len < ARRAY_HEADER_BYTES || read_integer(array->data) != 1 ||
		read_integer(array->data + COUNT_OFFSET) % 2 != 0)
		return false;
	reader->next = array->data + ARRAY_HEADER_BYTES;
	reader->end = array->data + array->len;
	return true;
}

static bool
next_element(HeaderReader *reader, Text *element)
{
	uint32_t len;

	text_free(element);
	if (reader->end - reader->next < (ptrdiff_t) sizeof(len))
		return false;
	len = read_integer(reader->next);
	reader->next += sizeof(len);
	if (len > (size_t) (reader->end - reader->next) || !text_append(element, reader->next, len))
	{
		reader->next = reader->end;
		return false;
	}
	reader->next += len;
	return true;
}

bool
headers_next(HeaderReader *reader)
{
	return next_element(reader, &reader->name) && next_element(reader, &reader->value);
}

void
headers_end(HeaderReader *reader)
{
	text_free(&reader->name);
	text_free(&reader->value);
}
