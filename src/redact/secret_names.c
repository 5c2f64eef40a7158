/*
 * secret_names.c
 *		Whether a text names functions or settings that take secrets: a plain
 *		search.
 *
 * It builds without a server.  Nothing here parses SQL: it has to judge texts
 * that no parser has accepted, also while an error is being reported.
 */
#include <string.h>
#include <strings.h>

#include "redact/secret_names.h"

#define OUR_NAME "authfort"
#define OUR_NAME_LEN (sizeof(OUR_NAME) - 1)
#define NAME_SEPARATORS ", \t\r\n\""

/* Functions in schema authfort that take no secret; policies call them. */
static const char *const harmless_functions[] = {
	"aal", "claim", "claims", "current_user", "has_role", "jwks", "require_role", "roles", "routes",
	"session_id", "uid", "version",
};

static unsigned char
lower(char c)
{
	return (c >= 'A' && c <= 'Z') ? c + ('a' - 'A') : (unsigned char) c;
}

static bool
same_letters(const char *a, const char *b, size_t len)
{
	for (size_t i = 0; i < len; i++)
	{
		if (lower(a[i]) != lower(b[i]))
			return false;
	}
	return true;
}

/* The first occurrence of a name in "text", by Horspool's algorithm; or NULL. */
static const char *
find_name(const char *text, const char *end, const char *name, size_t len)
{
	unsigned char shift[256];
	size_t		most = (len < 255) ? len : 255;

	memset(shift, (int) most, sizeof(shift));
	for (size_t i = 0; i + 1 < len; i++)
	{
		unsigned char by = (len - 1 - i < most) ? len - 1 - i : most;

		shift[lower(name[i])] = by;
		if (lower(name[i]) >= 'a' && lower(name[i]) <= 'z')
			shift[lower(name[i]) - ('a' - 'A')] = by;
	}
	while ((size_t) (end - text) >= len)
	{
		if (lower(text[len - 1]) == lower(name[len - 1]) && same_letters(text, name, len - 1))
			return text;
		text += shift[(unsigned char) text[len - 1]];
	}
	return NULL;
}

static bool
is_blank(char c)
{
	return c == ' ' || (c >= '\t' && c <= '\r');
}

static bool
in_name(char c)
{
	return (lower(c) >= 'a' && lower(c) <= 'z') || (c >= '0' && c <= '9') || c == '_' ||
		c == '$' || (unsigned char) c >= 0x80;
}

/* In a text that is quoted as CSV or JSON, quotes are doubled or escaped. */
static bool
is_quote(char c)
{
	return c == '"' || c == '\\';
}

/* Whether ".uid(" or the like stands at "rest"; pgaudit writes a name and a comma. */
static bool
is_harmless_call(const char *rest, const char *end)
{
	if (rest == end || *rest++ != '.')
		return false;
	for (size_t i = 0; i < sizeof(harmless_functions) / sizeof(harmless_functions[0]); i++)
	{
		size_t		len = strlen(harmless_functions[i]);

		if ((size_t) (end - rest) > len && same_letters(rest, harmless_functions[i], len) &&
			(rest[len] == '(' || rest[len] == ','))
			return true;
	}
	return false;
}

/*
 * Whether REFERENCES stands before "place", and at "rest" the name of a table
 * with columns at the most.  REFERENCES may end a comment, and a call follow.
 */
static bool
is_reference(const char *text, const char *place, const char *rest, const char *end)
{
	static const char keyword[] = "references";
	const size_t len = sizeof(keyword) - 1;

	while (place > text && is_quote(place[-1]))
		place--;
	while (rest < end && is_quote(*rest))
		rest++;
	if (place == text || !is_blank(place[-1]) || rest == end || *rest++ != '.')
		return false;
	while (place > text && is_blank(place[-1]))
		place--;
	if ((size_t) (place - text) < len || !same_letters(place - len, keyword, len) ||
		((size_t) (place - text) > len && in_name(place[-(ptrdiff_t) len - 1])))
		return false;
	while (rest < end && (in_name(*rest) || is_quote(*rest)))
		rest++;
	while (rest < end && is_blank(*rest))
		rest++;
	if (rest == end || *rest != '(')
		return true;
	for (rest++; rest < end && *rest != '$'; rest++)
	{
		if (!in_name(*rest) && !is_blank(*rest) && *rest != ',' && !is_quote(*rest))
			break;
	}
	return rest < end && *rest == ')';
}

static bool
names_us(const char *text, const char *end)
{
	const char *place = text;

	while ((place = find_name(place, end, OUR_NAME, OUR_NAME_LEN)) != NULL)
	{
		const char *rest = place + OUR_NAME_LEN;
		bool		begins = (place == text ||
							  (!in_name(place[-1]) && strchr("\".\\", place[-1]) == NULL));

		if (!(begins && is_harmless_call(rest, end)) && !is_reference(text, place, rest, end))
			return true;
		place = rest;
	}
	return false;
}

bool
secret_names_in(const char *text, size_t len, const char *names)
{
	const char *end = text + len;

	if (names_us(text, end))
		return true;
	while (*(names += strspn(names, NAME_SEPARATORS)) != '\0')
	{
		size_t		name_len = strcspn(names, NAME_SEPARATORS);

		if (find_name(text, end, names, name_len) != NULL)
			return true;
		names += name_len;
	}
	return false;
}
