/*
 * identity.h
 *		The identity of the caller, for row-level security policies.
 */
#ifndef AUTHFORT_IDENTITY_H
#define AUTHFORT_IDENTITY_H

#include "postgres.h"

#include "identity/access_token.h"

extern void identity_init(void);

/* The caller's claims, which stay as they are until the next call; or NULL. */
extern const AccessClaims *identity_caller(void);

#endif /* AUTHFORT_IDENTITY_H */
