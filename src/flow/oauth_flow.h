/*
 * oauth_flow.h
 *		A sign-in at a provider that has begun.
 *
 * No table knows of it.  The provider hands back "state", which holds the
 * flow's id and a MAC, and the browser hands back a cookie, in which the rest
 * is sealed and bound to that id.  So only the browser that began a flow can
 * end it, and the provider's logs and the visitor's history do not contain a
 * secret.
 */
#ifndef AUTHFORT_OAUTH_FLOW_H
#define AUTHFORT_OAUTH_FLOW_H

#include "postgres.h"

#include "datatype/timestamp.h"
#include "lib/stringinfo.h"
#include "utils/jsonb.h"
#include "utils/uuid.h"

#include "base/refusal.h"
#include "domain/oauth_providers.h"

#define OAUTH_FLOW_TTL 600     /* seconds */
#define OAUTH_VERIFIER_SIZE 44 /* characters of a PKCE verifier or a nonce, and a zero byte */

/* The form in which a flow ends. */
typedef enum OAuthMode
{
	OAUTH_REDIRECT, /* cookies, and a redirect if there is a target */
	OAUTH_POPUP,    /* a page that posts the result to its opener */
	OAUTH_CODE,     /* a one-time code for an app */
	OAUTH_JSON
} OAuthMode;

typedef struct OAuthFlow
{
	pg_uuid_t id; /* of uuid_v7_make(): it says when the flow began */
	char *provider;
	char *issuer; /* the provider's when the flow began; NULL: none */
	OAuthMode mode;
	char *redirect_to;    /* NULL: none */
	char *code_challenge; /* of the app, for OAUTH_CODE */
	bool links;           /* an account at the provider is linked to a user */
	pg_uuid_t user_id;
	pg_uuid_t session_id;     /* in which that was asked for; zero: by SQL */
	OAuthEndpoints endpoints; /* those of the provider when the flow began */
	TokenAuth token_auth;
	bool demands_issuer; /* the provider says that it names itself (RFC 9207) */
} OAuthFlow;

/* NULL is OAUTH_REDIRECT.  False if it is not known. */
extern bool oauth_mode_read(const char *text, OAuthMode *mode);

extern void oauth_flow_begin(OAuthFlow *flow, const OAuthProvider *provider);

/* Whether a flow began at that provider, whose issuer has not changed since. */
extern bool oauth_flow_is_of(const OAuthFlow *flow, const OAuthProvider *provider);

/* When a flow can no longer be ended. */
extern TimestampTz oauth_flow_expires_at(const pg_uuid_t *id);

/* For the provider, palloc'd: under 200 characters. */
extern char *oauth_flow_state(const pg_uuid_t *id);

/*
 * For the browser, palloc'd, and the name of its cookie without a prefix.  NULL
 * if the URLs in it are too long together.
 */
extern char *oauth_flow_cookie(const OAuthFlow *flow);
extern char *oauth_flow_cookie_name(const pg_uuid_t *id);

/* The id in a name that oauth_flow_cookie_name() made; false for another one. */
extern bool oauth_flow_read_cookie_name(const char *name, pg_uuid_t *id);

/*
 * Reads what came back.  Returns NULL or the refusal.  The second one takes the
 * flow's id from the first.
 */
extern const Refusal *oauth_flow_read_state(const char *state, pg_uuid_t *id);
extern const Refusal *
oauth_flow_read_cookie(const char *cookie, const pg_uuid_t *id, OAuthFlow *flow);

/* Derived from the id, so that they are stored nowhere. */
extern void oauth_flow_verifier(const pg_uuid_t *id, char verifier[OAUTH_VERIFIER_SIZE]);
extern void oauth_flow_nonce(const pg_uuid_t *id, char nonce[OAUTH_VERIFIER_SIZE]);

/* The flow as the object of a continuation (flow/fetch.h), and back. */
extern void oauth_flow_append_members(StringInfo out, const OAuthFlow *flow);
extern bool oauth_flow_read_members(Jsonb *json, OAuthFlow *flow);

#endif /* AUTHFORT_OAUTH_FLOW_H */
