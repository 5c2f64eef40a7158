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

typedef struct JwtHeader
{
	SignatureAlgorithm algorithm;
	char	   *kid;
} JwtHeader;

extern bool jwt_read_header(const Jws *jws, JwtHeader *header);
extern char *jwt_sign(EVP_PKEY *key, SignatureAlgorithm algorithm, const char *kid,
					  StringInfo payload);

#endif							/* AUTHFORT_JWT_H */
