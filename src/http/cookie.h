/*
 * cookie.h
 *		Reading a Cookie header (RFC 6265).  Builds without a server.
 */
#ifndef AUTHFORT_COOKIE_H
#define AUTHFORT_COOKIE_H

#include <stdbool.h>
#include <stddef.h>

/*
 * Finds the next cookie of that name in *header and moves *header behind it;
 * "value" then points into the header.  Quotes around a value are not part of
 * it.
 */
extern bool cookie_next(const char **header, const char *name, const char **value, size_t *len);

#endif /* AUTHFORT_COOKIE_H */
