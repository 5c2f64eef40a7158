/*
 * html.h
 *		HTML parts of mails.
 */
#ifndef COURIER_HTML_H
#define COURIER_HTML_H

#include <stdbool.h>
#include <stddef.h>

#include "text.h"
#include "values.h"

struct Rendered;

extern bool html_append_escaped(Text *out, const char *text, size_t len);

/*
 * Makes a page of a rendered plain text.  A paragraph that is the link becomes
 * a link that reads "action" (NULL: the link itself), and one that is the code
 * or the token is set large.  Nothing in it is loaded from elsewhere.
 */
extern bool
html_from_text(Text *out, const struct Rendered *rendered, const Values *values, const char *action);

#endif /* COURIER_HTML_H */
