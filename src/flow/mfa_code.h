/*
 * mfa_code.h
 *		Checking a code of an authenticator app, or a backup code.
 */
#ifndef AUTHFORT_MFA_CODE_H
#define AUTHFORT_MFA_CODE_H

#include "postgres.h"

#include "domain/authentication.h"
#include "domain/mfa.h"
#include "domain/users.h"

typedef enum CodeKind
{
	CODE_TOTP,
	CODE_BACKUP,
	CODE_TOTP_OR_BACKUP
} CodeKind;

/*
 * Checks a code of a user whose row is locked.  If it is right, it is used up,
 * *second is the method that was proven, and earlier failures are forgotten.
 * Otherwise returns "wrong", after recording mfa_failed, or mfa_locked after
 * too many wrong codes (authfort.mfa_lock_attempts).  A try that comes while
 * the user is locked is not checked, not counted and not recorded.
 */
extern const Refusal *
mfa_code_check(User *user, const char *code, CodeKind kind, const Refusal *wrong,
			   const Client *client, Authentication *second);

/*
 * Checks the first code of an app that is not confirmed yet.  Wrong ones are
 * not counted: the client has just been given the secret.
 */
extern bool mfa_code_use_first(const User *user, const MfaState *state, const char *code);

#endif /* AUTHFORT_MFA_CODE_H */
