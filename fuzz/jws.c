/*
 * jws.c
 *		Fuzz target: what jws_read() takes has one spelling, and is it.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "crypto/jws.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Appends a part, encoded again, to the text. */
static size_t
write_part(const void *part, size_t len, char *text)
{
	base64url_encode(part, len, text);
	return strlen(text);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static Jws jws;
	static char text[2 * JWS_MAX_LENGTH];
	size_t len;

	if (!jws_read((const char *) data, size, &jws))
		return 0;
	len = write_part(jws.header, jws.header_len, text);
	text[len++] = '.';
	len += write_part(jws.payload, jws.payload_len, text + len);
	if (len != jws.signed_len)
		abort();
	text[len++] = '.';
	len += write_part(jws.signature, jws.signature_len, text + len);
	if (len != size || memcmp(text, data, size) != 0)
		abort();
	return 0;
}
