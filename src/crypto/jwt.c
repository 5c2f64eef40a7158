/*
 * jwt.c
 *		JSON Web Tokens (RFC 7519) signed as JWS, with any claims.
 */
#include "postgres.h"

#include "base/json.h"
#include "crypto/jwt.h"

/*
 * Reads the header of a token that is not yet verified.  False unless
 * jwt_sign() could have written it: a supported algorithm, a key id, that
 * type, and no "crit", because extensions are not supported (RFC 7515,
 * section 4.1.11).  Other members, such as "jku" or "jwk", are ignored.
 */
bool
jwt_read_header(const Jws *jws, const char *type, JwtHeader *header)
{
	Jsonb *json;
	char *algorithm;
	char *own_type;

	if (json_read_object(jws->header, jws->header_len, &json) != JSON_READ)
		return false;
	algorithm = json_member_string(json, "alg");
	own_type = json_member_string(json, "typ");
	header->kid = json_member_string(json, "kid");
	return algorithm != NULL && pkey_algorithm_by_name(algorithm, &header->algorithm) &&
		   own_type != NULL && pg_strcasecmp(own_type, type) == 0 && header->kid != NULL &&
		   header->kid[0] != '\0' && json_member(json, "crit") == NULL;
}

static void
append_base64url(StringInfo out, const unsigned char *bytes, size_t len)
{
	enlargeStringInfo(out, BASE64URL_ENCODED_SIZE(len));
	base64url_encode(bytes, len, out->data + out->len);
	out->len += strlen(out->data + out->len);
}

/* The token is in the current memory context. */
char *
jwt_sign(EVP_PKEY *key, SignatureAlgorithm algorithm, const char *kid, const char *type,
		 StringInfo payload)
{
	StringInfoData token;
	char *header;
	unsigned char signature[PKEY_MAX_SIGNATURE];
	size_t signature_len;

	initStringInfo(&token);
	header = psprintf("{\"alg\":\"%s\",\"typ\":\"%s\"%s}", pkey_algorithm_name(algorithm), type,
					  (kid != NULL) ? psprintf(",\"kid\":\"%s\"", kid) : "");
	append_base64url(&token, (unsigned char *) header, strlen(header));
	appendStringInfoChar(&token, '.');
	append_base64url(&token, (unsigned char *) payload->data, payload->len);
	signature_len = pkey_sign(key, algorithm, token.data, token.len, signature);
	appendStringInfoChar(&token, '.');
	append_base64url(&token, signature, signature_len);

	if (token.len > JWS_MAX_LENGTH)
		ereport(ERROR,
				(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
				 errmsg("the token would be longer than %d characters", JWS_MAX_LENGTH),
				 errhint("Give the user fewer roles.")));
	return token.data;
}
