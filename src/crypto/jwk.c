/*
 * jwk.c
 *		JWK Sets of others (RFC 7517), to verify what they signed.
 *
 * The kind of a key decides on the algorithm, and what a token's header says is
 * compared with it.  So a public RSA key is never taken for the secret of an
 * HMAC, whatever a token asks for: symmetric keys are not read.
 */
#include "postgres.h"

#include "base/json.h"
#include "crypto/base64url.h"
#include "crypto/jwk.h"

#define MAX_NUMBER_BYTES 1056	/* RSA of 8,192 bits, and some zero bytes before */

/* A number of the key; false if it is missing or not in base64url. */
static bool
read_number(Jsonb *jwk, const char *name, unsigned char number[MAX_NUMBER_BYTES], size_t *len)
{
	char	   *text = json_member_string(jwk, name);

	return text != NULL && base64url_decode(text, strlen(text), number, MAX_NUMBER_BYTES, len) &&
		*len > 0;
}

static bool
read_rsa(Jsonb *jwk, Jwk *result)
{
	unsigned char n[MAX_NUMBER_BYTES];
	unsigned char e[MAX_NUMBER_BYTES];
	size_t		n_len;
	size_t		e_len;

	if (!read_number(jwk, "n", n, &n_len) || !read_number(jwk, "e", e, &e_len))
		return false;
	result->algorithm = SIGN_RS256;
	result->key = pkey_from_rsa_numbers(n, n_len, e, e_len);
	return result->key != NULL;
}

static bool
read_p256(Jsonb *jwk, Jwk *result)
{
	unsigned char x[MAX_NUMBER_BYTES];
	unsigned char y[MAX_NUMBER_BYTES];
	size_t		x_len;
	size_t		y_len;

	if (!read_number(jwk, "x", x, &x_len) || !read_number(jwk, "y", y, &y_len))
		return false;
	result->algorithm = SIGN_ES256;
	result->key = pkey_from_p256_point(x, x_len, y, y_len);
	return result->key != NULL;
}

static bool
read_ed25519(Jsonb *jwk, Jwk *result)
{
	unsigned char x[MAX_NUMBER_BYTES];
	size_t		x_len;

	if (!read_number(jwk, "x", x, &x_len))
		return false;
	result->algorithm = SIGN_EDDSA;
	result->key = pkey_from_ed25519_bytes(x, x_len);
	return result->key != NULL;
}

static bool
member_is(Jsonb *object, const char *name, const char *value)
{
	char	   *text = json_member_string(object, name);

	return text != NULL && strcmp(text, value) == 0;
}

/* An absent member permits it. */
static bool
is_for_signatures(Jsonb *jwk, SignatureAlgorithm algorithm)
{
	return (json_member(jwk, "use") == NULL || member_is(jwk, "use", "sig")) &&
		(json_member(jwk, "alg") == NULL ||
		 member_is(jwk, "alg", pkey_algorithm_name(algorithm)));
}

/* False for a key that this cannot verify with. */
static bool
read_jwk(Jsonb *jwk, Jwk *result)
{
	bool		read;

	if (member_is(jwk, "kty", "RSA"))
		read = read_rsa(jwk, result);
	else if (member_is(jwk, "kty", "EC") && member_is(jwk, "crv", "P-256"))
		read = read_p256(jwk, result);
	else
		read = member_is(jwk, "kty", "OKP") && member_is(jwk, "crv", "Ed25519") &&
			read_ed25519(jwk, result);
	return read && is_for_signatures(jwk, result->algorithm);
}

/* The array "keys"; NULL if it is missing. */
static JsonbContainer *
keys_of(Jsonb *set)
{
	JsonbValue *keys = json_member(set, "keys");

	if (keys == NULL || keys->type != jbvBinary || !JsonContainerIsArray(keys->val.binary.data))
		return NULL;
	return keys->val.binary.data;
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

bool
jwks_is_usable(Jsonb *set)
{
	JsonbContainer *keys = keys_of(set);
	Jwk			read;

	for (int i = 0; i < number_of_keys(keys); i++)
	{
		Jsonb	   *jwk = key_at(keys, i);

		if (jwk != NULL && read_jwk(jwk, &read))
			return true;
	}
	return false;
}

JwkSearch
jwks_find(Jsonb *set, const char *kid, SignatureAlgorithm algorithm, Jwk *jwk)
{
	JsonbContainer *keys = keys_of(set);
	int			found = 0;

	for (int i = 0; i < number_of_keys(keys); i++)
	{
		Jsonb	   *candidate = key_at(keys, i);
		Jwk			read;

		if (candidate == NULL || (kid != NULL && !member_is(candidate, "kid", kid)) ||
			!read_jwk(candidate, &read) || read.algorithm != algorithm)
			continue;
		*jwk = read;
		if (kid != NULL)
			return JWK_FOUND;
		found++;
	}
	if (found == 0)
		return JWK_UNKNOWN;
	return (found == 1) ? JWK_FOUND : JWK_AMBIGUOUS;
}
