/*
 * refusal.c
 *		The codes, messages and HTTP statuses of refusals.
 */
#include "postgres.h"

#include "base/refusal.h"

/* sign-up and sign-in */
const Refusal refusal_invalid_credentials =
{"invalid_credentials", "Invalid email or password", 401};
const Refusal refusal_server_busy =
{"server_busy", "Too many requests at the moment, please try again", 503, .retry_after = 5};
/* a copy of it has the time of the next attempt */
const Refusal refusal_rate_limit_exceeded =
{"rate_limit_exceeded", "Too many requests, please try again later", 429};
const Refusal refusal_user_exists =
{"user_exists", "A user with this email already exists", 409};
const Refusal refusal_signup_disabled =
{"signup_disabled", "Registration is currently disabled", 403};
/* the response to every sign-up with authfort.hide_accounts */
const Refusal refusal_email_not_verified =
{"email_not_verified", "You can log in now, unless this email had an account before: then check your mail", 403};
const Refusal refusal_user_banned =
{"user_banned", "This account has been banned", 403};
const Refusal refusal_no_password =
{"no_password", "This account has no password", 400};

/* refresh tokens */
const Refusal refusal_refresh_token_missing =
{"refresh_token_missing", "No refresh token provided", 401};
const Refusal refusal_refresh_token_invalid =
{"refresh_token_invalid", "Invalid refresh token", 401};
const Refusal refusal_refresh_token_expired =
{"refresh_token_expired", "Refresh token has expired", 401};
const Refusal refusal_refresh_token_revoked =
{"refresh_token_revoked", "Refresh token has been revoked", 401};
const Refusal refusal_refresh_token_mismatch =
{"refresh_token_mismatch", "Token pair mismatch, please log in again", 401};

/* access tokens */
const Refusal refusal_token_missing =
{"token_missing", "No access token provided", 401};
const Refusal refusal_token_invalid =
{"token_invalid", "Invalid access token", 401};
const Refusal refusal_token_expired =
{"token_expired", "Access token has expired", 401};
const Refusal refusal_token_version_mismatch =
{"token_version_mismatch", "Token has been invalidated", 401};
const Refusal refusal_token_revoked =
{"token_invalid", "The session of this token has ended", 401};
const Refusal refusal_user_gone =
{"user_not_found", "User no longer exists", 401};

/* passwords */
const Refusal refusal_invalid_reset_token =
{"invalid_reset_token", "Invalid or expired reset token", 400};
const Refusal refusal_invalid_password =
{"invalid_password", "Invalid password", 400};
const Refusal refusal_password_unchanged =
{"password_unchanged", "New password must differ from the current password", 400};
const Refusal refusal_password_reused =
{"password_reused", "Password was used before, please choose another", 400};
const Refusal refusal_password_pwned =
{"password_pwned", "This password is known from a data breach, please choose another", 400};
const Refusal refusal_password_already_set =
{"password_already_set", "Password already set, change it instead", 400};

/* management */
const Refusal refusal_user_not_found =
{"user_not_found", "User not found", 404};
const Refusal refusal_user_in_use =
{"user_in_use", "User is still referred to by other data", 409};
const Refusal refusal_unknown_algorithm =
{"unknown_algorithm", "Valid algorithms are RS256, ES256 and EdDSA", 400};
const Refusal refusal_invalid_changes =
{"invalid_changes", "What can be changed is email, name, avatar_url, phone and email_verified", 400};
const Refusal refusal_session_not_found =
{"session_not_found", "There is no such session", 404};

/* input */
const Refusal refusal_password_too_short =
{"password_too_short", "Password is too short", 400};
const Refusal refusal_password_too_long =
{"password_too_long", "Password is too long", 400};
const Refusal refusal_invalid_email =
{"invalid_email", "Invalid email address", 400};
const Refusal refusal_invalid_name =
{"invalid_name", "Name is too long or contains characters that cannot be seen", 400};
const Refusal refusal_invalid_role =
{"invalid_role", "A role has 1 to 50 characters, all of which can be seen", 400};
const Refusal refusal_too_many_roles =
{"too_many_roles", "A user has at most 64 roles, with names of 2048 bytes in total", 400};
const Refusal refusal_profile_too_large =
{"profile_too_large", "Email, name and roles are too long together", 400};
const Refusal refusal_invalid_phone =
{"invalid_phone", "Phone number is too long or contains invalid characters", 400};
const Refusal refusal_invalid_avatar_url =
{"invalid_avatar_url", "The avatar URL must be a valid http or https URL", 400};

/* The class shows a client whether the value or only the current state is wrong. */
static int
sqlstate_of(const Refusal *refusal)
{
	if (refusal == &refusal_user_exists)
		return ERRCODE_UNIQUE_VIOLATION;
	if (refusal == &refusal_user_not_found)
		return ERRCODE_UNDEFINED_OBJECT;
	if (refusal == &refusal_server_busy)
		return ERRCODE_INSUFFICIENT_RESOURCES;
	return ERRCODE_INVALID_PARAMETER_VALUE;
}

/* Clients read a sentence; an error message of PostgreSQL begins in lower case. */
int
refusal_report(const Refusal *refusal)
{
	const char *message = refusal->message;

	errmsg("%c%s", pg_tolower((unsigned char) message[0]), message + 1);
	errdetail("%s", refusal->code);
	return 0;
}

void
refusal_raise(const Refusal *refusal)
{
	ereport(ERROR,
			(errcode(sqlstate_of(refusal)),
			 refusal_report(refusal)));
}
