/*
 * cookie.c
 *		Fuzz target: each cookie that is found lies within the header, behind
 *		the one before, and ends before the next.  The first line is the name,
 *		the rest the header.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "http/cookie.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
check_cookies(const char *header, const char *name)
{
	const char *end = header + strlen(header);
	const char *rest = header;
	const char *before = header;
	const char *value;
	size_t len;

	while (cookie_next(&rest, name, &value, &len))
	{
		if (value <= before || value + len > rest || rest > end || memchr(value, ';', len) != NULL)
			abort();
		before = value + len;
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *name = malloc(size + 1);
	char *header;

	memcpy(name, data, size);
	name[size] = '\0';
	header = strchr(name, '\n');
	if (header != NULL)
	{
		*header++ = '\0';
		/* names are never empty, nor have they a separator: settings.c */
		if (name[0] != '\0' && strpbrk(name, "=; \t\"") == NULL)
			check_cookies(header, name);
	}
	free(name);
	return 0;
}
