/*
 * jws.c
 *		The compact serialization of RFC 7515.  Builds without a server.
 */
#include <string.h>

#include "crypto/jws.h"

bool
jws_read(const char *token, size_t len, Jws *jws)
{
	const char *end = token + len;
	const char *header_end;
	const char *payload_end;

	if (len > JWS_MAX_LENGTH)
		return false;
	header_end = memchr(token, '.', len);
	if (header_end == NULL)
		return false;
	payload_end = memchr(header_end + 1, '.', end - header_end - 1);
	if (payload_end == NULL)
		return false;

	/* a fourth part fails in the last decoding, because a dot is not in base64url */
	jws->signed_len = payload_end - token;
	return base64url_decode(token, header_end - token, (unsigned char *) jws->header,
							sizeof(jws->header), &jws->header_len) &&
		   base64url_decode(header_end + 1, payload_end - header_end - 1,
							(unsigned char *) jws->payload, sizeof(jws->payload), &jws->payload_len) &&
		   base64url_decode(payload_end + 1, end - payload_end - 1, jws->signature,
							sizeof(jws->signature), &jws->signature_len) &&
		   jws->header_len > 0 && jws->payload_len > 0 && jws->signature_len > 0;
}
