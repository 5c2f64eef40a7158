/*
 * values.c
 *		The values that a message has for the places of its template.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "values.h"

/*
 * Control characters, which could end a line or a header, and characters that
 * change the direction of text, by which a value could rearrange what is
 * around it.
 */
static bool
is_harmful(uint32_t c)
{
	return c < 0x20 || (c >= 0x7f && c <= 0x9f) || c == 0x61c || c == 0x200e || c == 0x200f ||
		   (c >= 0x2028 && c <= 0x202e) || (c >= 0x2066 && c <= 0x2069);
}

/* The code point of a valid sequence. */
static uint32_t
code_point(const char *text, size_t len)
{
	uint32_t c = (unsigned char) text[0];

	if (len == 1)
		return c;
	c &= 0xff >> (len + 1);
	for (size_t i = 1; i < len; i++)
		c = c << 6 | ((unsigned char) text[i] & 0x3f);
	return c;
}

static bool
append_line(Text *line, const char *text)
{
	bool ok = text_append(line, "", 0);

	while (ok && *text != '\0')
	{
		size_t len = text_character_length(text, strlen(text));

		if (len == 0 || is_harmful(code_point(text, len)))
			ok = text_append(line, " ", 1);
		else
			ok = text_append(line, text, len);
		text += len > 0 ? len : 1;
	}
	return ok;
}

bool
values_add(Values *values, const char *name, const char *text)
{
	Value *list = realloc(values->list, (values->count + 1) * sizeof(Value));
	Value *value;

	if (list == NULL)
		return false;
	values->list = list;
	value = &list[values->count++];
	memset(value, 0, sizeof(*value));
	return text_append_string(&value->name, name) && append_line(&value->text, text);
}

const char *
values_find(const Values *values, const char *name, size_t name_len)
{
	for (size_t i = 0; i < values->count; i++)
	{
		const Value *value = &values->list[i];

		if (value->name.len == name_len && memcmp(value->name.data, name, name_len) == 0)
			return value->text.data;
	}
	return "";
}

const char *
values_get(const Values *values, const char *name)
{
	return values_find(values, name, strlen(name));
}

static bool
can_be_shown(const char *name)
{
	static const char *const shown[] = {"app",        "email",   "expires_at", "expires_in",
										"ip_address", "locale",  "name",       "new_email",
										"old_email",  "passkey", "provider",   "time",
										"user_agent"};

	for (size_t i = 0; i < sizeof(shown) / sizeof(shown[0]); i++)
	{
		if (strcmp(shown[i], name) == 0)
			return true;
	}
	return false;
}

bool
values_mask(Values *values)
{
	for (size_t i = 0; i < values->count; i++)
	{
		Value *value = &values->list[i];

		if (value->text.len == 0 || can_be_shown(value->name.data))
			continue;
		text_free(&value->text);
		if (!text_append(&value->text, "[", 1) ||
			!text_append(&value->text, value->name.data, value->name.len) ||
			!text_append(&value->text, "]", 1))
			return false;
	}
	return true;
}

void
values_free(Values *values)
{
	for (size_t i = 0; i < values->count; i++)
	{
		text_free(&values->list[i].name);
		text_free(&values->list[i].text);
	}
	free(values->list);
	memset(values, 0, sizeof(*values));
}
