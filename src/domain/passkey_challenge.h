/*
 * passkey_challenge.h
 *		Challenges of WebAuthn ceremonies, which are in no table.
 *
 * A challenge contains its expiry and a MAC over what it is for.  Requesting
 * one costs no row; domain/spent_ids.h keeps those that were used.
 */
#ifndef AUTHFORT_PASSKEY_CHALLENGE_H
#define AUTHFORT_PASSKEY_CHALLENGE_H

#include "postgres.h"

#include "datatype/timestamp.h"
#include "utils/uuid.h"

typedef enum PasskeyCeremony
{
	PASSKEY_REGISTRATION = 1,
	PASSKEY_SIGN_IN,
	PASSKEY_SECOND_FACTOR,
	PASSKEY_STEP_UP,
	PASSKEY_REAUTHENTICATION
} PasskeyCeremony;

/* The purpose of a challenge; all of it must be the same when it comes back. */
typedef struct PasskeyChallengeUse
{
	PasskeyCeremony ceremony;
	const pg_uuid_t *user_id;  /* NULL: any user */
	const pg_uuid_t *bound_to; /* the session or the sign-in that asks; NULL: none */
} PasskeyChallengeUse;

typedef struct PasskeyChallenge
{
	pg_uuid_t id;
	TimestampTz expires_at;
} PasskeyChallenge;

/* Base64url, palloc'd. */
extern char *passkey_challenge_make(const PasskeyChallengeUse *use);

/* False unless it was made for that use, in this database, and has not expired. */
extern bool passkey_challenge_read(const char *text, const PasskeyChallengeUse *use,
								   PasskeyChallenge *challenge);

/* Spends it in the transaction of the ceremony; false if it was spent before, or has expired. */
extern bool passkey_challenge_spend(const PasskeyChallenge *challenge);

#endif /* AUTHFORT_PASSKEY_CHALLENGE_H */
