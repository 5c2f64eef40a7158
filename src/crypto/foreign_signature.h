/*
 * foreign_signature.h
 *		The algorithms with which others sign, to verify their tokens.
 *
 * authfort itself signs with three of them (pkey.h).
 */
#ifndef AUTHFORT_FOREIGN_SIGNATURE_H
#define AUTHFORT_FOREIGN_SIGNATURE_H

#include "postgres.h"

#include <openssl/evp.h>

typedef struct ForeignAlgorithm
{
	const char *name;              /* "alg" of a token */
	const char *kty;               /* of its keys, as a JWK says it */
	const char *crv;               /* the same; NULL: RSA */
	const char *group;             /* OpenSSL's name of the curve; NULL: no ECDSA */
	int number_bytes;              /* a coordinate, and half a signature, of ECDSA */
	bool pss;                      /* RSA with the padding of RSASSA-PSS */
	const EVP_MD *(*digest)(void); /* that of Ed25519 hashes the access token alone */
} ForeignAlgorithm;

#define FOREIGN_ALGORITHMS 11

extern const ForeignAlgorithm foreign_algorithms[FOREIGN_ALGORITHMS];

/* NULL for an unknown name, and so for "none" and HMACs. */
extern const ForeignAlgorithm *foreign_algorithm_find(const char *name);

/* Never raises.  The key is one of the algorithm's kind. */
extern bool
foreign_algorithm_verify(const ForeignAlgorithm *algorithm, EVP_PKEY *key, const char *message,
						 size_t message_len, const unsigned char *signature, size_t signature_len);

/* Hashes a text with the algorithm's digest; returns the length of the hash. */
extern size_t foreign_algorithm_hash(const ForeignAlgorithm *algorithm, const char *text,
									 unsigned char hash[EVP_MAX_MD_SIZE]);

#endif /* AUTHFORT_FOREIGN_SIGNATURE_H */
