/*
 * password_hash.h
 *		Argon2id hashes of passwords.
 *
 * A hash that would take more than about a second is neither computed nor
 * verified.  The server reacts to a cancel after each hash.
 */
#ifndef AUTHFORT_PASSWORD_HASH_H
#define AUTHFORT_PASSWORD_HASH_H

#include "postgres.h"

#define PASSWORD_MAX_BYTES 1024

typedef enum PasswordCheck
{
	PASSWORD_WRONG,
	PASSWORD_RIGHT,
	PASSWORD_RIGHT_OUTDATED, /* right, but to be hashed again: other parameters, or not
								 * in its normal form */
	PASSWORD_BUSY            /* no slot was granted in time (hash_budget.h) */
} PasswordCheck;

/*
 * The form of a password that is hashed and whose length is counted: NFC, with
 * all spaces as U+0020 (RFC 8265, section 4.2), so that two keyboards produce
 * the same.  No character is refused, not even an unassigned one.
 */
extern char *password_normalize(const char *typed);

/* The encoded hash is in the current memory context; NULL if busy. */
extern char *password_hash(const char *typed);

/*
 * Checks a password against a stored hash.  With no hash (an unknown user, a
 * user without a password) or one that is not usable it does the same work
 * and says wrong, so that the time taken does not reveal which it was.
 */
extern PasswordCheck password_verify(const char *stored, const char *password);

#endif /* AUTHFORT_PASSWORD_HASH_H */
