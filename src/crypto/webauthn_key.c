/*
 * webauthn_key.c
 *		Public keys of authenticators, and their signatures.  Builds without a
 *		server.
 *
 * A key comes as a COSE_Key (RFC 9052 and 9053) and is stored as a
 * SubjectPublicKeyInfo, which OpenSSL reads.
 */
#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/param_build.h>
#include <openssl/x509.h>
#include <sodium.h>
#include <string.h>

#include "crypto/cbor.h"
#include "crypto/webauthn.h"

/* labels of RFC 9052, section 7.1, RFC 9053, section 7, and RFC 8230, section 4 */
#define COSE_KEY_TYPE 1
#define COSE_ALGORITHM 3
#define COSE_CURVE (-1)
#define COSE_X (-2)
#define COSE_Y (-3)
#define COSE_RSA_N (-1)
#define COSE_RSA_E (-2)

#define KEY_TYPE_OKP 1
#define KEY_TYPE_EC2 2
#define KEY_TYPE_RSA 3
#define CURVE_P256 1
#define CURVE_ED25519 6

#define COORDINATE_BYTES 32
#define MIN_RSA_BITS 2048
#define MAX_RSA_BYTES 1024		/* modulus */
#define MAX_RSA_EXPONENT_BYTES 4	/* a longer one only makes verifying slow */

/* DER up to the point, which is the uncompressed one of X9.62 */
static const unsigned char p256_prefix[] = {
	0x30, 0x59, 0x30, 0x13, 0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01,
	0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07, 0x03, 0x42, 0x00, 0x04
};

/* RFC 8410, section 4, up to the key */
static const unsigned char ed25519_prefix[] = {
	0x30, 0x2a, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x03, 0x21, 0x00
};

static void
append(WebauthnKey *key, const void *bytes, size_t len)
{
	memcpy(key->spki + key->len, bytes, len);
	key->len += len;
}

static bool
find_bytes(const CborItem *map, int label, CborItem *value)
{
	return cbor_find_integer(map, label, value) && value->kind == CBOR_BYTES;
}

static bool
find_coordinate(const CborItem *map, int label, CborItem *value)
{
	return find_bytes(map, label, value) && value->number == COORDINATE_BYTES;
}

static bool
has_integer(const CborItem *map, int label, int number)
{
	CborItem	value;

	return cbor_find_integer(map, label, &value) && cbor_is_integer(&value, number);
}

/* OpenSSL refuses a point that is not on the curve, or is the one at infinity. */
static bool
is_public_key(const WebauthnKey *key)
{
	const unsigned char *der = key->spki;
	EVP_PKEY   *pkey = d2i_PUBKEY(NULL, &der, key->len);
	EVP_PKEY_CTX *ctx = (pkey == NULL) ? NULL : EVP_PKEY_CTX_new(pkey, NULL);
	bool		ok = ctx != NULL && EVP_PKEY_public_check(ctx) == 1;

	EVP_PKEY_CTX_free(ctx);
	EVP_PKEY_free(pkey);
	ERR_clear_error();
	return ok;
}

static bool
read_p256(const CborItem *map, WebauthnKey *key)
{
	CborItem	x;
	CborItem	y;

	if (map->number != 5 || !has_integer(map, COSE_KEY_TYPE, KEY_TYPE_EC2) ||
		!has_integer(map, COSE_CURVE, CURVE_P256) ||
		!find_coordinate(map, COSE_X, &x) || !find_coordinate(map, COSE_Y, &y))
		return false;
	append(key, p256_prefix, sizeof(p256_prefix));
	append(key, x.content, COORDINATE_BYTES);
	append(key, y.content, COORDINATE_BYTES);
	return is_public_key(key);
}

/* libsodium also refuses points of small order, for which many signatures are valid. */
static bool
read_ed25519(const CborItem *map, WebauthnKey *key)
{
	CborItem	x;

	if (map->number != 4 || !has_integer(map, COSE_KEY_TYPE, KEY_TYPE_OKP) ||
		!has_integer(map, COSE_CURVE, CURVE_ED25519) || !find_coordinate(map, COSE_X, &x) ||
		crypto_core_ed25519_is_valid_point(x.content) != 1)
		return false;
	append(key, ed25519_prefix, sizeof(ed25519_prefix));
	append(key, x.content, COORDINATE_BYTES);
	return true;
}

/* Writes the key; false if OpenSSL does not take it. */
static bool
write_rsa(const BIGNUM *n, const BIGNUM *e, WebauthnKey *key)
{
	OSSL_PARAM_BLD *builder = OSSL_PARAM_BLD_new();
	OSSL_PARAM *parameters = NULL;
	EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_name(NULL, "RSA", NULL);
	EVP_PKEY   *pkey = NULL;
	unsigned char *end = key->spki;
	int			len = -1;

	if (builder != NULL && ctx != NULL &&
		OSSL_PARAM_BLD_push_BN(builder, OSSL_PKEY_PARAM_RSA_N, n) == 1 &&
		OSSL_PARAM_BLD_push_BN(builder, OSSL_PKEY_PARAM_RSA_E, e) == 1 &&
		(parameters = OSSL_PARAM_BLD_to_param(builder)) != NULL &&
		EVP_PKEY_fromdata_init(ctx) == 1 &&
		EVP_PKEY_fromdata(ctx, &pkey, EVP_PKEY_PUBLIC_KEY, parameters) == 1)
		len = i2d_PUBKEY(pkey, NULL);
	if (len > 0 && len <= WEBAUTHN_MAX_SPKI)
		key->len = i2d_PUBKEY(pkey, &end);
	EVP_PKEY_free(pkey);
	OSSL_PARAM_free(parameters);
	OSSL_PARAM_BLD_free(builder);
	EVP_PKEY_CTX_free(ctx);
	ERR_clear_error();
	return len > 0 && key->len == (size_t) len;
}

static bool
read_rsa(const CborItem *map, WebauthnKey *key)
{
	CborItem	n_bytes;
	CborItem	e_bytes;
	BIGNUM	   *n;
	BIGNUM	   *e;
	bool		ok;

	if (map->number != 4 || !has_integer(map, COSE_KEY_TYPE, KEY_TYPE_RSA) ||
		!find_bytes(map, COSE_RSA_N, &n_bytes) || n_bytes.number > MAX_RSA_BYTES ||
		!find_bytes(map, COSE_RSA_E, &e_bytes) || e_bytes.number > MAX_RSA_EXPONENT_BYTES)
		return false;
	n = BN_bin2bn(n_bytes.content, n_bytes.number, NULL);
	e = BN_bin2bn(e_bytes.content, e_bytes.number, NULL);
	ok = n != NULL && e != NULL && BN_num_bits(n) >= MIN_RSA_BITS && BN_is_odd(n) &&
		BN_is_odd(e) && !BN_is_one(e) && write_rsa(n, e, key);
	BN_free(n);
	BN_free(e);
	return ok;
}

bool
webauthn_read_key(const unsigned char *cose, size_t len, WebauthnKey *key)
{
	CborItem	map;

	key->len = 0;
	if (!cbor_read_whole(cose, len, &map) || map.kind != CBOR_MAP)
		return false;
	if (has_integer(&map, COSE_ALGORITHM, WEBAUTHN_ES256))
	{
		key->algorithm = WEBAUTHN_ES256;
		return read_p256(&map, key);
	}
	if (has_integer(&map, COSE_ALGORITHM, WEBAUTHN_EDDSA))
	{
		key->algorithm = WEBAUTHN_EDDSA;
		return read_ed25519(&map, key);
	}
	if (has_integer(&map, COSE_ALGORITHM, WEBAUTHN_RS256))
	{
		key->algorithm = WEBAUTHN_RS256;
		return read_rsa(&map, key);
	}
	return false;
}

/* Whether a stored key is of the kind that its algorithm uses. */
static bool
has_algorithm(EVP_PKEY *key, int algorithm)
{
	switch (algorithm)
	{
		case WEBAUTHN_ES256:
			return EVP_PKEY_is_a(key, "EC") == 1;
		case WEBAUTHN_EDDSA:
			return EVP_PKEY_is_a(key, "ED25519") == 1;
		case WEBAUTHN_RS256:
			return EVP_PKEY_is_a(key, "RSA") == 1;
	}
	return false;
}

/* EdDSA needs the message in one piece; OpenSSL hashes it itself for the others. */
bool
webauthn_verify(const unsigned char *spki, size_t spki_len, int algorithm,
				const unsigned char *data, size_t data_len,
				const unsigned char client_data_hash[WEBAUTHN_HASH_BYTES],
				const unsigned char *signature, size_t signature_len)
{
	EVP_PKEY   *key = d2i_PUBKEY(NULL, &spki, spki_len);
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	unsigned char *message = malloc(data_len + WEBAUTHN_HASH_BYTES);
	bool		ok = key != NULL && ctx != NULL && message != NULL && has_algorithm(key, algorithm);

	if (ok)
	{
		memcpy(message, data, data_len);
		memcpy(message + data_len, client_data_hash, WEBAUTHN_HASH_BYTES);
		ok = EVP_DigestVerifyInit(ctx, NULL, (algorithm == WEBAUTHN_EDDSA) ? NULL : EVP_sha256(),
								  NULL, key) == 1 &&
			EVP_DigestVerify(ctx, signature, signature_len,
							 message, data_len + WEBAUTHN_HASH_BYTES) == 1;
	}
	free(message);
	EVP_MD_CTX_free(ctx);
	EVP_PKEY_free(key);
	ERR_clear_error();
	return ok;
}
