/*
 * unicode.c
 *		Fuzz target: what is stored in a normal form comes in again as it is, and a
 *		text that was fit to be an identifier still is when its case was folded.
 *
 * It takes the server's headers, but no server: memory comes from malloc(), and
 * is freed after each input.  An error would be a fault.
 */
#include "postgres.h"

#include <unistr.h>

#include "base/unicode.h"

#define MAX_PIECES 64

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void *pieces[MAX_PIECES];
static int piece_count = 0;

void *
palloc_extended(Size size, int flags)
{
	(void) flags;
	if (piece_count == MAX_PIECES)
		abort();
	return pieces[piece_count++] = malloc(size);
}

void *
palloc(Size size)
{
	return palloc_extended(size, 0);
}

char *
pstrdup(const char *text)
{
	return strcpy(palloc(strlen(text) + 1), text);
}

bool
errstart(int elevel, const char *domain)
{
	(void) elevel;
	(void) domain;
	abort();
}

bool
errstart_cold(int elevel, const char *domain)
{
	return errstart(elevel, domain);
}

void
errfinish(const char *filename, int lineno, const char *function)
{
	(void) filename;
	(void) lineno;
	(void) function;
}

int
errcode(int sqlerrcode)
{
	return sqlerrcode;
}

int
errmsg(const char *format, ...)
{
	(void) format;
	return 0;
}

int
errdetail(const char *format, ...)
{
	(void) format;
	return 0;
}

static void
require(bool condition)
{
	if (!condition)
		abort();
}

static void
check(const char *text)
{
	char *composed = unicode_compose(text);
	char *folded = unicode_fold(composed);
	char *lower = unicode_lower(composed);
	char *spaced = pstrdup(composed);

	require(strcmp(unicode_compose(composed), composed) == 0);
	require(strcmp(unicode_fold(folded), folded) == 0);
	require(strcmp(unicode_compose(folded), folded) == 0);
	require(strcmp(unicode_fold(text), folded) == 0);
	require(strcmp(unicode_lower(lower), lower) == 0);
	require(strcmp(unicode_compose(lower), lower) == 0);
	require(!unicode_is_visible(composed) || unicode_is_visible_or_joined(composed));
	if (unicode_is_visible(composed) && unicode_is_unambiguous(composed))
	{
		require(unicode_is_visible(folded) && unicode_is_unambiguous(folded));
		require(unicode_is_visible(lower) && unicode_is_unambiguous(lower));
	}
	unicode_plain_spaces(spaced);
	require(strlen(spaced) <= strlen(composed) &&
			u8_check((const uint8_t *) spaced, strlen(spaced)) == NULL);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text;

	/* the server lets in nothing else */
	if (u8_check(data, size) != NULL || memchr(data, '\0', size) != NULL)
		return 0;
	text = malloc(size + 1);
	memcpy(text, data, size);
	text[size] = '\0';
	check(text);
	free(text);
	while (piece_count > 0)
		free(pieces[--piece_count]);
	return 0;
}
