/*
 * framing.c
 *		Checks that every parser sees the same beginning and end of a request
 *		(RFC 9112).
 *
 * libmicrohttpd accepts contradictory requests.  A proxy in front may resolve
 * the contradiction in another way.  Then the body of a request for one is the
 * next request for the other, in the name of another client (request
 * smuggling).
 */
#include <stdbool.h>
#include <string.h>
#include <strings.h>

#include "framing.h"

typedef struct Framing
{
	const char *next; /* part of the head that is not yet covered; see below */
	const char *end;
	int hosts;
	int lengths; /* Content-Length */
	int codings; /* Transfer-Encoding */
	bool unknown_coding;
	bool malformed;
} Framing;

/* Whether each character is a letter or digit of ASCII, or one of the others. */
static bool
consists_of(const char *text, size_t len, const char *others)
{
	for (size_t i = 0; i < len; i++)
	{
		char c = text[i];

		if (!(c >= 'a' && c <= 'z') && !(c >= 'A' && c <= 'Z') && !(c >= '0' && c <= '9') &&
			(c == '\0' || strchr(others, c) == NULL))
			return false;
	}
	return true;
}

/* RFC 9110, section 5.6.2 */
static bool
is_token(const char *text, size_t len)
{
	return len > 0 && consists_of(text, len, "!#$%&'*+-.^_`|~");
}

/* Host and port: RFC 3986, sections 3.2.2 and 3.2.3; it may be empty. */
static bool
is_host(const char *text, size_t len)
{
	return consists_of(text, len, "-._~%!$&'()*+,;=:[]");
}

/* A target without characters that would end it or the line. */
static bool
is_target(const char *text)
{
	for (const char *p = text; *p != '\0'; p++)
	{
		if ((unsigned char) *p <= ' ' || *p == 0x7f)
			return false;
	}
	return text[0] != '\0';
}

static bool
is_number(const char *text, size_t len)
{
	for (size_t i = 0; i < len; i++)
	{
		if (text[i] < '0' || text[i] > '9')
			return false;
	}
	return len > 0;
}

#if MHD_VERSION < 0x01000000
/*
 * These versions treat a line that begins with a colon or a NUL as the end of
 * the head, and guess the meaning of lines that end in LF alone or begin with
 * a blank.  They leave the head in the buffer, with a NUL for each CR, LF and
 * colon after a name.  So the head was parsed correctly if the fields that
 * were found cover it without a gap.
 */
static void
begin_cover(Framing *framing, struct MHD_Connection *connection, const char *method,
			const char *version)
{
	const union MHD_ConnectionInfo *info =
		MHD_get_connection_info(connection, MHD_CONNECTION_INFO_REQUEST_HEADER_SIZE);

	framing->end = method + (info != NULL ? info->header_size : 0);
	framing->next = version + strlen(version);
}

static bool
cover_line_end(Framing *framing)
{
	if (framing->end - framing->next < 2 || framing->next[0] != '\0' || framing->next[1] != '\0')
		return false;
	framing->next += 2;
	return true;
}

static bool
cover_field(Framing *framing, const char *name, size_t name_len, const char *value, size_t len)
{
	if (!cover_line_end(framing) || name != framing->next)
		return false;
	framing->next += name_len + 1;
	framing->next += strspn(framing->next, " \t");
	if (value != framing->next)
		return false;
	framing->next += len;
	return true;
}

static bool
end_cover(Framing *framing)
{
	return cover_line_end(framing) && cover_line_end(framing) && framing->next == framing->end;
}
#else
/* These versions have a mode that is strict enough. */
static void
begin_cover(Framing *framing, struct MHD_Connection *connection, const char *method,
			const char *version)
{
}

static bool
cover_field(Framing *framing, const char *name, size_t name_len, const char *value, size_t len)
{
	return true;
}

static bool
end_cover(Framing *framing)
{
	return true;
}
#endif

static enum MHD_Result
read_field(void *cls, enum MHD_ValueKind kind, const char *name, size_t name_len, const char *value,
		   size_t len)
{
	Framing *framing = cls;

	if (framing->malformed || !cover_field(framing, name, name_len, value, len))
	{
		framing->malformed = true;
		return MHD_NO;
	}
	/* trailing blanks are not part of a value, but libmicrohttpd leaves them */
	while (len > 0 && (value[len - 1] == ' ' || value[len - 1] == '\t'))
		len--;
	if (!is_token(name, name_len) ||
		(len > 0 && (memchr(value, '\0', len) != NULL || memchr(value, '\r', len) != NULL)))
		framing->malformed = true;
	else if (strcasecmp(name, MHD_HTTP_HEADER_HOST) == 0)
	{
		framing->hosts++;
		if (!is_host(value, len))
			framing->malformed = true;
	}
	else if (strcasecmp(name, MHD_HTTP_HEADER_CONTENT_LENGTH) == 0)
	{
		framing->lengths++;
		if (!is_number(value, len))
			framing->malformed = true;
	}
	else if (strcasecmp(name, MHD_HTTP_HEADER_TRANSFER_ENCODING) == 0)
	{
		framing->codings++;
		if (strcasecmp(value, "chunked") != 0)
			framing->unknown_coding = true;
	}
	return MHD_YES;
}

int
framing_check(struct MHD_Connection *connection, const char *method, const char *target,
			  const char *version)
{
	Framing framing = {0};
	bool is_1_0 = strcmp(version, MHD_HTTP_VERSION_1_0) == 0;

	begin_cover(&framing, connection, method, version);
	MHD_get_connection_values_n(connection, MHD_HEADER_KIND, read_field, &framing);
	if (framing.malformed || !end_cover(&framing) || !is_token(method, strlen(method)) ||
		!is_target(target))
		return 400;
	if (framing.hosts > 1 || (framing.hosts == 0 && !is_1_0))
		return 400;
	if (framing.lengths > 1 || framing.codings > 1 || (framing.lengths > 0 && framing.codings > 0))
		return 400;
	/* HTTP/1.0 has no transfer codings, so an HTTP/1.0 proxy forwarded this without parsing it */
	if (framing.codings > 0 && is_1_0)
		return 400;
	return framing.unknown_coding ? 501 : 0;
}
