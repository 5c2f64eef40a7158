/*
 * sha256.c
 *		The SHA-256 of a text, as text.
 */
#include "postgres.h"

#include <sodium.h>

#include "crypto/base64url.h"
#include "crypto/sha256.h"

#define DIGEST_BYTES crypto_hash_sha256_BYTES
#define HEX_SIZE (2 * DIGEST_BYTES + 1)

static void
hash_text(const char *text, unsigned char digest[DIGEST_BYTES])
{
	crypto_hash_sha256(digest, (const unsigned char *) text, strlen(text));
}

char *
sha256_hex(const char *text)
{
	unsigned char digest[DIGEST_BYTES];

	hash_text(text, digest);
	return sodium_bin2hex(palloc(HEX_SIZE), HEX_SIZE, digest, sizeof(digest));
}

char *
sha256_base64url(const char *text)
{
	unsigned char digest[DIGEST_BYTES];
	char *encoded = palloc(BASE64URL_ENCODED_SIZE(sizeof(digest)));

	hash_text(text, digest);
	base64url_encode(digest, sizeof(digest), encoded);
	return encoded;
}
