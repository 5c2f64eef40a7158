/*
 * https_url.h
 *		URLs of other servers that are fetched (RFC 3986).
 */
#ifndef AUTHFORT_HTTPS_URL_H
#define AUTHFORT_HTTPS_URL_H

#include "postgres.h"

/*
 * Whether the text is an absolute https URL that every parser reads the same
 * way: ASCII, with neither user nor fragment, and none of the characters that
 * some programs take for a slash or ignore.  *host is then its host in lower
 * case, without the port, in the current memory context; an IPv6 address keeps
 * its brackets.
 */
extern bool https_url_read(const char *text, char **host);

#endif							/* AUTHFORT_HTTPS_URL_H */
