/*
 * unicode.c
 *		Letters, whatever the locale of the database.
 */
#include "postgres.h"

#include <locale.h>
#include <wctype.h>

#include "mb/pg_wchar.h"

#include "base/unicode.h"

char *
unicode_lower(const char *text)
{
	static locale_t unicode = (locale_t) 0;
	size_t		len = strlen(text);
	unsigned char *out = palloc(2 * len + 1);	/* no letter more than doubles */
	unsigned char *end = out;

	if (unicode == (locale_t) 0)
		unicode = newlocale(LC_CTYPE_MASK, "C.UTF-8", (locale_t) 0);
	for (const unsigned char *p = (const unsigned char *) text; *p != '\0'; p += pg_utf_mblen(p))
	{
		pg_wchar	c;

		if (*p < 0x80)
		{
			*end++ = pg_ascii_tolower(*p);
			continue;
		}
		c = utf8_to_unicode(p);
		if (unicode != (locale_t) 0)
			c = towlower_l(c, unicode);
		unicode_to_utf8(c, end);
		end += pg_utf_mblen(end);
	}
	*end = '\0';
	return (char *) out;
}
