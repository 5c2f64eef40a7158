/*
 * base64url.c
 *		RFC 4648 section 5 without padding, in its one canonical form.
 *
 * Every byte string has exactly one spelling.  libsodium's decoder runs in
 * constant time, which would be half of the time that a token costs beyond its
 * signature.  Only its sender sees how long a text takes to be decoded, so a
 * table does as well.
 */
#include <sodium.h>
#include <stdint.h>

#include "crypto/base64url.h"

/* The value of a character plus one; 0 for one that is not in the alphabet. */
static const unsigned char value_plus_one[256] = {
	['A'] = 1,  ['B'] = 2,  ['C'] = 3,  ['D'] = 4,  ['E'] = 5,  ['F'] = 6,  ['G'] = 7,  ['H'] = 8,
	['I'] = 9,  ['J'] = 10, ['K'] = 11, ['L'] = 12, ['M'] = 13, ['N'] = 14, ['O'] = 15, ['P'] = 16,
	['Q'] = 17, ['R'] = 18, ['S'] = 19, ['T'] = 20, ['U'] = 21, ['V'] = 22, ['W'] = 23, ['X'] = 24,
	['Y'] = 25, ['Z'] = 26, ['a'] = 27, ['b'] = 28, ['c'] = 29, ['d'] = 30, ['e'] = 31, ['f'] = 32,
	['g'] = 33, ['h'] = 34, ['i'] = 35, ['j'] = 36, ['k'] = 37, ['l'] = 38, ['m'] = 39, ['n'] = 40,
	['o'] = 41, ['p'] = 42, ['q'] = 43, ['r'] = 44, ['s'] = 45, ['t'] = 46, ['u'] = 47, ['v'] = 48,
	['w'] = 49, ['x'] = 50, ['y'] = 51, ['z'] = 52, ['0'] = 53, ['1'] = 54, ['2'] = 55, ['3'] = 56,
	['4'] = 57, ['5'] = 58, ['6'] = 59, ['7'] = 60, ['8'] = 61, ['9'] = 62, ['-'] = 63, ['_'] = 64,
};

/* Appends the bits of "count" characters; false if one is not in the alphabet. */
static inline bool
read_characters(const char *text, int count, uint32_t *bits)
{
	bool valid = true;

	*bits = 0;
	for (int i = 0; i < count; i++)
	{
		unsigned char value = value_plus_one[(unsigned char) text[i]];

		valid &= value != 0;
		*bits = *bits << 6 | ((value - 1) & 0x3f);
	}
	return valid;
}

/* The last two or three characters hold one or two bytes, and bits that are zero. */
static bool
decode_rest(const char *text, size_t count, unsigned char *out)
{
	uint32_t bits;

	if (count == 0)
		return true;
	if (!read_characters(text, count, &bits))
		return false;
	if (count == 2)
	{
		out[0] = bits >> 4;
		return (bits & 0x0f) == 0;
	}
	out[0] = bits >> 10;
	out[1] = bits >> 2;
	return (bits & 0x03) == 0;
}

bool
base64url_decode(const char *text, size_t text_len, unsigned char *out, size_t out_size,
				 size_t *out_len)
{
	size_t rest = text_len % 4;
	size_t len = text_len / 4 * 3 + (rest > 0 ? rest - 1 : 0);
	uint32_t bits;

	if (rest == 1 || len > out_size)
		return false;
	for (; text_len >= 4; text_len -= 4, text += 4, out += 3)
	{
		if (!read_characters(text, 4, &bits))
			return false;
		out[0] = bits >> 16;
		out[1] = bits >> 8;
		out[2] = bits;
	}
	*out_len = len;
	return decode_rest(text, rest, out);
}

void
base64url_encode(const unsigned char *bytes, size_t len, char *out)
{
	sodium_bin2base64(out, BASE64URL_ENCODED_SIZE(len), bytes, len,
					  sodium_base64_VARIANT_URLSAFE_NO_PADDING);
}
