/*
 * authentication.h
 *		How a session was authenticated.
 */
#ifndef AUTHFORT_AUTHENTICATION_H
#define AUTHFORT_AUTHENTICATION_H

#include "postgres.h"

#include "utils/uuid.h"

/* A session adds methods when its user authenticates again, so there are more than factors. */
#define AMR_MAX 8

/*
 * Authentication method references (RFC 8176), and three of our own: an email
 * that was received, another identity provider, and a backup code.
 */
#define AMR_PASSWORD "pwd"
#define AMR_TOTP "otp"
#define AMR_KEY "pop"
#define AMR_USER_PRESENT "user"
#define AMR_MULTIPLE "mfa"
#define AMR_EMAIL "email"
#define AMR_FEDERATED "fed"
#define AMR_BACKUP_CODE "backup"

typedef struct Authentication
{
	const char *provider; /* for the event "login": "email" is a password */
	int aal;              /* 1, or 2 for two factors */
	int amr_count;
	const char *amr[AMR_MAX];
	const pg_uuid_t *to_confirm; /* a passkey that the next factor confirms; NULL: none */
} Authentication;

#endif /* AUTHFORT_AUTHENTICATION_H */
