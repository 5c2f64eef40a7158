/*
 * input.c
 *		The rules for user input: email, name, phone, avatar, password.
 */
#include "postgres.h"

#include <idn2.h>

#include "mb/pg_wchar.h"

#include "base/unicode.h"
#include "crypto/password_hash.h"
#include "domain/input.h"
#include "settings.h"

#define MAX_EMAIL 255
#define MAX_EMAIL_LOCAL_BYTES 64 /* RFC 5321, section 4.5.3.1.1 */
#define MAX_EMAIL_DOMAIN_BYTES 253
#define MAX_NAME 255
#define MAX_PHONE 50
#define MAX_AVATAR_URL 2048
#define MAX_LOCALE 35 /* RFC 5646, section 4.4.1 */
#define MAX_ROLE 50
#define MAX_USER_AGENT 512

/*
 * Bytes of an email, a name or a role as typed, before it is parsed: more than
 * the longest of them takes in any normal form.
 */
#define MAX_TYPED_BYTES 8192

/* What East Asian keyboards write for a space, and for the dot in a domain. */
#define IDEOGRAPHIC_SPACE "\343\200\200"
#define IDEOGRAPHIC_FULL_STOP "\343\200\202"

/* U+1E9E, which some software maps to "ss" in a domain, and some to U+00DF. */
#define CAPITAL_SHARP_S "\341\272\236"

static int
characters(const char *text)
{
	return pg_mbstrlen(text);
}

static bool
is_space(char c)
{
	return c == ' ' || c == '\t' || c == '\n' || c == '\r' || c == '\f' || c == '\v';
}

/* A copy without white space at its ends. */
static char *
trimmed(const char *text)
{
	size_t len;

	while (is_space(*text))
		text++;
	len = strlen(text);
	while (len > 0 && is_space(text[len - 1]))
		len--;
	return pnstrdup(text, len);
}

/* RFC 5322's dot-atom, with the letters of RFC 6531; quoted forms are refused. */
static bool
is_email_local(const char *local)
{
	size_t len = strlen(local);

	if (len == 0 || len > MAX_EMAIL_LOCAL_BYTES || local[0] == '.' || local[len - 1] == '.' ||
		strstr(local, "..") != NULL)
		return false;
	for (const char *p = local; *p != '\0'; p++)
	{
		if ((unsigned char) *p < 0x80 && !isalnum((unsigned char) *p) &&
			strchr(".!#$%&'*+/=?^_`{|}~-", *p) == NULL)
			return false;
	}
	return true;
}

/* A host name of two labels or more, in ASCII. */
static bool
is_email_domain(const char *domain)
{
	int labels = 0;
	const char *label = domain;

	if (strlen(domain) > MAX_EMAIL_DOMAIN_BYTES)
		return false;
	for (;;)
	{
		size_t len = strcspn(label, ".");

		if (len == 0 || len > 63 || label[0] == '-' || label[len - 1] == '-' ||
			strspn(label, "abcdefghijklmnopqrstuvwxyz0123456789-") < len)
			return false;
		labels++;
		if (label[len] == '\0')
			/* a top-level domain does not begin with a digit; an IP address does */
			return labels >= 2 && !isdigit((unsigned char) label[0]);
		label += len + 1;
	}
}

/*
 * IDNA2008: the A-label form of a domain in NFC; NULL if it has none. libidn2
 * would drop invisible characters.
 */
static char *
ascii_domain(const char *domain)
{
	char *ascii = NULL;
	char *copy;

	if (strstr(domain, IDEOGRAPHIC_FULL_STOP) != NULL || strstr(domain, CAPITAL_SHARP_S) != NULL ||
		!unicode_is_visible_or_joined(domain) ||
		idn2_to_ascii_8z(domain, &ascii, IDN2_NFC_INPUT | IDN2_NONTRANSITIONAL) != IDN2_OK)
		return NULL;
	copy = MemoryContextAllocExtended(CurrentMemoryContext, strlen(ascii) + 1, MCXT_ALLOC_NO_OOM);
	if (copy != NULL)
		strcpy(copy, ascii);
	idn2_free(ascii);
	return copy;
}

/* A copy in NFC, without white space at its ends; NULL if it is too long for any field. */
static char *
composed(const char *raw)
{
	if (strnlen(raw, MAX_TYPED_BYTES + 1) > MAX_TYPED_BYTES)
		return NULL;
	return unicode_compose(trimmed(raw));
}

/*
 * Messages go to the stored form, so that must not be the mailbox of another
 * person than the one that was typed: letters become lower case and nothing
 * else.  A character that stands for another one is refused on both sides of
 * the "@": other software treats it as that one, and U+FF20 as an "@".
 */
const Refusal *
input_email(const char *raw, char **email)
{
	char *local = composed(raw);
	char *at;
	char *domain;

	if (local == NULL || !unicode_is_unambiguous(local))
		return &refusal_invalid_email;
	at = strrchr(local, '@');
	if (at == NULL)
		return &refusal_invalid_email;
	*at = '\0';
	if (!unicode_is_visible(local))
		return &refusal_invalid_email;
	domain = ascii_domain(at + 1);
	local = unicode_lower(local);
	if (domain == NULL || !is_email_local(local) || !is_email_domain(domain))
		return &refusal_invalid_email;
	if (strcmp(domain, DELETED_EMAIL_DOMAIN) == 0)
		return &refusal_invalid_email;
	*email = psprintf("%s@%s", local, domain);
	if (characters(*email) > MAX_EMAIL)
		return &refusal_invalid_email;
	return NULL;
}

/* In place: each run of spaces, including ideographic ones, becomes one. */
static void
collapse_spaces(char *text)
{
	char *end = text;
	const char *p = text;

	while (*p != '\0')
	{
		bool ideographic = strncmp(p, IDEOGRAPHIC_SPACE, strlen(IDEOGRAPHIC_SPACE)) == 0;
		char c = ideographic ? ' ' : *p;

		if (c != ' ' || end == text || end[-1] != ' ')
			*end++ = c;
		p += ideographic ? strlen(IDEOGRAPHIC_SPACE) : 1;
	}
	*end = '\0';
}

/*
 * The name is kept as it was typed, markup and all: escaping is left to the
 * program that displays it, and "<3" is a name.
 */
const Refusal *
input_name(const char *raw, char **name)
{
	char *text;

	*name = NULL;
	if (raw == NULL)
		return NULL;
	text = composed(raw);
	if (text == NULL)
		return &refusal_invalid_name;
	collapse_spaces(text);
	text = trimmed(text);
	if (characters(text) > MAX_NAME || !unicode_is_visible_or_joined(text))
		return &refusal_invalid_name;
	if (text[0] != '\0')
		*name = text;
	return NULL;
}

const Refusal *
input_phone(const char *raw, char **phone)
{
	*phone = NULL;
	if (raw == NULL)
		return NULL;
	*phone = trimmed(raw);
	if (strlen(*phone) > MAX_PHONE || (*phone)[strspn(*phone, "0123456789 -().+")] != '\0')
		return &refusal_invalid_phone;
	if ((*phone)[0] == '\0')
		*phone = NULL;
	return NULL;
}

/* Bytes of the scheme with "//", if it is http or https; else 0. */
static size_t
web_scheme_length(const char *url)
{
	if (pg_strncasecmp(url, "http://", 7) == 0)
		return 7;
	if (pg_strncasecmp(url, "https://", 8) == 0)
		return 8;
	return 0;
}

const Refusal *
input_avatar_url(const char *raw, char **url)
{
	size_t scheme;

	*url = NULL;
	if (raw == NULL)
		return NULL;
	*url = trimmed(raw);
	if ((*url)[0] == '\0')
	{
		*url = NULL;
		return NULL;
	}
	/* characters that could end an HTML attribute are not part of a URL */
	scheme = web_scheme_length(*url);
	if (characters(*url) > MAX_AVATAR_URL || scheme == 0 || !unicode_is_visible_or_joined(*url) ||
		strpbrk(*url, " \"<>\\^`{|}") != NULL || strcspn(*url + scheme, "/?#") == 0)
		return &refusal_invalid_avatar_url;
	return NULL;
}

bool
input_is_language_tag(const char *text)
{
	size_t len = strlen(text);

	return len > 0 && len <= MAX_LOCALE && text[0] != '-' && text[len - 1] != '-' &&
		   strstr(text, "--") == NULL &&
		   strspn(text, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-") == len;
}

const Refusal *
input_locale(const char *raw, char **locale)
{
	*locale = NULL;
	if (raw == NULL)
		return NULL;
	*locale = trimmed(raw);
	if ((*locale)[0] == '\0')
		*locale = NULL;
	return (*locale == NULL || input_is_language_tag(*locale)) ? NULL : &refusal_invalid_locale;
}

const Refusal *
input_new_password(const char *password)
{
	char *normal;

	if (strlen(password) > PASSWORD_MAX_BYTES)
		return &refusal_password_too_long;
	normal = password_normalize(password);
	if (strlen(normal) > PASSWORD_MAX_BYTES)
		return &refusal_password_too_long;
	if (characters(normal) < setting_min_password_length)
		return &refusal_password_too_short;
	return NULL;
}

const Refusal *
input_role(const char *raw, char **role)
{
	size_t len = strnlen(raw, MAX_TYPED_BYTES + 1);

	if (len == 0 || len > MAX_TYPED_BYTES || is_space(raw[0]) || is_space(raw[len - 1]))
		return &refusal_invalid_role;
	*role = unicode_compose(raw);
	if (characters(*role) > MAX_ROLE || !unicode_is_visible(*role) || !unicode_is_unambiguous(*role))
		return &refusal_invalid_role;
	return NULL;
}

char *
input_require_role(const char *raw)
{
	char *role;

	if (input_role(raw, &role) != NULL)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("invalid role name"),
				 errdetail("%s", refusal_invalid_role.code),
				 errhint("A role name has 1 to %d visible characters, none of which stands for another one, and no space at its ends.",
						 MAX_ROLE)));
	return role;
}

/* Normalizing takes seconds for a long text, and reacts to no cancel. */
char *
input_asked_role(const char *raw)
{
	return (strnlen(raw, MAX_TYPED_BYTES + 1) > MAX_TYPED_BYTES) ? NULL : unicode_compose(raw);
}

char *
input_user_agent(const char *raw)
{
	char *text;

	if (raw == NULL || raw[0] == '\0')
		return NULL;
	text = pstrdup(raw);
	text[pg_mbcharcliplen(text, strlen(text), MAX_USER_AGENT)] = '\0';
	return text;
}
