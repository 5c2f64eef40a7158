/*
 * jwk.h
 *		JWK Sets of others (RFC 7517), to verify what they signed.
 */
#ifndef AUTHFORT_JWK_H
#define AUTHFORT_JWK_H

#include "postgres.h"

#include "utils/jsonb.h"

#include "crypto/foreign_signature.h"

/* Keys of a set that are looked at; the largest provider publishes a dozen. */
#define JWKS_MAX_KEYS 64

typedef struct Jwk
{
	EVP_PKEY *key; /* owned by the current memory context */
	char *issuer;  /* Microsoft's: for whose tokens alone it is; NULL: not stated */
} Jwk;

typedef enum JwkSearch
{
	JWK_FOUND,
	JWK_UNKNOWN,  /* a newer set may have it */
	JWK_AMBIGUOUS /* no id was given, and several keys could be meant */
} JwkSearch;

/* Whether a document is a JWK Set with at least one key that can verify signatures. */
extern bool jwks_is_usable(Jsonb *set);

/*
 * Finds the key with that id that signs with that algorithm: the only one that
 * the key states or, where it states none, one of those of its kind.  A NULL id
 * finds the only key of the algorithm.  Keys of other kinds and uses, malformed
 * and weak ones are passed over.
 */
extern JwkSearch jwks_find(Jsonb *set, const char *kid, const ForeignAlgorithm *algorithm, Jwk *jwk);

#endif /* AUTHFORT_JWK_H */
