/*
 * form.h
 *		Bodies of the type application/x-www-form-urlencoded.
 *
 * Pages of other sites can send a form without asking first.  So a route that
 * takes one must not take its caller's identity from a cookie.
 */
#ifndef AUTHFORT_FORM_H
#define AUTHFORT_FORM_H

#include "postgres.h"

#include "http/message.h"

extern bool http_has_form_type(const HttpRequest *request);

/*
 * The same as http_read_body() for a form.  All fields are strings, and each may
 * be given once (RFC 6749, section 3.2).
 */
extern bool
http_read_form(HttpRequest *request, BodyField *fields, int count, HttpResponse *response);

/* For a body that is a form or JSON, as its type says. */
extern bool
http_read_body_or_form(HttpRequest *request, BodyField *fields, int count, HttpResponse *response);

#endif /* AUTHFORT_FORM_H */
