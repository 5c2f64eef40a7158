/*
 * password_hash.h
 *		Argon2id hashes of passwords.
 */
#ifndef AUTHFORT_PASSWORD_HASH_H
#define AUTHFORT_PASSWORD_HASH_H

#include "postgres.h"

#define PASSWORD_MAX_BYTES 1024

typedef enum PasswordCheck
{
	PASSWORD_WRONG,
	PASSWORD_RIGHT,
	PASSWORD_RIGHT_OUTDATED,	/* right, but hashed with other parameters */
	PASSWORD_BUSY				/* it was not one's turn in time (hash_budget.h) */
} PasswordCheck;

/* The encoded hash is in the current memory context; NULL if busy. */
extern char *password_hash(const char *password);

/*
 * Checks a password against a stored hash.  With no hash (an unknown user, a
 * user without a password) or one that is not usable it does the same work
 * and says wrong, so that the time taken does not tell which it was.
 */
extern PasswordCheck password_verify(const char *stored, const char *password);

#endif							/* AUTHFORT_PASSWORD_HASH_H */
