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
	"aal",          "amr",      "auth_time",  "claim",       "claims",
	"current_user", "has_role", "jwks",       "require_aal", "require_role",
	"roles",        "routes",   "session_id", "uid",         "version",
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

/* The position in a name of its rarest letter, as letters occur in English and SQL. */
static size_t
rarest_letter(const char *name, size_t len)
{
	static const char letters[] = "etaonrisldcumphgfbywvkxjqz"; /* the rarest last */
	size_t best = 0;
	const char *best_rank = NULL;

	for (size_t i = 0; i < len; i++)
	{
		const char *rank = memchr(letters, lower(name[i]), sizeof(letters) - 1);

		if (rank != NULL && (best_rank == NULL || rank > best_rank))
		{
			best = i;
			best_rank = rank;
		}
	}
	return best;
}

static const char *
next_byte(const char *from, const char *end, unsigned char byte)
{
	const char *found = (from < end) ? memchr(from, byte, end - from) : NULL;

	return (found != NULL) ? found : end;
}

/*
 * A search for all occurrences of a name.  memchr() looks at many bytes at a
 * time for the rarest letter, small or large; the name is compared where it
 * stands.  Both places are kept from one occurrence to the next: to search the
 * rest of the text for a letter that it does not have, each time, would cost the
 * square of the length.
 */
typedef struct NameSearch
{
	const char *name;
	size_t len;
	size_t at; /* where the rarest letter is in the name */
	unsigned char small;
	unsigned char large;
	const char *last; /* behind the last byte where the letter can stand */
	const char *next_small;
	const char *next_large;
} NameSearch;

static void
search_begin(NameSearch *search, const char *text, const char *end, const char *name, size_t len)
{
	search->name = name;
	search->len = len;
	search->at = rarest_letter(name, len);
	search->small = lower(name[search->at]);
	search->large = (search->small >= 'a' && search->small <= 'z') ? search->small - ('a' - 'A')
																   : search->small;
	if ((size_t) (end - text) < len)
	{
		search->last = search->next_small = search->next_large = end;
		return;
	}
	search->last = end - (len - 1 - search->at);
	search->next_small = next_byte(text + search->at, search->last, search->small);
	search->next_large = next_byte(text + search->at, search->last, search->large);
}

/* The next occurrence; or NULL. */
static const char *
search_next(NameSearch *search)
{
	while (search->next_small < search->last || search->next_large < search->last)
	{
		const char *letter =
			(search->next_small < search->next_large) ? search->next_small : search->next_large;

		if (search->next_small == letter)
			search->next_small = next_byte(letter + 1, search->last, search->small);
		if (search->next_large == letter)
			search->next_large = next_byte(letter + 1, search->last, search->large);
		if (same_letters(letter - search->at, search->name, search->len))
			return letter - search->at;
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
	return (lower(c) >= 'a' && lower(c) <= 'z') || (c >= '0' && c <= '9') || c == '_' || c == '$' ||
		   (unsigned char) c >= 0x80;
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
		size_t len = strlen(harmless_functions[i]);

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
	NameSearch search;
	const char *place;

	search_begin(&search, text, end, OUR_NAME, OUR_NAME_LEN);
	while ((place = search_next(&search)) != NULL)
	{
		const char *rest = place + OUR_NAME_LEN;
		bool begins = (place == text || (!in_name(place[-1]) && strchr("\".\\", place[-1]) == NULL));

		if (!(begins && is_harmless_call(rest, end)) && !is_reference(text, place, rest, end))
			return true;
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
		size_t name_len = strcspn(names, NAME_SEPARATORS);
		NameSearch search;

		search_begin(&search, text, end, names, name_len);
		if (search_next(&search) != NULL)
			return true;
		names += name_len;
	}
	return false;
}
