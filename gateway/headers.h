/*
 * headers.h
 *		The headers of a request that the router gets.
 */
#ifndef GATEWAY_HEADERS_H
#define GATEWAY_HEADERS_H

#include <stdbool.h>
#include <stddef.h>

#include "text.h"

/*
 * Adds a header to a JSON array, of which "[" or more is there already, if the
 * router reads it.  False only if out of memory.
 */
extern bool headers_add(Text *json, const char *name, const char *value, size_t len);

#endif							/* GATEWAY_HEADERS_H */
