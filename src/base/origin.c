/*
 * origin.c
 *		Web origins (RFC 6454): scheme://host[:port].
 */
#include "postgres.h"

#include <arpa/inet.h>

#include "base/origin.h"

/* Characters in which base64url writes the 32 bytes of a SHA-256, and the last of them. */
#define HASH_CHARACTERS 43
#define LAST_OF_HASH "AEIMQUYcgkosw048"

static const char android_app[] = "android:apk-key-hash:";

static bool
is_one_of(char c, const char *others)
{
	return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') ||
		   (c != '\0' && strchr(others, c) != NULL);
}

static void
lower_ascii(char *text)
{
	for (; *text != '\0'; text++)
		*text = pg_ascii_tolower((unsigned char) *text);
}

/* The length of the scheme (RFC 3986, section 3.1), or 0. */
static size_t
normal_scheme_length(const char *text)
{
	size_t len = 0;

	if (*text < 'a' || *text > 'z')
		return 0;
	while (is_one_of(text[len], "+-."))
		len++;
	return len;
}

/* The length of an IPv6 address with its brackets, or 0. */
static size_t
ipv6_length(const char *text)
{
	size_t len = strcspn(text, "]");
	char address[INET6_ADDRSTRLEN];
	struct in6_addr unused;

	if (text[len] != ']' || len > sizeof(address))
		return 0;
	strlcpy(address, text + 1, len);
	return (inet_pton(AF_INET6, address, &unused) == 1) ? len + 1 : 0;
}

/* The length of a host, or 0.  Names of other scripts come as browsers send them, in ASCII. */
static size_t
host_length(const char *text)
{
	size_t len = 0;

	if (*text == '[')
		return ipv6_length(text);
	if (!is_one_of(*text, "_"))
		return 0;
	while (is_one_of(text[len], "-._"))
		len++;
	return len;
}

static int
origin_default_port(const char *scheme)
{
	if (strncmp(scheme, "http://", 7) == 0)
		return 80;
	if (strncmp(scheme, "https://", 8) == 0)
		return 443;
	return 0;
}

/* Reads ":port"; the length, or 0 if it is not one. */
static size_t
read_port_part(const char *text, int *port)
{
	size_t len = strspn(text + 1, "0123456789");

	if (len == 0 || len > 5 || text[1] == '0')
		return 0;
	*port = atoi(text + 1);
	return (*port <= 65535) ? len + 1 : 0;
}

bool
origin_normalize(char *text)
{
	char *end = text;
	size_t len;

	lower_ascii(text);
	end += normal_scheme_length(end);
	if (end == text || strncmp(end, "://", 3) != 0)
		return false;
	end += 3;
	len = host_length(end);
	if (len == 0)
		return false;
	end += len;
	if (*end == ':')
	{
		int port;

		len = read_port_part(end, &port);
		if (len == 0)
			return false;
		if (port == origin_default_port(text))
			memmove(end, end + len, strlen(end + len) + 1);
		else
			end += len;
	}
	if (strcmp(end, "/") == 0)
		*end = '\0';
	return *end == '\0';
}

static bool
is_android_app(const char *text)
{
	return strncmp(text, android_app, sizeof(android_app) - 1) == 0;
}

/* A hash is written in one way only, so an app is left as it is. */
static bool
normalize_passkey_origin(char *text)
{
	const char *hash = text + sizeof(android_app) - 1;
	size_t len = 0;

	if (!is_android_app(text))
		return origin_normalize(text);
	while (is_one_of(pg_ascii_tolower((unsigned char) hash[len]), "-_"))
		len++;
	return len == HASH_CHARACTERS && hash[len] == '\0' && strchr(LAST_OF_HASH, hash[len - 1]) != NULL;
}

static bool
normalize_list(char *list, bool (*normalize)(char *text))
{
	char *in = list;
	char *out = list;
	bool more = list[strspn(list, " \t")] != '\0';

	while (more)
	{
		char *item = in + strspn(in, " \t");
		size_t len = strcspn(item, ",");

		more = item[len] == ',';
		in = item + len + more;
		while (len > 0 && (item[len - 1] == ' ' || item[len - 1] == '\t'))
			len--;
		item[len] = '\0';
		if (!normalize(item))
			return false;
		len = strlen(item);
		if (out > list)
			*out++ = ',';
		memmove(out, item, len);
		out += len;
	}
	*out = '\0';
	return true;
}

bool
origin_normalize_list(char *list)
{
	return normalize_list(list, origin_normalize);
}

bool
origin_normalize_passkey_list(char *list)
{
	return normalize_list(list, normalize_passkey_origin);
}

bool
origin_is_listed(const char *origin, const char *list)
{
	size_t len = strlen(origin);

	if (len == 0 || strchr(origin, ',') != NULL)
		return false;
	while (*list != '\0')
	{
		size_t item_len = strcspn(list, ",");

		if (item_len == len && memcmp(list, origin, len) == 0)
			return true;
		list += item_len;
		list += (*list == ',');
	}
	return false;
}

/* Whether the host of a normalized origin is the domain or one of its subdomains. */
static bool
is_within_domain(const char *origin, size_t len, const char *domain)
{
	const char *host = strstr(origin, "://") + 3;
	size_t host_len = strcspn(host, ":,");
	size_t domain_len = strlen(domain);

	host_len = Min(host_len, len - (size_t) (host - origin));
	if (host_len < domain_len || memcmp(host + host_len - domain_len, domain, domain_len) != 0)
		return false;
	return host_len == domain_len || host[host_len - domain_len - 1] == '.';
}

int
origin_list_outside(const char *list, const char *domain, char ***origins)
{
	int count = 0;

	*origins = palloc((strlen(list) + 1) * sizeof(char *));
	while (*list != '\0')
	{
		size_t len = strcspn(list, ",");

		if (!is_android_app(list) && !is_within_domain(list, len, domain))
			(*origins)[count++] = pnstrdup(list, len);
		list += len;
		list += (*list == ',');
	}
	return count;
}

bool
origin_is_web(const char *origin)
{
	return origin_default_port(origin) != 0;
}

bool
origin_has_host(const char *origin, const char *host)
{
	const char *ours = origin_is_web(origin) ? strstr(origin, "://") + 3 : "";
	size_t len = host_length(ours);
	int port = 0;

	if (len == 0 || pg_strncasecmp(ours, host, len) != 0)
		return false;
	if (host[len] == ':' && read_port_part(host + len, &port) == strlen(host + len) &&
		port == origin_default_port(origin))
		return ours[len] == '\0';
	return strcmp(ours + len, host + len) == 0;
}

/* Letters, digits and hyphens, with a letter or digit at both ends. */
static bool
is_label(const char *label, size_t len)
{
	for (size_t i = 0; i < len; i++)
	{
		if (!is_one_of(pg_ascii_tolower((unsigned char) label[i]), "-"))
			return false;
	}
	return len > 0 && len <= 63 && label[0] != '-' && label[len - 1] != '-';
}

bool
origin_is_host_name(const char *text)
{
	if (strlen(text) > 253)
		return false;
	for (;;)
	{
		size_t len = strcspn(text, ".");

		if (!is_label(text, len))
			return false;
		if (text[len] == '\0')
			return true;
		text += len + 1;
	}
}
