/*
 * headers.h
 *		Headers on their way to the router and back.
 *
 * In both directions they are what PostgreSQL sends and receives as a value of
 * type text[] in binary: each name is followed by its value.
 */
#ifndef GATEWAY_HEADERS_H
#define GATEWAY_HEADERS_H

#include <stdbool.h>
#include <stddef.h>

#include "text.h"

/* Adds a header of a request, if the router reads it.  False only if out of memory. */
extern bool headers_add_request(Text *array, const char *name, const char *value, size_t len);

/*
 * Adds a header of an answer to a fetch, if the router reads it.  The line is
 * as it was received.  False only if out of memory.
 */
extern bool headers_add_answer(Text *array, const char *line, size_t len);

/* Adds a header.  False only if out of memory. */
extern bool headers_add(Text *array, const char *name, const char *value);

/* Reads the headers of an array one by one. */
typedef struct HeaderReader
{
	const char *next;
	const char *end;
	Text name;
	Text value;
} HeaderReader;

/* False if the array is not one of names and values. */
extern bool headers_read(HeaderReader *reader, const Text *array);

/* False at the end; name and value are valid until the next call. */
extern bool headers_next(HeaderReader *reader);
extern void headers_end(HeaderReader *reader);

#endif /* GATEWAY_HEADERS_H */
