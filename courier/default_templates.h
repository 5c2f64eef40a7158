/*
 * default_templates.h
 *		Templates for the messages of authfort, in English.
 */
#ifndef COURIER_DEFAULT_TEMPLATES_H
#define COURIER_DEFAULT_TEMPLATES_H

#include <stddef.h>

typedef struct DefaultTemplate
{
	const char *kind;
	const char *subject;
	const char *text;
	const char *action; /* what the link reads in HTML */
} DefaultTemplate;

/* NULL for a kind without a default. */
extern const DefaultTemplate *default_template(const char *kind);

/* All of them, for tests; NULL after the last. */
extern const DefaultTemplate *default_template_at(size_t number);

#endif /* COURIER_DEFAULT_TEMPLATES_H */
