/*
 * own_jwt.h
 *		JSON Web Tokens that a key of this database signs.
 */
#ifndef AUTHFORT_OWN_JWT_H
#define AUTHFORT_OWN_JWT_H

#include "postgres.h"

#include "lib/stringinfo.h"
#include "utils/jsonb.h"

#include "crypto/jwt.h"

/* A token of that type, in the current memory context. */
extern char *own_jwt_sign(const char *type, StringInfo payload);

/*
 * Verifies a token whose parts and header were read.  Returns NULL, after
 * setting *payload, or the reason of the refusal.
 */
extern const char *
own_jwt_verify(const char *token, const Jws *jws, const JwtHeader *header, Jsonb **payload);

#endif /* AUTHFORT_OWN_JWT_H */
