/*
 * ecdsa_signature.h
 *		The two forms of an ECDSA signature: r||s (RFC 7518, section 3.4), which
 *		tokens have, and DER, which OpenSSL reads and writes.
 */
#ifndef AUTHFORT_ECDSA_SIGNATURE_H
#define AUTHFORT_ECDSA_SIGNATURE_H

#include <stddef.h>

/* One of the two numbers, of the largest curve: P-521. */
#define ECDSA_MAX_NUMBER 66

/* A sequence of two INTEGERs, each perhaps with a zero byte before it. */
#define ECDSA_MAX_DER (3 + 2 * (2 + ECDSA_MAX_NUMBER + 1))

/*
 * Each number has "number_bytes" bytes in r||s.  Both return the number of bytes
 * written; 0 if OpenSSL is out of memory, or reads no such signature.
 */
extern size_t
ecdsa_der_to_raw(const unsigned char *der, size_t der_len, int number_bytes, unsigned char *raw);
extern size_t
ecdsa_raw_to_der(const unsigned char *raw, int number_bytes, unsigned char der[ECDSA_MAX_DER]);

#endif /* AUTHFORT_ECDSA_SIGNATURE_H */
