/*
 * refresh_token_format.c
 *		The form of a refresh token.  Builds without a server.
 */
#include <sodium.h>
#include <string.h>

#include "crypto/refresh_token_format.h"

#define VERSION 1
#define SIGNED_BYTES (REFRESH_TOKEN_BYTES - REFRESH_TOKEN_MAC_BYTES)

/* All that the MAC covers. */
static void
write_signed_part(const RefreshToken *token, unsigned char out[SIGNED_BYTES])
{
	*out++ = VERSION;
	memcpy(out, &token->master_key_id, sizeof(token->master_key_id));
	out += sizeof(token->master_key_id);
	memcpy(out, token->session_id, REFRESH_TOKEN_SESSION_BYTES);
	out += REFRESH_TOKEN_SESSION_BYTES;
	*out++ = token->generation >> 24;
	*out++ = token->generation >> 16;
	*out++ = token->generation >> 8;
	*out++ = token->generation;
}

static void
compute_token_mac(const RefreshToken *token, const RefreshTokenKey *key,
				  unsigned char mac[REFRESH_TOKEN_MAC_BYTES])
{
	static const unsigned char personal[crypto_generichash_blake2b_PERSONALBYTES + 1] =
		"authfort refresh";
	unsigned char session_key[REFRESH_TOKEN_KEY_BYTES];
	unsigned char message[SIGNED_BYTES];

	write_signed_part(token, message);
	crypto_generichash_blake2b_salt_personal(session_key, sizeof(session_key), key->database_id,
											 REFRESH_TOKEN_DATABASE_BYTES, key->master_subkey,
											 REFRESH_TOKEN_KEY_BYTES, key->salt, personal);
	crypto_generichash(mac, REFRESH_TOKEN_MAC_BYTES, message, sizeof(message), session_key,
					   sizeof(session_key));
	sodium_memzero(session_key, sizeof(session_key));
}

bool
refresh_token_read(const char *text, size_t len, RefreshToken *token)
{
	unsigned char bytes[REFRESH_TOKEN_BYTES];
	const unsigned char *in = bytes;
	size_t bytes_len;

	if (len != REFRESH_TOKEN_TEXT_SIZE - 1 ||
		!base64url_decode(text, len, bytes, sizeof(bytes), &bytes_len) ||
		bytes_len != sizeof(bytes) || *in++ != VERSION)
		return false;

	memcpy(&token->master_key_id, in, sizeof(token->master_key_id));
	in += sizeof(token->master_key_id);
	memcpy(token->session_id, in, REFRESH_TOKEN_SESSION_BYTES);
	in += REFRESH_TOKEN_SESSION_BYTES;
	token->generation =
		(uint32_t) in[0] << 24 | (uint32_t) in[1] << 16 | (uint32_t) in[2] << 8 | (uint32_t) in[3];
	in += 4;
	memcpy(token->mac, in, REFRESH_TOKEN_MAC_BYTES);
	return true;
}

void
refresh_token_sign(RefreshToken *token, const RefreshTokenKey *key)
{
	compute_token_mac(token, key, token->mac);
}

bool
refresh_token_check(const RefreshToken *token, const RefreshTokenKey *key)
{
	unsigned char mac[REFRESH_TOKEN_MAC_BYTES];

	compute_token_mac(token, key, mac);
	return sodium_memcmp(mac, token->mac, sizeof(mac)) == 0;
}

void
refresh_token_write(const RefreshToken *token, char text[REFRESH_TOKEN_TEXT_SIZE])
{
	unsigned char bytes[REFRESH_TOKEN_BYTES];

	write_signed_part(token, bytes);
	memcpy(bytes + SIGNED_BYTES, token->mac, REFRESH_TOKEN_MAC_BYTES);
	base64url_encode(bytes, sizeof(bytes), text);
}
