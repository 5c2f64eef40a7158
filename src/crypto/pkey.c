/*
 * pkey.c
 *		Signing keys as OpenSSL has them: make, store, sign, verify, publish.
 *
 * RS256 and ES256 follow RFC 7518, EdDSA (Ed25519) RFC 8037, the public form
 * RFC 7517 and the key id RFC 7638.
 */
#include "postgres.h"

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/param_build.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <openssl/sha.h>
#include <openssl/x509.h>

#include "crypto/base64url.h"
#include "crypto/ecdsa_signature.h"
#include "crypto/pkey.h"

#define P256_BYTES 32           /* one coordinate, or one half of a signature */
#define MAX_COORDINATE_BYTES 66 /* P-521 */
#define ED25519_PUBLIC_BYTES 32
#define MAX_RSA_BYTES 2048 /* longest modulus that we publish: 16384 bits */

/* Sizes of other parties' RSA keys: verifying with larger ones takes long. */
#define MIN_FOREIGN_RSA_BITS 2048
#define MAX_FOREIGN_RSA_BITS 8192
#define MAX_RSA_EXPONENT_BYTES 8

/* Raises OpenSSL's error, which names operations, never key material. */
static void
raise_openssl(const char *what)
{
	unsigned long code = ERR_get_error();
	char reason[256] = "no reason given";

	if (code != 0)
		ERR_error_string_n(code, reason, sizeof(reason));
	ERR_clear_error();
	ereport(ERROR,
			(errcode(ERRCODE_EXTERNAL_ROUTINE_EXCEPTION),
			 errmsg("could not %s", what),
			 errdetail("OpenSSL reports: %s.", reason)));
}

const char *
pkey_algorithm_name(SignatureAlgorithm algorithm)
{
	switch (algorithm)
	{
		case SIGN_RS256:
			return "RS256";
		case SIGN_ES256:
			return "ES256";
		case SIGN_EDDSA:
			return "EdDSA";
	}
	pg_unreachable();
}

bool
pkey_algorithm_by_name(const char *name, SignatureAlgorithm *algorithm)
{
	static const SignatureAlgorithm all[] = {SIGN_RS256, SIGN_ES256, SIGN_EDDSA};

	for (size_t i = 0; i < lengthof(all); i++)
	{
		if (strcmp(name, pkey_algorithm_name(all[i])) == 0)
		{
			*algorithm = all[i];
			return true;
		}
	}
	return false;
}

static void
free_pkey(void *key)
{
	EVP_PKEY_free(key);
}

/*
 * Allocates the owner of one key in the current context, which is freed with
 * it.  It is allocated before the key, so that running out of memory cannot
 * leak a key.
 */
static MemoryContextCallback *
reserve_owner(MemoryContextCallbackFunction release)
{
	MemoryContextCallback *owner = palloc0(sizeof(MemoryContextCallback));

	owner->func = release;
	MemoryContextRegisterResetCallback(CurrentMemoryContext, owner);
	return owner;
}

static EVP_PKEY *
owned_key(MemoryContextCallback *owner, EVP_PKEY *key, const char *what)
{
	if (key == NULL)
		raise_openssl(what);
	owner->arg = key;
	return key;
}

EVP_PKEY *
pkey_generate(SignatureAlgorithm algorithm, int rsa_bits)
{
	MemoryContextCallback *owner = reserve_owner(free_pkey);
	EVP_PKEY *key = NULL;

	switch (algorithm)
	{
		case SIGN_RS256:
			key = EVP_RSA_gen(rsa_bits);
			break;
		case SIGN_ES256:
			key = EVP_EC_gen("P-256");
			break;
		case SIGN_EDDSA:
			key = EVP_PKEY_Q_keygen(NULL, NULL, "ED25519");
			break;
	}
	return owned_key(owner, key, "generate a signing key");
}

/* "der" is a SubjectPublicKeyInfo (RFC 5280). */
EVP_PKEY *
pkey_from_public_der(const unsigned char *der, size_t len)
{
	MemoryContextCallback *owner = reserve_owner(free_pkey);

	return owned_key(owner, d2i_PUBKEY(NULL, &der, len), "read a public key");
}

/* "der" is a PKCS #8 PrivateKeyInfo (RFC 5208), not encrypted. */
EVP_PKEY *
pkey_from_private_der(const unsigned char *der, size_t len)
{
	MemoryContextCallback *owner = reserve_owner(free_pkey);
	PKCS8_PRIV_KEY_INFO *info = d2i_PKCS8_PRIV_KEY_INFO(NULL, &der, len);
	EVP_PKEY *key = (info == NULL) ? NULL : EVP_PKCS82PKEY(info);

	PKCS8_PRIV_KEY_INFO_free(info);
	return owned_key(owner, key, "read a private key");
}

/* NULL if OpenSSL made none; then what it reports is forgotten. */
static EVP_PKEY *
owned_or_null(MemoryContextCallback *owner, EVP_PKEY *key)
{
	if (key == NULL)
		ERR_clear_error();
	owner->arg = key;
	return key;
}

/* "type" is OpenSSL's name of the kind of key.  The parameters may be NULL. */
static EVP_PKEY *
public_from_parameters(const char *type, OSSL_PARAM *parameters)
{
	EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_name(NULL, type, NULL);
	EVP_PKEY *key = NULL;

	if (ctx == NULL || parameters == NULL || EVP_PKEY_fromdata_init(ctx) != 1 ||
		EVP_PKEY_fromdata(ctx, &key, EVP_PKEY_PUBLIC_KEY, parameters) != 1)
		key = NULL;
	EVP_PKEY_CTX_free(ctx);
	return key;
}

/* An exponent of 1 would make every message its own signature. */
static bool
is_strong_rsa(const BIGNUM *modulus, const BIGNUM *exponent)
{
	int bits = BN_num_bits(modulus);

	return bits >= MIN_FOREIGN_RSA_BITS && bits <= MAX_FOREIGN_RSA_BITS && BN_is_odd(modulus) &&
		   BN_is_odd(exponent) && !BN_is_one(exponent);
}

EVP_PKEY *
pkey_from_rsa_numbers(const unsigned char *modulus, size_t modulus_len,
					  const unsigned char *exponent, size_t exponent_len)
{
	MemoryContextCallback *owner = reserve_owner(free_pkey);
	OSSL_PARAM_BLD *builder;
	OSSL_PARAM *parameters = NULL;
	BIGNUM *n;
	BIGNUM *e;
	EVP_PKEY *key = NULL;

	if (modulus_len > MAX_RSA_BYTES || exponent_len > MAX_RSA_EXPONENT_BYTES)
		return NULL;
	builder = OSSL_PARAM_BLD_new();
	n = BN_bin2bn(modulus, modulus_len, NULL);
	e = BN_bin2bn(exponent, exponent_len, NULL);
	if (builder != NULL && n != NULL && e != NULL && is_strong_rsa(n, e) &&
		OSSL_PARAM_BLD_push_BN(builder, OSSL_PKEY_PARAM_RSA_N, n) == 1 &&
		OSSL_PARAM_BLD_push_BN(builder, OSSL_PKEY_PARAM_RSA_E, e) == 1)
	{
		parameters = OSSL_PARAM_BLD_to_param(builder);
		key = public_from_parameters("RSA", parameters);
	}
	OSSL_PARAM_free(parameters);
	OSSL_PARAM_BLD_free(builder);
	BN_free(n);
	BN_free(e);
	return owned_or_null(owner, key);
}

/* OpenSSL refuses a point that is not on the curve. */
EVP_PKEY *
pkey_from_ec_point(const char *group, const unsigned char *x, const unsigned char *y,
				   size_t coordinate_bytes)
{
	MemoryContextCallback *owner = reserve_owner(free_pkey);
	unsigned char point[1 + 2 * MAX_COORDINATE_BYTES] = {POINT_CONVERSION_UNCOMPRESSED};
	OSSL_PARAM parameters[3];

	Assert(coordinate_bytes <= MAX_COORDINATE_BYTES);
	memcpy(point + 1, x, coordinate_bytes);
	memcpy(point + 1 + coordinate_bytes, y, coordinate_bytes);
	parameters[0] =
		OSSL_PARAM_construct_utf8_string(OSSL_PKEY_PARAM_GROUP_NAME, unconstify(char *, group), 0);
	parameters[1] =
		OSSL_PARAM_construct_octet_string(OSSL_PKEY_PARAM_PUB_KEY, point, 1 + 2 * coordinate_bytes);
	parameters[2] = OSSL_PARAM_construct_end();
	return owned_or_null(owner, public_from_parameters("EC", parameters));
}

EVP_PKEY *
pkey_from_ed25519_bytes(const unsigned char *bytes, size_t len)
{
	MemoryContextCallback *owner = reserve_owner(free_pkey);

	if (len != ED25519_PUBLIC_BYTES)
		return NULL;
	return owned_or_null(owner, EVP_PKEY_new_raw_public_key(EVP_PKEY_ED25519, NULL, bytes, len));
}

/* Without it OpenSSL would ask for the passphrase at the terminal. */
static int
give_no_passphrase(char *buffer, int size, int rwflag, void *arg)
{
	return -1;
}

EVP_PKEY *
pkey_from_pem(const char *pem)
{
	MemoryContextCallback *owner = reserve_owner(free_pkey);
	BIO *bio = BIO_new_mem_buf(pem, -1);
	EVP_PKEY *key = NULL;

	if (bio != NULL)
		key = PEM_read_bio_PrivateKey(bio, NULL, give_no_passphrase, NULL);
	BIO_free(bio);
	return owned_or_null(owner, key);
}

bool
pkey_algorithm_of(EVP_PKEY *key, SignatureAlgorithm *algorithm)
{
	char group[64];

	switch (EVP_PKEY_get_base_id(key))
	{
		case EVP_PKEY_RSA:
			*algorithm = SIGN_RS256;
			return EVP_PKEY_get_bits(key) >= MIN_FOREIGN_RSA_BITS;
		case EVP_PKEY_EC:
			*algorithm = SIGN_ES256;
			return EVP_PKEY_get_group_name(key, group, sizeof(group), NULL) == 1 &&
				   strcmp(group, "prime256v1") == 0;
		case EVP_PKEY_ED25519:
			*algorithm = SIGN_EDDSA;
			return true;
		default:
			return false;
	}
}

/* The result is in the current memory context. */
unsigned char *
pkey_public_der(EVP_PKEY *key, size_t *len)
{
	int size = i2d_PUBKEY(key, NULL);
	unsigned char *der;
	unsigned char *end;

	if (size <= 0)
		raise_openssl("write a public key");
	der = end = palloc(size);
	if (i2d_PUBKEY(key, &end) != size)
		raise_openssl("write a public key");
	*len = size;
	return der;
}

/* The result is in the current memory context; the caller wipes it. */
unsigned char *
pkey_private_der(EVP_PKEY *key, size_t *len)
{
	PKCS8_PRIV_KEY_INFO *info = EVP_PKEY2PKCS8(key);
	int size = (info == NULL) ? -1 : i2d_PKCS8_PRIV_KEY_INFO(info, NULL);
	unsigned char *der;
	unsigned char *end;

	if (size <= 0)
	{
		PKCS8_PRIV_KEY_INFO_free(info);
		raise_openssl("write a private key");
	}
	der = end = palloc_extended(size, MCXT_ALLOC_NO_OOM);
	if (der != NULL)
		size = i2d_PKCS8_PRIV_KEY_INFO(info, &end);
	PKCS8_PRIV_KEY_INFO_free(info);
	if (der == NULL || size <= 0)
		raise_openssl("write a private key");
	*len = size;
	return der;
}

/* Ed25519 hashes by itself; for the others the digest is SHA-256. */
static const EVP_MD *
digest_of(SignatureAlgorithm algorithm)
{
	return (algorithm == SIGN_EDDSA) ? NULL : EVP_sha256();
}

/* Returns the number of bytes written to "signature", in the form of RFC 7518. */
size_t
pkey_sign(EVP_PKEY *key, SignatureAlgorithm algorithm, const char *message, size_t message_len,
		  unsigned char signature[PKEY_MAX_SIGNATURE])
{
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	size_t len = PKEY_MAX_SIGNATURE;
	bool ok;

	ok = ctx != NULL && EVP_DigestSignInit(ctx, NULL, digest_of(algorithm), NULL, key) == 1 &&
		 EVP_DigestSign(ctx, signature, &len, (const unsigned char *) message, message_len) == 1;
	EVP_MD_CTX_free(ctx);

	if (ok && algorithm == SIGN_ES256)
	{
		unsigned char raw[2 * P256_BYTES];

		len = ecdsa_der_to_raw(signature, len, P256_BYTES, raw);
		memcpy(signature, raw, len);
		ok = len > 0;
	}
	if (!ok)
		raise_openssl("sign a token");
	return len;
}

static void
free_verifier(void *arg)
{
	EVP_MD_CTX_free(arg);
}

EVP_MD_CTX *
pkey_verifier(EVP_PKEY *key, SignatureAlgorithm algorithm)
{
	MemoryContextCallback *owner = reserve_owner(free_verifier);
	EVP_MD_CTX *verifier = EVP_MD_CTX_new();

	owner->arg = verifier;
	if (verifier == NULL || EVP_DigestVerifyInit(verifier, NULL, digest_of(algorithm), NULL, key) != 1)
		raise_openssl("verify with a public key");
	return verifier;
}

bool
pkey_verify(EVP_MD_CTX *verifier, SignatureAlgorithm algorithm, const char *message,
			size_t message_len, const unsigned char *signature, size_t signature_len)
{
	unsigned char der[ECDSA_MAX_DER];
	bool ok;

	if (algorithm == SIGN_ES256)
	{
		if (signature_len != 2 * P256_BYTES)
			return false;
		signature_len = ecdsa_raw_to_der(signature, P256_BYTES, der);
		if (signature_len == 0)
			return false;
		signature = der;
	}

	/* without arguments it begins anew with the same key and digest */
	ok = EVP_DigestVerifyInit(verifier, NULL, NULL, NULL, NULL) == 1 &&
		 EVP_DigestVerify(verifier, signature, signature_len, (const unsigned char *) message,
						  message_len) == 1;
	ERR_clear_error();
	return ok;
}

static char *
base64url(const unsigned char *bytes, size_t len)
{
	char *out = palloc(BASE64URL_ENCODED_SIZE(len));

	base64url_encode(bytes, len, out);
	return out;
}

/* A public number as RFC 7518 writes it; "width" 0 means its shortest form. */
static char *
bignum_parameter(EVP_PKEY *key, const char *name, int width)
{
	BIGNUM *number = NULL;
	unsigned char bytes[MAX_RSA_BYTES];
	int len;

	if (EVP_PKEY_get_bn_param(key, name, &number) != 1)
		raise_openssl("read a public key");
	len = (width > 0) ? width : BN_num_bytes(number);
	if (len > MAX_RSA_BYTES || BN_bn2binpad(number, bytes, len) != len)
		len = -1;
	BN_free(number);
	if (len < 0)
		raise_openssl("read a public key");
	return base64url(bytes, len);
}

static char *
ed25519_public(EVP_PKEY *key)
{
	unsigned char bytes[ED25519_PUBLIC_BYTES];
	size_t len = sizeof(bytes);

	if (EVP_PKEY_get_raw_public_key(key, bytes, &len) != 1)
		raise_openssl("read a public key");
	return base64url(bytes, len);
}

/*
 * The members that make the key what it is, in the order and spelling that
 * RFC 7638 hashes.  Values are base64url, so nothing needs escaping.
 */
static void
append_key_members(StringInfo out, EVP_PKEY *key, SignatureAlgorithm algorithm)
{
	switch (algorithm)
	{
		case SIGN_RS256:
			appendStringInfo(out, "\"e\":\"%s\",\"kty\":\"RSA\",\"n\":\"%s\"",
							 bignum_parameter(key, OSSL_PKEY_PARAM_RSA_E, 0),
							 bignum_parameter(key, OSSL_PKEY_PARAM_RSA_N, 0));
			break;
		case SIGN_ES256:
			appendStringInfo(out, "\"crv\":\"P-256\",\"kty\":\"EC\",\"x\":\"%s\",\"y\":\"%s\"",
							 bignum_parameter(key, OSSL_PKEY_PARAM_EC_PUB_X, P256_BYTES),
							 bignum_parameter(key, OSSL_PKEY_PARAM_EC_PUB_Y, P256_BYTES));
			break;
		case SIGN_EDDSA:
			appendStringInfo(out, "\"crv\":\"Ed25519\",\"kty\":\"OKP\",\"x\":\"%s\"",
							 ed25519_public(key));
			break;
	}
}

/* The RFC 7638 SHA-256 thumbprint, which is the key's "kid". */
char *
pkey_thumbprint(EVP_PKEY *key, SignatureAlgorithm algorithm)
{
	StringInfoData json;
	unsigned char digest[SHA256_DIGEST_LENGTH];

	initStringInfo(&json);
	appendStringInfoChar(&json, '{');
	append_key_members(&json, key, algorithm);
	appendStringInfoChar(&json, '}');
	SHA256((const unsigned char *) json.data, json.len, digest);
	pfree(json.data);
	return base64url(digest, sizeof(digest));
}

/* Appends the public key as a JWK (RFC 7517). */
void
pkey_append_jwk(StringInfo out, EVP_PKEY *key, SignatureAlgorithm algorithm, const char *kid)
{
	appendStringInfoChar(out, '{');
	append_key_members(out, key, algorithm);
	appendStringInfo(out, ",\"use\":\"sig\",\"alg\":\"%s\",\"kid\":\"%s\"}",
					 pkey_algorithm_name(algorithm), kid);
}
