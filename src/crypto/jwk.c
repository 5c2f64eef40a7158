/*
 * jwk.c
 *		JWK Sets of others (RFC 7517), to verify what they signed.
 *
 * The key decides which algorithms it verifies, by its kind and by the one that
 * it states; a token's header only chooses among these.  So a public RSA key is
 * never taken for the secret of an HMAC, whatever a token asks for: symmetric
 * keys are not read.
 */
#include "postgres.h"

#include "base/json.h"
#include "crypto/base64url.h"
#include "crypto/jwk.h"
#include "crypto/pkey.h"

#define MAX_NUMBER_BYTES 1056 /* RSA of 8,192 bits, and some zero bytes before */

/* A number of the key; false if it is missing or not in base64url. */
static bool
read_number(Jsonb *jwk, const char *name, unsigned char number[MAX_NUMBER_BYTES], size_t *len)
{
	char *text = json_member_string(jwk, name);

	return text != NULL && base64url_decode(text, strlen(text), number, MAX_NUMBER_BYTES, len) &&
		   *len > 0;
}

static EVP_PKEY *
read_rsa(Jsonb *jwk)
{
	unsigned char n[MAX_NUMBER_BYTES];
	unsigned char e[MAX_NUMBER_BYTES];
	size_t n_len;
	size_t e_len;

	if (!read_number(jwk, "n", n, &n_len) || !read_number(jwk, "e", e, &e_len))
		return NULL;
	return pkey_from_rsa_numbers(n, n_len, e, e_len);
}

/* Coordinates have their full length, with zeros before (RFC 7518, section 6.2.1.2). */
static EVP_PKEY *
read_ec(Jsonb *jwk, const ForeignAlgorithm *algorithm)
{
	unsigned char x[MAX_NUMBER_BYTES];
	unsigned char y[MAX_NUMBER_BYTES];
	size_t bytes = algorithm->number_bytes;
	size_t x_len;
	size_t y_len;

	if (!read_number(jwk, "x", x, &x_len) || !read_number(jwk, "y", y, &y_len) || x_len != bytes ||
		y_len != bytes)
		return NULL;
	return pkey_from_ec_point(algorithm->group, x, y, bytes);
}

static EVP_PKEY *
read_ed25519(Jsonb *jwk)
{
	unsigned char x[MAX_NUMBER_BYTES];
	size_t x_len;

	return read_number(jwk, "x", x, &x_len) ? pkey_from_ed25519_bytes(x, x_len) : NULL;
}

/* An absent "use" or "alg" permits it. */
static bool
is_key_of(Jsonb *jwk, const ForeignAlgorithm *algorithm)
{
	return json_member_is(jwk, "kty", algorithm->kty) &&
		   (algorithm->crv == NULL || json_member_is(jwk, "crv", algorithm->crv)) &&
		   (json_member(jwk, "use") == NULL || json_member_is(jwk, "use", "sig")) &&
		   (json_member(jwk, "alg") == NULL || json_member_is(jwk, "alg", algorithm->name));
}

/* NULL for a key that cannot verify signatures of that algorithm. */
static EVP_PKEY *
read_key(Jsonb *jwk, const ForeignAlgorithm *algorithm)
{
	if (!is_key_of(jwk, algorithm))
		return NULL;
	if (algorithm->crv == NULL)
		return read_rsa(jwk);
	return (algorithm->group != NULL) ? read_ec(jwk, algorithm) : read_ed25519(jwk);
}

/* The key at that place; NULL if it is not an object. */
static Jsonb *
key_at(JsonbContainer *keys, int index)
{
	JsonbValue *element = getIthJsonbValueFromContainer(keys, index);

	if (element == NULL || element->type != jbvBinary ||
		!JsonContainerIsObject(element->val.binary.data))
		return NULL;
	return JsonbValueToJsonb(element);
}

static int
number_of_keys(JsonbContainer *keys)
{
	return (keys == NULL) ? 0 : Min(JsonContainerSize(keys), JWKS_MAX_KEYS);
}

static bool
is_known_key(Jsonb *jwk)
{
	for (int i = 0; i < FOREIGN_ALGORITHMS; i++)
	{
		if (read_key(jwk, &foreign_algorithms[i]) != NULL)
			return true;
	}
	return false;
}

bool
jwks_is_usable(Jsonb *set)
{
	JsonbContainer *keys = json_member_array(set, "keys");

	for (int i = 0; i < number_of_keys(keys); i++)
	{
		Jsonb *jwk = key_at(keys, i);

		if (jwk != NULL && is_known_key(jwk))
			return true;
	}
	return false;
}

JwkSearch
jwks_find(Jsonb *set, const char *kid, const ForeignAlgorithm *algorithm, Jwk *jwk)
{
	JsonbContainer *keys = json_member_array(set, "keys");
	int found = 0;

	for (int i = 0; i < number_of_keys(keys); i++)
	{
		Jsonb *candidate = key_at(keys, i);
		EVP_PKEY *read;

		if (candidate == NULL || (kid != NULL && !json_member_is(candidate, "kid", kid)) ||
			(read = read_key(candidate, algorithm)) == NULL)
			continue;
		jwk->key = read;
		jwk->issuer = json_member_string(candidate, "issuer");
		if (kid != NULL)
			return JWK_FOUND;
		found++;
	}
	if (found == 0)
		return JWK_UNKNOWN;
	return (found == 1) ? JWK_FOUND : JWK_AMBIGUOUS;
}
