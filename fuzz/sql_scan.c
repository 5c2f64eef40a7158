/*
 * sql_scan.c
 *		Fuzz target: tokens of an SQL text follow one another within it, none is
 *		empty, and what they stand for is no longer than they are.  The first byte says
 *		whether strings conform to the standard.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "redact/sql_scan.h"

int			LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
check_value(const SqlToken *token, bool standard_conforming_strings)
{
	/* of the size that it may take, for the sanitizer to see what is past it */
	char	   *value = malloc(token->len + 1);
	char		name[SQL_NAME_SIZE];
	const char *body;
	size_t		len;

	if (token->type == SQL_NAME)
		(void) sql_token_name(token, name);
	else if (token->type == SQL_STRING || token->type == SQL_DOLLAR_STRING)
		(void) sql_token_string(token, standard_conforming_strings, value);
	if (token->type == SQL_DOLLAR_STRING)
	{
		sql_token_body(token, &body, &len);
		if (body < token->text || body + len > token->text + token->len)
			abort();
	}
	free(value);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	bool		standard_conforming_strings = size > 0 && data[0] % 2 == 0;
	const char *text = (const char *) data + (size > 0);
	const char *end = (const char *) data + size;
	const char *last = text;
	SqlScanner	scanner;
	SqlToken	token;

	sql_scan_begin(&scanner, text, end - text, standard_conforming_strings);
	for (sql_scan(&scanner, &token); token.type != SQL_END; sql_scan(&scanner, &token))
	{
		if (token.text < last || token.len == 0 || token.text + token.len > end)
			abort();
		check_value(&token, standard_conforming_strings);
		last = token.text + token.len;
	}
	if (token.text != end)
		abort();
	return 0;
}
