/*
 * jws.h
 *		The compact serialization of RFC 7515.  Builds without a server.
 */
#ifndef AUTHFORT_JWS_H
#define AUTHFORT_JWS_H

#include <stdbool.h>
#include <stddef.h>

#include "crypto/base64url.h"

#define JWS_MAX_LENGTH 16384   /* characters of the whole token */
#define JWS_MAX_SIGNATURE 1024 /* bytes; RSA of 8192 bits */

/*
 * The three parts, decoded.  "signed_len" characters from the start of the
 * token are what the signature covers.
 */
typedef struct Jws
{
	size_t signed_len;
	size_t header_len;
	size_t payload_len;
	size_t signature_len;
	char header[BASE64URL_DECODED_SIZE(JWS_MAX_LENGTH)];
	char payload[BASE64URL_DECODED_SIZE(JWS_MAX_LENGTH)];
	unsigned char signature[JWS_MAX_SIGNATURE];
} Jws;

/* False unless there are exactly three parts, each canonical and not empty. */
extern bool jws_read(const char *token, size_t len, Jws *jws);

#endif /* AUTHFORT_JWS_H */
