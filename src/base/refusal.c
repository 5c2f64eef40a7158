/*
 * refusal.c
 *		The codes, messages and HTTP statuses of refusals.
 */
#include "postgres.h"

#include <ctype.h>

#include "base/refusal.h"

/* each refusal in two lines */
/* clang-format off */

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
	{"email_not_verified", "You can log in now, or check your mail if this email already had an account", 403};
/* with authfort.require_verified_email */
const Refusal refusal_email_unverified =
	{"email_not_verified", "Please check your mail to verify your email address", 403};
const Refusal refusal_user_banned =
	{"user_banned", "This account has been banned", 403};
const Refusal refusal_no_password =
	{"no_password", "This account uses passwordless login", 400};
const Refusal refusal_no_email =
	{"no_email", "This account has no email", 400};

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
	{"user_in_use", "User is still referenced by other data", 409};
const Refusal refusal_unknown_algorithm =
	{"unknown_algorithm", "Valid algorithms are RS256, ES256 and EdDSA", 400};
const Refusal refusal_invalid_changes =
	{"invalid_changes", "Changes must be an object with valid values for some of email, name, avatar_url, phone, locale, email_verified, user_metadata and app_metadata", 400};
const Refusal refusal_invalid_profile_changes =
	{"invalid_changes", "Changes must be an object with valid values for some of name, avatar_url, phone, locale and user_metadata", 400};
const Refusal refusal_session_not_found =
	{"session_not_found", "Session not found", 404};

/* input */
const Refusal refusal_password_too_short =
	{"password_too_short", "Password is too short", 400};
const Refusal refusal_password_too_long =
	{"password_too_long", "Password is too long", 400};
const Refusal refusal_invalid_email =
	{"invalid_email", "Invalid email address", 400};
const Refusal refusal_invalid_name =
	{"invalid_name", "Name is too long or contains invisible characters", 400};
const Refusal refusal_invalid_role =
	{"invalid_role", "A role name has 1 to 50 visible characters", 400};
const Refusal refusal_too_many_roles =
	{"too_many_roles", "A user has at most 64 roles, with names of 2048 bytes in total", 400};
const Refusal refusal_profile_too_large =
	{"profile_too_large", "Email, name and roles together are too long", 400};
const Refusal refusal_invalid_phone =
	{"invalid_phone", "Phone number is too long or contains invalid characters", 400};
const Refusal refusal_invalid_avatar_url =
	{"invalid_avatar_url", "The avatar URL must be a valid http or https URL", 400};
const Refusal refusal_invalid_locale =
	{"invalid_locale", "The locale must be a language tag such as en or pt-BR", 400};
const Refusal refusal_invalid_metadata =
	{"invalid_metadata", "Metadata must be a JSON object of at most 16 KiB", 400};

/* email, one-time tokens and codes */
const Refusal refusal_invalid_verification_token =
	{"invalid_verification_token", "Invalid or expired verification token", 400};
const Refusal refusal_invalid_magic_link =
	{"invalid_magic_link", "Invalid or expired magic link", 400};
const Refusal refusal_invalid_otp =
	{"invalid_otp", "Invalid or expired code", 400};
const Refusal refusal_invalid_invitation =
	{"invalid_invitation", "Invalid or expired invitation", 400};
const Refusal refusal_invalid_email_change =
	{"invalid_email_change", "Invalid or expired link to change the email", 400};
const Refusal refusal_email_unchanged =
	{"email_unchanged", "This is already the email of the account", 400};
const Refusal refusal_unknown_method =
	{"unknown_method", "Valid methods are password, email_otp, totp and backup_code", 400};
const Refusal refusal_reauthentication_required =
	{"reauthentication_required", "Please confirm your identity again", 403};
const Refusal refusal_insufficient_assurance =
	{"insufficient_assurance", "This requires a second factor", 403};

/* second factor and passkeys */
const Refusal refusal_mfa_required =
	{"mfa_required", "A second factor is required", 403};
const Refusal refusal_invalid_mfa_token =
	{"invalid_mfa_token", "Invalid MFA token", 401};
const Refusal refusal_mfa_session_expired =
	{"invalid_mfa_token", "MFA session expired, please log in again", 401};
const Refusal refusal_invalid_mfa_code =
	{"invalid_mfa_code", "Invalid MFA code", 401};
const Refusal refusal_invalid_totp_code =
	{"invalid_mfa_code", "Invalid TOTP code", 400};
const Refusal refusal_wrong_mfa_code =
	{"invalid_mfa_code", "Invalid MFA code", 400};
const Refusal refusal_mfa_locked =
	{"mfa_locked", "Too many failed attempts. Try again later.", 429};
const Refusal refusal_mfa_already_enabled =
	{"mfa_already_enabled", "MFA is already enabled", 400};
const Refusal refusal_mfa_not_enabled =
	{"mfa_not_enabled", "MFA is not enabled", 400};
const Refusal refusal_mfa_not_initiated =
	{"mfa_not_initiated", "MFA setup not initiated. Call /mfa/init first.", 400};
const Refusal refusal_passkeys_not_configured =
	{"passkeys_not_configured", "Passkeys are not configured", 400};
const Refusal refusal_invalid_passkey =
	{"invalid_passkey", "The passkey could not be verified", 400};
const Refusal refusal_passkey_not_found =
	{"passkey_not_found", "Passkey not found", 404};
const Refusal refusal_passkey_exists =
	{"passkey_exists", "This passkey is already registered", 409};
const Refusal refusal_too_many_passkeys =
	{"too_many_passkeys", "Too many passkeys, please remove one first", 400};
const Refusal refusal_last_credential =
	{"last_credential", "This is the last way to sign in", 400};

/* OAuth */
const Refusal refusal_unknown_provider =
	{"unknown_provider", "Unknown OAuth provider", 404};
const Refusal refusal_oauth_account =
	{"oauth_account", "This account uses social login", 400};
const Refusal refusal_account_exists =
	{"account_exists", "An account with this email already exists, please sign in to it", 409};
const Refusal refusal_identity_taken =
	{"identity_taken", "This identity belongs to another account", 409};
const Refusal refusal_oauth_code_invalid =
	{"oauth_code_invalid", "Invalid or expired code", 400};
const Refusal refusal_oauth_id_token_invalid =
	{"oauth_id_token_invalid", "The ID token could not be verified", 400};
const Refusal refusal_oauth_provider_unavailable =
	{"oauth_provider_unavailable", "The OAuth provider cannot be reached", 502};
const Refusal refusal_resume_invalid =
	{"resume_invalid", "No such request to resume", 400};
const Refusal refusal_fetch_unsupported =
	{"fetch_unsupported", "This server cannot send requests to other servers", 502};
const Refusal refusal_oauth_state_invalid =
	{"oauth_state_invalid", "Invalid OAuth state", 400};
const Refusal refusal_oauth_state_expired =
	{"oauth_state_expired", "OAuth state has expired, please try again", 400};
const Refusal refusal_oauth_state_provider_mismatch =
	{"oauth_state_provider_mismatch", "OAuth state provider mismatch", 400};
const Refusal refusal_oauth_exchange_failed =
	{"oauth_exchange_failed", "Failed to exchange OAuth code", 400};
const Refusal refusal_oauth_user_info_failed =
	{"oauth_user_info_failed", "Failed to fetch user info from the provider", 400};
const Refusal refusal_oauth_no_email =
	{"oauth_no_email", "Could not retrieve email from the provider", 400};
const Refusal refusal_oauth_no_user_id =
	{"oauth_no_user_id", "Could not determine user ID from the provider's response", 400};
const Refusal refusal_oauth_provider_error =
	{"oauth_provider_error", "The OAuth provider reported an error", 400};
const Refusal refusal_oauth_missing_params =
	{"oauth_missing_params", "Missing code or state", 400};
const Refusal refusal_invalid_redirect =
	{"invalid_redirect", "This redirect is not allowed", 400};
const Refusal refusal_service_token_exists =
	{"service_token_exists", "A service token with this name or secret already exists", 409};
const Refusal refusal_invalid_service_name =
	{"invalid_service_name", "A name has 1 to 64 letters, digits, dots, hyphens and underscores", 400};
const Refusal refusal_invalid_scopes =
	{"invalid_scopes", "Valid scopes are introspect and introspect_refresh", 400};
const Refusal refusal_invalid_service_secret =
	{"invalid_service_secret", "A secret has 12 to 512 visible ASCII characters", 400};
const Refusal refusal_unauthorized =
	{"unauthorized", "Unauthorized", 401};

/* The class shows a client whether the value or only the current state is wrong. */
static int
sqlstate_of(const Refusal *refusal)
{
	if (refusal == &refusal_user_exists || refusal == &refusal_service_token_exists)
		return ERRCODE_UNIQUE_VIOLATION;
	if (refusal == &refusal_user_not_found)
		return ERRCODE_UNDEFINED_OBJECT;
	if (refusal == &refusal_server_busy)
		return ERRCODE_INSUFFICIENT_RESOURCES;
	if (refusal == &refusal_last_credential)
		return ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE;
	return ERRCODE_INVALID_PARAMETER_VALUE;
}

const Refusal *
refusal_with_extra(const Refusal *refusal, const char *extra)
{
	Refusal    *copy = palloc(sizeof(Refusal));

	*copy = *refusal;
	copy->extra = extra;
	return copy;
}

const Refusal *
refusal_with_retry(const Refusal *refusal, int retry_after)
{
	Refusal    *copy = palloc(sizeof(Refusal));

	*copy = *refusal;
	copy->retry_after = retry_after;
	return copy;
}

/* Clients read a sentence; an error message of PostgreSQL begins in lower case, but not "mFA". */
int
refusal_report(const Refusal *refusal)
{
	const char *message = refusal->message;
	bool		is_word = islower((unsigned char) message[1]) || message[1] == ' ';

	errmsg("%c%s", is_word ? pg_tolower((unsigned char) message[0]) : message[0], message + 1);
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
