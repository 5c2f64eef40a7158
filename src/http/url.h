/*
 * url.h
 *		Percent-encoding (RFC 3986, section 2.1).  Builds without a server.
 */
#ifndef AUTHFORT_URL_H
#define AUTHFORT_URL_H

#include <stdbool.h>
#include <stddef.h>

/*
 * Decodes "len" bytes into "out", which has room for as many and a zero byte.
 * With "form", a plus sign is a space, as in a query.  False if an escape is
 * malformed or stands for a zero byte.
 */
extern bool url_decode(const char *in, size_t len, bool form, char *out);

/*
 * Finds the value of the first parameter of that name in a query, "a=1&b=2",
 * still encoded.  Names are compared as they are.
 */
extern bool url_find_parameter(const char *query, const char *name, const char **value, size_t *len);

#endif /* AUTHFORT_URL_H */
