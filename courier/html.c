/*
 * html.c
 *		HTML parts of mails.
 */
#include <string.h>

#include "html.h"
#include "render.h"

static const char page_start[] = "<!DOCTYPE html>\n<html lang=\"";

static const char page_head[] =
	"\">\n<head>\n<meta charset=\"utf-8\">\n"
	"<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
	"<meta name=\"color-scheme\" content=\"light dark\">\n<title>";

static const char page_body[] =
	"</title>\n</head>\n"
	"<body style=\"margin: 0; padding: 24px; font-family: sans-serif; font-size: 16px; "
	"line-height: 1.5\">\n"
	"<div role=\"article\" style=\"max-width: 560px; margin: 0 auto\">\n";

static const char page_end[] = "</div>\n</body>\n</html>\n";

static const char link_style[] = "display: inline-block; padding: 12px 20px; border-radius: 4px; "
								 "background: #1d4ed8; color: #ffffff; text-decoration: none";

static const char code_style[] =
	"font-family: monospace; font-size: 24px; letter-spacing: 2px; overflow-wrap: anywhere";

bool
html_append_escaped(Text *out, const char *text, size_t len)
{
	bool ok = text_append(out, "", 0);

	for (size_t i = 0; ok && i < len; i++)
	{
		switch (text[i])
		{
			case '&':
				ok = text_append_string(out, "&amp;");
				break;
			case '<':
				ok = text_append_string(out, "&lt;");
				break;
			case '>':
				ok = text_append_string(out, "&gt;");
				break;
			case '"':
				ok = text_append_string(out, "&quot;");
				break;
			case '\'':
				ok = text_append_string(out, "&#39;");
				break;
			case '`':
				ok = text_append_string(out, "&#96;");
				break;
			default:
				ok = text_append(out, text + i, 1);
		}
	}
	return ok;
}

static bool
append_link(Text *out, const char *link, const char *action)
{
	return text_append_string(out, "<p><a href=\"") &&
		   html_append_escaped(out, link, strlen(link)) && text_append_string(out, "\" style=\"") &&
		   text_append_string(out, link_style) && text_append_string(out, "\">") &&
		   html_append_escaped(out, action, strlen(action)) && text_append_string(out, "</a></p>\n");
}

static bool
append_lines(Text *out, const char *text, size_t len)
{
	bool ok = true;

	while (ok && len > 0)
	{
		const char *end = memchr(text, '\n', len);
		size_t line = end != NULL ? (size_t) (end - text) : len;

		ok = html_append_escaped(out, text, line);
		if (ok && end != NULL)
			ok = text_append_string(out, "<br>\n");
		text += line + (end != NULL);
		len -= line + (end != NULL);
	}
	return ok;
}

static bool
is_value(const char *text, size_t len, const char *value)
{
	return len > 0 && strlen(value) == len && memcmp(text, value, len) == 0;
}

static bool
append_paragraph(Text *out, const char *text, size_t len, const Values *values, const char *action)
{
	const char *link = values_get(values, "link");
	const char *style = NULL;

	if (is_value(text, len, link))
		return append_link(out, link, action != NULL ? action : link);
	if (is_value(text, len, values_get(values, "code")) ||
		is_value(text, len, values_get(values, "token")))
		style = code_style;
	return text_append_string(out, "<p") &&
		   (style == NULL || (text_append_string(out, " style=\"") &&
							  text_append_string(out, style) && text_append_string(out, "\""))) &&
		   text_append_string(out, ">") && append_lines(out, text, len) &&
		   text_append_string(out, "</p>\n");
}

static bool
append_paragraphs(Text *out, const char *text, const Values *values, const char *action)
{
	bool ok = true;

	while (ok)
	{
		const char *end;
		size_t len;

		text += strspn(text, "\r\n");
		if (*text == '\0')
			break;
		end = strstr(text, "\n\n");
		len = end != NULL ? (size_t) (end - text) : strlen(text);
		while (len > 0 && (text[len - 1] == '\n' || text[len - 1] == '\r'))
			len--;
		ok = append_paragraph(out, text, len, values, action);
		text += len;
	}
	return ok;
}

/* The default templates are in English, whatever the user's language is. */
static const char *
language(const Values *values, const char *action)
{
	const char *locale = values_get(values, "locale");

	return action != NULL || locale[0] == '\0' ? "en" : locale;
}

bool
html_from_text(Text *out, const Rendered *rendered, const Values *values, const char *action)
{
	const char *lang = language(values, action);

	return text_append_string(out, page_start) && html_append_escaped(out, lang, strlen(lang)) &&
		   text_append_string(out, page_head) &&
		   html_append_escaped(out, rendered->subject.data, rendered->subject.len) &&
		   text_append_string(out, page_body) &&
		   append_paragraphs(out, rendered->text.data, values, action) &&
		   text_append_string(out, page_end);
}
