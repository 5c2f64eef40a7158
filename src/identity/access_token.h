/*
 * access_token.h
 *		Issues and verifies access tokens, JWTs that identify a user.
 */
#ifndef AUTHFORT_ACCESS_TOKEN_H
#define AUTHFORT_ACCESS_TOKEN_H

#include "postgres.h"

#include "utils/jsonb.h"
#include "utils/uuid.h"

#include "base/refusal.h"
#include "domain/sessions.h"
#include "domain/users.h"

typedef struct AccessClaims
{
	pg_uuid_t sub;
	pg_uuid_t sid;
	int64 ver;
	int64 exp;    /* Unix time; PG_INT64_MAX: none */
	bool has_sid; /* whether "sid" is set */
	bool has_ver; /* whether "ver" is set */
	char **roles;
	int role_count;
	int aal; /* 1 if the token does not say */
	char **amr;
	int amr_count;
	int64 auth_time; /* Unix time; 0: the token does not say */
	Jsonb *json;     /* the whole payload */
} AccessClaims;

/* "more" has further claims, as the members of a JSON object in text; NULL: none. */
extern char *access_token_issue(const User *user, const Session *session, const char *more);

/*
 * Verifies a token; the text is NULL if the token is missing.  Returns NULL
 * and sets *claims, or returns the refusal and sets *reason to a more specific
 * text for logs and errors.  The claims stay as they are until the next call.
 * No table is read unless keys changed.
 */
extern const Refusal *
access_token_verify(const char *token, const AccessClaims **claims, const char **reason);

/*
 * The same for a token that may have expired.  Its claims may only be used to
 * compare it with another token.
 */
extern const Refusal *access_token_verify_expired(const char *token, const AccessClaims **claims);

/*
 * Verifies, and also checks in the tables that the user exists and is not
 * banned, the token version is current, and the session is live.  On success
 * *user is in the current memory context.
 */
extern const Refusal *access_token_authenticate(const char *token, const AccessClaims **claims,
												User **user, const char **reason);

/* The second half of that, for claims that were verified before. */
extern const Refusal *
access_claims_authenticate(const AccessClaims *claims, User **user, const char **reason);

/* The same for callers that do not need the user. */
extern const Refusal *access_claims_check(const AccessClaims *claims, const char **reason);

/*
 * Reads, in the current memory context, claims that a trusted authenticator
 * has verified.  Returns NULL, or the reason why they give no identity.  The
 * caller checks the expiry.
 */
extern const char *access_claims_read(const char *text, AccessClaims *claims);

/* Raises the refusal; "reason" never contains a part of the token. */
extern _Noreturn void access_token_raise(const Refusal *refusal, const char *reason);

/* Copies in the current memory context. */
extern void access_claims_copy(const AccessClaims *claims, AccessClaims *copy);
extern Jsonb *access_claims_json(const AccessClaims *claims);

#endif /* AUTHFORT_ACCESS_TOKEN_H */
