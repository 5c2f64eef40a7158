/*
 * unicode.c
 *		Normal forms, case folding and the kinds of characters.
 */
#include "postgres.h"

#include <unicase.h>
#include <unictype.h>
#include <uninorm.h>
#include <unistr.h>

#include "base/unicode.h"

/* A code point in UTF-8 grows to three times its bytes at most, in any normal form or case. */
#define GROWTH 3

#define ZERO_WIDTH_NON_JOINER 0x200c
#define ZERO_WIDTH_JOINER 0x200d
#define TEXT_STYLE 0xfe0e
#define EMOJI_STYLE 0xfe0f
#define FIRST_IDEOGRAPH_VARIANT 0xe0100
#define LAST_IDEOGRAPH_VARIANT 0xe01ef

/* Letters, marks and numbers: what a combining mark may follow. */
#define BASE_CATEGORIES (UC_CATEGORY_MASK_L | UC_CATEGORY_MASK_M | UC_CATEGORY_MASK_N)

static bool
unicode_is_ascii(const char *text)
{
	while (*text != '\0' && !IS_HIGHBIT_SET(*text))
		text++;
	return *text == '\0';
}

/*
 * Takes over what a function of libunistring gave for a text: "result" is
 * "buffer", where it fitted, or else from malloc(), or NULL after an error.
 */
static char *
take_result(uint8_t *result, size_t len, char *buffer)
{
	char *text = buffer;

	if (result != NULL && result != (uint8_t *) buffer)
	{
		text = palloc_extended(len + 1, MCXT_ALLOC_NO_OOM);
		if (text != NULL)
			memcpy(text, result, len);
		memset(result, 0, len);
		free(result);
	}
	if (result == NULL || text == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_OUT_OF_MEMORY),
				 errmsg("out of memory"),
				 errdetail("Failed while normalizing text.")));
	text[len] = '\0';
	return text;
}

static char *
normalize(const char *text, uninorm_t form)
{
	size_t source_len = strlen(text);
	size_t len = GROWTH * source_len;
	char *buffer = palloc(len + 1);
	uint8_t *result =
		u8_normalize(form, (const uint8_t *) text, source_len, (uint8_t *) buffer, &len);

	return take_result(result, len, buffer);
}

char *
unicode_compose(const char *text)
{
	return unicode_is_ascii(text) ? pstrdup(text) : normalize(text, UNINORM_NFC);
}

static char *
ascii_lower(const char *text)
{
	char *lower = pstrdup(text);

	for (char *p = lower; *p != '\0'; p++)
		*p = pg_ascii_tolower((unsigned char) *p);
	return lower;
}

/* u8_casefold() or u8_tolower() */
typedef uint8_t *(*CaseMapping)(const uint8_t *text, size_t len, const char *language,
								uninorm_t form, uint8_t *result, size_t *result_len);

static char *
map_case(const char *text, CaseMapping map)
{
	size_t source_len = strlen(text);
	size_t len = GROWTH * source_len;
	char *buffer;
	uint8_t *result;

	if (unicode_is_ascii(text))
		return ascii_lower(text);
	buffer = palloc(len + 1);
	result = map((const uint8_t *) text, source_len, NULL, UNINORM_NFC, (uint8_t *) buffer, &len);
	return take_result(result, len, buffer);
}

char *
unicode_fold(const char *text)
{
	return map_case(text, u8_casefold);
}

char *
unicode_lower(const char *text)
{
	return map_case(text, u8_tolower);
}

bool
unicode_is_unambiguous(const char *text)
{
	return unicode_is_ascii(text) || strcmp(normalize(text, UNINORM_NFKC), text) == 0;
}

void
unicode_plain_spaces(char *text)
{
	const uint8_t *from = (const uint8_t *) text;
	const uint8_t *end = from + strlen(text);
	char *to = text;

	while (from < end)
	{
		ucs4_t c;
		int len = u8_mbtouc(&c, from, end - from);

		if (uc_is_general_category_withtable(c, UC_CATEGORY_MASK_Zs))
			*to++ = ' ';
		else
		{
			memmove(to, from, len);
			to += len;
		}
		from += len;
	}
	*to = '\0';
}

/*
 * Symbols by category that are invisible or stand for lost data: the blank of
 * braille, the musical null note, and two replacement characters.
 */
static bool
shows_nothing(ucs4_t c)
{
	return c == 0x2800 || c == 0x1d159 || c == 0xfffc || c == 0xfffd;
}

static bool
is_visible(ucs4_t c)
{
	return c == ' ' ||
		   (!uc_is_general_category_withtable(c, UC_CATEGORY_MASK_C | UC_CATEGORY_MASK_Z) &&
			!uc_is_property_default_ignorable_code_point(c) && !shows_nothing(c));
}

/* The nearest character in a direction that takes part in joining, or 0. */
static ucs4_t
joining_neighbour(const ucs4_t *text, size_t len, size_t at, int step)
{
	while ((step < 0) ? at > 0 : at + 1 < len)
	{
		at += step;
		if (uc_joining_type(text[at]) != UC_JOINING_TYPE_T)
			return text[at];
	}
	return 0;
}

/* RFC 5892, appendix A.1: where a cursive script would join the letters around it. */
static bool
parts_letters(const ucs4_t *text, size_t len, size_t at)
{
	int before = uc_joining_type(joining_neighbour(text, len, at, -1));
	int after = uc_joining_type(joining_neighbour(text, len, at, 1));

	return (before == UC_JOINING_TYPE_L || before == UC_JOINING_TYPE_D) &&
		   (after == UC_JOINING_TYPE_R || after == UC_JOINING_TYPE_D);
}

/* An emoji of several: each may be followed by a skin tone or a style. */
static bool
joins_emoji(const ucs4_t *text, size_t len, size_t at)
{
	ucs4_t before = text[at - 1];

	return at + 1 < len && uc_is_property_extended_pictographic(text[at + 1]) &&
		   (before == EMOJI_STYLE || uc_is_property_emoji_modifier(before) ||
			uc_is_property_extended_pictographic(before));
}

/* Whether the character is invisible but changes the rendering of its neighbours. */
static bool
changes_neighbours(const ucs4_t *text, size_t len, size_t at)
{
	ucs4_t c = text[at];
	ucs4_t before;

	if (at == 0)
		return false;
	before = text[at - 1];
	if (c == ZERO_WIDTH_NON_JOINER)
		return uc_combining_class(before) == UC_CCC_VR || parts_letters(text, len, at);
	if (c == ZERO_WIDTH_JOINER)
		return uc_combining_class(before) == UC_CCC_VR || joins_emoji(text, len, at);
	if (c == TEXT_STYLE || c == EMOJI_STYLE)
		return uc_is_property_extended_pictographic(before);
	if (c >= FIRST_IDEOGRAPH_VARIANT && c <= LAST_IDEOGRAPH_VARIANT)
		return uc_is_property_unified_ideograph(before);
	return false;
}

static bool
check_characters(const char *text, bool joined)
{
	size_t bytes = strlen(text);
	ucs4_t *characters = palloc((bytes + 1) * sizeof(ucs4_t));
	size_t len = 0;

	for (const uint8_t *p = (const uint8_t *) text; *p != '\0';)
		p += u8_mbtouc(&characters[len++], p, (const uint8_t *) text + bytes - p);
	for (size_t i = 0; i < len; i++)
	{
		ucs4_t c = characters[i];

		if (!is_visible(c))
		{
			if (!joined || !changes_neighbours(characters, len, i))
				return false;
		}
		else if (uc_is_general_category_withtable(c, UC_CATEGORY_MASK_M) &&
				 (i == 0 || !uc_is_general_category_withtable(characters[i - 1], BASE_CATEGORIES)))
			return false;
	}
	return true;
}

bool
unicode_is_visible(const char *text)
{
	return check_characters(text, false);
}

bool
unicode_is_visible_or_joined(const char *text)
{
	return check_characters(text, true);
}
