/*
 * secret_names.c
 *		Fuzz target: a search for names finds what a simpler one finds.  The
 *		first line is the list of names, the rest the text.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "redact/secret_names.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static bool
holds(const char *text, size_t len, const char *name, size_t name_len)
{
	for (size_t i = 0; i + name_len <= len; i++)
	{
		if (strncasecmp(text + i, name, name_len) == 0)
			return true;
	}
	return false;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char separators[] = ", \t\r\n\"";
	char *names = malloc(size + 1);
	char *text = "";
	char *exact;
	size_t len;
	bool named = false;
	bool found;

	memcpy(names, data, size);
	names[size] = '\0';
	if (strchr(names, '\n') != NULL)
	{
		text = strchr(names, '\n') + 1;
		text[-1] = '\0';
	}
	len = strlen(text);
	/* as large as the text, for the sanitizer to see what is past it */
	exact = malloc(len > 0 ? len : 1);
	memcpy(exact, text, len);
	found = secret_names_in(exact, len, names);

	for (const char *name = names; *(name += strspn(name, separators)) != '\0';)
	{
		size_t name_len = strcspn(name, separators);

		named |= holds(text, len, name, name_len);
		name += name_len;
	}
	if ((named && !found) || (found && !named && !holds(text, len, "authfort", 8)))
		abort();
	free(exact);
	free(names);
	return 0;
}
