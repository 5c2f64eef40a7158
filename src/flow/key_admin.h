/*
 * key_admin.h
 *		Changes the signing keys and records it, for admins.
 *
 * A NULL algorithm means what domain/signing_keys.h says for each.
 */
#ifndef AUTHFORT_KEY_ADMIN_H
#define AUTHFORT_KEY_ADMIN_H

#include "postgres.h"

#include "crypto/pkey.h"

/* Return the id of the key that signs from now on, or that is prepared, palloc'd. */
extern char *key_admin_rotate(const SignatureAlgorithm *algorithm);
extern char *key_admin_prepare(const SignatureAlgorithm *algorithm);

extern void key_admin_replace_all(void);

#endif /* AUTHFORT_KEY_ADMIN_H */
