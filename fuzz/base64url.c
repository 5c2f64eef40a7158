/*
 * base64url.c
 *		Fuzz target: decoding and encoding again gives the same text, and the
 *		other way round.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "crypto/base64url.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	/* exactly as large as promised, for the sanitizer to see what is past it */
	unsigned char *bytes = malloc(BASE64URL_DECODED_SIZE(size));
	char *text = malloc(BASE64URL_ENCODED_SIZE(size));
	size_t len;

	if (base64url_decode((const char *) data, size, bytes, BASE64URL_DECODED_SIZE(size), &len))
	{
		char *again = malloc(BASE64URL_ENCODED_SIZE(len));

		base64url_encode(bytes, len, again);
		if (strlen(again) != size || memcmp(again, data, size) != 0)
			abort();
		free(again);
	}
	base64url_encode(data, size, text);
	free(bytes);
	bytes = malloc(BASE64URL_DECODED_SIZE(strlen(text)));
	if (!base64url_decode(text, strlen(text), bytes, BASE64URL_DECODED_SIZE(strlen(text)), &len) ||
		len != size || memcmp(bytes, data, size) != 0)
		abort();
	free(bytes);
	free(text);
	return 0;
}
