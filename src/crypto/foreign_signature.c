/*
 * foreign_signature.c
 *		The algorithms with which others sign, to verify their tokens.
 */
#include "postgres.h"

#include <openssl/err.h>
#include <openssl/rsa.h>

#include "crypto/ecdsa_signature.h"
#include "crypto/foreign_signature.h"

/*
 * RFC 7518, section 3.1, without the HMACs, RFC 8037, and its new name of RFC 9864.  No specification
 * says with what an access token is hashed beside EdDSA; providers use SHA-512.
 */
const ForeignAlgorithm foreign_algorithms[FOREIGN_ALGORITHMS] = {
	{"RS256", "RSA", NULL, NULL, 0, false, EVP_sha256},
	{"RS384", "RSA", NULL, NULL, 0, false, EVP_sha384},
	{"RS512", "RSA", NULL, NULL, 0, false, EVP_sha512},
	{"PS256", "RSA", NULL, NULL, 0, true, EVP_sha256},
	{"PS384", "RSA", NULL, NULL, 0, true, EVP_sha384},
	{"PS512", "RSA", NULL, NULL, 0, true, EVP_sha512},
	{"ES256", "EC", "P-256", "prime256v1", 32, false, EVP_sha256},
	{"ES384", "EC", "P-384", "secp384r1", 48, false, EVP_sha384},
	{"ES512", "EC", "P-521", "secp521r1", 66, false, EVP_sha512},
	{"EdDSA", "OKP", "Ed25519", NULL, 0, false, EVP_sha512},
	{"Ed25519", "OKP", "Ed25519", NULL, 0, false, EVP_sha512},
};

const ForeignAlgorithm *
foreign_algorithm_find(const char *name)
{
	for (int i = 0; i < FOREIGN_ALGORITHMS; i++)
	{
		if (strcmp(foreign_algorithms[i].name, name) == 0)
			return &foreign_algorithms[i];
	}
	return NULL;
}

/* RFC 7518, section 3.5: the salt is as long as the hash. */
static bool
set_padding(EVP_PKEY_CTX *ctx)
{
	return EVP_PKEY_CTX_set_rsa_padding(ctx, RSA_PKCS1_PSS_PADDING) == 1 &&
		   EVP_PKEY_CTX_set_rsa_pss_saltlen(ctx, RSA_PSS_SALTLEN_DIGEST) == 1;
}

static bool
verify(const ForeignAlgorithm *algorithm, EVP_PKEY *key, const char *message, size_t message_len,
	   const unsigned char *signature, size_t signature_len)
{
	bool hashes_itself = strcmp(algorithm->kty, "OKP") == 0;
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	EVP_PKEY_CTX *key_ctx = NULL; /* owned by ctx */
	bool ok;

	ok = ctx != NULL &&
		 EVP_DigestVerifyInit(ctx, &key_ctx, hashes_itself ? NULL : algorithm->digest(), NULL,
							  key) == 1 &&
		 (!algorithm->pss || set_padding(key_ctx)) &&
		 EVP_DigestVerify(ctx, signature, signature_len, (const unsigned char *) message,
						  message_len) == 1;
	EVP_MD_CTX_free(ctx);
	return ok;
}

bool
foreign_algorithm_verify(const ForeignAlgorithm *algorithm, EVP_PKEY *key, const char *message,
						 size_t message_len, const unsigned char *signature, size_t signature_len)
{
	unsigned char der[ECDSA_MAX_DER];
	size_t der_len;
	bool ok;

	if (algorithm->group == NULL)
		ok = verify(algorithm, key, message, message_len, signature, signature_len);
	else if (signature_len != 2 * (size_t) algorithm->number_bytes)
		return false;
	else
	{
		der_len = ecdsa_raw_to_der(signature, algorithm->number_bytes, der);
		ok = der_len > 0 && verify(algorithm, key, message, message_len, der, der_len);
	}
	ERR_clear_error();
	return ok;
}

size_t
foreign_algorithm_hash(const ForeignAlgorithm *algorithm, const char *text,
					   unsigned char hash[EVP_MAX_MD_SIZE])
{
	unsigned int len;

	if (EVP_Digest(text, strlen(text), hash, &len, algorithm->digest(), NULL) != 1)
		elog(ERROR, "could not hash an access token");
	return len;
}
