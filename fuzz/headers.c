/*
 * headers.c
 *		Fuzz target: the arrays of headers that the gateway sends and reads.
 *
 * The input is read as an array, as if a server had sent it, as a line of an
 * answer, and as a header's value, which is to come back as it is.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "headers.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
read_any(const uint8_t *data, size_t size)
{
	Text array = {0};
	HeaderReader reader;

	if (!text_append(&array, (const char *) data, size))
		abort();
	if (headers_read(&reader, &array))
	{
		while (headers_next(&reader))
		{
			if (reader.name.len + reader.value.len > size)
				abort();
		}
		headers_end(&reader);
	}
	text_free(&array);
}

/* A line of the head of another server's answer. */
static void
read_line(const uint8_t *data, size_t size)
{
	Text array = {0};
	HeaderReader reader;

	if (!headers_add_answer(&array, (const char *) data, size))
		abort();
	if (array.len > 0)
	{
		if (!headers_read(&reader, &array) || !headers_next(&reader) ||
			!text_is_utf8(reader.value.data, reader.value.len) || headers_next(&reader))
			abort();
		headers_end(&reader);
	}
	text_free(&array);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *value = malloc(size + 1);
	Text array = {0};
	HeaderReader reader;
	int count = 0;

	memcpy(value, data, size);
	value[size] = '\0';
	read_any(data, size);
	read_line(data, size);

	if (!headers_add(&array, "Name", value) || !headers_add(&array, "", "") ||
		!headers_add_request(&array, "COOKIE", value, strlen(value)) ||
		!headers_add_request(&array, "Unknown", value, strlen(value)) ||
		!headers_read(&reader, &array))
		abort();
	for (; headers_next(&reader); count++)
	{
		if (count == 0 &&
			(strcmp(reader.name.data, "Name") != 0 || strcmp(reader.value.data, value) != 0))
			abort();
		if (count == 2 && (strcmp(reader.name.data, "cookie") != 0 ||
						   !text_is_utf8(reader.value.data, reader.value.len)))
			abort();
	}
	if (count != 3)
		abort();
	headers_end(&reader);
	text_free(&array);
	free(value);
	return 0;
}
