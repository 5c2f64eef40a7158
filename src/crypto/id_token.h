/*
 * id_token.h
 *		Verifying the id_token of an OpenID provider.
 */
#ifndef AUTHFORT_ID_TOKEN_H
#define AUTHFORT_ID_TOKEN_H

#include "postgres.h"

#include "utils/jsonb.h"

/* The claims that an id_token must have; NULL where none is required. */
typedef struct IdTokenRules
{
	const char *issuer;       /* "{tenantid}" in it stands for the claim "tid" */
	const char *other_issuer; /* another spelling of it, which the provider uses as well */
	char *const *audiences;   /* the client ids that are ours */
	int audience_count;
	const char *nonce;
	const char *access_token; /* that came with it, for at_hash */
	int64 now;                /* Unix time */
} IdTokenRules;

typedef enum IdTokenVerdict
{
	ID_TOKEN_VALID,
	ID_TOKEN_INVALID,
	ID_TOKEN_UNKNOWN_KEY /* newer keys of the provider may verify it */
} IdTokenVerdict;

/* Whether a text has the form of a token, of a known algorithm; nothing is verified. */
extern bool id_token_is_readable(const char *token);

/*
 * Verifies a token with the provider's JWK Set, as OpenID Connect Core 1.0
 * demands (section 3.1.3.7).  Gives the claims of a valid one.
 */
extern IdTokenVerdict
id_token_verify(const char *token, Jsonb *keys, const IdTokenRules *rules, Jsonb **claims);

#endif /* AUTHFORT_ID_TOKEN_H */
