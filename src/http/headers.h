/*
 * headers.h
 *		The headers of a request or of a response, in their order.
 */
#ifndef AUTHFORT_HEADERS_H
#define AUTHFORT_HEADERS_H

#include "postgres.h"

#include "lib/stringinfo.h"
#include "utils/array.h"
#include "utils/jsonb.h"

/* Points into what it was read from, or at what was added. */
typedef struct HttpHeader
{
	const char *name;
	int name_len;
	const char *value;
	int value_len;
} HttpHeader;

typedef struct HttpHeaders
{
	HttpHeader *list;
	int count;
	int capacity;
} HttpHeaders;

/* Adds a header; both strings stay with the caller for as long as it is used. */
extern void headers_add(HttpHeaders *headers, const char *name, const char *value);

/* Adds those of an object, or of an array of objects.  Other than strings is ignored. */
extern void headers_read_jsonb(HttpHeaders *headers, Jsonb *json);

/* Adds those of an array of text: each name is followed by its value.  Raises for another form. */
extern void headers_read_array(HttpHeaders *headers, ArrayType *array);

/* The value of the first header of that name, palloc'd, or NULL. */
extern char *headers_first(const HttpHeaders *headers, const char *name);

/* The values of all headers of that name, palloc'd; "" if there are none. */
extern char *headers_joined(const HttpHeaders *headers, const char *name, const char *separator);

/*
 * The same two forms: an array of objects with one member each, for headers that
 * headers_add() added; or an array of text.
 */
extern void headers_write_json(const HttpHeaders *headers, StringInfo out);
extern ArrayType *headers_to_array(const HttpHeaders *headers);

#endif /* AUTHFORT_HEADERS_H */
