/*
 * statement_text.c
 *		Fuzz target: a text is read to its end, whatever its names stand for, and
 *		the one without secrets fits into the memory that was taken for it.  The first
 *		byte says whether strings conform to the standard, and whether our schema is open.
 *
 * It takes the server's headers, but no server: memory comes from malloc().
 */
#include "postgres.h"

#include "parser/parser.h"
#include "utils/palloc.h"

#include "redact/statement_text.h"

bool		standard_conforming_strings = true;

int			LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

void *
palloc_extended(Size size, int flags)
{
	(void) flags;
	return malloc(size);
}

void
pfree(void *pointer)
{
	free(pointer);
}

/* Some names are taken for those of functions and tables that are handed secrets. */
static bool
is_secret(const char *name)
{
	return name[0] % 3 == 0;
}

static bool
is_called_secret(const CalledName *name)
{
	return is_secret(name->name);
}

static const char *
prepared(const char *name)
{
	return is_secret(name) ? "SELECT authfort.login('a', 'b')" : NULL;
}

static void
count(const char *value, void *total)
{
	*(size_t *) total += strlen(value);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	StatementNames names = {is_called_secret, is_secret, is_called_secret, prepared, false};
	char	   *text;
	char	   *shown;
	size_t		total = 0;

	if (size == 0)
		return 0;
	text = malloc(size);
	memcpy(text, data + 1, size - 1);
	text[size - 1] = '\0';
	standard_conforming_strings = data[0] % 2 == 0;
	names.opens_our_schema = data[0] % 4 >= 2;
	(void) statement_has_secrets(text, &names);
	(void) statement_body_has_secrets(text, &names);
	statement_each_string(text, count, &total);
	shown = statement_without_secrets(text, &names);
	free(shown);
	free(text);
	return 0;
}
