/*
 * url.c
 *		Fuzz target: decoding never grows a text nor gives a zero byte, and a
 *		parameter lies within the query.  The first line is the parameter's
 *		name, the rest the query.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "http/url.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
decode(const char *text, size_t len, bool form)
{
	char *in = malloc(len > 0 ? len : 1);
	char *out = malloc(len + 1);

	memcpy(in, text, len);
	if (url_decode(in, len, form, out) && strlen(out) > len)
		abort();
	free(in);
	free(out);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *name = malloc(size + 1);
	char *query;
	const char *value;
	size_t len;

	memcpy(name, data, size);
	name[size] = '\0';
	decode(name, strlen(name), false);
	query = strchr(name, '\n');
	if (query != NULL)
	{
		*query++ = '\0';
		if (url_find_parameter(query, name, &value, &len))
		{
			if (value < query || value + len > query + strlen(query) || memchr(value, '&', len) != NULL)
				abort();
			decode(value, len, true);
		}
	}
	free(name);
	return 0;
}
