/*
 * refusal.h
 *		Refusals: returned values, not errors.
 *
 * An error rolls back the transaction, including the record of the attempt.
 * So a function that checks a credential returns one of these instead.
 */
#ifndef AUTHFORT_REFUSAL_H
#define AUTHFORT_REFUSAL_H

#include "postgres.h"

typedef struct Refusal
{
	const char *code;			/* for clients to compare */
	const char *message;		/* for people to read */
	int			status;			/* HTTP status */
	int			retry_after;	/* seconds after which it may succeed; 0: unknown */
} Refusal;

extern const Refusal refusal_invalid_credentials;
extern const Refusal refusal_server_busy;
extern const Refusal refusal_rate_limit_exceeded;
extern const Refusal refusal_user_exists;
extern const Refusal refusal_signup_disabled;
extern const Refusal refusal_email_not_verified;
extern const Refusal refusal_user_banned;
extern const Refusal refusal_no_password;
extern const Refusal refusal_refresh_token_missing;
extern const Refusal refusal_refresh_token_invalid;
extern const Refusal refusal_refresh_token_expired;
extern const Refusal refusal_refresh_token_revoked;
extern const Refusal refusal_refresh_token_mismatch;
extern const Refusal refusal_token_missing;
extern const Refusal refusal_token_invalid;
extern const Refusal refusal_token_expired;
extern const Refusal refusal_token_version_mismatch;
extern const Refusal refusal_token_revoked;
extern const Refusal refusal_user_gone;
extern const Refusal refusal_session_not_found;
extern const Refusal refusal_user_not_found;
extern const Refusal refusal_user_in_use;
extern const Refusal refusal_unknown_algorithm;
extern const Refusal refusal_invalid_changes;
extern const Refusal refusal_invalid_reset_token;
extern const Refusal refusal_invalid_password;
extern const Refusal refusal_password_unchanged;
extern const Refusal refusal_password_reused;
extern const Refusal refusal_password_pwned;
extern const Refusal refusal_password_already_set;
extern const Refusal refusal_password_too_short;
extern const Refusal refusal_password_too_long;
extern const Refusal refusal_invalid_email;
extern const Refusal refusal_invalid_name;
extern const Refusal refusal_invalid_role;
extern const Refusal refusal_too_many_roles;
extern const Refusal refusal_profile_too_large;
extern const Refusal refusal_invalid_phone;
extern const Refusal refusal_invalid_avatar_url;

/*
 * Raises it as an error, for administrators, who may know what is wrong and
 * whose whole transaction it concerns.  The code is the DETAIL, alone, in all
 * errors that have one (docs/reference.md).
 */
extern _Noreturn void refusal_raise(const Refusal *refusal);

/* Its message and DETAIL, within ereport() or an error context callback. */
extern int	refusal_report(const Refusal *refusal);

#endif							/* AUTHFORT_REFUSAL_H */
