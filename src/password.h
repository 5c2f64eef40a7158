/*
 * password.h
 *		Argon2id hashes of passwords.
 */
#ifndef AUTHFORT_PASSWORD_H
#define AUTHFORT_PASSWORD_H

#include "postgres.h"

#define PASSWORD_MAX_BYTES 1024

typedef enum PasswordCheck
{
	PASSWORD_WRONG,
	PASSWORD_RIGHT,
	PASSWORD_RIGHT_OUTDATED		/* right, but hashed with other parameters */
} PasswordCheck;

extern char *password_hash(const char *password);
extern PasswordCheck password_verify(const char *stored, const char *password);

#endif							/* AUTHFORT_PASSWORD_H */
