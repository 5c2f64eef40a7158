/*
 * headers.c
 *		The headers of a request that the router gets.
 *
 * Clients, proxies and other sites of one domain put all kinds of bytes into
 * headers.  PostgreSQL takes UTF-8 only, so what cannot be passed on must cost
 * no more than the place in which it stands.
 */
#include <string.h>
#include <strings.h>

#include "headers.h"

static const char *const passed_on[] = {
	"access-control-request-headers",
	"access-control-request-method",
	"authorization",
	"content-type",
	"cookie",
	"host",
	"origin",
	"sec-fetch-site",
	"user-agent",
	"x-forwarded-for",
};

static const char *
name_for_router(const char *name)
{
	for (size_t i = 0; i < sizeof(passed_on) / sizeof(passed_on[0]); i++)
	{
		if (strcasecmp(name, passed_on[i]) == 0)
			return passed_on[i];
	}
	return NULL;
}

/* The length of the usable character that "value" begins with; 0 if it is not one. */
static size_t
usable_length(const char *value, size_t len)
{
	unsigned char first = (unsigned char) value[0];

	if ((first < ' ' && first != '\t') || first == 0x7f)
		return 0;
	return text_character_length(value, len);
}

static bool
is_usable(const char *value, size_t len)
{
	for (size_t i = 0; i < len;)
	{
		size_t		step = usable_length(value + i, len - i);

		if (step == 0)
			return false;
		i += step;
	}
	return true;
}

/*
 * A question mark stands for each byte that is unusable.  Leaving the header
 * out instead would let a client hide one that a proxy has added to, and turn
 * a wrong token or origin into none.
 */
static bool
append_replaced(Text *text, const char *value, size_t len)
{
	for (size_t i = 0; i < len;)
	{
		size_t		step = usable_length(value + i, len - i);

		if (!text_append(text, step > 0 ? value + i : "?", step > 0 ? step : 1))
			return false;
		i += step > 0 ? step : 1;
	}
	return true;
}

/* Cookies of others share the header with ours, so each counts by itself. */
static bool
append_cookies(Text *text, const char *value, size_t len)
{
	const char *end = value + len;

	while (value < end)
	{
		const char *semicolon = memchr(value, ';', end - value);
		const char *stop = semicolon != NULL ? semicolon + 1 : end;

		if (is_usable(value, stop - value) && !text_append(text, value, stop - value))
			return false;
		value = stop;
	}
	return true;
}

static bool
append_member(Text *json, const char *name, const char *value)
{
	const char *separator = json->len > 1 ? ",{" : "{";

	return text_append(json, separator, strlen(separator)) &&
		text_append_json(json, name) &&
		text_append(json, ":", 1) &&
		text_append_json(json, value) &&
		text_append(json, "}", 1);
}

bool
headers_add(Text *json, const char *name, const char *value, size_t len)
{
	const char *known = name_for_router(name);
	Text		usable = {0};
	bool		ok;

	if (known == NULL)
		return true;
	ok = text_append(&usable, "", 0) &&
		(strcmp(known, "cookie") == 0 ? append_cookies(&usable, value, len)
		 : append_replaced(&usable, value, len)) &&
		append_member(json, known, usable.data);
	text_free(&usable);
	return ok;
}
