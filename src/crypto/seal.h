/*
 * seal.h
 *		Secrets at rest: XChaCha20-Poly1305 under the master key.
 */
#ifndef AUTHFORT_SEAL_H
#define AUTHFORT_SEAL_H

#include "postgres.h"

/*
 * "identity" says which row and column the secret belongs to.  It is bound to
 * the ciphertext, so that a sealed value cannot be moved to another row.
 */
extern bytea *seal(const unsigned char *secret, size_t len, const char *identity);
extern unsigned char *unseal(const bytea *sealed, const char *identity, size_t *len);

#endif							/* AUTHFORT_SEAL_H */
