/*
 * base64url.c
 *		RFC 4648 section 5 without padding, in its one canonical form.
 *
 * libsodium's decoder refuses non-zero trailing bits and, with nothing to
 * ignore, white space.  But version 1.0.18 accepts non-ASCII bytes, which are
 * negative where char is signed, as letters, so these are refused before it
 * sees them.  So every byte string has exactly one spelling.
 */
#include <sodium.h>

#include "crypto/base64url.h"

#define VARIANT sodium_base64_VARIANT_URLSAFE_NO_PADDING

static bool
base64url_is_ascii(const char *text, size_t len)
{
	for (size_t i = 0; i < len; i++)
	{
		if ((unsigned char) text[i] >= 0x80)
			return false;
	}
	return true;
}

bool
base64url_decode(const char *text, size_t text_len,
				 unsigned char *out, size_t out_size, size_t *out_len)
{
	/* without an end pointer the decoder fails unless it used all the text */
	return base64url_is_ascii(text, text_len) &&
		sodium_base642bin(out, out_size, text, text_len, NULL, out_len, NULL, VARIANT) == 0;
}

void
base64url_encode(const unsigned char *bytes, size_t len, char *out)
{
	sodium_bin2base64(out, BASE64URL_ENCODED_SIZE(len), bytes, len, VARIANT);
}
