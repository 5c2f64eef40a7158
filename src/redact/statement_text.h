/*
 * statement_text.h
 *		Which secrets an SQL text holds by what it calls and sets, and the text
 *		without them.
 *
 * Nothing here reads a catalog or raises an error, so that it can be asked
 * while an error is being reported; what a name stands for, the caller tells.
 */
#ifndef AUTHFORT_STATEMENT_TEXT_H
#define AUTHFORT_STATEMENT_TEXT_H

#include "postgres.h"

#include "redact/sql_scan.h"

#define STATEMENT_REDACTED "***"

/* Shorter values are no secrets, but parts of words. */
#define STATEMENT_MIN_SECRET 4

/* A name with its qualifiers, at most the last two parts. */
typedef struct CalledName
{
	char		schema[SQL_NAME_SIZE];	/* "": none */
	char		name[SQL_NAME_SIZE];
} CalledName;

/* Who knows what names stand for. */
typedef struct StatementNames
{
	/* whether a function of that name is handed secrets */
	bool		(*function_takes_secrets) (const CalledName *name);
	/* the same for a name without schema, if ours were in the search_path */
	bool		(*our_function_takes_secrets) (const char *name);
	/* whether what is written to a relation is handed on */
	bool		(*relation_takes_secrets) (const CalledName *name);
	/* text of a prepared statement; NULL: there is none */
	const char *(*prepared_statement) (const char *name);
	/* whether to take our schema for being there from the start */
	bool		opens_our_schema;
} StatementNames;

/* Whether a setting's value is a credential, or holds some. */
extern bool setting_is_secret(const char *name);

/* Whether the text calls such a function, or sets such a setting. */
extern bool statement_has_secrets(const char *text, const StatementNames *names);

/* The same for the body of a function or of DO. */
extern bool statement_body_has_secrets(const char *body, const StatementNames *names);

/*
 * A text that has secrets, without them: arguments of such functions, values
 * of such settings and all other strings and longer numbers are left out.  In
 * the current memory context; NULL if there is no memory for it.
 */
extern char *statement_without_secrets(const char *text, const StatementNames *names);

/* Each string of the text, also within bodies; "use" may be called with "". */
extern void statement_each_string(const char *text, void (*use) (const char *value, void *arg),
								  void *arg);

#endif							/* AUTHFORT_STATEMENT_TEXT_H */
