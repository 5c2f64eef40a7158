/*
 * text.h
 *		Bytes that came over the wire: UTF-8, JSON strings, and wiping.
 */
#ifndef GATEWAY_TEXT_H
#define GATEWAY_TEXT_H

#include <stdbool.h>
#include <stddef.h>

/* A string that grows; "data" is always terminated, and NULL once it failed. */
typedef struct Text
{
	char *data;
	size_t len;
	size_t size;
} Text;

/* Bytes of the first character; 0 if it is not valid UTF-8, or is NUL. */
extern size_t text_character_length(const char *text, size_t left);

/* Valid UTF-8 without NUL, which is all that PostgreSQL accepts. */
extern bool text_is_utf8(const char *data, size_t len);

/*
 * For a line of a log, of which another side may have written a part: replaces
 * control characters, and what is not UTF-8, by question marks.
 */
extern void text_make_printable(char *line);

extern bool text_append(Text *text, const char *data, size_t len);
extern bool text_append_string(Text *text, const char *string);

/* As a JSON string, in quotes. */
extern bool text_append_json(Text *text, const char *string);

/* Wipes and frees: requests and responses contain passwords and tokens. */
extern void text_free(Text *text);

#endif /* GATEWAY_TEXT_H */
