/*
 * fetch.h
 *		Requests to other servers, which the door sends: a fetch is a value.
 *
 * A backend never waits for another server.  A flow that needs an answer from
 * one (OAuth) ends with a fetch; the door commits, sends it, holding no
 * connection to the database, and calls http_resume() with the answer and with
 * fetch->resume, the continuation of the flow.
 *
 * The continuation is a FetchFlow, sealed under the master key and bound to
 * this database, so that no table has a row for it and the door can neither
 * read nor change it.  It expires 30 seconds after the flow began.  The door
 * can hand it back more than once.  So the last step of a flow, in the
 * transaction in which it signs in, spends the flow's id (domain/spent_ids.h).
 * The flow's binding to the browser is checked before the first fetch.
 *
 * An answer has no address or user agent of the client: the continuation holds
 * those of the request that began the flow, for what the last step records.
 * Nor does it say what it answers: the continuation holds a digest of that, and
 * a step takes the answer only if it would still ask the same, since the
 * provider's configuration may have changed since.
 *
 * A step, from the side of a flow:
 *
 *	1. fetch_flow_begin() begins a flow.  fetch_flow_resume(), which http/door.c
 *	   calls, continues one.
 *	2. To ask for something, the flow sets flow->step and flow->state, fills in
 *	   a Fetch, and hands both to http_respond_fetch() (http/fetching.h).
 *	3. flow->step names the handler of the answer, an entry of steps[] in
 *	   http/fetching.c.  It gets the flow with its state, and the answer.  It
 *	   may ask for the next fetch in the same way.
 *
 * An answer is as trustworthy as the other server and the door, and its body
 * is any text.
 */
#ifndef AUTHFORT_FETCH_H
#define AUTHFORT_FETCH_H

#include "postgres.h"

#include "datatype/timestamp.h"
#include "lib/stringinfo.h"
#include "utils/jsonb.h"
#include "utils/uuid.h"

#include "base/client.h"
#include "base/refusal.h"

#define FETCH_LIMIT 4 /* fetches of one flow */
#define FETCH_FLOW_SECONDS 30
#define FETCH_TIMEOUT_MS 10000       /* of one fetch */
#define FETCH_MAX_BYTES (256 * 1024) /* of an answer's body */
#define FETCH_MAX_RESUME (16 * 1024) /* characters */
#define FETCH_MAX_HEADERS 6
#define FETCH_DIGEST_BYTES 32

typedef struct FetchHeader
{
	const char *name; /* in lower case */
	const char *value;
} FetchHeader;

/* The caller sets the first part, and fetch_seal() the second. */
typedef struct Fetch
{
	const char *method; /* GET or POST */
	const char *url;    /* web_url_is_confidential() */
	FetchHeader headers[FETCH_MAX_HEADERS];
	int header_count;
	const char *body; /* NULL: none */

	int timeout_ms;
	char *resume;
} Fetch;

/* The contents of a continuation. */
typedef struct FetchFlow
{
	pg_uuid_t id; /* spent by the last step */
	const char *provider;
	Client client; /* of the request that began the flow */
	TimestampTz expires_at;
	const char *step;                         /* the handler of the answer */
	Jsonb *state;                             /* the flow's own; NULL: none */
	Jsonb *request;                           /* http/fetching.c's own; NULL: none */
	int fetches;                              /* so far */
	unsigned char digest[FETCH_DIGEST_BYTES]; /* of method and URL of the fetch that is answered */
} FetchFlow;

typedef struct FetchAnswer
{
	int status;                /* 0: the fetch failed, and the rest is empty */
	const char *content_type;  /* NULL: none */
	const char *cache_control; /* NULL: none */
	const char *body;          /* "": none */
} FetchAnswer;

/*
 * The answer that a door hands back, without its headers.  An invalid HTTP
 * status, and a body larger than the limit, is treated as a failed fetch.
 */
extern FetchAnswer fetch_answer(int status, const char *body);

/* Whether it succeeded, and its body is a JSON object. */
extern bool fetch_answer_object(const FetchAnswer *answer, Jsonb **object);

/* Whether a role may be given fetches: a member of authfort_fetch. */
extern bool fetch_is_allowed(Oid role);

/* Begins a flow; "id" is what its last step spends. */
extern void
fetch_flow_begin(FetchFlow *flow, const pg_uuid_t *id, const char *provider, const Client *client);

/*
 * Completes a fetch, which the flow continues from.  Returns NULL, or the
 * refusal if the flow has had its fetches or its time, the URL or a header
 * cannot be sent, or the continuation is too large.
 */
extern const Refusal *fetch_seal(FetchFlow *flow, Fetch *fetch);

/* Appends a completed fetch as the object {method, url, headers, ...}. */
extern void fetch_append(StringInfo out, const Fetch *fetch);

/* Reads a continuation.  Returns NULL, or the refusal if it is invalid or has expired. */
extern const Refusal *fetch_flow_resume(const char *resume, FetchFlow *flow);

/* Whether the fetch that is answered was of that method and URL; NULL: false. */
extern bool fetch_flow_asked(const FetchFlow *flow, const char *method, const char *url);

#endif /* AUTHFORT_FETCH_H */
