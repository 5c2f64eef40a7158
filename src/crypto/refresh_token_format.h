/*
 * refresh_token_format.h
 *		The form of a refresh token.  Builds without a server.
 *
 * A token names one generation of one session:
 *
 *		version			1 byte
 *		master key id	4 bytes
 *		session id		16 bytes
 *		generation		4 bytes, big-endian
 *		MAC				32 bytes, over all of the above
 *
 * in base64url.  The MAC is keyed BLAKE2b under a key that is derived from
 * the master key, the database's id and the session's own random salt.  So the
 * contents of the database are not enough to make a token, tokens need not be
 * stored, and a database's tokens can be invalidated in a copy of it.
 */
#ifndef AUTHFORT_REFRESH_TOKEN_FORMAT_H
#define AUTHFORT_REFRESH_TOKEN_FORMAT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "crypto/base64url.h"

#define REFRESH_TOKEN_KEY_BYTES 32
#define REFRESH_TOKEN_SALT_BYTES 16
#define REFRESH_TOKEN_SESSION_BYTES 16
#define REFRESH_TOKEN_DATABASE_BYTES 16
#define REFRESH_TOKEN_MAC_BYTES 32
#define REFRESH_TOKEN_BYTES (1 + 4 + REFRESH_TOKEN_SESSION_BYTES + 4 + REFRESH_TOKEN_MAC_BYTES)
#define REFRESH_TOKEN_TEXT_SIZE BASE64URL_ENCODED_SIZE(REFRESH_TOKEN_BYTES)

typedef struct RefreshToken
{
	uint32_t master_key_id;
	unsigned char session_id[REFRESH_TOKEN_SESSION_BYTES];
	uint32_t generation;
	unsigned char mac[REFRESH_TOKEN_MAC_BYTES];
} RefreshToken;

/* What the key of a session's MACs is derived from; the caller wipes it. */
typedef struct RefreshTokenKey
{
	unsigned char master_subkey[REFRESH_TOKEN_KEY_BYTES]; /* for this purpose */
	unsigned char database_id[REFRESH_TOKEN_DATABASE_BYTES];
	unsigned char salt[REFRESH_TOKEN_SALT_BYTES];
} RefreshTokenKey;

/* False if the text is not a token of a version that we know. */
extern bool refresh_token_read(const char *text, size_t len, RefreshToken *token);

/* Sets token->mac. */
extern void refresh_token_sign(RefreshToken *token, const RefreshTokenKey *key);

/* Whether token->mac is right, in constant time. */
extern bool refresh_token_check(const RefreshToken *token, const RefreshTokenKey *key);

extern void refresh_token_write(const RefreshToken *token, char text[REFRESH_TOKEN_TEXT_SIZE]);

#endif /* AUTHFORT_REFRESH_TOKEN_FORMAT_H */
