/*
 * own_jwt.c
 *		JSON Web Tokens that a key of this database signs.
 */
#include "postgres.h"

#include "base/json.h"
#include "domain/own_jwt.h"
#include "domain/signing_keys.h"

char *
own_jwt_sign(const char *type, StringInfo payload)
{
	SigningKey key = signing_keys_signing_key();

	return jwt_sign(key.private_key, key.algorithm, key.kid, type, payload);
}

const char *
own_jwt_verify(const char *token, const Jws *jws, const JwtHeader *header, Jsonb **payload)
{
	const VerificationKey *key = signing_keys_find(header->kid);

	if (key == NULL)
		return "its signing key is unknown or has expired";
	/* the key says which algorithm it is for; the token cannot choose */
	if (header->algorithm != key->algorithm)
		return "its algorithm is not its key's";
	if (!pkey_verify(key->verifier, key->algorithm, token, jws->signed_len, jws->signature,
					 jws->signature_len))
		return "its signature does not verify";
	if (json_read_object(jws->payload, jws->payload_len, payload) != JSON_READ)
		return "its payload is not a JSON object";
	return NULL;
}
