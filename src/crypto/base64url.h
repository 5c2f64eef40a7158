/*
 * base64url.h
 *		RFC 4648 section 5 without padding, in its one canonical form.
 *		Builds without a server.
 */
#ifndef AUTHFORT_BASE64URL_H
#define AUTHFORT_BASE64URL_H

#include <stdbool.h>
#include <stddef.h>

/* Bytes that decoding "len" characters gives at the most. */
#define BASE64URL_DECODED_SIZE(len) ((len) / 4 * 3 + 2)

/* Characters, and a terminating zero, that encoding "len" bytes gives. */
#define BASE64URL_ENCODED_SIZE(len) (((len) *4 + 2) / 3 + 1)

/* False for padding, white space, other alphabets, stray bits, or no room. */
extern bool base64url_decode(const char *text, size_t text_len, unsigned char *out, size_t out_size,
							 size_t *out_len);

/* "out" has room for BASE64URL_ENCODED_SIZE(len) characters. */
extern void base64url_encode(const unsigned char *bytes, size_t len, char *out);

#endif /* AUTHFORT_BASE64URL_H */
