/*
 * origin.h
 *		Web origins (RFC 6454): scheme://host[:port].
 */
#ifndef AUTHFORT_ORIGIN_H
#define AUTHFORT_ORIGIN_H

#include "postgres.h"

/*
 * Brings an origin into the form in which browsers send it: lower case,
 * without the scheme's default port and without a slash at the end.  Works in
 * place.  False, with the text in an undefined state, if it is not an origin.
 */
extern bool origin_normalize(char *text);

/* The same for a list that is separated by commas; "" is an empty list. */
extern bool origin_normalize_list(char *list);

/*
 * The same for origins of passkeys, where an Android app has one as well:
 * android:apk-key-hash: and the base64url of the SHA-256 of the certificate
 * that has signed it.
 */
extern bool origin_normalize_passkey_list(char *list);

/* Whether an origin is one of a normalized list, exactly. */
extern bool origin_is_listed(const char *origin, const char *list);

/*
 * The origins of a normalized list whose host is neither the domain nor one of
 * its subdomains, without Android apps; returns their number.
 */
extern int origin_list_outside(const char *list, const char *domain, char ***origins);

extern bool origin_is_web(const char *origin);

/*
 * Whether a normalized origin of the web has the host and port of a Host
 * header.  The scheme is not compared: the header does not have it.
 */
extern bool origin_has_host(const char *origin, const char *host);

/* Whether the text is a host name in ASCII (RFC 1123, section 2.1). */
extern bool origin_is_host_name(const char *text);

#endif /* AUTHFORT_ORIGIN_H */
