/*
 * uuid.c
 *		UUIDs as text, and comparing them.
 */
#include "postgres.h"

#include "base/hex.h"
#include "base/uuid.h"

/* Only the form 8-4-4-4-12, in either case (RFC 9562, section 4). */
bool
uuid_read(const char *text, pg_uuid_t *uuid)
{
	for (int i = 0; i < UUID_LEN; i++)
	{
		int high;
		int low;

		if ((i == 4 || i == 6 || i == 8 || i == 10) && *text++ != '-')
			return false;
		high = hex_digit(text[0]);
		low = (high < 0) ? -1 : hex_digit(text[1]);
		if (low < 0)
			return false;
		uuid->data[i] = high << 4 | low;
		text += 2;
	}
	return *text == '\0';
}

/* uuid_out() writes the same through a buffer that grows, several times slower. */
char *
uuid_text(const pg_uuid_t *uuid)
{
	static const char digits[] = "0123456789abcdef";
	char *text = palloc(2 * UUID_LEN + 4 + 1);
	char *out = text;

	for (int i = 0; i < UUID_LEN; i++)
	{
		if (i == 4 || i == 6 || i == 8 || i == 10)
			*out++ = '-';
		*out++ = digits[uuid->data[i] >> 4];
		*out++ = digits[uuid->data[i] & 0x0f];
	}
	*out = '\0';
	return text;
}

bool
uuid_equal(const pg_uuid_t *a, const pg_uuid_t *b)
{
	return memcmp(a->data, b->data, UUID_LEN) == 0;
}
