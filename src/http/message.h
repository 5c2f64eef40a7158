/*
 * message.h
 *		A request, from a gateway or PostgREST, and the response to it.
 */
#ifndef AUTHFORT_MESSAGE_H
#define AUTHFORT_MESSAGE_H

#include "postgres.h"

#include "lib/stringinfo.h"
#include "utils/jsonb.h"
#include "utils/uuid.h"

#include "base/client.h"
#include "base/refusal.h"
#include "http/headers.h"

#define HTTP_MAX_SEGMENTS 2 /* {names} in a route's path */

typedef struct HttpRequest
{
	const char *method;
	const char *path;  /* as sent, without the query */
	const char *query; /* NULL: none */
	HttpHeaders headers;
	Jsonb *cookies;                    /* object; NULL: they are in the headers */
	const struct AccessClaims *claims; /* verified before; NULL: nothing was */
	const char *body;                  /* NULL: none */
	bool body_is_known;                /* a NULL body means that there is none */
	Jsonb *json;                       /* the body, once http_read_body() read it */
	Client client;
	char *segments[HTTP_MAX_SEGMENTS]; /* what the path has for {names} */
	struct User *caller;               /* set for routes that are not open */
	char *mfa_token;      /* what stands in for the caller in ROUTE_ENROLLING; NULL: nothing */
	pg_uuid_t session_id; /* the caller's */
	bool by_cookie;       /* its token came as a cookie */
	Oid door;             /* the role that passes it; InvalidOid: PostgREST's */
} HttpRequest;

#define HTTP_MAX_BODY_BYTES 65536
#define HTTP_TOTAL_COUNT "X-Total-Count"
#define HTTP_DEFAULT_PAGE 50

typedef struct HttpResponse
{
	const HttpRequest *request;
	int status;
	HttpHeaders headers;
	StringInfoData body;       /* empty: none */
	const char *cache_control; /* NULL: no-store */
	const char *content_type;  /* of the body; NULL: JSON */
	const struct Fetch *fetch; /* what is needed before the response; NULL: nothing */
} HttpResponse;

/* The first header of that name, palloc'd; NULL if the request has no such header. */
extern char *http_header(const HttpRequest *request, const char *name);

/* All headers of that name, in order, joined by commas; "" if there are none. */
extern char *http_header_list(const HttpRequest *request, const char *name);
extern char *http_header_joined(const HttpRequest *request, const char *name, const char *separator);

/* The rest of "Authorization" after that scheme, in any letter case; NULL for another scheme. */
extern char *http_credentials(const HttpRequest *request, const char *scheme);

/* The token of "Authorization: Bearer", or NULL. */
extern char *http_bearer_token(const HttpRequest *request);

/* Whether Content-Type says that the body is JSON. */
extern bool http_has_json_type(const HttpRequest *request);
extern const Refusal http_wrong_content_type;
extern const Refusal http_body_too_large;

typedef enum FieldType
{
	FIELD_STRING,
	FIELD_BOOLEAN,
	FIELD_STRINGS, /* an array of strings */
	FIELD_OBJECT,
	FIELD_ANY /* whatever is not a string is read as an empty one */
} FieldType;

/* One member that a body may or must have. */
typedef struct BodyField
{
	const char *name;
	bool required;
	FieldType type;
	bool present; /* and not null; only then the rest is set */
	char *value;  /* NULL if not present */
	bool boolean;
	char **values;
	int count;
	Jsonb *object;
} BodyField;

/*
 * Reads the body's fields.  Returns false if the body is refused; the response
 * is then complete.  An empty body is treated as one without fields if none is
 * required.
 */
extern bool
http_read_body(HttpRequest *request, BodyField *fields, int count, HttpResponse *response);

/* A string of the body before it is read; NULL if it is missing, or the body is refused. */
extern char *http_body_string(const HttpRequest *request, const char *name);

/* The same for a body whose members the caller reads: request->json. */
extern bool http_read_object(HttpRequest *request, HttpResponse *response);

/*
 * Adds an error of the body ("where") to the response; "field" may be NULL.
 * Then http_end_faults() completes the response, and returns true, if there
 * were any.
 */
extern void http_add_fault(HttpResponse *response, const char *where, const char *field,
						   const char *type, const char *message);
extern bool http_end_faults(HttpResponse *response);

/*
 * Parameters of the query, decoded.  "value" is unchanged if there is no such
 * parameter.  Returns false if it is malformed or, for an integer, out of
 * range; the response is then complete.
 */
extern bool
http_query_text(const HttpRequest *request, const char *name, char **value, HttpResponse *response);
extern bool http_query_boolean(const HttpRequest *request, const char *name, bool *value,
							   bool *present, HttpResponse *response);
extern bool http_query_integer(const HttpRequest *request, const char *name, int min, int max,
							   int *value, HttpResponse *response);

/* Refuses a parameter of the query; returns false. */
extern bool http_refuse_parameter(const char *name, const char *type, const char *message,
								  HttpResponse *response);

/* Both strings stay with the caller for as long as the response is used. */
extern void http_add_header(HttpResponse *response, const char *name, const char *value);

/* Complete the response: with the refusal's status, code and details, or with 200 and a message. */
extern void http_respond_refusal(HttpResponse *response, const Refusal *refusal);
extern void http_respond_message(HttpResponse *response, const char *message);

/* Respond with 204, or with a message, or with the refusal unless it is NULL. */
extern void http_respond_nothing(HttpResponse *response, const Refusal *refusal);
extern void http_respond_done(HttpResponse *response, const Refusal *refusal, const char *message);

#endif /* AUTHFORT_MESSAGE_H */
