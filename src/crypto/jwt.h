/*
 * jwt.h
 *		JSON Web Tokens (RFC 7519) signed as JWS, with any claims.
 */
#ifndef AUTHFORT_JWT_H
#define AUTHFORT_JWT_H

#include "postgres.h"

#include "lib/stringinfo.h"

#include "crypto/jws.h"
#include "crypto/pkey.h"

/* The "typ" of a token, so that one kind is never taken for another (RFC 8725, section 3.11). */
#define JWT_TYPE_DEFAULT "JWT"
#define JWT_TYPE_MFA_CHALLENGE "mfa+jwt"

typedef struct JwtHeader
{
	SignatureAlgorithm algorithm;
	char *kid;
} JwtHeader;

/* False if the token is not of that type. */
extern bool jwt_read_header(const Jws *jws, const char *type, JwtHeader *header);
extern char *jwt_sign(EVP_PKEY *key, SignatureAlgorithm algorithm, const char *kid,
					  const char *type, StringInfo payload);

#endif /* AUTHFORT_JWT_H */
