/*
 * redirect_target.c
 *		Where a browser may be sent after a sign-in.
 */
#include "postgres.h"

#include "lib/stringinfo.h"

#include "base/web_url.h"
#include "flow/redirect_target.h"
#include "settings.h"

#define MAX_TARGET 1024 /* bytes; it has to fit into a cookie */

/* Characters that every browser sends as they are; a backslash is a slash to some. */
static bool
has_url_characters(const char *text)
{
	for (const char *p = text; *p != '\0'; p++)
	{
		if (*p <= ' ' || *p >= 0x7f || strchr("\\\"<>^`{|}", *p) != NULL)
			return false;
	}
	return true;
}

/* Whether a segment is "." or "..", also where a dot is encoded. */
static bool
is_dot_segment(const char *segment, size_t len)
{
	int dots = 0;

	while (len > 0)
	{
		size_t step = 1;

		if (len >= 3 && pg_strncasecmp(segment, "%2e", 3) == 0)
			step = 3;
		else if (*segment != '.')
			return false;
		segment += step;
		len -= step;
		dots++;
	}
	return dots == 1 || dots == 2;
}

/*
 * A path whose segments are what they look like: a browser or a server would
 * resolve dot segments, and might decode a slash or a backslash.
 */
static bool
is_plain_path(const char *path)
{
	size_t len = strcspn(path, "?#");
	const char *end = path + len;

	for (const char *p = path; p < end; p++)
	{
		if (pg_strncasecmp(p, "%2f", 3) == 0 || pg_strncasecmp(p, "%5c", 3) == 0)
			return false;
	}
	while (path < end)
	{
		size_t segment = Min(strcspn(path, "/"), (size_t) (end - path));

		if (is_dot_segment(path, segment))
			return false;
		path += segment + 1;
	}
	return true;
}

/* The next entry of a list, trimmed, palloc'd; NULL at its end. */
static char *
next_entry(const char **list)
{
	while (**list != '\0')
	{
		size_t len;
		size_t skip;
		char *entry;

		*list += strspn(*list, " \t\r\n,");
		len = skip = strcspn(*list, ",");
		while (len > 0 && strchr(" \t\r\n", (*list)[len - 1]) != NULL)
			len--;
		entry = pnstrdup(*list, len);
		*list += skip;
		if (len > 0)
			return entry;
	}
	return NULL;
}

/* Whether a path begins with another one that ends at one of its segments. */
static bool
is_below(const char *path, const char *prefix)
{
	size_t len = strlen(prefix);

	if (len == 0 || strcmp(prefix, "/") == 0)
		return true;
	if (strncmp(path, prefix, len) != 0)
		return false;
	return prefix[len - 1] == '/' || path[len] == '\0' || strchr("/?#", path[len]) != NULL;
}

static bool
is_web(const WebUrl *url)
{
	return url->host[0] != '\0' &&
		   (strcmp(url->scheme, "https") == 0 || strcmp(url->scheme, "http") == 0);
}

static bool
is_covered(const WebUrl *url)
{
	const char *list = setting_redirect_allowlist;
	char *entry;

	while ((entry = next_entry(&list)) != NULL)
	{
		WebUrl allowed;

		if (web_url_read(entry, &allowed) && is_web(&allowed) &&
			web_url_same_origin(url, &allowed) && is_below(url->path, allowed.path))
			return true;
	}
	return false;
}

static bool
is_asked(const char *asked)
{
	return asked != NULL && asked[0] != '\0';
}

static bool
is_relative(const char *asked)
{
	return asked[0] == '/' && asked[1] != '/';
}

const Refusal *
redirect_target_resolve(const char *asked, char **target)
{
	WebUrl url;

	*target = NULL;
	if (!is_asked(asked))
		return NULL;
	if (strnlen(asked, MAX_TARGET + 1) > MAX_TARGET || !has_url_characters(asked))
		return &refusal_invalid_redirect;
	if (is_relative(asked) && is_plain_path(asked))
		*target = psprintf("%s%s", setting_site_url, asked);
	else if (web_url_read(asked, &url) && is_web(&url) && is_plain_path(url.path) && is_covered(&url))
		*target = pstrdup(asked);
	return (*target != NULL) ? NULL : &refusal_invalid_redirect;
}

/* The port of an app's own listener is not known before. */
static bool
is_same_loopback(const WebUrl *a, const WebUrl *b)
{
	return is_web(a) && is_web(b) && web_url_is_loopback(a) && strcmp(a->scheme, b->scheme) == 0 &&
		   strcmp(a->host, b->host) == 0 && strcmp(a->path, b->path) == 0;
}

/* Schemes that run what follows them, or that are not an app's own. */
static bool
is_dangerous_scheme(const char *scheme)
{
	static const char *const dangerous[] = {
		"javascript", "data",        "vbscript", "file", "blob",
		"about",      "view-source", "ws",       "wss",  "ftp",
	};

	for (size_t i = 0; i < lengthof(dangerous); i++)
	{
		if (strcmp(scheme, dangerous[i]) == 0)
			return true;
	}
	return false;
}

const Refusal *
redirect_target_resolve_exact(const char *asked, char **target)
{
	const char *list = setting_redirect_allowlist;
	char *entry;
	WebUrl url;

	*target = NULL;
	if (!is_asked(asked) || strnlen(asked, MAX_TARGET + 1) > MAX_TARGET ||
		!web_url_read(asked, &url) || is_dangerous_scheme(url.scheme) || strchr(asked, '#') != NULL)
		return &refusal_invalid_redirect;
	while ((entry = next_entry(&list)) != NULL)
	{
		WebUrl allowed;

		if (web_url_read(entry, &allowed) &&
			(strcmp(asked, entry) == 0 || is_same_loopback(&url, &allowed)))
		{
			*target = pstrdup(asked);
			return NULL;
		}
	}
	return &refusal_invalid_redirect;
}

char *
redirect_target_with_parameter(const char *target, const char *name, const char *value)
{
	StringInfoData url;
	size_t len = strcspn(target, "#");

	initStringInfo(&url);
	appendBinaryStringInfo(&url, target, len);
	if (strchr(url.data, '?') == NULL)
		appendStringInfoChar(&url, '?');
	web_url_append_parameter(&url, name, value);
	appendStringInfoString(&url, target + len);
	return url.data;
}

char *
redirect_target_with_fragment(const char *target, const char *fragment)
{
	return psprintf("%.*s#%s", (int) strcspn(target, "#"), target, fragment);
}
