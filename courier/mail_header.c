/*
 * mail_header.c
 *		Headers of mails (RFC 5322, RFC 2047).
 */
#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "mail_header.h"

#define MAX_ADDRESS 320

/*
 * Bytes in an encoded word: with base64 and =?UTF-8?B?...?= they are 64
 * characters, so that a line with the name of the header has no more than 76.
 */
#define ENCODED_WORD_BYTES 39
#define MAX_PLAIN_LENGTH 64

/*
 * Short, of printable ASCII, and nothing that a reader would decode: else a
 * value could look like a decoded one.
 */
static bool
is_plain(const char *value)
{
	for (const char *p = value; *p != '\0'; p++)
	{
		if (*p < ' ' || *p > '~')
			return false;
	}
	return strlen(value) <= MAX_PLAIN_LENGTH && strstr(value, "=?") == NULL;
}

/* Bytes for the next word, which end with a character (RFC 2047, section 5). */
static size_t
word_length(const char *value)
{
	size_t len = 0;

	while (value[len] != '\0')
	{
		size_t step = text_character_length(value + len, strlen(value + len));

		if (step == 0)
			step = 1;
		if (len + step > ENCODED_WORD_BYTES)
			break;
		len += step;
	}
	return len;
}

static bool
append_encoded(Text *out, const char *value)
{
	unsigned char encoded[ENCODED_WORD_BYTES / 3 * 4 + 1];
	const char *separator = "";
	bool ok = true;

	while (ok && *value != '\0')
	{
		size_t len = word_length(value);

		EVP_EncodeBlock(encoded, (const unsigned char *) value, (int) len);
		ok = text_append_string(out, separator) && text_append_string(out, "=?UTF-8?B?") &&
			 text_append_string(out, (const char *) encoded) && text_append_string(out, "?=");
		separator = "\r\n ";
		value += len;
	}
	return ok;
}

bool
mail_header_text(Text *out, const char *name, const char *value)
{
	return text_append_string(out, name) && text_append_string(out, ": ") &&
		   (is_plain(value) ? text_append_string(out, value) : append_encoded(out, value));
}

static bool
append_quoted(Text *out, const char *value)
{
	bool ok = text_append_string(out, "\"");

	for (const char *p = value; ok && *p != '\0'; p++)
		ok = (*p != '"' && *p != '\\' ? true : text_append_string(out, "\\")) &&
			 text_append(out, p, 1);
	return ok && text_append_string(out, "\"");
}

bool
mail_header_address(Text *out, const char *name, const char *display, const char *address)
{
	bool ok = text_append_string(out, name) && text_append_string(out, ": ");

	if (ok && display[0] != '\0')
		ok = (is_plain(display) ? append_quoted(out, display) : append_encoded(out, display)) &&
			 text_append_string(out, "\r\n ");
	return ok && text_append_string(out, "<") && text_append_string(out, address) &&
		   text_append_string(out, ">");
}

/* In English, whatever the locale. */
bool
mail_header_date(Text *out, time_t now)
{
	static const char days[] = "SunMonTueWedThuFriSat";
	static const char months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
	struct tm utc;
	char date[64];

	gmtime_r(&now, &utc);
	snprintf(date, sizeof(date), "Date: %.3s, %d %.3s %d %02d:%02d:%02d +0000",
			 days + 3 * utc.tm_wday, utc.tm_mday, months + 3 * utc.tm_mon, utc.tm_year + 1900,
			 utc.tm_hour, utc.tm_min, utc.tm_sec);
	return text_append_string(out, date);
}

/* The same for each attempt, so that a reader who gets two can recognize the second. */
bool
mail_header_message_id(Text *out, const char *id, const char *sender)
{
	return text_append_string(out, "Message-ID: <") && text_append_string(out, id) &&
		   text_append_string(out, strrchr(sender, '@')) && text_append_string(out, ">");
}

bool
mail_header_is_address(const char *address)
{
	const char *at = strchr(address, '@');

	if (at == NULL || at == address || at[1] == '\0' || strchr(at + 1, '@') != NULL ||
		strlen(address) > MAX_ADDRESS || !text_is_utf8(address, strlen(address)))
		return false;
	for (const char *p = address; *p != '\0'; p++)
	{
		unsigned char c = *p;

		if (c <= ' ' || c == 0x7f || strchr("<>()[]\\,;:\"", c) != NULL)
			return false;
	}
	return true;
}

bool
mail_header_parse_sender(const char *text, char **name, char **address)
{
	const char *start = strchr(text, '<');
	size_t len = strlen(text);
	size_t name_len = 0;

	if (start != NULL)
	{
		if (text[len - 1] != '>')
			return false;
		name_len = start - text;
		while (name_len > 0 && text[name_len - 1] == ' ')
			name_len--;
		*address = strndup(start + 1, text + len - 1 - (start + 1));
	}
	else
		*address = strdup(text);
	*name = strndup(text, name_len);
	if (*name == NULL || *address == NULL || !mail_header_is_address(*address))
		return false;
	for (const char *p = *name; *p != '\0'; p++)
	{
		if ((unsigned char) *p < ' ' || *p == 0x7f)
			return false;
	}
	return text_is_utf8(*name, name_len);
}
