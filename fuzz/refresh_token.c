/*
 * refresh_token.c
 *		Fuzz target: a refresh token has one spelling, and no MAC is right by
 *		chance.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "crypto/refresh_token_format.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const RefreshTokenKey key = {{1}, {2}, {3}};
	char text[REFRESH_TOKEN_TEXT_SIZE];
	RefreshToken token;

	if (!refresh_token_read((const char *) data, size, &token))
		return 0;
	refresh_token_write(&token, text);
	if (strlen(text) != size || memcmp(text, data, size) != 0)
		abort();
	if (refresh_token_check(&token, &key))
		abort();
	refresh_token_sign(&token, &key);
	if (!refresh_token_check(&token, &key))
		abort();
	token.generation++;
	if (refresh_token_check(&token, &key))
		abort();
	return 0;
}
