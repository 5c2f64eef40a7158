/*
 * webauthn_key.c
 *		Public keys of authenticators, and their signatures.  Builds without a
 *		server.
 *
 * A key comes as a COSE_Key (RFC 9052 and 9053) and is stored as a
 * SubjectPublicKeyInfo, which is how others export public keys.
 */
#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/params.h>
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
#define MAX_RSA_BYTES 1024       /* modulus */
#define MAX_RSA_EXPONENT_BYTES 4 /* a longer one only makes verifying slow */

/* DER up to the point, which is the uncompressed one of X9.62 */
static const unsigned char p256_prefix[] = {
	0x30, 0x59, 0x30, 0x13, 0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01, 0x06,
	0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07, 0x03, 0x42, 0x00, 0x04,
};

/* RFC 8410, section 4, up to the key */
static const unsigned char ed25519_prefix[] = {
	0x30, 0x2a, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x03, 0x21, 0x00,
};

/* RFC 3279, section 2.3.1: the AlgorithmIdentifier of an RSA key */
static const unsigned char rsa_algorithm[] = {
	0x30, 0x0d, 0x06, 0x09, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x01, 0x05, 0x00,
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
	CborItem value;

	return cbor_find_integer(map, label, &value) && cbor_is_integer(&value, number);
}

/*
 * Stored keys are read here and not by d2i_PUBKEY(), which takes OpenSSL 3
 * several times as long as verifying a signature.  They are in the forms that
 * this file writes.
 */

/* A key with the curve alone. */
static EVP_PKEY *
make_p256_parameters(void)
{
	OSSL_PARAM group[] = {
		OSSL_PARAM_construct_utf8_string(OSSL_PKEY_PARAM_GROUP_NAME, "P-256", 0),
		OSSL_PARAM_construct_end(),
	};
	EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_name(NULL, "EC", NULL);
	EVP_PKEY *key = NULL;

	if (ctx == NULL || EVP_PKEY_fromdata_init(ctx) != 1 ||
		EVP_PKEY_fromdata(ctx, &key, EVP_PKEY_KEY_PARAMETERS, group) != 1)
		key = NULL;
	EVP_PKEY_CTX_free(ctx);
	return key;
}

/*
 * One key per process, whose point is replaced: nearly all passkeys are of this
 * kind, and OpenSSL 3 takes longer to make a key than to set its point.  It
 * refuses a point that is not on the curve.  The key is valid until the next
 * call, and never freed.
 */
static EVP_PKEY *
load_p256(const unsigned char *spki, size_t len)
{
	static EVP_PKEY *key = NULL;
	static const size_t before = sizeof(p256_prefix) - 1; /* the point includes the last byte */

	if (len != sizeof(p256_prefix) + 2 * COORDINATE_BYTES ||
		memcmp(spki, p256_prefix, sizeof(p256_prefix)) != 0)
		return NULL;
	if (key == NULL)
		key = make_p256_parameters();
	if (key == NULL || EVP_PKEY_set1_encoded_public_key(key, spki + before, len - before) != 1)
		return NULL;
	return key;
}

static EVP_PKEY *
load_ed25519(const unsigned char *spki, size_t len)
{
	if (len != sizeof(ed25519_prefix) + COORDINATE_BYTES ||
		memcmp(spki, ed25519_prefix, sizeof(ed25519_prefix)) != 0)
		return NULL;
	return EVP_PKEY_new_raw_public_key(EVP_PKEY_ED25519, NULL, spki + sizeof(ed25519_prefix),
									   COORDINATE_BYTES);
}

/* Enters a DER element of that tag; its length has one byte, or two after 0x82. */
static bool
enter_der(const unsigned char **der, const unsigned char *end, unsigned char tag, size_t *len)
{
	const unsigned char *in = *der;

	if (end - in < 2 || in[0] != tag)
		return false;
	if (in[1] < 0x80)
	{
		*len = in[1];
		*der = in + 2;
	}
	else
	{
		if (in[1] != 0x82 || end - in < 4)
			return false;
		*len = in[2] << 8 | in[3];
		*der = in + 4;
	}
	return *len <= (size_t) (end - *der);
}

/* Reads a number, and moves behind it. */
static BIGNUM *
read_der_integer(const unsigned char **der, const unsigned char *end)
{
	size_t len;
	BIGNUM *number;

	if (!enter_der(der, end, 0x02, &len))
		return NULL;
	number = BN_bin2bn(*der, len, NULL);
	*der += len;
	return number;
}

static EVP_PKEY *
make_rsa(const BIGNUM *n, const BIGNUM *e)
{
	unsigned char n_bytes[MAX_RSA_BYTES];
	unsigned char e_bytes[MAX_RSA_EXPONENT_BYTES];
	OSSL_PARAM numbers[] = {
		OSSL_PARAM_construct_BN(OSSL_PKEY_PARAM_RSA_N, n_bytes, BN_num_bytes(n)),
		OSSL_PARAM_construct_BN(OSSL_PKEY_PARAM_RSA_E, e_bytes, BN_num_bytes(e)),
		OSSL_PARAM_construct_end(),
	};
	EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_name(NULL, "RSA", NULL);
	EVP_PKEY *key = NULL;

	if (ctx == NULL || BN_num_bytes(n) > MAX_RSA_BYTES || BN_num_bytes(e) > MAX_RSA_EXPONENT_BYTES ||
		BN_bn2nativepad(n, n_bytes, BN_num_bytes(n)) < 0 ||
		BN_bn2nativepad(e, e_bytes, BN_num_bytes(e)) < 0 || EVP_PKEY_fromdata_init(ctx) != 1 ||
		EVP_PKEY_fromdata(ctx, &key, EVP_PKEY_PUBLIC_KEY, numbers) != 1)
		key = NULL;
	EVP_PKEY_CTX_free(ctx);
	return key;
}

static EVP_PKEY *
load_rsa(const unsigned char *spki, size_t spki_len)
{
	const unsigned char *end = spki + spki_len;
	size_t len;
	BIGNUM *n = NULL;
	BIGNUM *e = NULL;
	EVP_PKEY *key = NULL;

	if (!enter_der(&spki, end, 0x30, &len) || (size_t) (end - spki) < sizeof(rsa_algorithm) ||
		memcmp(spki, rsa_algorithm, sizeof(rsa_algorithm)) != 0)
		return NULL;
	spki += sizeof(rsa_algorithm);
	/* a BIT STRING with no unused bits, and in it a SEQUENCE of two numbers */
	if (!enter_der(&spki, end, 0x03, &len) || len == 0 || *spki++ != 0 ||
		!enter_der(&spki, end, 0x30, &len))
		return NULL;
	n = read_der_integer(&spki, end);
	e = (n == NULL) ? NULL : read_der_integer(&spki, end);
	if (e != NULL && spki == end)
		key = make_rsa(n, e);
	BN_free(n);
	BN_free(e);
	return key;
}

/* The caller frees it. */
static EVP_PKEY *
load_other_key(const unsigned char *spki, size_t len, int algorithm)
{
	switch (algorithm)
	{
		case WEBAUTHN_EDDSA:
			return load_ed25519(spki, len);
		case WEBAUTHN_RS256:
			return load_rsa(spki, len);
	}
	return NULL;
}

/* Only a key that can be read later is stored. */
static bool
is_loadable(const WebauthnKey *key)
{
	EVP_PKEY *other = NULL;
	bool loaded;

	if (key->algorithm == WEBAUTHN_ES256)
		loaded = load_p256(key->spki, key->len) != NULL;
	else
	{
		other = load_other_key(key->spki, key->len, key->algorithm);
		loaded = other != NULL;
	}
	EVP_PKEY_free(other);
	ERR_clear_error();
	return loaded;
}

static bool
read_cose_p256(const CborItem *map, WebauthnKey *key)
{
	CborItem x;
	CborItem y;

	if (map->number != 5 || !has_integer(map, COSE_KEY_TYPE, KEY_TYPE_EC2) ||
		!has_integer(map, COSE_CURVE, CURVE_P256) || !find_coordinate(map, COSE_X, &x) ||
		!find_coordinate(map, COSE_Y, &y))
		return false;
	append(key, p256_prefix, sizeof(p256_prefix));
	append(key, x.content, COORDINATE_BYTES);
	append(key, y.content, COORDINATE_BYTES);
	return is_loadable(key);
}

/* libsodium also refuses points of small order, for which many signatures are valid. */
static bool
read_cose_ed25519(const CborItem *map, WebauthnKey *key)
{
	CborItem x;

	if (map->number != 4 || !has_integer(map, COSE_KEY_TYPE, KEY_TYPE_OKP) ||
		!has_integer(map, COSE_CURVE, CURVE_ED25519) || !find_coordinate(map, COSE_X, &x) ||
		crypto_core_ed25519_is_valid_point(x.content) != 1)
		return false;
	append(key, ed25519_prefix, sizeof(ed25519_prefix));
	append(key, x.content, COORDINATE_BYTES);
	return is_loadable(key);
}

static bool
write_rsa(const BIGNUM *n, const BIGNUM *e, WebauthnKey *key)
{
	EVP_PKEY *rsa = make_rsa(n, e);
	unsigned char *end = key->spki;
	int len = (rsa == NULL) ? -1 : i2d_PUBKEY(rsa, NULL);

	if (len > 0 && len <= WEBAUTHN_MAX_SPKI)
		key->len = i2d_PUBKEY(rsa, &end);
	EVP_PKEY_free(rsa);
	ERR_clear_error();
	return len > 0 && key->len == (size_t) len && is_loadable(key);
}

static bool
read_cose_rsa(const CborItem *map, WebauthnKey *key)
{
	CborItem n_bytes;
	CborItem e_bytes;
	BIGNUM *n;
	BIGNUM *e;
	bool ok;

	if (map->number != 4 || !has_integer(map, COSE_KEY_TYPE, KEY_TYPE_RSA) ||
		!find_bytes(map, COSE_RSA_N, &n_bytes) || n_bytes.number > MAX_RSA_BYTES ||
		!find_bytes(map, COSE_RSA_E, &e_bytes) || e_bytes.number > MAX_RSA_EXPONENT_BYTES)
		return false;
	n = BN_bin2bn(n_bytes.content, n_bytes.number, NULL);
	e = BN_bin2bn(e_bytes.content, e_bytes.number, NULL);
	ok = n != NULL && e != NULL && BN_num_bits(n) >= MIN_RSA_BITS && BN_is_odd(n) && BN_is_odd(e) &&
		 !BN_is_one(e) && write_rsa(n, e, key);
	BN_free(n);
	BN_free(e);
	return ok;
}

bool
webauthn_read_key(const unsigned char *cose, size_t len, WebauthnKey *key)
{
	CborItem map;

	key->len = 0;
	if (!cbor_read_whole(cose, len, &map) || map.kind != CBOR_MAP)
		return false;
	if (has_integer(&map, COSE_ALGORITHM, WEBAUTHN_ES256))
	{
		key->algorithm = WEBAUTHN_ES256;
		return read_cose_p256(&map, key);
	}
	if (has_integer(&map, COSE_ALGORITHM, WEBAUTHN_EDDSA))
	{
		key->algorithm = WEBAUTHN_EDDSA;
		return read_cose_ed25519(&map, key);
	}
	if (has_integer(&map, COSE_ALGORITHM, WEBAUTHN_RS256))
	{
		key->algorithm = WEBAUTHN_RS256;
		return read_cose_rsa(&map, key);
	}
	return false;
}

/*
 * By OpenSSL, which uses the processor's instructions for SHA-256: libsodium
 * takes several times as long, and each sign-in hashes three times.
 */
bool
webauthn_hash(const void *data, size_t len, unsigned char hash[WEBAUTHN_HASH_BYTES])
{
	static EVP_MD *sha256 = NULL; /* fetched once per process, which takes longer than to hash */

	if (sha256 == NULL)
		sha256 = EVP_MD_fetch(NULL, "SHA256", NULL);
	return sha256 != NULL && EVP_Digest(data, len, hash, NULL, sha256, NULL) == 1;
}

/* The context is initialized each time, so that it verifies by the point that the key has now. */
static bool
verify_p256(EVP_PKEY *key, const unsigned char *message, size_t len, const unsigned char *signature,
			size_t signature_len)
{
	static EVP_PKEY_CTX *ctx = NULL;
	unsigned char hash[WEBAUTHN_HASH_BYTES];

	if (ctx == NULL)
		ctx = EVP_PKEY_CTX_new_from_pkey(NULL, key, NULL);
	return ctx != NULL && EVP_PKEY_verify_init(ctx) == 1 && webauthn_hash(message, len, hash) &&
		   EVP_PKEY_verify(ctx, signature, signature_len, hash, sizeof(hash)) == 1;
}

static bool
verify_other(EVP_PKEY *key, int algorithm, const unsigned char *message, size_t len,
			 const unsigned char *signature, size_t signature_len)
{
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	bool ok = ctx != NULL &&
			  EVP_DigestVerifyInit(ctx, NULL, (algorithm == WEBAUTHN_EDDSA) ? NULL : EVP_sha256(),
								   NULL, key) == 1 &&
			  EVP_DigestVerify(ctx, signature, signature_len, message, len) == 1;

	EVP_MD_CTX_free(ctx);
	return ok;
}

static bool
verify_message(const unsigned char *spki, size_t spki_len, int algorithm, const unsigned char *message,
			   size_t len, const unsigned char *signature, size_t signature_len)
{
	EVP_PKEY *key;
	bool ok;

	if (algorithm == WEBAUTHN_ES256)
	{
		key = load_p256(spki, spki_len);
		return key != NULL && verify_p256(key, message, len, signature, signature_len);
	}
	key = load_other_key(spki, spki_len, algorithm);
	ok = key != NULL && verify_other(key, algorithm, message, len, signature, signature_len);
	EVP_PKEY_free(key);
	return ok;
}

bool
webauthn_verify(const unsigned char *spki, size_t spki_len, int algorithm, const unsigned char *data,
				size_t data_len, const unsigned char client_data_hash[WEBAUTHN_HASH_BYTES],
				const unsigned char *signature, size_t signature_len)
{
	size_t len = data_len + WEBAUTHN_HASH_BYTES;
	unsigned char *message = malloc(len);
	bool ok;

	if (message == NULL)
		return false;
	memcpy(message, data, data_len);
	memcpy(message + data_len, client_data_hash, WEBAUTHN_HASH_BYTES);
	ok = verify_message(spki, spki_len, algorithm, message, len, signature, signature_len);
	free(message);
	ERR_clear_error();
	return ok;
}
