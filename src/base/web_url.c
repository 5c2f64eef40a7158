/*
 * web_url.c
 *		The parts of an absolute URL, for comparing them (RFC 3986).
 */
#include "postgres.h"

#include "base/origin.h"
#include "base/web_url.h"

#define MAX_SCHEME 63

static char *
lower_copy(const char *text, size_t len)
{
	char *copy = pnstrdup(text, len);

	for (char *p = copy; *p != '\0'; p++)
		*p = pg_ascii_tolower((unsigned char) *p);
	return copy;
}

/* A host or path that all programs read alike. */
static bool
has_plain_characters(const char *text)
{
	for (const char *p = text; *p != '\0'; p++)
	{
		if (*p <= ' ' || *p >= 0x7f || strchr("\\\"<>^`{|}", *p) != NULL)
			return false;
	}
	return true;
}

/* RFC 3986, section 3.1 */
static size_t
scheme_length(const char *text)
{
	size_t len = strspn(text, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789+-.");

	return (len > 0 && len <= MAX_SCHEME && isalpha((unsigned char) text[0]) && text[len] == ':')
			   ? len
			   : 0;
}

static int
default_port(const char *scheme)
{
	if (strcmp(scheme, "https") == 0)
		return 443;
	return (strcmp(scheme, "http") == 0) ? 80 : 0;
}

/* The port after a colon, up to the end of the authority. */
static bool
read_port(const char *text, size_t len, int *port)
{
	if (len == 0 || len > 5 || strspn(text, "0123456789") < len)
		return false;
	*port = 0;
	for (size_t i = 0; i < len; i++)
		*port = *port * 10 + (text[i] - '0');
	return *port >= 1 && *port <= 65535;
}

/* An address in brackets; only its characters are checked, as it is only compared. */
static size_t
bracket_length(const char *text, size_t len)
{
	size_t inner = strspn(text + 1, "0123456789abcdefABCDEF:.");

	return (inner > 0 && inner + 1 < len && text[inner + 1] == ']') ? inner + 2 : 0;
}

static bool
read_authority(const char *text, size_t len, WebUrl *url)
{
	size_t host_len;

	if (memchr(text, '@', len) != NULL)
		return false;
	if (len > 0 && text[0] == '[')
		host_len = bracket_length(text, len);
	else
		host_len = Min(strcspn(text, ":"), len);
	url->host = lower_copy(text, host_len);
	if (host_len == 0 || (text[0] != '[' && !origin_is_host_name(url->host)))
		return false;
	if (host_len == len)
		return true;
	url->states_port = true;
	return text[host_len] == ':' && read_port(text + host_len + 1, len - host_len - 1, &url->port);
}

bool
web_url_read(const char *text, WebUrl *url)
{
	size_t scheme = scheme_length(text);
	const char *authority;
	size_t authority_len;

	if (scheme == 0 || !has_plain_characters(text))
		return false;
	url->scheme = lower_copy(text, scheme);
	url->port = default_port(url->scheme);
	url->states_port = false;
	url->host = "";
	url->path = text + scheme + 1;
	if (strncmp(url->path, "//", 2) != 0)
		return default_port(url->scheme) == 0;
	authority = url->path + 2;
	authority_len = strcspn(authority, "/?#");
	url->path = authority + authority_len;
	return read_authority(authority, authority_len, url);
}

bool
web_url_same_origin(const WebUrl *a, const WebUrl *b)
{
	return strcmp(a->scheme, b->scheme) == 0 && strcmp(a->host, b->host) == 0 && a->port == b->port;
}

bool
web_url_is_loopback(const WebUrl *url)
{
	return strcmp(url->host, "localhost") == 0 || strcmp(url->host, "[::1]") == 0 ||
		   (strncmp(url->host, "127.", 4) == 0 &&
			strspn(url->host, "0123456789.") == strlen(url->host));
}

bool
web_url_is_confidential(const WebUrl *url)
{
	if (url->host[0] == '\0')
		return false;
	return strcmp(url->scheme, "https") == 0 ||
		   (strcmp(url->scheme, "http") == 0 && web_url_is_loopback(url));
}

char *
web_url_origin(const WebUrl *url)
{
	if (url->port == default_port(url->scheme))
		return psprintf("%s://%s", url->scheme, url->host);
	return psprintf("%s://%s:%d", url->scheme, url->host, url->port);
}

void
web_url_append_encoded(StringInfo out, const char *text)
{
	for (const char *p = text; *p != '\0'; p++)
	{
		if (((unsigned char) *p < 0x80 && isalnum((unsigned char) *p)) || strchr("-._~", *p) != NULL)
			appendStringInfoChar(out, *p);
		else
			appendStringInfo(out, "%%%02X", (unsigned char) *p);
	}
}

void
web_url_append_parameter(StringInfo out, const char *name, const char *value)
{
	if (out->len > 0 && out->data[out->len - 1] != '?')
		appendStringInfoChar(out, '&');
	web_url_append_encoded(out, name);
	appendStringInfoChar(out, '=');
	web_url_append_encoded(out, value);
}
