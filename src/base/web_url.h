/*
 * web_url.h
 *		The parts of an absolute URL, for comparing them (RFC 3986).
 */
#ifndef AUTHFORT_WEB_URL_H
#define AUTHFORT_WEB_URL_H

#include "postgres.h"

#include "lib/stringinfo.h"

typedef struct WebUrl
{
	char *scheme; /* in lower case, as the host */
	char *host;   /* a name, or an address, in brackets for IPv6; "" if it has none */
	int port;     /* the scheme's default if it has none; 0: unknown */
	bool states_port;
	const char *path; /* of the text that was read, with query and fragment */
} WebUrl;

/*
 * Splits an absolute URL.  False for what browsers and other programs read in
 * different ways: characters that are not ASCII, blanks, control characters and
 * backslashes, a user name in it, or a malformed host or port.
 */
extern bool web_url_read(const char *text, WebUrl *url);

/* Whether scheme, host and port are the same. */
extern bool web_url_same_origin(const WebUrl *a, const WebUrl *b);

/* Whether the host is this machine: an address of the loopback network, or localhost. */
extern bool web_url_is_loopback(const WebUrl *url);

/*
 * Whether what is sent there stays between the two: https, or this machine.  A
 * gateway fetches from this machine only with --allow-fetch-to.
 */
extern bool web_url_is_confidential(const WebUrl *url);

/* scheme://host[:port], without a default port. */
extern char *web_url_origin(const WebUrl *url);

/* Appends a text, percent-encoded except for unreserved characters (RFC 3986, section 2.3). */
extern void web_url_append_encoded(StringInfo out, const char *text);

/* Appends "&name=value", encoded; without the ampersand where "out" is empty or ends in '?'. */
extern void web_url_append_parameter(StringInfo out, const char *name, const char *value);

#endif /* AUTHFORT_WEB_URL_H */
