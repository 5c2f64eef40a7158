/*
 * token_cookies.c
 *		The two cookies that hold tokens: how they are read, set and cleared.
 *
 * A browser distinguishes cookies of one name by path and domain, and sends
 * all that match, without their path and domain.  One may be left from other
 * settings, or have been set by another host of the same site.
 */
#include "postgres.h"

#include "base/json.h"
#include "base/origin.h"
#include "base/uuid.h"
#include "crypto/jws.h"
#include "domain/refresh_token.h"
#include "http/cookie.h"
#include "http/cross_origin.h"
#include "http/form.h"
#include "http/token_cookies.h"
#include "identity/access_token.h"
#include "settings.h"

#define MAX_COOKIE_BYTES 4096 /* of name, "=" and value (RFC 6265bis) */

/* Domains above the host's own for which cookies are cleared. */
#define MAX_PARENT_DOMAINS 3

/*
 * Whether a value has the form of a token, which is cheap to see.  A value of
 * another form does not count towards TOKEN_COOKIES_MAX, so that it cannot hide
 * a token.
 */
typedef bool (*TokenForm)(const char *value, size_t len);

/* Three parts of base64url (RFC 7515). */
static bool
has_access_form(const char *value, size_t len)
{
	int dots = 0;

	for (size_t i = 0; i < len; i++)
	{
		if (value[i] == '.')
			dots++;
		else if (!isalnum((unsigned char) value[i]) && value[i] != '-' && value[i] != '_')
			return false;
	}
	return dots == 2 && len <= JWS_MAX_LENGTH;
}

static bool
has_refresh_form(const char *value, size_t len)
{
	RefreshToken token;

	return refresh_token_read(value, len, &token);
}

static bool
has_any_form(const char *value, size_t len)
{
	return true;
}

static bool
cookie_is_among(char *const *values, int count, const char *value, size_t len)
{
	for (int i = 0; i < count; i++)
	{
		if (strlen(values[i]) == len && memcmp(values[i], value, len) == 0)
			return true;
	}
	return false;
}

/* PostgREST passes only one cookie of a name. */
static int
read_from_object(Jsonb *cookies, const char *name, char *values[TOKEN_COOKIES_MAX])
{
	char *value = json_member_string(cookies, name);

	if (value == NULL || value[0] == '\0')
		return 0;
	values[0] = value;
	return 1;
}

/*
 * Collects the distinct, non-empty values of a name that have the form of a
 * token, or if none has it, the first one; returns their number.
 */
static int
read_all(const HttpRequest *request, const char *name, TokenForm has_form,
		 char *values[TOKEN_COOKIES_MAX])
{
	const char *header;
	const char *value;
	char *malformed = NULL;
	size_t len;
	int count = 0;

	if (!setting_cookies)
		return 0;
	if (request->cookies != NULL)
		return read_from_object(request->cookies, name, values);
	header = http_header_joined(request, "cookie", "; ");
	while (count < TOKEN_COOKIES_MAX && cookie_next(&header, name, &value, &len))
	{
		if (len == 0)
			continue;
		if (!has_form(value, len))
			malformed = (malformed != NULL) ? malformed : pnstrdup(value, len);
		else if (!cookie_is_among(values, count, value, len))
			values[count++] = pnstrdup(value, len);
	}
	if (count == 0 && malformed != NULL)
		values[count++] = malformed;
	return count;
}

int
token_cookies_refresh(const HttpRequest *request, char *values[TOKEN_COOKIES_MAX])
{
	return read_all(request, setting_refresh_cookie_name, has_refresh_form, values);
}

static int
number_of(const HttpRequest *request, const char *name)
{
	char *values[TOKEN_COOKIES_MAX];

	return read_all(request, name, has_any_form, values);
}

bool
token_cookies_has_access(const HttpRequest *request)
{
	return number_of(request, setting_access_cookie_name) > 0;
}

bool
token_cookies_has_refresh(const HttpRequest *request)
{
	return number_of(request, setting_refresh_cookie_name) > 0;
}

/* A live token is one that a request could use. */
static TokenCookie
judge_access(char *value)
{
	TokenCookie cookie = {value};
	const AccessClaims *claims;
	const char *reason;

	if (access_token_verify_expired(value, &claims) != NULL)
		return cookie;
	cookie.session = claims->sid;
	cookie.version = claims->ver;
	cookie.expires = claims->exp;
	cookie.rank = COOKIE_ENDED;
	if (access_token_verify(value, &claims, &reason) == NULL &&
		access_claims_check(claims, &reason) == NULL)
		cookie.rank = COOKIE_LIVE;
	return cookie;
}

static TokenCookie
judge_refresh(char *value)
{
	TokenCookie cookie = {value};
	RefreshToken token;
	Session session;

	if (!refresh_token_find_session(value, &token, &session))
		return cookie;
	cookie.rank = session_has_ended(&session) ? COOKIE_ENDED : COOKIE_LIVE;
	cookie.session = session.id;
	cookie.version = token.generation;
	return cookie;
}

static bool
is_newer(const TokenCookie *a, const TokenCookie *b)
{
	return a->version > b->version || (a->version == b->version && a->expires > b->expires);
}

static void
consider_cookie(TokenCookie *best, const TokenCookie *cookie)
{
	if (best->value == NULL || cookie->rank > best->rank)
		*best = *cookie;
	else if (cookie->rank < best->rank || cookie->rank == COOKIE_INVALID)
		return;
	else if (!uuid_equal(&cookie->session, &best->session))
		best->conflict = true;
	else if (is_newer(cookie, best))
	{
		bool conflict = best->conflict;

		*best = *cookie;
		best->conflict = conflict;
	}
}

/* A single cookie is not checked here, because the caller verifies it anyway. */
static TokenCookie
choose_cookie(const HttpRequest *request, const char *name, TokenForm has_form,
			  TokenCookie (*judge)(char *value))
{
	char *values[TOKEN_COOKIES_MAX];
	int count = read_all(request, name, has_form, values);
	TokenCookie best = {NULL};

	if (count == 1)
		best.value = values[0];
	for (int i = 0; count > 1 && i < count; i++)
	{
		TokenCookie cookie = judge(values[i]);

		consider_cookie(&best, &cookie);
	}
	return best;
}

TokenCookie
token_cookie_access(const HttpRequest *request)
{
	return choose_cookie(request, setting_access_cookie_name, has_access_form, judge_access);
}

TokenCookie
token_cookie_refresh(const HttpRequest *request)
{
	return choose_cookie(request, setting_refresh_cookie_name, has_refresh_form, judge_refresh);
}

/* RFC 6265bis, section 4.1.3: browsers compare these in either case. */
static bool
has_prefix(const char *name, const char *prefix)
{
	return pg_strncasecmp(name, prefix, strlen(prefix)) == 0;
}

/* The reason why a browser would refuse a cookie of that name, or NULL. */
static const char *
name_fault(const char *name)
{
	bool host_only = has_prefix(name, "__Host-");

	if ((host_only || has_prefix(name, "__Secure-") || has_prefix(name, "__Http-")) &&
		!setting_cookie_secure)
		return "A cookie with such a prefix needs \"authfort.cookie_secure\".";
	if (host_only && (strcmp(setting_cookie_path, "/") != 0 || setting_cookie_domain[0] != '\0'))
		return "A cookie whose name begins with __Host- needs the path / and no domain.";
	return NULL;
}

/* Each setting is checked when it is set; this checks their combination. */
static void
require_usable_settings(void)
{
	const char *fault = name_fault(setting_access_cookie_name);

	if (fault == NULL)
		fault = name_fault(setting_refresh_cookie_name);
	if (strcmp(setting_access_cookie_name, setting_refresh_cookie_name) == 0)
		fault = "The two cookies must have different names.";
	if (setting_cookie_samesite == SAMESITE_NONE && !setting_cookie_secure)
		fault = "SameSite=None needs \"authfort.cookie_secure\".";
	if (fault != NULL)
		ereport(ERROR,
				(errcode(ERRCODE_CONFIG_FILE_ERROR),
				 errmsg("browsers would ignore cookies with these settings"),
				 errdetail("%s", fault),
				 errhint("Change the settings \"authfort.cookie_*\", \"authfort.access_cookie_name\" or \"authfort.refresh_cookie_name\".")));
}

static const char *
samesite_name(void)
{
	switch ((CookieSameSite) setting_cookie_samesite)
	{
		case SAMESITE_STRICT:
			return "Strict";
		case SAMESITE_NONE:
			return "None";
		case SAMESITE_LAX:
			break;
	}
	return "Lax";
}

static void
write_cookie(HttpResponse *response, const char *name, const char *value, int max_age,
			 const char *domain, const char *path)
{
	StringInfoData cookie;

	initStringInfo(&cookie);
	appendStringInfo(&cookie, "%s=%s; Max-Age=%d; Path=%s", name, value, max_age, path);
	if (domain[0] != '\0')
		appendStringInfo(&cookie, "; Domain=%s", domain);
	appendStringInfoString(&cookie, "; HttpOnly");
	if (setting_cookie_secure)
		appendStringInfoString(&cookie, "; Secure");
	appendStringInfo(&cookie, "; SameSite=%s", samesite_name());
	http_add_header(response, "Set-Cookie", cookie.data);
}

static const char *
without_leading_dot(const char *domain)
{
	return domain + (domain[0] == '.');
}

/* Clears a cookie for a domain ("": this host alone) and a path, unless it is the one in use. */
static void
clear_other(HttpResponse *response, const char *name, const char *domain, const char *path)
{
	if (strcmp(path, setting_cookie_path) != 0 ||
		pg_strcasecmp(domain, without_leading_dot(setting_cookie_domain)) != 0)
		write_cookie(response, name, "", 0, domain, path);
}

static void
clear_for_domain(HttpResponse *response, const char *name, const char *domain)
{
	clear_other(response, name, domain, "/");
	if (strcmp(setting_cookie_path, "/") != 0)
		clear_other(response, name, domain, setting_cookie_path);
}

/* The requested host, if it is a name with a parent domain; otherwise NULL. */
static char *
requested_domain(const HttpRequest *request)
{
	char *host = http_header(request, "host");

	if (host == NULL)
		return NULL;
	host[strcspn(host, ":")] = '\0';
	if (!origin_is_host_name(host) || strspn(host, "0123456789.") == strlen(host) ||
		strchr(host, '.') == NULL)
		return NULL;
	return host;
}

/* A browser ignores cookies for a domain other than the host or its parents. */
static void
clear_for_requested_domains(HttpResponse *response, const char *name)
{
	const char *domain = requested_domain(response->request);

	for (int i = 0; i <= MAX_PARENT_DOMAINS && domain != NULL && strchr(domain, '.') != NULL; i++)
	{
		if (pg_strcasecmp(domain, without_leading_dot(setting_cookie_domain)) != 0)
			clear_for_domain(response, name, domain);
		domain = strchr(domain, '.') + 1;
	}
}

/*
 * Clears cookies of that name for the paths and domains that the settings
 * name, and if the browser sent more of them than "expected", for those that
 * the request names.  With a domain in the settings, a cookie of the host alone
 * is a leftover, and is cleared only where the browser sent any.  These headers
 * precede the one that sets the cookie: in a browser that does not distinguish
 * host and domain cookies, the last one wins.
 */
static void
clear_others(HttpResponse *response, const char *name, int expected)
{
	int sent = number_of(response->request, name);

	if (has_prefix(name, "__Host-"))
		return; /* there are no others */
	if (setting_cookie_domain[0] == '\0' || sent > 0)
		clear_for_domain(response, name, "");
	if (setting_cookie_domain[0] != '\0')
		clear_for_domain(response, name, without_leading_dot(setting_cookie_domain));
	if (sent > expected)
		clear_for_requested_domains(response, name);
}

/*
 * A browser silently drops a cookie over 4,096 bytes.  An access token
 * grows past that by roles, or by the claims hook.
 */
static void
require_cookie_size(const char *name, const char *value)
{
	if (strlen(name) + strlen(value) + 1 > MAX_COOKIE_BYTES)
		ereport(ERROR,
				(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
				 errmsg("cookie \"%s\" would be longer than %d bytes, and browsers would drop it",
						name, MAX_COOKIE_BYTES),
				 errhint("Have the claims hook return less, or give the user fewer roles.")));
}

static void
write_own(HttpResponse *response, const char *name, const char *value, int max_age)
{
	write_cookie(response, name, value, max_age, setting_cookie_domain, setting_cookie_path);
}

/*
 * Not for a form: a page of another site can send one without a preflight
 * request, and would sign the user in to the account of its author.
 */
void
token_cookies_set(HttpResponse *response, const AuthResult *result)
{
	int expected = response->request->by_cookie ? 1 : 0;

	if (!setting_cookies || http_has_form_type(response->request))
		return;
	require_usable_settings();
	require_cookie_size(setting_access_cookie_name, result->access_token);
	clear_others(response, setting_access_cookie_name, expected);
	clear_others(response, setting_refresh_cookie_name, expected);
	write_own(response, setting_access_cookie_name, result->access_token, result->expires_in);
	write_own(response, setting_refresh_cookie_name, result->refresh_token,
			  result->refresh_expires_in);
}

/*
 * Not for a page of another site: a browser applies Set-Cookie even if it has
 * sent no cookie, which would sign its user out.
 */
static void
clear_both(HttpResponse *response, int expected)
{
	if (!setting_cookies || cross_origin_of(response->request) == ORIGIN_FOREIGN)
		return;
	clear_others(response, setting_access_cookie_name, expected);
	clear_others(response, setting_refresh_cookie_name, expected);
	write_own(response, setting_access_cookie_name, "", 0);
	write_own(response, setting_refresh_cookie_name, "", 0);
}

void
token_cookies_clear(HttpResponse *response)
{
	clear_both(response, 1);
}

void
token_cookies_clear_planted(HttpResponse *response)
{
	clear_both(response, 0);
}
