/*
 * arguments.c
 *		Arguments of SQL functions: which may be NULL, and which may not.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "utils/array.h"
#include "utils/builtins.h"

#include "base/arguments.h"
#include "base/client_message.h"
#include "base/secret.h"
#include "compat.h"

static void
raise_null(const char *name)
{
	ereport(ERROR,
			(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
			 errmsg("argument \"%s\" must not be NULL", name)));
}

void
argument_require(FunctionCallInfo fcinfo, int number, const char *name)
{
	if (PG_ARGISNULL(number))
		raise_null(name);
}

char *
argument_text(FunctionCallInfo fcinfo, int number, const char *name)
{
	argument_require(fcinfo, number, name);
	return text_to_cstring(PG_GETARG_TEXT_PP(number));
}

/* A detoasted copy is wiped as well; the argument itself is the caller's. */
char *
argument_optional_secret(FunctionCallInfo fcinfo, int number)
{
	text *packed;
	text *plain;

	client_message_mark();
	if (PG_ARGISNULL(number))
		return NULL;
	packed = (text *) PG_GETARG_POINTER(number);
	plain = PG_GETARG_TEXT_PP(number);
	if (plain != packed)
		secret_wipe_later(plain, VARSIZE_ANY(plain));
	return secret_copy(VARDATA_ANY(plain), VARSIZE_ANY_EXHDR(plain));
}

char *
argument_secret(FunctionCallInfo fcinfo, int number, const char *name)
{
	client_message_mark();
	argument_require(fcinfo, number, name);
	return argument_optional_secret(fcinfo, number);
}

char *
argument_token(FunctionCallInfo fcinfo, int number)
{
	client_message_mark();
	return argument_optional_text(fcinfo, number);
}

pg_uuid_t *
argument_uuid(FunctionCallInfo fcinfo, int number, const char *name)
{
	argument_require(fcinfo, number, name);
	return PG_GETARG_UUID_P(number);
}

pg_uuid_t *
argument_optional_uuid(FunctionCallInfo fcinfo, int number)
{
	return PG_ARGISNULL(number) ? NULL : PG_GETARG_UUID_P(number);
}

bool
argument_bool(FunctionCallInfo fcinfo, int number, const char *name)
{
	argument_require(fcinfo, number, name);
	return PG_GETARG_BOOL(number);
}

char *
argument_optional_text(FunctionCallInfo fcinfo, int number)
{
	return PG_ARGISNULL(number) ? NULL : text_to_cstring(PG_GETARG_TEXT_PP(number));
}

char **
argument_texts(FunctionCallInfo fcinfo, int number, const char *name, int *count)
{
	ArrayType *array;
	Datum *elements;
	bool *nulls;
	char **texts;

	argument_require(fcinfo, number, name);
	array = PG_GETARG_ARRAYTYPE_P(number);
	deconstruct_array(array, TEXTOID, -1, false, TYPALIGN_INT, &elements, &nulls, count);
	texts = palloc(Max(*count, 1) * sizeof(char *));
	for (int i = 0; i < *count; i++)
	{
		if (nulls[i])
			raise_null(name);
		texts[i] = TextDatumGetCString(elements[i]);
	}
	return texts;
}

Datum
texts_to_array(char *const *texts, int count)
{
	Datum *elements = palloc(Max(count, 1) * sizeof(Datum));

	for (int i = 0; i < count; i++)
		elements[i] = CStringGetTextDatum(texts[i]);
	return PointerGetDatum(construct_array(elements, count, TEXTOID, -1, false, TYPALIGN_INT));
}

char **
texts_from_array(Datum array, int *count)
{
	Datum *elements;
	char **texts;

	deconstruct_array(DatumGetArrayTypeP(array), TEXTOID, -1, false, TYPALIGN_INT, &elements, NULL,
					  count);
	texts = palloc(Max(*count, 1) * sizeof(char *));
	for (int i = 0; i < *count; i++)
		texts[i] = TextDatumGetCString(elements[i]);
	return texts;
}

Client
argument_client(FunctionCallInfo fcinfo, int user_agent, int ip)
{
	Client client;

	client.user_agent = argument_optional_text(fcinfo, user_agent);
	client.has_ip = !PG_ARGISNULL(ip);
	client.ip = client.has_ip ? PG_GETARG_DATUM(ip) : (Datum) 0;
	return client;
}
