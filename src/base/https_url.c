/*
 * https_url.c
 *		URLs of other servers that are fetched (RFC 3986).
 */
#include "postgres.h"

#include "base/https_url.h"
#include "base/origin.h"

#define SCHEME "https://"
#define MAX_URL_BYTES 2048

/* A '@' after the authority is harmless, a '#' would not be sent. */
static bool
has_url_characters(const char *text)
{
	for (const char *p = text; *p != '\0'; p++)
	{
		if (*p <= ' ' || *p >= 0x7f || strchr("\"#<>\\^`{|}", *p) != NULL)
			return false;
	}
	return true;
}

/* Removes ":port" from the end of an authority. */
static void
strip_port(char *authority)
{
	char	   *colon = strrchr(authority, ':');

	if (colon != NULL && strchr(colon, ']') == NULL)
		*colon = '\0';
}

bool
https_url_read(const char *text, char **host)
{
	size_t		len = strnlen(text, MAX_URL_BYTES + 1);
	char	   *origin;

	if (len > MAX_URL_BYTES || strncmp(text, SCHEME, strlen(SCHEME)) != 0 ||
		!has_url_characters(text))
		return false;
	origin = pnstrdup(text, strlen(SCHEME) + strcspn(text + strlen(SCHEME), "/?"));
	/* this knows no user, so "a@b" is no host */
	if (!origin_normalize(origin))
		return false;
	*host = origin + strlen(SCHEME);
	strip_port(*host);
	return true;
}
