/*
 * sql_scan.c
 *		The tokens of an SQL text, whatever is wrong with it.  Builds without a
 *		server.
 *
 * It follows PostgreSQL's lexical rules (src/backend/parser/scan.l) as far as
 * they tell where a token ends.
 */
#include <string.h>

#include "redact/sql_scan.h"

static bool
is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static bool
is_name_start(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || (c & 0x80) != 0;
}

static bool
is_name_part(char c)
{
	return is_name_start(c) || is_digit(c) || c == '$';
}

static bool
is_blank(char c)
{
	return c == ' ' || (c >= '\t' && c <= '\r');
}

static char
lower(char c)
{
	return (c >= 'A' && c <= 'Z') ? c - 'A' + 'a' : c;
}

void
sql_scan_begin(SqlScanner *scanner, const char *text, size_t len,
			   bool standard_conforming_strings)
{
	scanner->next = text;
	scanner->end = text + len;
	scanner->backslash_escapes = !standard_conforming_strings;
}

static bool
looking_at(const char *p, const char *end, const char *what)
{
	size_t		len = strlen(what);

	return (size_t) (end - p) >= len && memcmp(p, what, len) == 0;
}

static const char *
skip_line(const char *p, const char *end)
{
	while (p < end && *p != '\n' && *p != '\r')
		p++;
	return p;
}

/* Comments of this kind nest. */
static const char *
skip_block_comment(const char *p, const char *end)
{
	int			depth = 0;

	while (p < end)
	{
		if (looking_at(p, end, "/*"))
		{
			depth++;
			p += 2;
		}
		else if (looking_at(p, end, "*/"))
		{
			p += 2;
			if (--depth == 0)
				return p;
		}
		else
			p++;
	}
	return end;
}

static const char *
skip_blanks(const char *p, const char *end)
{
	for (;;)
	{
		if (p < end && is_blank(*p))
			p++;
		else if (looking_at(p, end, "--"))
			p = skip_line(p, end);
		else if (looking_at(p, end, "/*"))
			p = skip_block_comment(p, end);
		else
			return p;
	}
}

/* From behind the opening quote to behind the closing one. */
static const char *
skip_quoted(const char *p, const char *end, char quote, bool backslash_escapes)
{
	while (p < end)
	{
		if (*p == '\\' && backslash_escapes && p + 1 < end)
			p += 2;
		else if (*p != quote)
			p++;
		else if (p + 1 < end && p[1] == quote)
			p += 2;
		else
			return p + 1;
	}
	return end;
}

/*
 * Where a string goes on after a line break (SQL:2016, 5.3), from behind the
 * opening quote there; NULL if it does not.
 */
static const char *
continued_at(const char *p, const char *end)
{
	bool		line_break = false;

	for (;;)
	{
		if (p < end && is_blank(*p))
		{
			line_break |= *p == '\n' || *p == '\r';
			p++;
		}
		else if (looking_at(p, end, "--"))
			p = skip_line(p, end);
		else
			break;
	}
	return (line_break && p < end && *p == '\'') ? p + 1 : NULL;
}

static const char *
skip_string(const char *p, const char *end, bool backslash_escapes)
{
	const char *behind = NULL;

	while (p != NULL)
	{
		behind = skip_quoted(p, end, '\'', backslash_escapes);
		p = continued_at(behind, end);
	}
	return behind;
}

/*
 * Behind a dollar-quoted string that begins at p; NULL if none does.
 */
static const char *
skip_dollar_string(const char *p, const char *end)
{
	const char *tag_end = p + 1;
	size_t		tag_len;

	if (tag_end < end && is_name_start(*tag_end))
	{
		while (tag_end < end && is_name_part(*tag_end) && *tag_end != '$')
			tag_end++;
	}
	if (tag_end >= end || *tag_end != '$')
		return NULL;
	tag_len = tag_end + 1 - p;
	for (const char *q = tag_end + 1; (size_t) (end - q) >= tag_len; q++)
	{
		if (*q == '$' && memcmp(q, p, tag_len) == 0)
			return q + tag_len;
	}
	return end;
}

static const char *
skip_number(const char *p, const char *end)
{
	while (p < end && (is_name_start(*p) || is_digit(*p) || *p == '.' ||
					   ((*p == '+' || *p == '-') && lower(p[-1]) == 'e')))
		p++;
	return p;
}

static SqlTokenType
scan_string(SqlScanner *scanner, size_t prefix_len, bool backslash_escapes)
{
	scanner->next = skip_string(scanner->next + prefix_len + 1, scanner->end, backslash_escapes);
	return SQL_STRING;
}

static SqlTokenType
scan_quoted_name(SqlScanner *scanner, size_t prefix_len)
{
	scanner->next = skip_quoted(scanner->next + prefix_len + 1, scanner->end, '"', false);
	return SQL_NAME;
}

static SqlTokenType
scan_name(SqlScanner *scanner)
{
	const char *p = scanner->next;
	char		first = lower(*p);

	if (first == 'e' && looking_at(p + 1, scanner->end, "'"))
		return scan_string(scanner, 1, true);
	if (strchr("bxn", first) != NULL && looking_at(p + 1, scanner->end, "'"))
		return scan_string(scanner, 1, scanner->backslash_escapes && first == 'n');
	if (first == 'u' && looking_at(p + 1, scanner->end, "&'"))
		return scan_string(scanner, 2, false);
	if (first == 'u' && looking_at(p + 1, scanner->end, "&\""))
		return scan_quoted_name(scanner, 2);
	while (p < scanner->end && is_name_part(*p))
		p++;
	scanner->next = p;
	return SQL_NAME;
}

static SqlTokenType
scan_dollar(SqlScanner *scanner)
{
	const char *p = scanner->next;
	const char *behind;

	if (p + 1 < scanner->end && is_digit(p[1]))
	{
		for (p++; p < scanner->end && is_digit(*p); p++)
			;
		scanner->next = p;
		return SQL_PARAMETER;
	}
	behind = skip_dollar_string(p, scanner->end);
	scanner->next = (behind != NULL) ? behind : p + 1;
	return (behind != NULL) ? SQL_DOLLAR_STRING : SQL_OTHER;
}

static SqlTokenType
scan_token(SqlScanner *scanner)
{
	const char *p = scanner->next;

	if (*p == '\'')
		return scan_string(scanner, 0, scanner->backslash_escapes);
	if (*p == '"')
		return scan_quoted_name(scanner, 0);
	if (*p == '$')
		return scan_dollar(scanner);
	if (is_name_start(*p))
		return scan_name(scanner);
	if (is_digit(*p) || (*p == '.' && p + 1 < scanner->end && is_digit(p[1])))
	{
		scanner->next = skip_number(p + 1, scanner->end);
		return SQL_NUMBER;
	}
	scanner->next = p + 1;
	return SQL_OTHER;
}

void
sql_scan(SqlScanner *scanner, SqlToken *token)
{
	scanner->next = skip_blanks(scanner->next, scanner->end);
	token->text = scanner->next;
	token->type = (scanner->next < scanner->end) ? scan_token(scanner) : SQL_END;
	token->len = scanner->next - token->text;
}

bool
sql_token_is(const SqlToken *token, char character)
{
	return token->type == SQL_OTHER && token->text[0] == character;
}

bool
sql_token_is_word(const SqlToken *token, const char *word)
{
	if (token->type != SQL_NAME || token->len != strlen(word))
		return false;
	for (size_t i = 0; i < token->len; i++)
	{
		if (lower(token->text[i]) != word[i])
			return false;
	}
	return true;
}

/*
 * Copies what is between quotes, with doubled quotes single; at most "size"
 * bytes and a NUL.
 */
static void
copy_unquoted(const char *p, const char *end, char quote, char *copy, size_t size)
{
	size_t		len = 0;

	for (; p < end && len < size; p++)
	{
		if (*p == quote)
		{
			if (p + 1 >= end || p[1] != quote)
				break;
			p++;
		}
		copy[len++] = *p;
	}
	copy[len] = '\0';
}

bool
sql_token_name(const SqlToken *token, char name[SQL_NAME_SIZE])
{
	size_t		len = token->len;

	if (token->text[0] == '"')
	{
		copy_unquoted(token->text + 1, token->text + len, '"', name, SQL_NAME_SIZE - 1);
		return true;
	}
	if (len > 2 && token->text[1] == '&' && token->text[2] == '"')
	{
		name[0] = '\0';
		return false;
	}
	if (len > SQL_NAME_SIZE - 1)
		len = SQL_NAME_SIZE - 1;
	for (size_t i = 0; i < len; i++)
		name[i] = lower(token->text[i]);
	name[len] = '\0';
	return true;
}

void
sql_token_body(const SqlToken *token, const char **body, size_t *len)
{
	const char *tag_end = memchr(token->text + 1, '$', token->len - 1);
	size_t		tag_len = tag_end + 1 - token->text;

	*body = token->text + tag_len;
	*len = token->len - tag_len;
	/* unless it is not closed */
	if (*len >= tag_len && memcmp(*body + *len - tag_len, token->text, tag_len) == 0)
		*len -= tag_len;
}

bool
sql_token_string(const SqlToken *token, bool standard_conforming_strings, char *value)
{
	const char *p = token->text;
	const char *end = p + token->len;
	char		prefix = lower(*p);
	bool		backslash_escapes = prefix == 'e' || !standard_conforming_strings;

	value[0] = '\0';
	if (token->type == SQL_DOLLAR_STRING)
	{
		size_t		len;

		sql_token_body(token, &p, &len);
		memcpy(value, p, len);
		value[len] = '\0';
		return true;
	}
	if (prefix == 'u' || prefix == 'b' || prefix == 'x' ||
		(backslash_escapes && memchr(p, '\\', token->len) != NULL))
		return false;
	p += (*p == '\'') ? 1 : 2;
	while (p != NULL)
	{
		copy_unquoted(p, end, '\'', value, token->len);
		value += strlen(value);
		p = continued_at(skip_quoted(p, end, '\'', false), end);
	}
	return true;
}
