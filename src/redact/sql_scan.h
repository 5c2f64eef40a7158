/*
 * sql_scan.h
 *		The tokens of an SQL text, whatever is wrong with it.  Builds without a
 *		server.
 *
 * PostgreSQL's own scanner raises an error at what it cannot read, and this
 * one is asked while such an error is being reported.  What is not closed
 * goes to the end of the text.
 */
#ifndef AUTHFORT_SQL_SCAN_H
#define AUTHFORT_SQL_SCAN_H

#include <stdbool.h>
#include <stddef.h>

/* NAMEDATALEN of PostgreSQL; longer names are cut off there as well. */
#define SQL_NAME_SIZE 64

typedef enum SqlTokenType
{
	SQL_END,
	SQL_NAME,					/* keyword or identifier, "quoted" as well */
	SQL_STRING,					/* with all that continues it on further lines */
	SQL_DOLLAR_STRING,			/* $tag$...$tag$ */
	SQL_NUMBER,
	SQL_PARAMETER,				/* $1 */
	SQL_OTHER					/* a single character */
} SqlTokenType;

typedef struct SqlToken
{
	SqlTokenType type;
	const char *text;			/* as written, in the scanned text */
	size_t		len;
} SqlToken;

typedef struct SqlScanner
{
	const char *next;
	const char *end;
	bool		backslash_escapes;	/* standard_conforming_strings is off */
} SqlScanner;

extern void sql_scan_begin(SqlScanner *scanner, const char *text, size_t len,
						   bool standard_conforming_strings);

/* The next token, without blanks and comments; SQL_END at the end. */
extern void sql_scan(SqlScanner *scanner, SqlToken *token);

extern bool sql_token_is(const SqlToken *token, char character);

/* Whether it is that unquoted word, which is given in lower case. */
extern bool sql_token_is_word(const SqlToken *token, const char *word);

/*
 * The name as PostgreSQL understands it: unquoted in lower case.  False if it
 * is written with Unicode escapes.
 */
extern bool sql_token_name(const SqlToken *token, char name[SQL_NAME_SIZE]);

/* What a dollar-quoted string holds. */
extern void sql_token_body(const SqlToken *token, const char **body, size_t *len);

/*
 * The value of a string, which takes at most len + 1 bytes.  False if it is
 * written in a way that this does not read: with escapes that stand for other
 * characters, or as bits.
 */
extern bool sql_token_string(const SqlToken *token, bool standard_conforming_strings,
							 char *value);

#endif							/* AUTHFORT_SQL_SCAN_H */
