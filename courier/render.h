/*
 * render.h
 *		Puts the values of a message into its template.
 */
#ifndef COURIER_RENDER_H
#define COURIER_RENDER_H

#include "message.h"
#include "outcome.h"

typedef struct Rendered
{
	Text subject; /* one line */
	Text text;    /* plain text; lines end with a line feed */
	Text html;
} Rendered;

typedef enum Rendering
{
	RENDERED,
	RENDER_NO_TEMPLATE, /* for this kind of message */
	RENDER_INVALID,     /* the template is not one that can be stored */
	RENDER_NO_MEMORY
} Rendering;

/* Uses the template of the message or, if it has none, that for its kind. */
extern Rendering render_message(const Message *message, Rendered *rendered);

/* Appends a template with its values, which are escaped for HTML if that is asked for. */
extern Rendering render_template(Text *out, const char *template, const Values *values, bool is_html);

extern const char *render_problem(Rendering rendering);

extern void rendered_free(Rendered *rendered);

#endif /* COURIER_RENDER_H */
