/*
 * sha256.h
 *		The SHA-256 of a text, as text.
 */
#ifndef AUTHFORT_SHA256_H
#define AUTHFORT_SHA256_H

/* Both are palloc'd. */
extern char *sha256_hex(const char *text);
extern char *sha256_base64url(const char *text);

#endif /* AUTHFORT_SHA256_H */
