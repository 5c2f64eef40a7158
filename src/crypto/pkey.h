/*
 * pkey.h
 *		Signing keys as OpenSSL has them: make, store, sign, verify, publish.
 *
 * Every key that is returned here belongs to the memory context that was
 * current: it is freed, and private parts wiped, when that context is reset or
 * deleted, on the error path as well.
 */
#ifndef AUTHFORT_PKEY_H
#define AUTHFORT_PKEY_H

#include "postgres.h"

#include "lib/stringinfo.h"
#include <openssl/evp.h>

typedef enum SignatureAlgorithm
{
	SIGN_RS256,
	SIGN_ES256,
	SIGN_EDDSA
} SignatureAlgorithm;

#define SIGNATURE_ALGORITHMS (SIGN_EDDSA + 1)

#define PKEY_MAX_SIGNATURE 1024 /* bytes; RSA of 8192 bits */

extern const char *pkey_algorithm_name(SignatureAlgorithm algorithm);
extern bool pkey_algorithm_by_name(const char *name, SignatureAlgorithm *algorithm);

extern EVP_PKEY *pkey_generate(SignatureAlgorithm algorithm, int rsa_bits);
extern EVP_PKEY *pkey_from_public_der(const unsigned char *der, size_t len);
extern EVP_PKEY *pkey_from_private_der(const unsigned char *der, size_t len);

/*
 * Public keys of others, from their numbers, big-endian.  NULL, and nothing is
 * raised, if it is not such a key, or is too weak: RSA under 2,048 bits.
 */
extern EVP_PKEY *pkey_from_rsa_numbers(const unsigned char *modulus, size_t modulus_len,
									   const unsigned char *exponent, size_t exponent_len);
/* "group" is OpenSSL's name of the curve, whose coordinates have so many bytes each. */
extern EVP_PKEY *pkey_from_ec_point(const char *group, const unsigned char *x,
									const unsigned char *y, size_t coordinate_bytes);
extern EVP_PKEY *pkey_from_ed25519_bytes(const unsigned char *bytes, size_t len);

/* A private key in PEM: PKCS #8 or a traditional form, not encrypted.  NULL if it is invalid. */
extern EVP_PKEY *pkey_from_pem(const char *pem);

/* The algorithm that a key of its kind signs with; false if it is of no supported kind. */
extern bool pkey_algorithm_of(EVP_PKEY *key, SignatureAlgorithm *algorithm);

extern unsigned char *pkey_public_der(EVP_PKEY *key, size_t *len);
extern unsigned char *pkey_private_der(EVP_PKEY *key, size_t *len);

extern size_t pkey_sign(EVP_PKEY *key, SignatureAlgorithm algorithm, const char *message,
						size_t message_len, unsigned char signature[PKEY_MAX_SIGNATURE]);

/*
 * What verifies with a key again and again; it belongs to the current memory
 * context, like a key.  OpenSSL 3 takes a sixth of an RSA verification to
 * make one.
 */
extern EVP_MD_CTX *pkey_verifier(EVP_PKEY *key, SignatureAlgorithm algorithm);

/* Never raises: an unreadable signature does not verify. */
extern bool pkey_verify(EVP_MD_CTX *verifier, SignatureAlgorithm algorithm, const char *message,
						size_t message_len, const unsigned char *signature, size_t signature_len);

extern char *pkey_thumbprint(EVP_PKEY *key, SignatureAlgorithm algorithm);
extern void
pkey_append_jwk(StringInfo out, EVP_PKEY *key, SignatureAlgorithm algorithm, const char *kid);

#endif /* AUTHFORT_PKEY_H */
