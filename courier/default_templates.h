/*
 * default_templates.h
 *		Templates for the messages of authfort, in English.
 */
#ifndef COURIER_DEFAULT_TEMPLATES_H
#define COURIER_DEFAULT_TEMPLATES_H

typedef struct DefaultTemplate
{
	const char *kind;
	const char *subject;
	const char *text;
	const char *action; /* what the link reads in HTML */
} DefaultTemplate;

/* NULL for a kind without a default. */
extern const DefaultTemplate *default_template(const char *kind);

#endif /* COURIER_DEFAULT_TEMPLATES_H */
