/*
 * id_token.c
 *		Verifying the id_token of an OpenID provider.
 *
 * The order is signature first: no claim is looked at before.
 */
#include "postgres.h"

#include <sodium.h>

#include "base/json.h"
#include "crypto/base64url.h"
#include "crypto/id_token.h"
#include "crypto/jwk.h"
#include "crypto/jws.h"

#define CLOCK_SKEW 60       /* seconds that the provider's clock may differ */
#define MAX_AGE (24 * 3600) /* seconds; "iat" of a token that was made for this sign-in */
#define TENANT "{tenantid}"
#define MAX_TENANT 64

/*
 * False for an unknown algorithm, so for "none" and HMACs, and for extensions
 * that would have to be understood (RFC 7515, section 4.1.11).  "typ" is
 * optional in an id_token.
 */
static bool
read_header(const Jws *jws, const ForeignAlgorithm **algorithm, char **kid)
{
	Jsonb *header;
	char *name;

	if (json_read_object(jws->header, jws->header_len, &header) != JSON_READ)
		return false;
	name = json_member_string(header, "alg");
	*kid = json_member_string(header, "kid");
	*algorithm = (name != NULL) ? foreign_algorithm_find(name) : NULL;
	return *algorithm != NULL && json_member(header, "crit") == NULL;
}

/* The issuer for the tenant that the token names; NULL if it names none. */
static char *
issuer_of_tenant(const char *issuer, Jsonb *claims)
{
	const char *at = strstr(issuer, TENANT);
	char *tenant = json_member_string(claims, "tid");

	if (tenant == NULL || tenant[0] == '\0' || strlen(tenant) > MAX_TENANT ||
		strspn(tenant, "0123456789abcdefABCDEF-") != strlen(tenant))
		return NULL;
	return psprintf("%.*s%s%s", (int) (at - issuer), issuer, tenant, at + strlen(TENANT));
}

static bool
check_issuer(Jsonb *claims, const IdTokenRules *rules)
{
	char *stated = json_member_string(claims, "iss");
	const char *expected = rules->issuer;

	if (strstr(expected, TENANT) != NULL)
		expected = issuer_of_tenant(expected, claims);
	if (stated == NULL || expected == NULL)
		return false;
	return strcmp(stated, expected) == 0 ||
		   (rules->other_issuer != NULL && strcmp(stated, rules->other_issuer) == 0);
}

/*
 * Where a provider has many issuers, a key can be for the tokens of one alone.
 * Otherwise the keys for Microsoft's personal accounts would sign for every
 * directory.
 */
static bool
check_key_issuer(Jsonb *claims, const Jwk *jwk, const IdTokenRules *rules)
{
	IdTokenRules of_key = {jwk->issuer};

	return jwk->issuer == NULL || strstr(rules->issuer, TENANT) == NULL ||
		   check_issuer(claims, &of_key);
}

static bool
is_our_audience(const char *audience, size_t len, const IdTokenRules *rules)
{
	for (int i = 0; i < rules->audience_count; i++)
	{
		if (strlen(rules->audiences[i]) == len && memcmp(rules->audiences[i], audience, len) == 0)
			return true;
	}
	return false;
}

static bool
check_authorized_party(Jsonb *claims, bool required, const IdTokenRules *rules)
{
	char *party = json_member_string(claims, "azp");

	if (party == NULL)
		return json_member(claims, "azp") == NULL && !required;
	return is_our_audience(party, strlen(party), rules);
}

/*
 * All audiences must be ours if there are several, unless the authorized party
 * is: a token that was made for another client would sign its bearer in here.
 */
static bool
check_audience(Jsonb *claims, const IdTokenRules *rules)
{
	JsonbValue *audience = json_member(claims, "aud");
	JsonbContainer *list;
	bool ours = false;
	int count;

	if (audience == NULL)
		return false;
	if (audience->type == jbvString)
		return is_our_audience(audience->val.string.val, audience->val.string.len, rules) &&
			   check_authorized_party(claims, false, rules);
	if (audience->type != jbvBinary || !JsonContainerIsArray(audience->val.binary.data))
		return false;
	list = audience->val.binary.data;
	count = JsonContainerSize(list);
	for (int i = 0; i < count && !ours; i++)
	{
		JsonbValue *element = getIthJsonbValueFromContainer(list, i);

		ours = element->type == jbvString &&
			   is_our_audience(element->val.string.val, element->val.string.len, rules);
	}
	return ours && check_authorized_party(claims, count > 1, rules);
}

static bool
check_times(Jsonb *claims, int64 now)
{
	int64 issued;
	int64 expires;
	int64 valid_from;

	if (!json_member_rounded(claims, "exp", false, &expires) || expires <= now - CLOCK_SKEW)
		return false;
	if (!json_member_rounded(claims, "iat", false, &issued) || issued > now + CLOCK_SKEW ||
		issued < now - MAX_AGE)
		return false;
	return json_member(claims, "nbf") == NULL ||
		   (json_member_rounded(claims, "nbf", false, &valid_from) && valid_from <= now + CLOCK_SKEW);
}

/* Whether "a" is that text; takes the same time for any text of its length. */
static bool
is_same_secret(const char *a, const char *b)
{
	return a != NULL && strlen(a) == strlen(b) && sodium_memcmp(a, b, strlen(b)) == 0;
}

static bool
check_nonce(Jsonb *claims, const char *nonce)
{
	return nonce == NULL || is_same_secret(json_member_string(claims, "nonce"), nonce);
}

/*
 * Section 3.1.3.6: the left half of a hash by the digest of the token's
 * algorithm.  It is optional in the code flow.
 */
static bool
check_access_token(Jsonb *claims, const ForeignAlgorithm *algorithm, const char *access_token)
{
	unsigned char hash[EVP_MAX_MD_SIZE];
	char text[BASE64URL_ENCODED_SIZE(EVP_MAX_MD_SIZE / 2)];
	size_t len;

	if (access_token == NULL || json_member(claims, "at_hash") == NULL)
		return true;
	len = foreign_algorithm_hash(algorithm, access_token, hash);
	base64url_encode(hash, len / 2, text);
	return is_same_secret(json_member_string(claims, "at_hash"), text);
}

static bool
check_subject(Jsonb *claims)
{
	char *subject = json_member_string(claims, "sub");

	return subject != NULL && subject[0] != '\0';
}

static bool
check_claims(Jsonb *claims, const ForeignAlgorithm *algorithm, const IdTokenRules *rules)
{
	return check_issuer(claims, rules) && check_audience(claims, rules) &&
		   check_times(claims, rules->now) && check_nonce(claims, rules->nonce) &&
		   check_access_token(claims, algorithm, rules->access_token) && check_subject(claims);
}

bool
id_token_is_readable(const char *token)
{
	Jws *jws = palloc(sizeof(Jws));
	const ForeignAlgorithm *algorithm;
	char *kid;

	return jws_read(token, strlen(token), jws) && read_header(jws, &algorithm, &kid);
}

IdTokenVerdict
id_token_verify(const char *token, Jsonb *keys, const IdTokenRules *rules, Jsonb **claims)
{
	Jws *jws = palloc(sizeof(Jws));
	const ForeignAlgorithm *algorithm;
	char *kid;
	Jwk jwk;

	if (!jws_read(token, strlen(token), jws) || !read_header(jws, &algorithm, &kid))
		return ID_TOKEN_INVALID;
	switch (jwks_find(keys, kid, algorithm, &jwk))
	{
		case JWK_FOUND:
			break;
		case JWK_UNKNOWN:
			return ID_TOKEN_UNKNOWN_KEY;
		case JWK_AMBIGUOUS:
			return ID_TOKEN_INVALID;
	}
	/* some providers give new keys the id of the old one, or name no key */
	if (!foreign_algorithm_verify(algorithm, jwk.key, token, jws->signed_len, jws->signature,
								  jws->signature_len))
		return ID_TOKEN_UNKNOWN_KEY;
	if (json_read_foreign_object(jws->payload, jws->payload_len, claims) != JSON_READ ||
		!check_claims(*claims, algorithm, rules) || !check_key_issuer(*claims, &jwk, rules))
		return ID_TOKEN_INVALID;
	return ID_TOKEN_VALID;
}
