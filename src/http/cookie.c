/*
 * cookie.c
 *		Reading a Cookie header (RFC 6265).  Builds without a server.
 */
#include <string.h>

#include "http/cookie.h"

static const char *
skip_blanks(const char *p)
{
	return p + strspn(p, " \t");
}

static size_t
without_trailing_blanks(const char *text, size_t len)
{
	while (len > 0 && (text[len - 1] == ' ' || text[len - 1] == '\t'))
		len--;
	return len;
}

bool
cookie_next(const char **header, const char *name, const char **value, size_t *len)
{
	size_t name_len = strlen(name);
	const char *pair = skip_blanks(*header);
	bool found = false;

	while (!found && *pair != '\0')
	{
		size_t pair_len = strcspn(pair, ";");

		if (pair_len > name_len && strncmp(pair, name, name_len) == 0 && pair[name_len] == '=')
		{
			*value = pair + name_len + 1;
			*len = without_trailing_blanks(*value, pair_len - name_len - 1);
			if (*len >= 2 && (*value)[0] == '"' && (*value)[*len - 1] == '"')
			{
				(*value)++;
				*len -= 2;
			}
			found = true;
		}
		pair += pair_len;
		if (*pair == ';')
			pair = skip_blanks(pair + 1);
	}
	*header = pair;
	return found;
}
