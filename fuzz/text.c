/*
 * text.c
 *		Fuzz target: the gateway's check of UTF-8, its lines of a log, and its JSON
 *		strings, which are read back here as RFC 8259 says.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "text.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Decodes a character of a JSON string as text_append_json() writes it. */
static const char *
read_character(const char *p, unsigned char *character)
{
	char hex[5] = {0};

	if ((unsigned char) *p < 0x20 || *p == '"')
		abort();
	if (*p != '\\')
	{
		*character = *p;
		return p + 1;
	}
	if (p[1] != 'u')
	{
		*character = p[1];
		return p + 2;
	}
	memcpy(hex, p + 2, 4);
	*character = strtol(hex, NULL, 16);
	return p + 6;
}

/* Printable text is as long as before, and stays as it is. */
static void
check_printable(char *string)
{
	size_t len = strlen(string);
	char *again;

	text_make_printable(string);
	if (strlen(string) != len || !text_is_utf8(string, len) || strpbrk(string, "\n\r\x1b\x7f") != NULL)
		abort();
	again = strdup(string);
	text_make_printable(again);
	if (strcmp(again, string) != 0)
		abort();
	free(again);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *string = malloc(size + 1);
	Text text = {0};
	const char *p;

	memcpy(string, data, size);
	string[size] = '\0';
	if (text_is_utf8((const char *) data, size) && strlen(string) != size)
		abort();

	if (!text_append_json(&text, string) || text.data[0] != '"' || text.data[text.len - 1] != '"' ||
		strlen(text.data) != text.len)
		abort();
	p = text.data + 1;
	for (const char *s = string; *s != '\0'; s++)
	{
		unsigned char character;

		p = read_character(p, &character);
		if (character != (unsigned char) *s)
			abort();
	}
	if (p != text.data + text.len - 1)
		abort();
	text_free(&text);
	check_printable(string);
	free(string);
	return 0;
}
