/*
 * mail.c
 *		Fuzz target: what the courier makes of templates and values.
 *
 * The input is a template and, after a NUL, a value.  Whatever the value is, it
 * stays within its header, its line and its HTML element.
 */
#include <openssl/evp.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "domain/message_template_syntax.h"
#include "html.h"
#include "mail_header.h"
#include "render.h"
#include "values.h"

#define MAX_LINE 78

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
require(bool condition)
{
	if (!condition)
		abort();
}

static bool
is_any_name(const char *name, size_t len, const void *arg)
{
	return true;
}

/* Each line of a header but the first begins with a space, and none is long. */
static void
check_lines(const Text *header)
{
	size_t column = 0;

	for (size_t i = 0; i < header->len; i++)
	{
		unsigned char c = header->data[i];

		if (c == '\r')
		{
			require(header->data[i + 1] == '\n' && header->data[i + 2] == ' ');
			i++;
			column = 0;
			continue;
		}
		require(c >= ' ' && c <= '~' && ++column <= MAX_LINE);
	}
}

static void
append_decoded(Text *out, const char *word, size_t len)
{
	unsigned char *bytes = malloc(len + 1);
	int decoded = EVP_DecodeBlock(bytes, (const unsigned char *) word, (int) len);

	require(decoded >= 0);
	for (size_t i = len; i > 0 && word[i - 1] == '='; i--)
		decoded--;
	require(text_append(out, (char *) bytes, decoded));
	free(bytes);
}

/* A reader of the mail sees the value again. */
static void
check_subject(const char *value)
{
	static const char start[] = "=?UTF-8?B?";
	Text header = {0};
	Text seen = {0};
	const char *rest;

	require(mail_header_text(&header, "Subject", value) && text_append(&seen, "", 0));
	check_lines(&header);
	rest = header.data + strlen("Subject: ");
	if (strncmp(rest, start, strlen(start)) != 0)
		require(strcmp(rest, value) == 0);
	else
	{
		while (strncmp(rest, start, strlen(start)) == 0)
		{
			size_t len = strcspn(rest + strlen(start), "?");

			append_decoded(&seen, rest + strlen(start), len);
			rest += strlen(start) + len + 2;
			if (*rest == '\r')
				rest += 3;
		}
		require(*rest == '\0' && strcmp(seen.data, value) == 0);
	}
	text_free(&header);
	text_free(&seen);
}

static void
check_sender(const char *value)
{
	Text header = {0};
	char *name = NULL;
	char *address = NULL;

	if (mail_header_parse_sender(value, &name, &address))
	{
		require(strpbrk(address, "<> \r\n") == NULL);
		require(mail_header_address(&header, "From", name, address));
		for (char *p = header.data; (p = strpbrk(p, "\r\n")) != NULL; p += 3)
			require(strncmp(p, "\r\n ", 3) == 0);
	}
	free(name);
	free(address);
	text_free(&header);
}

static void
check_value(const Values *values, const char *value)
{
	Text html = {0};
	const char *line = values_get(values, "link");

	require(text_is_utf8(line, strlen(line)) && strpbrk(line, "\r\n\t\x7f") == NULL);
	require(render_template(&html, "{{link}}", values, true) == RENDERED);
	require(strpbrk(html.data, "<>\"'`") == NULL);
	check_subject(line);
	text_free(&html);
}

static void
check_template(const char *template, const Values *values)
{
	Rendered rendered = {0};
	TemplateProblem problem;
	bool valid = template_check(template, is_any_name, NULL, &problem);

	if (!valid)
		require(problem.start >= template && problem.len <= strlen(problem.start));
	require((render_template(&rendered.text, template, values, false) == RENDERED) == valid);
	require((render_template(&rendered.subject, template, values, true) == RENDERED) == valid);
	require(html_from_text(&rendered.html, &rendered, values, NULL));
	rendered_free(&rendered);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *template = malloc(size + 2);
	Values values = {0};
	const char *value;

	memcpy(template, data, size);
	template[size] = template[size + 1] = '\0';
	value = template + strlen(template) + 1;
	require(values_add(&values, "link", value) && values_add(&values, "name", ""));
	check_value(&values, value);
	check_subject(value);
	check_sender(value);
	check_template(template, &values);
	values_free(&values);
	free(template);
	return 0;
}
