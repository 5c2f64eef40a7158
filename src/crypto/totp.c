/*
 * totp.c
 *		Time-based one-time passwords (RFC 6238).  Builds without a server.
 */
#include <string.h>

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>

#include "crypto/totp.h"

#define SHA1_BYTES 20

static const char base32_digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";

/* The dynamic truncation of RFC 4226, section 5.3. */
static uint32_t
truncate_hash(const unsigned char hash[SHA1_BYTES])
{
	int offset = hash[SHA1_BYTES - 1] & 0x0f;

	return (uint32_t) (hash[offset] & 0x7f) << 24 | (uint32_t) hash[offset + 1] << 16 |
		   (uint32_t) hash[offset + 2] << 8 | (uint32_t) hash[offset + 3];
}

bool
totp_code(const unsigned char *secret, size_t len, uint64_t step, int digits, uint32_t *code)
{
	unsigned char counter[8];
	unsigned char hash[SHA1_BYTES];
	uint32_t modulus = 1;

	for (int i = 7; i >= 0; i--, step >>= 8)
		counter[i] = step & 0xff;
	for (int i = 0; i < digits; i++)
		modulus *= 10;
	if (HMAC(EVP_sha1(), secret, (int) len, counter, sizeof(counter), hash, NULL) == NULL)
		return false;
	*code = truncate_hash(hash) % modulus;
	OPENSSL_cleanse(hash, sizeof(hash));
	return true;
}

static void
code_to_text(uint32_t code, char text[TOTP_DIGITS])
{
	for (int i = TOTP_DIGITS - 1; i >= 0; i--, code /= 10)
		text[i] = '0' + code % 10;
}

int64_t
totp_find_step(const unsigned char *secret, size_t len, const char *code, int64_t now)
{
	int64_t found = -1;

	if (strlen(code) != TOTP_DIGITS)
		return -1;
	for (int64_t step = now / TOTP_PERIOD - TOTP_DRIFT; step <= now / TOTP_PERIOD + TOTP_DRIFT; step++)
	{
		char right[TOTP_DIGITS];
		uint32_t number;

		if (!totp_code(secret, len, (uint64_t) step, TOTP_DIGITS, &number))
			return -1;
		code_to_text(number, right);
		if (CRYPTO_memcmp(right, code, TOTP_DIGITS) == 0)
			found = step;
		OPENSSL_cleanse(right, sizeof(right));
	}
	return found;
}

void
totp_secret_encode(const unsigned char *secret, size_t len, char *text)
{
	uint32_t bits = 0;
	int bit_count = 0;

	for (size_t i = 0; i < len; i++)
	{
		bits = (bits << 8 | secret[i]) & 0xfff;
		for (bit_count += 8; bit_count >= 5; bit_count -= 5)
			*text++ = base32_digits[bits >> (bit_count - 5) & 0x1f];
	}
	if (bit_count > 0)
		*text++ = base32_digits[bits << (5 - bit_count) & 0x1f];
	*text = '\0';
}

/* -1 if it is not a digit. */
static int
base32_value(char c)
{
	const char *digit;

	if (c >= 'a' && c <= 'z')
		c += 'A' - 'a';
	digit = (c == '\0') ? NULL : strchr(base32_digits, c);
	return (digit == NULL) ? -1 : (int) (digit - base32_digits);
}

bool
totp_secret_decode(const char *text, unsigned char secret[TOTP_MAX_SECRET_BYTES], size_t *len)
{
	uint32_t bits = 0;
	int bit_count = 0;

	*len = 0;
	for (; *text != '\0' && *text != '='; text++)
	{
		int value = base32_value(*text);

		if (*text == ' ')
			continue;
		if (value < 0)
			return false;
		bits = (bits << 5 | (uint32_t) value) & 0xfff;
		bit_count += 5;
		if (bit_count >= 8)
		{
			if (*len == TOTP_MAX_SECRET_BYTES)
				return false;
			bit_count -= 8;
			secret[(*len)++] = bits >> bit_count & 0xff;
		}
	}
	text += strspn(text, "= ");
	return *text == '\0' && *len > 0;
}
