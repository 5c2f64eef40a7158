/*
 * message_template_syntax.c
 *		The syntax of templates of messages.
 */
#include <string.h>

#include "domain/message_template_syntax.h"

#define MAX_NAME 63

static size_t
name_length(const char *text)
{
	size_t len = 0;

	if (*text < 'a' || *text > 'z')
		return 0;
	while (len <= MAX_NAME && ((text[len] >= 'a' && text[len] <= 'z') ||
							   (text[len] >= '0' && text[len] <= '9') || text[len] == '_'))
		len++;
	return len <= MAX_NAME ? len : 0;
}

static TemplateItem
item_of_mark(char mark)
{
	switch (mark)
	{
		case '#':
			return TEMPLATE_IF;
		case '^':
			return TEMPLATE_UNLESS;
		case '/':
			return TEMPLATE_CLOSE;
		default:
			return TEMPLATE_PLACE;
	}
}

/* The text after two opening braces. */
static TemplateItem
read_tag(TemplateReader *reader)
{
	const char *name = reader->next + 2;
	TemplateItem item = item_of_mark(*name);
	size_t len;

	if (item != TEMPLATE_PLACE)
		name++;
	len = name_length(name);
	if (len == 0 || strncmp(name + len, "}}", 2) != 0)
	{
		reader->start = reader->next;
		reader->len = strnlen(reader->next, MAX_NAME);
		return TEMPLATE_INVALID;
	}
	reader->start = name;
	reader->len = len;
	reader->next = name + len + 2;
	return item;
}

/* Text up to two braces of either kind. */
static TemplateItem
read_text(TemplateReader *reader)
{
	reader->start = reader->next;
	while (*reader->next != '\0' && strncmp(reader->next, "{{", 2) != 0)
	{
		if (strncmp(reader->next, "}}", 2) == 0)
		{
			reader->start = reader->next;
			reader->len = 2;
			return TEMPLATE_INVALID;
		}
		reader->next++;
	}
	reader->len = reader->next - reader->start;
	return TEMPLATE_TEXT;
}

TemplateItem
template_read(TemplateReader *reader)
{
	if (*reader->next == '\0')
		return TEMPLATE_END;
	if (strncmp(reader->next, "{{", 2) == 0)
		return read_tag(reader);
	return read_text(reader);
}

/* The sections that are open, the innermost last. */
typedef struct OpenSections
{
	TemplateReader section[TEMPLATE_MAX_DEPTH];
	int count;
} OpenSections;

static bool
is_innermost(const OpenSections *open, const TemplateReader *reader)
{
	const TemplateReader *last;

	if (open->count == 0)
		return false;
	last = &open->section[open->count - 1];
	return last->len == reader->len && memcmp(last->start, reader->start, reader->len) == 0;
}

/* Returns a description of the fault, or NULL. */
static const char *
change_sections(OpenSections *open, TemplateItem item, const TemplateReader *reader)
{
	if (item == TEMPLATE_CLOSE)
	{
		if (!is_innermost(open, reader))
			return "it closes a section that is not open";
		open->count--;
	}
	else
	{
		if (open->count == TEMPLATE_MAX_DEPTH)
			return "sections are nested too deeply";
		open->section[open->count++] = *reader;
	}
	return NULL;
}

static bool
report(TemplateProblem *problem, const char *description, const TemplateReader *reader)
{
	problem->description = description;
	problem->start = reader->start;
	problem->len = reader->len;
	return false;
}

bool
template_check(const char *template, TemplateNameFilter is_known, const void *arg,
			   TemplateProblem *problem)
{
	TemplateReader reader = {.next = template};
	OpenSections open = {.count = 0};
	TemplateItem item;

	while ((item = template_read(&reader)) != TEMPLATE_END)
	{
		const char *wrong = NULL;

		if (item == TEMPLATE_INVALID)
			return report(problem, "the braces do not enclose a name", &reader);
		if (item == TEMPLATE_TEXT)
			continue;
		if (!is_known(reader.start, reader.len, arg))
			return report(problem, "the message does not have this value", &reader);
		if (item != TEMPLATE_PLACE)
			wrong = change_sections(&open, item, &reader);
		if (wrong != NULL)
			return report(problem, wrong, &reader);
	}
	if (open.count > 0)
		return report(problem, "the section is not closed", &open.section[open.count - 1]);
	return true;
}
