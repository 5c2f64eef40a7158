/*
 * mfa.h
 *		Setting up an authenticator app, using it, and removing it.
 */
#ifndef AUTHFORT_MFA_FLOWS_H
#define AUTHFORT_MFA_FLOWS_H

#include "postgres.h"

#include "fmgr.h"

#include "domain/backup_codes.h"
#include "flow/auth_result.h"
#include "flow/mfa_challenge.h"

/*
 * The caller who sets up a factor: a user, in a session unless that is NULL, or
 * the holder of a challenge to enrol.  A session has to be a recent one
 * (recent_auth.h).
 */
typedef struct Enroller
{
	const pg_uuid_t *user_id; /* NULL with a challenge */
	const pg_uuid_t *session_id;
	const char *mfa_token; /* NULL: none */
} Enroller;

typedef struct MfaSecret
{
	char *secret; /* in base32 */
	char *qr_uri; /* otpauth://... */
} MfaSecret;

/* What the arguments of an SQL function say; the first is a user's id, unless there is a challenge. */
extern Enroller mfa_enroller_arguments(FunctionCallInfo fcinfo, int session_id, int mfa_token);

/*
 * Locks the user and makes sure that the caller may set up a factor; returns
 * NULL or the refusal.  Sets *challenge only if the enroller has one.
 */
extern const Refusal *
mfa_lock_enroller(const Enroller *enroller, MfaChallenge *challenge, User **user);

/* These return NULL or the refusal. */
extern const Refusal *flow_mfa_init(const Enroller *enroller, MfaSecret *secret);

/*
 * The same.  "code" is one of the app.  A user with a passkey may have none:
 * then the session has to be recent and of two factors, unless it is NULL.
 */
extern const Refusal *
flow_mfa_regenerate(const pg_uuid_t *user_id, const char *code, const pg_uuid_t *session_id,
					const Client *client, BackupCodes *codes);

/*
 * Confirms the app by its first code.  With a session, it now has two factors,
 * and with "new_tokens" the result has its new tokens.  With a challenge, the
 * result is that of the sign-in.
 */
extern AuthResult flow_mfa_confirm(const Enroller *enroller, const char *code, bool new_tokens,
								   const Client *client, BackupCodes *codes);

/* Completes a sign-in by a code of the app or a backup code. */
extern AuthResult flow_mfa_verify(const char *mfa_token, const char *code, const Client *client);

/* Removes the app, by one of its codes or a backup code; the session as above. */
extern AuthResult
flow_mfa_disable(const pg_uuid_t *user_id, const char *code, const pg_uuid_t *session_id,
				 bool new_tokens, const Client *client);

/* Raises the assurance of a session of the user by a code; the result has its new tokens. */
extern AuthResult flow_mfa_step_up(const pg_uuid_t *user_id, const pg_uuid_t *session_id,
								   const char *code, const Client *client);

/* The same by what the user, whose row is locked, has proven already. */
extern AuthResult mfa_raise_session(User *user, const pg_uuid_t *session_id,
									const Authentication *how, const Client *client);

/* Removes all second factors of a user who has lost them: user_not_found, mfa_not_enabled. */
extern const Refusal *flow_mfa_reset(const pg_uuid_t *user_id);

/* Appends {enabled, backup_codes_remaining, totp, passkeys}. */
extern void mfa_append_status(StringInfo out, const User *user);

#endif /* AUTHFORT_MFA_FLOWS_H */
