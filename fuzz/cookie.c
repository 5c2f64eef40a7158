/*
 * cookie.c
 *		Fuzz target: a cookie that is found lies within the header and ends
 *		before the next one.  The first line is the name, the rest the header.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "http/cookie.h"

int			LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char	   *name = malloc(size + 1);
	char	   *header;
	const char *value;
	size_t		len;

	memcpy(name, data, size);
	name[size] = '\0';
	header = strchr(name, '\n');
	if (header != NULL)
	{
		*header++ = '\0';
		/* names are never empty, nor have they a separator: settings.c */
		if (name[0] != '\0' && strpbrk(name, "=; \t\"") == NULL &&
			cookie_find(header, name, &value, &len) &&
			(value <= header || value + len > header + strlen(header) ||
			 memchr(value, ';', len) != NULL))
			abort();
	}
	free(name);
	return 0;
}
