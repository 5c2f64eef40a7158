/*
 * statement_text.c
 *		Which secrets an SQL text holds by what it calls and sets, and the text
 *		without them.
 *
 * The text is read token by token, with the one before and the one after in
 * view.  That is enough to see calls, "name = value" after SET, and where one
 * statement ends; the rest of the grammar does not matter.
 */
#include "postgres.h"

#include "parser/parser.h"

#include "redact/statement_text.h"

/* Bodies within bodies are read to this depth, and deeper ones count as secret. */
#define MAX_BODY_DEPTH 4

typedef struct Reader
{
	const StatementNames *names;
	int			body_depth;		/* 0: a statement; else a body within one */
	SqlScanner	scanner;
	SqlToken	before;
	SqlToken	token;
	SqlToken	after;
	int			words;			/* names read since the statement began */
	bool		creates;		/* it begins with CREATE */
	bool		calls_nothing;	/* it is about functions, as GRANT is */
	bool		holds_bodies;	/* its strings are program texts */
	bool		reads_setting;	/* in a call of current_setting() */
	int			name_parts;		/* of the name that ends here; 0: none does */
	bool		name_unreadable;
	bool		name_declared;	/* it follows FUNCTION and the like */
	bool		name_set;		/* it follows SET */
	bool		name_written;	/* it follows INTO and the like */
	bool		names_path;		/* search_path was named in this text, */
	bool		opens_our_schema;	/* and our schema behind it */
	CalledName	name;
} Reader;

static const char *const secret_settings[] = {
	"authfort.jwt",
	"authfort.master_key_command",
	/* what PostgREST tells of a request: its bearer token and cookies */
	"request.headers",
	"request.cookies",
};

/* the same, for older versions of it */
static const char *const secret_setting_prefixes[] = {
	"request.header.",
	"request.cookie.",
};

bool
setting_is_secret(const char *name)
{
	for (size_t i = 0; i < lengthof(secret_settings); i++)
	{
		if (pg_strcasecmp(name, secret_settings[i]) == 0)
			return true;
	}
	for (size_t i = 0; i < lengthof(secret_setting_prefixes); i++)
	{
		if (pg_strncasecmp(name, secret_setting_prefixes[i],
						   strlen(secret_setting_prefixes[i])) == 0)
			return true;
	}
	return false;
}

static void
begin(Reader *reader, const char *text, size_t len, const StatementNames *names, int body_depth)
{
	memset(reader, 0, sizeof(*reader));
	reader->names = names;
	reader->body_depth = body_depth;
	reader->opens_our_schema = names != NULL && names->opens_our_schema;
	sql_scan_begin(&reader->scanner, text, len, standard_conforming_strings);
	sql_scan(&reader->scanner, &reader->after);
}

static bool
is_any_word(const SqlToken *token, const char *const *words, int count)
{
	for (int i = 0; i < count; i++)
	{
		if (sql_token_is_word(token, words[i]))
			return true;
	}
	return false;
}

static bool
is_function_word(const SqlToken *token)
{
	static const char *const words[] = {"function", "procedure", "routine"};

	return is_any_word(token, words, lengthof(words));
}

static bool
is_set_word(const SqlToken *token)
{
	static const char *const words[] = {"set", "local", "session"};

	return is_any_word(token, words, lengthof(words));
}

static bool
is_writing_word(const SqlToken *token)
{
	static const char *const words[] = {"into", "update", "copy"};

	return is_any_word(token, words, lengthof(words));
}

/* DO and CREATE FUNCTION or PROCEDURE have programs in their strings. */
static void
note_word(Reader *reader)
{
	static const char *const about_functions[] = {"grant", "revoke", "comment", "drop"};
	const SqlToken *token = &reader->token;

	reader->words++;
	if (reader->words == 1)
	{
		reader->creates = sql_token_is_word(token, "create");
		reader->holds_bodies = sql_token_is_word(token, "do");
		/* in a body it may be the name of a variable */
		reader->calls_nothing = reader->body_depth == 0 &&
			is_any_word(token, about_functions, lengthof(about_functions));
	}
	else if (reader->creates && reader->words <= 4 && is_function_word(token))
		reader->holds_bodies = true;
}

static void
note_name(Reader *reader)
{
	bool		continues = sql_token_is(&reader->before, '.');

	if (continues && reader->name_parts > 0)
		strcpy(reader->name.schema, reader->name.name);
	else
	{
		/* a name behind a dot without a name before it is .field or .function */
		reader->name_parts = 0;
		reader->name_unreadable = false;
		reader->name_declared = is_function_word(&reader->before);
		reader->name_set = is_set_word(&reader->before);
		reader->name_written = is_writing_word(&reader->before);
		reader->name.schema[0] = '\0';
	}
	reader->name_parts++;
	if (!sql_token_name(&reader->token, reader->name.name))
		reader->name_unreadable = true;
	if (sql_token_is_word(&reader->token, "current_setting") && sql_token_is(&reader->after, '('))
		reader->reads_setting = true;
}

static bool
is_string(const SqlToken *token)
{
	return token->type == SQL_STRING || token->type == SQL_DOLLAR_STRING;
}

static bool
contains(const SqlToken *token, const char *word)
{
	size_t		len = strlen(word);

	for (size_t i = 0; i + len <= token->len; i++)
	{
		if (pg_strncasecmp(token->text + i, word, len) == 0)
			return true;
	}
	return false;
}

/*
 * A text that puts our schema into the path has calls without it behind that,
 * and is read before any of it is done.
 */
static void
note_path(Reader *reader)
{
	static const char path[] = "search_path";
	const SqlToken *token = &reader->token;

	if (token->type != SQL_NAME && !is_string(token))
		return;
	if (token->len >= strlen(path) && token->len <= strlen(path) + 2 && contains(token, path))
		reader->names_path = true;
	else if (reader->names_path && !sql_token_is(&reader->after, '.') &&
			 contains(token, "authfort"))
		reader->opens_our_schema = true;
}

/* The next token; false at the end. */
static bool
advance(Reader *reader)
{
	reader->before = reader->token;
	reader->token = reader->after;
	sql_scan(&reader->scanner, &reader->after);
	if (reader->token.type == SQL_NAME)
	{
		note_word(reader);
		note_name(reader);
	}
	else if (!sql_token_is(&reader->token, '.'))
		reader->name_parts = 0;
	note_path(reader);
	if (sql_token_is(&reader->token, ')'))
		reader->reads_setting = false;
	if (sql_token_is(&reader->token, ';'))
	{
		reader->words = 0;
		reader->creates = reader->calls_nothing = reader->holds_bodies = false;
	}
	return reader->token.type != SQL_END;
}

/*
 * set_config() sets what its first argument names.  If that is not plainly
 * written there, it may be anything.
 */
static bool
sets_secret(const Reader *reader)
{
	Reader		ahead = *reader;
	char	   *setting;
	bool		secret = true;

	advance(&ahead);			/* the parenthesis */
	advance(&ahead);
	if (!is_string(&ahead.token) || !sql_token_is(&ahead.after, ','))
		return true;
	setting = palloc_extended(ahead.token.len + 1, MCXT_ALLOC_NO_OOM);
	if (setting != NULL)
	{
		if (sql_token_string(&ahead.token, standard_conforming_strings, setting))
			secret = setting_is_secret(setting);
		pfree(setting);
	}
	return secret;
}

/*
 * Whether there are strings between the parentheses that follow.  Those of
 * types, as in numeric(9, 2), are the only ones within a signature.
 */
static bool
has_string_arguments(const Reader *reader)
{
	Reader		ahead = *reader;
	int			depth = 0;

	do
	{
		if (!advance(&ahead))
			return false;
		depth += sql_token_is(&ahead.token, '(') - sql_token_is(&ahead.token, ')');
		if (is_string(&ahead.token) || depth > 2)
			return true;
	} while (depth > 0);
	return false;
}

/*
 * Whether the name that ends here is only spoken of, as in GRANT and CREATE.
 * These do not give it strings; what does is a call that was put wrongly.
 */
static bool
is_signature(const Reader *reader)
{
	return (reader->calls_nothing || reader->name_declared) &&
		!(sql_token_is(&reader->after, '(') && has_string_arguments(reader));
}

/* "authfort.login 'password'" is no call, and yet meant as one. */
static bool
is_meant_as_call(const Reader *reader)
{
	return strcmp(reader->name.schema, "authfort") == 0 &&
		(is_string(&reader->after) || sql_token_is(&reader->after, '['));
}

static bool
name_takes_secrets(const Reader *reader)
{
	return reader->names->function_takes_secrets(&reader->name) ||
		(reader->opens_our_schema && reader->name.schema[0] == '\0' &&
		 reader->names->our_function_takes_secrets(reader->name.name));
}

/* Whether the name that ends here is called, and handed secrets. */
static bool
at_secret_call(const Reader *reader)
{
	bool		has_arguments = sql_token_is(&reader->after, '(') || is_meant_as_call(reader);

	if (reader->token.type != SQL_NAME || is_signature(reader))
		return false;
	/* SELECT ('token').verify_jwt is a call as well */
	if (!has_arguments && !(reader->name_parts == 1 && sql_token_is(&reader->before, '.')))
		return false;
	if (reader->name_unreadable)
		return true;
	if (has_arguments && strcmp(reader->name.name, "set_config") == 0 &&
		(reader->name.schema[0] == '\0' || strcmp(reader->name.schema, "pg_catalog") == 0))
		return sets_secret(reader);
	return name_takes_secrets(reader);
}

/* What follows the name of a setting; SET with it is not always well put. */
static bool
is_before_value(const Reader *reader)
{
	const SqlToken *after = &reader->after;

	if (reader->calls_nothing || after->type == SQL_END)
		return false;
	return sql_token_is(after, '=') || sql_token_is_word(after, "to") ||
		(reader->name_set && !sql_token_is(after, ';') && !sql_token_is(after, '.'));
}

/* Whether the name that ends here is a secret setting that gets a value. */
static bool
at_secret_assignment(const Reader *reader)
{
	char		setting[2 * SQL_NAME_SIZE];

	if (reader->token.type != SQL_NAME || !is_before_value(reader))
		return false;
	if (reader->name_unreadable)
		return true;
	snprintf(setting, sizeof(setting), "%s%s%s", reader->name.schema,
			 (reader->name.schema[0] != '\0') ? "." : "", reader->name.name);
	return setting_is_secret(setting);
}

static bool
at_string(const Reader *reader)
{
	return is_string(&reader->token);
}

/* Whether the string here names a secret setting: UPDATE pg_settings, for one. */
static bool
at_setting_name(const Reader *reader)
{
	char	   *value = palloc_extended(reader->token.len + 1, MCXT_ALLOC_NO_OOM);
	bool		found;

	if (value == NULL)
		return false;
	found = sql_token_string(&reader->token, standard_conforming_strings, value) &&
		setting_is_secret(value);
	pfree(value);
	return found;
}

static bool reads_secrets(Reader *reader);

static bool
at_secret_body(const Reader *reader)
{
	Reader		inner;
	const char *body;
	size_t		len;

	if (reader->body_depth >= MAX_BODY_DEPTH)
		return true;
	/* quotes within a quoted body are doubled, which the names in it do not mind */
	if (reader->token.type == SQL_DOLLAR_STRING)
		sql_token_body(&reader->token, &body, &len);
	else
	{
		body = reader->token.text + 1;
		len = reader->token.len - 1;
	}
	begin(&inner, body, len, reader->names, reader->body_depth + 1);
	inner.opens_our_schema |= reader->opens_our_schema;
	return reads_secrets(&inner);
}

static bool
at_secret_string(const Reader *reader)
{
	if (!at_string(reader))
		return false;
	/* in a body it may be a statement for EXECUTE, or a part of one */
	if ((reader->holds_bodies || reader->body_depth > 0) && at_secret_body(reader))
		return true;
	if (reader->body_depth > 0 && contains(&reader->token, "authfort"))
		return true;
	return !reader->reads_setting && at_setting_name(reader);
}

static bool
executes_secret(const Reader *reader)
{
	const char *text;

	if (reader->token.type != SQL_NAME || !sql_token_is_word(&reader->before, "execute") ||
		reader->body_depth > 0)
		return false;
	text = reader->names->prepared_statement(reader->name.name);
	/* one that is not there may be there in another session */
	return (text != NULL) ? statement_has_secrets(text, reader->names)
		: sql_token_is(&reader->after, '(');
}

/* Whether the name that ends here is a table with a trigger that passes on. */
static bool
at_secret_target(const Reader *reader)
{
	return reader->token.type == SQL_NAME && reader->name_written &&
		!sql_token_is(&reader->after, '.') && !reader->name_unreadable &&
		reader->names->relation_takes_secrets(&reader->name);
}

static bool
reads_secrets(Reader *reader)
{
	while (advance(reader))
	{
		if (at_secret_call(reader) || at_secret_assignment(reader) ||
			at_secret_string(reader) || executes_secret(reader) || at_secret_target(reader))
			return true;
	}
	return false;
}

bool
statement_has_secrets(const char *text, const StatementNames *names)
{
	Reader		reader;

	begin(&reader, text, strlen(text), names, 0);
	return reads_secrets(&reader);
}

bool
statement_body_has_secrets(const char *body, const StatementNames *names)
{
	Reader		reader;

	begin(&reader, body, strlen(body), names, 1);
	return reads_secrets(&reader);
}

/* A text that is being copied, as far as it may be shown. */
typedef struct Copy
{
	char	   *out;			/* where the next byte goes */
	const char *copied;			/* up to here the text is copied, or left out */
} Copy;

static void
copy_until(Copy *copy, const char *end)
{
	memcpy(copy->out, copy->copied, end - copy->copied);
	copy->out += end - copy->copied;
	copy->copied = end;
}

/* A quoted string takes two bytes at least, so this may make the text longer. */
static void
put(Copy *copy, const char *text)
{
	size_t		len = strlen(text);

	memcpy(copy->out, text, len);
	copy->out += len;
}

/* What follows -> and its like is the name of a member. */
static bool
behind_json_operator(const Reader *reader, const char *begin)
{
	static const char *const operators[] = {"->", "->>", "#>", "#>>"};
	const char *end = reader->token.text;
	const char *p;

	while (end > begin && strchr(" \t\n", end[-1]) != NULL)
		end--;
	for (p = end; p > begin && strchr("+-*/<>=~!@#%^&|`?", p[-1]) != NULL; p--)
		;
	for (size_t i = 0; i < lengthof(operators); i++)
	{
		if ((size_t) (end - p) == strlen(operators[i]) &&
			memcmp(p, operators[i], end - p) == 0)
			return true;
	}
	return false;
}

/* Whether the name here is that of an argument: "name =>" or "name :=". */
static bool
at_argument_name(const Reader *reader)
{
	const SqlToken *after = &reader->after;

	return (sql_token_is(after, '=') && after->text[1] == '>') ||
		(sql_token_is(after, ':') && after->text[1] == '=');
}

static bool
at_constant_word(const Reader *reader)
{
	static const char *const words[] = {"null", "true", "false", "default", "variadic", "array"};

	return is_any_word(&reader->token, words, lengthof(words));
}

/*
 * Whether a token within arguments tells nothing: parameters, what names
 * them, types, functions, operators.  Other names may be a password that
 * somebody forgot to quote.
 */
static bool
tells_nothing(const Reader *reader)
{
	const SqlToken *token = &reader->token;

	switch (token->type)
	{
		case SQL_PARAMETER:
		case SQL_OTHER:
			return true;
		case SQL_NAME:
			return token->text[0] != '"' &&
				(at_constant_word(reader) || at_argument_name(reader) ||
				 sql_token_is(&reader->after, '(') || sql_token_is(&reader->before, ':'));
		default:
			return false;
	}
}

/*
 * Copies the arguments of a call, from the opening parenthesis to the closing
 * one, or leaves all of them out.
 */
static void
copy_arguments(Reader *reader, Copy *copy)
{
	int			depth = 0;
	bool		secret = false;

	advance(reader);
	copy_until(copy, reader->token.text + 1);
	do
	{
		depth += sql_token_is(&reader->token, '(') - sql_token_is(&reader->token, ')');
		if (depth > 0 && !tells_nothing(reader))
			secret = true;
	} while (depth > 0 && advance(reader));
	if (secret)
	{
		put(copy, STATEMENT_REDACTED);
		copy->copied = reader->token.text;
	}
}

/* Leaves out the value of a setting, to the end of the statement. */
static void
copy_assignment(Reader *reader, Copy *copy)
{
	if (sql_token_is(&reader->after, '=') || sql_token_is_word(&reader->after, "to"))
		advance(reader);
	if (sql_token_is_word(&reader->after, "default"))
		return;
	copy_until(copy, reader->after.text);
	while (reader->after.type != SQL_END && !sql_token_is(&reader->after, ';'))
		advance(reader);
	put(copy, STATEMENT_REDACTED);
	copy->copied = reader->after.text;
}

/* A code may be written without quotes. */
static bool
at_long_number(const Reader *reader)
{
	return reader->token.type == SQL_NUMBER && reader->token.len >= STATEMENT_MIN_SECRET;
}

static void
leave_out_token(Reader *reader, Copy *copy)
{
	copy_until(copy, reader->token.text);
	put(copy, STATEMENT_REDACTED);
	copy->copied = reader->token.text + reader->token.len;
}

static void copy_text(Reader *reader, Copy *copy);

static void
copy_string(Reader *reader, Copy *copy)
{
	Reader		inner;
	const char *body;
	size_t		len;

	copy_until(copy, reader->token.text);
	if (reader->holds_bodies && reader->token.type == SQL_DOLLAR_STRING &&
		reader->body_depth < MAX_BODY_DEPTH)
	{
		sql_token_body(&reader->token, &body, &len);
		copy_until(copy, body);
		begin(&inner, body, len, reader->names, reader->body_depth + 1);
		copy_text(&inner, copy);
	}
	else
	{
		put(copy, "'" STATEMENT_REDACTED "'");
		copy->copied = reader->token.text + reader->token.len;
	}
}

/*
 * Within a body names are those of variables, and strings and numbers are all
 * there is to leave out.
 */
static void
copy_text(Reader *reader, Copy *copy)
{
	const char *begin = copy->copied;

	while (advance(reader))
	{
		if (reader->body_depth == 0 && sql_token_is(&reader->after, '(') &&
			(at_secret_call(reader) || executes_secret(reader)))
			copy_arguments(reader, copy);
		else if (at_secret_assignment(reader))
			copy_assignment(reader, copy);
		else if (at_string(reader) && !behind_json_operator(reader, begin) &&
				 !at_setting_name(reader))
			copy_string(reader, copy);
		else if (at_long_number(reader))
			leave_out_token(reader, copy);
	}
	copy_until(copy, reader->token.text);
}

char *
statement_without_secrets(const char *text, const StatementNames *names)
{
	size_t		len = strlen(text);
	Reader		reader;
	Copy		copy;
	char	   *result;

	/* at worst, each '' becomes '***', and so does one ' that is not closed */
	result = palloc_extended(3 * len + sizeof("'" STATEMENT_REDACTED "'"),
							 MCXT_ALLOC_NO_OOM | MCXT_ALLOC_HUGE);
	if (result == NULL)
		return NULL;
	copy.out = result;
	copy.copied = text;
	begin(&reader, text, len, names, 0);
	copy_text(&reader, &copy);
	copy_until(&copy, text + len);
	*copy.out = '\0';
	return result;
}

/* In a body each string may be a body or a statement with further strings. */
static void
each_string(Reader *reader, void (*use) (const char *value, void *arg), void *arg)
{
	while (advance(reader))
	{
		Reader		inner;
		char	   *value;

		if (!at_string(reader))
			continue;
		value = palloc_extended(reader->token.len + 1, MCXT_ALLOC_NO_OOM);
		if (value == NULL)
			return;
		if (sql_token_string(&reader->token, standard_conforming_strings, value))
			use(value, arg);
		if ((reader->holds_bodies || reader->body_depth > 0) &&
			reader->body_depth < MAX_BODY_DEPTH)
		{
			begin(&inner, value, strlen(value), reader->names, reader->body_depth + 1);
			each_string(&inner, use, arg);
		}
		pfree(value);
	}
}

void
statement_each_string(const char *text, void (*use) (const char *value, void *arg), void *arg)
{
	Reader		reader;

	begin(&reader, text, strlen(text), NULL, 0);
	each_string(&reader, use, arg);
}
