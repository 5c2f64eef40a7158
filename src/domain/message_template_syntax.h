/*
 * message_template_syntax.h
 *		The syntax of templates of messages.  Needs no server: the courier, which
 *		renders them, reads them with this as well.
 *
 *	{{name}}				the value of that name
 *	{{#name}} ... {{/name}}	shown if the value is not empty
 *	{{^name}} ... {{/name}}	shown if it is
 *
 * A name has lower-case letters, digits and underscores.
 */
#ifndef AUTHFORT_MESSAGE_TEMPLATE_SYNTAX_H
#define AUTHFORT_MESSAGE_TEMPLATE_SYNTAX_H

#include <stdbool.h>
#include <stddef.h>

#define TEMPLATE_MAX_DEPTH 8

typedef enum TemplateItem
{
	TEMPLATE_END,
	TEMPLATE_TEXT,
	TEMPLATE_PLACE,
	TEMPLATE_IF,
	TEMPLATE_UNLESS,
	TEMPLATE_CLOSE,
	TEMPLATE_INVALID /* any other braces; the last item */
} TemplateItem;

/* Reads a template item by item: set "next" to its text first. */
typedef struct TemplateReader
{
	const char *next;
	const char *start; /* the text or the name of the item */
	size_t len;
} TemplateReader;

extern TemplateItem template_read(TemplateReader *reader);

typedef struct TemplateProblem
{
	const char *description;
	const char *start; /* the part of the template that it is about */
	size_t len;
} TemplateProblem;

/* Whether a template may use that name, which is not terminated. */
typedef bool (*TemplateNameFilter)(const char *name, size_t len, const void *arg);

/* False if the template cannot be rendered, or uses a name that "is_known" refuses. */
extern bool template_check(const char *template, TemplateNameFilter is_known, const void *arg,
						   TemplateProblem *problem);

#endif /* AUTHFORT_MESSAGE_TEMPLATE_SYNTAX_H */
