/*
 * http_message.h
 *		A request as authfort.http() got it, and the response it gives.
 */
#ifndef AUTHFORT_HTTP_MESSAGE_H
#define AUTHFORT_HTTP_MESSAGE_H

#include "postgres.h"

#include "lib/stringinfo.h"
#include "utils/jsonb.h"

#include "auth_result.h"
#include "client.h"
#include "refusal.h"

typedef struct HttpRequest
{
	const char *method;
	const char *path;			/* as sent, without the query */
	Jsonb	   *headers;		/* object, or array of objects; NULL: none */
	const char *body;			/* NULL: none */
	Jsonb	   *json;			/* the body, once http_read_body() read it */
	Client		client;
} HttpRequest;

typedef struct HttpResponse
{
	int			status;
	StringInfoData headers;		/* open JSON array of single-key objects */
	StringInfoData body;		/* empty: none */
} HttpResponse;

/* Names in lower case; NULL if there is no such header. */
extern char *http_header(const HttpRequest *request, const char *name);

/* NULL if cookies are off, or there is no such cookie, or it is empty. */
extern char *http_cookie(const HttpRequest *request, const char *name);

/* The token of "Authorization: Bearer", else the access cookie's; or NULL. */
extern char *http_access_token(const HttpRequest *request);

/* One member that a body may or must have, all of them strings. */
typedef struct BodyField
{
	const char *name;
	bool		required;
	char	   *value;			/* NULL: absent or null */
} BodyField;

/*
 * Reads the body's fields.  False if it had to be refused, and then the
 * response is written.  An empty body is read as one without fields if none
 * is required.
 */
extern bool http_read_body(HttpRequest *request, BodyField *fields, int count,
						   HttpResponse *response);

extern void http_add_header(HttpResponse *response, const char *name, const char *value);
extern void http_set_cookies(HttpResponse *response, const AuthResult *result);
extern void http_clear_cookies(HttpResponse *response);
extern void http_respond_refusal(HttpResponse *response, const Refusal *refusal);
extern void http_respond_auth(HttpResponse *response, int status, const AuthResult *result);

#endif							/* AUTHFORT_HTTP_MESSAGE_H */
