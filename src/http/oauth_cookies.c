/*
 * oauth_cookies.c
 *		The cookies that bind a sign-in at a provider to the browser that began
 *		it: one for each, for ten minutes.
 *
 * They are SameSite=Lax whatever the setting: the browser comes back by a link
 * of another site, with which Strict cookies are not sent, and None would send
 * them with more than that.
 */
#include "postgres.h"

#include "base/json.h"
#include "flow/oauth_flow.h"
#include "http/cookie.h"
#include "http/oauth_cookies.h"
#include "settings.h"

#define MAX_OAUTH_COOKIES 5
#define MAX_COOKIE_BYTES 4096 /* of all of them, names included */
#define MAX_LISTED 32         /* more of them are not looked at */
#define HOST_PREFIX "__Host-"

/* No other host of the site can set a cookie with that prefix. */
static const char *
name_prefix(void)
{
	return (setting_cookie_secure && strcmp(setting_cookie_path, "/") == 0) ? HOST_PREFIX : "";
}

static char *
full_name(const pg_uuid_t *flow)
{
	return psprintf("%s%s", name_prefix(), oauth_flow_cookie_name(flow));
}

static void
write_oauth_cookie(HttpResponse *response, const pg_uuid_t *flow, const char *value, int max_age)
{
	http_add_header(response, "Set-Cookie",
					psprintf("%s=%s; Max-Age=%d; Path=%s; HttpOnly%s; SameSite=Lax",
							 full_name(flow), value, max_age, setting_cookie_path,
							 setting_cookie_secure ? "; Secure" : ""));
}

void
oauth_cookie_set(HttpResponse *response, const pg_uuid_t *flow, const char *value)
{
	write_oauth_cookie(response, flow, value, OAUTH_FLOW_TTL);
}

void
oauth_cookie_clear(HttpResponse *response, const pg_uuid_t *flow)
{
	write_oauth_cookie(response, flow, "", 0);
}

char *
oauth_cookie_find(const HttpRequest *request, const pg_uuid_t *flow)
{
	char *name = full_name(flow);
	const char *header;
	const char *value;
	size_t len;

	if (request->cookies != NULL)
		return json_member_string(request->cookies, name);
	header = http_header_joined(request, "cookie", "; ");
	return cookie_next(&header, name, &value, &len) ? pnstrdup(value, len) : NULL;
}

typedef struct FlowCookie
{
	pg_uuid_t flow;
	size_t len; /* of name and value */
} FlowCookie;

/* The flow of the cookie at the beginning of a text; false if it is another one. */
static bool
read_flow_of(const char *pair, pg_uuid_t *flow)
{
	const char *prefix = name_prefix();
	size_t len = strcspn(pair, "=;");

	if (strncmp(pair, prefix, strlen(prefix)) != 0 || len <= strlen(prefix))
		return false;
	return oauth_flow_read_cookie_name(pnstrdup(pair + strlen(prefix), len - strlen(prefix)), flow);
}

static int
list_cookies(const HttpRequest *request, FlowCookie cookies[MAX_LISTED])
{
	const char *pair = http_header_joined(request, "cookie", "; ");
	int count = 0;

	while (*pair != '\0' && count < MAX_LISTED)
	{
		pair += strspn(pair, " \t;");
		cookies[count].len = strcspn(pair, ";");
		if (read_flow_of(pair, &cookies[count].flow))
			count++;
		pair += strcspn(pair, ";");
	}
	return count;
}

/* The ids are in the order of time; the newest is first. */
static int
compare_cookies(const void *a, const void *b)
{
	return memcmp(&((const FlowCookie *) b)->flow, &((const FlowCookie *) a)->flow, UUID_LEN);
}

void
oauth_cookies_make_room(HttpResponse *response, const pg_uuid_t *flow, const char *value)
{
	FlowCookie cookies[MAX_LISTED];
	int count = list_cookies(response->request, cookies);
	size_t total = strlen(full_name(flow)) + 1 + strlen(value);

	qsort(cookies, count, sizeof(FlowCookie), compare_cookies);
	for (int i = 0; i < count; i++)
	{
		total += cookies[i].len;
		if (i >= MAX_OAUTH_COOKIES - 1 || total > MAX_COOKIE_BYTES)
			oauth_cookie_clear(response, &cookies[i].flow);
	}
}
