/*
 * mfa_challenge.h
 *		Between the first factor and the second: the challenge.
 *
 * A challenge is a signed token (JWT of the type mfa+jwt) which says that its
 * user has proven a first factor.  It is in no table, is good for nothing else
 * than the second factor, and survives a rotation of the signing key.  It ends
 * with the user's token version, so also with a change of the password, and
 * with the sign-in that it leads to; a wrong code does not end it.
 */
#ifndef AUTHFORT_MFA_CHALLENGE_H
#define AUTHFORT_MFA_CHALLENGE_H

#include "postgres.h"

#include "datatype/timestamp.h"
#include "utils/uuid.h"

#include "domain/authentication.h"
#include "flow/auth_result.h"

typedef enum ChallengeKind
{
	CHALLENGE_VERIFY, /* the user has to prove a second factor */
	CHALLENGE_ENROL   /* the user has to set one up (authfort.require_mfa) */
} ChallengeKind;

typedef struct MfaChallenge
{
	ChallengeKind kind;
	pg_uuid_t id;
	pg_uuid_t user_id;
	int64 token_version;  /* the user's, when it was issued */
	int64 expires_at;     /* Unix time */
	Authentication first; /* the first factor */
} MfaChallenge;

/* A challenge for a user who has proven "first"; the row is locked. */
extern AuthResult
mfa_challenge_issue(const User *user, const Authentication *first, ChallengeKind kind);

/*
 * Verifies a token of that kind, and locks its user.  Returns NULL, or
 * mfa_session_expired, or invalid_mfa_token: the token cannot be read or was used,
 * or its user is gone, banned, or has another token version.  "token" may be NULL.
 */
extern const Refusal *
mfa_challenge_open(const char *token, ChallengeKind kind, MfaChallenge *challenge, User **user);

/* Whether a text looks like a challenge; nothing is verified. */
extern bool mfa_challenge_is_token(const char *token);

/*
 * Ends the challenge and signs its user in, who has now proven "second" as
 * well: starts a session of two factors, and records "login" and "mfa_login".
 * The caller has opened the challenge in the same transaction.
 */
extern AuthResult mfa_challenge_complete(const MfaChallenge *challenge, User *user,
										 const Authentication *second, const Client *client);

#endif /* AUTHFORT_MFA_CHALLENGE_H */
