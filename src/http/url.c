/*
 * url.c
 *		Percent-encoding (RFC 3986, section 2.1).  Builds without a server.
 */
#include "http/url.h"

#include <string.h>

#include "base/hex.h"

bool
url_decode(const char *in, size_t len, bool form, char *out)
{
	for (size_t i = 0; i < len; i++)
	{
		if (in[i] == '%')
		{
			int high = (len - i > 2) ? hex_digit(in[i + 1]) : -1;
			int low = (len - i > 2) ? hex_digit(in[i + 2]) : -1;

			if (high < 0 || low < 0 || (high == 0 && low == 0))
				return false;
			*out++ = (char) (high << 4 | low);
			i += 2;
		}
		else
			*out++ = (form && in[i] == '+') ? ' ' : in[i];
	}
	*out = '\0';
	return true;
}

bool
url_find_parameter(const char *query, const char *name, const char **value, size_t *len)
{
	size_t name_len = strlen(name);

	while (*query != '\0')
	{
		size_t pair_len = strcspn(query, "&");

		if (pair_len > name_len && query[name_len] == '=' && strncmp(query, name, name_len) == 0)
		{
			*value = query + name_len + 1;
			*len = pair_len - name_len - 1;
			return true;
		}
		query += pair_len;
		query += (*query == '&');
	}
	return false;
}
