/*
 * render.c
 *		Puts the values of a message into its template.
 */
#include <string.h>

#include "default_templates.h"
#include "domain/message_template_syntax.h"
#include "html.h"
#include "render.h"

static bool
append_value(Text *out, const TemplateReader *place, const Values *values, bool is_html)
{
	const char *value = values_find(values, place->start, place->len);

	return is_html ? html_append_escaped(out, value, strlen(value)) : text_append_string(out, value);
}

/* Reads on to the end of the section that was just opened.  Sections are balanced. */
static void
skip_section(TemplateReader *reader)
{
	int depth = 1;

	while (depth > 0)
	{
		TemplateItem item = template_read(reader);

		if (item == TEMPLATE_IF || item == TEMPLATE_UNLESS)
			depth++;
		else if (item == TEMPLATE_CLOSE)
			depth--;
	}
}

static bool
is_any_name(const char *name, size_t len, const void *arg)
{
	return true;
}

/* An unknown name is an empty value: the database checks names when a template is stored. */
Rendering
render_template(Text *out, const char *template, const Values *values, bool is_html)
{
	TemplateReader reader = {.next = template};
	TemplateProblem problem;
	TemplateItem item;
	bool ok = text_append(out, "", 0);

	if (!template_check(template, is_any_name, NULL, &problem))
		return RENDER_INVALID;
	while (ok && (item = template_read(&reader)) != TEMPLATE_END)
	{
		bool is_empty =
			item != TEMPLATE_TEXT && values_find(values, reader.start, reader.len)[0] == '\0';

		if (item == TEMPLATE_TEXT)
			ok = text_append(out, reader.start, reader.len);
		else if (item == TEMPLATE_PLACE)
			ok = append_value(out, &reader, values, is_html);
		else if ((item == TEMPLATE_IF && is_empty) || (item == TEMPLATE_UNLESS && !is_empty))
			skip_section(&reader);
	}
	return ok ? RENDERED : RENDER_NO_MEMORY;
}

static Rendering
render_own(const Message *message, Rendered *rendered)
{
	const Template *template = &message->template;
	Rendering rendering =
		render_template(&rendered->subject, template->subject.data, &message->values, false);

	if (rendering == RENDERED)
		rendering = render_template(&rendered->text, template->text.data, &message->values, false);
	if (rendering == RENDERED && message->has_html)
		return render_template(&rendered->html, template->html.data, &message->values, true);
	if (rendering == RENDERED && !html_from_text(&rendered->html, rendered, &message->values, NULL))
		return RENDER_NO_MEMORY;
	return rendering;
}

static Rendering
render_default(const Message *message, Rendered *rendered)
{
	const DefaultTemplate *template = default_template(message->kind.data);
	Rendering rendering;

	if (template == NULL)
		return RENDER_NO_TEMPLATE;
	rendering = render_template(&rendered->subject, template->subject, &message->values, false);
	if (rendering == RENDERED)
		rendering = render_template(&rendered->text, template->text, &message->values, false);
	if (rendering == RENDERED &&
		!html_from_text(&rendered->html, rendered, &message->values, template->action))
		return RENDER_NO_MEMORY;
	return rendering;
}

Rendering
render_message(const Message *message, Rendered *rendered)
{
	memset(rendered, 0, sizeof(*rendered));
	return message->has_template ? render_own(message, rendered) : render_default(message, rendered);
}

const char *
render_problem(Rendering rendering)
{
	switch (rendering)
	{
		case RENDER_NO_TEMPLATE:
			return "no template for this kind of message";
		case RENDER_INVALID:
			return "the template is invalid";
		default:
			return "out of memory";
	}
}

void
rendered_free(Rendered *rendered)
{
	text_free(&rendered->subject);
	text_free(&rendered->text);
	text_free(&rendered->html);
}
