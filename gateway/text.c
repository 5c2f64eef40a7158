/*
 * text.c
 *		Bytes that came over the wire: UTF-8, JSON strings, and wiping.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "text.h"

/* RFC 3629 */
size_t
text_character_length(const char *text, size_t left)
{
	const unsigned char *s = (const unsigned char *) text;
	size_t len;
	uint32_t c;
	uint32_t least;

	if (s[0] != 0 && s[0] < 0x80)
		return 1;
	if (s[0] >= 0xc2 && s[0] <= 0xdf)
		len = 2, c = s[0] & 0x1f, least = 0x80;
	else if (s[0] >= 0xe0 && s[0] <= 0xef)
		len = 3, c = s[0] & 0x0f, least = 0x800;
	else if (s[0] >= 0xf0 && s[0] <= 0xf4)
		len = 4, c = s[0] & 0x07, least = 0x10000;
	else
		return 0;
	if (left < len)
		return 0;
	for (size_t i = 1; i < len; i++)
	{
		if ((s[i] & 0xc0) != 0x80)
			return 0;
		c = c << 6 | (s[i] & 0x3f);
	}
	if (c < least || c > 0x10ffff || (c >= 0xd800 && c <= 0xdfff))
		return 0;
	return len;
}

bool
text_is_utf8(const char *data, size_t len)
{
	for (size_t i = 0; i < len;)
	{
		size_t step = text_character_length(data + i, len - i);

		if (step == 0)
			return false;
		i += step;
	}
	return true;
}

/* Of a valid character: those of ASCII, and U+0080 to U+009F, which some terminals obey. */
static bool
is_control(const char *character)
{
	const unsigned char *c = (const unsigned char *) character;

	return c[0] < ' ' || c[0] == 0x7f || (c[0] == 0xc2 && c[1] < 0xa0);
}

void
text_make_printable(char *line)
{
	size_t left = strlen(line);

	while (left > 0)
	{
		size_t step = text_character_length(line, left);

		if (step == 0 || is_control(line))
		{
			step = step > 0 ? step : 1;
			memset(line, '?', step);
		}
		line += step;
		left -= step;
	}
}

/* Moves to a larger buffer, and leaves nothing behind in the old one. */
static bool
text_reserve(Text *text, size_t more)
{
	size_t size = text->size > 0 ? text->size : 256;
	char *data;

	while (size < text->len + more + 1)
		size *= 2;
	if (size == text->size)
		return true;
	data = malloc(size);
	if (data == NULL)
		return false;
	if (text->data != NULL)
	{
		memcpy(data, text->data, text->len);
		explicit_bzero(text->data, text->size);
		free(text->data);
	}
	text->data = data;
	text->size = size;
	return true;
}

bool
text_append(Text *text, const char *data, size_t len)
{
	if (!text_reserve(text, len))
		return false;
	memcpy(text->data + text->len, data, len);
	text->len += len;
	text->data[text->len] = '\0';
	return true;
}

bool
text_append_string(Text *text, const char *string)
{
	return text_append(text, string, strlen(string));
}

/* Appends a JSON string, quotes and all (RFC 8259, section 7). */
bool
text_append_json(Text *text, const char *string)
{
	bool ok = text_append(text, "\"", 1);

	for (const char *p = string; ok && *p != '\0'; p++)
	{
		char escaped[8];

		if (*p == '"' || *p == '\\')
		{
			escaped[0] = '\\';
			escaped[1] = *p;
			ok = text_append(text, escaped, 2);
		}
		else if ((unsigned char) *p < 0x20)
		{
			snprintf(escaped, sizeof(escaped), "\\u%04x", *p);
			ok = text_append(text, escaped, 6);
		}
		else
			ok = text_append(text, p, 1);
	}
	return ok && text_append(text, "\"", 1);
}

void
text_free(Text *text)
{
	if (text->data != NULL)
	{
		explicit_bzero(text->data, text->size);
		free(text->data);
	}
	memset(text, 0, sizeof(*text));
}
