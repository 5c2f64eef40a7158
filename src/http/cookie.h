/*
 * cookie.h
 *		Reading a Cookie header (RFC 6265).  Builds without a server.
 */
#ifndef AUTHFORT_COOKIE_H
#define AUTHFORT_COOKIE_H

#include <stdbool.h>
#include <stddef.h>

/*
 * Finds the first cookie of that name; "value" then points into the header.
 * Quotes around a value are not part of it.
 */
extern bool cookie_find(const char *header, const char *name, const char **value, size_t *len);

#endif							/* AUTHFORT_COOKIE_H */
