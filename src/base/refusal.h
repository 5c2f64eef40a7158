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
	const char *code;    /* for clients to compare */
	const char *message; /* for people to read */
	int status;          /* HTTP status */
	int retry_after;     /* seconds after which it may succeed; 0: unknown */
	const char *extra;   /* further members of a JSON object, as text; NULL: none */
} Refusal;

extern const Refusal refusal_invalid_credentials;
extern const Refusal refusal_server_busy;
extern const Refusal refusal_rate_limit_exceeded;
extern const Refusal refusal_user_exists;
extern const Refusal refusal_signup_disabled;
extern const Refusal refusal_email_not_verified;
extern const Refusal refusal_email_unverified;
extern const Refusal refusal_user_banned;
extern const Refusal refusal_no_password;
extern const Refusal refusal_no_email;
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
extern const Refusal refusal_invalid_profile_changes;
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
extern const Refusal refusal_invalid_verification_token;
extern const Refusal refusal_invalid_magic_link;
extern const Refusal refusal_invalid_otp;
extern const Refusal refusal_unknown_method;
extern const Refusal refusal_invalid_invitation;
extern const Refusal refusal_invalid_email_change;
extern const Refusal refusal_email_unchanged;
extern const Refusal refusal_invalid_locale;
extern const Refusal refusal_invalid_metadata;
extern const Refusal refusal_reauthentication_required;
extern const Refusal refusal_insufficient_assurance;
extern const Refusal refusal_mfa_required;
extern const Refusal refusal_invalid_mfa_token;
extern const Refusal refusal_mfa_session_expired;
extern const Refusal refusal_invalid_mfa_code;
extern const Refusal refusal_invalid_totp_code;
extern const Refusal refusal_wrong_mfa_code;
extern const Refusal refusal_mfa_locked;
extern const Refusal refusal_mfa_already_enabled;
extern const Refusal refusal_mfa_not_enabled;
extern const Refusal refusal_mfa_not_initiated;
extern const Refusal refusal_passkeys_not_configured;
extern const Refusal refusal_invalid_passkey;
extern const Refusal refusal_passkey_not_found;
extern const Refusal refusal_passkey_exists;
extern const Refusal refusal_too_many_passkeys;
extern const Refusal refusal_last_credential;
extern const Refusal refusal_unknown_provider;
extern const Refusal refusal_oauth_account;
extern const Refusal refusal_account_exists;
extern const Refusal refusal_identity_taken;
extern const Refusal refusal_oauth_code_invalid;
extern const Refusal refusal_oauth_id_token_invalid;
extern const Refusal refusal_oauth_provider_unavailable;
extern const Refusal refusal_resume_invalid;
extern const Refusal refusal_fetch_unsupported;
extern const Refusal refusal_oauth_state_invalid;
extern const Refusal refusal_oauth_state_expired;
extern const Refusal refusal_oauth_state_provider_mismatch;
extern const Refusal refusal_oauth_exchange_failed;
extern const Refusal refusal_oauth_user_info_failed;
extern const Refusal refusal_oauth_no_email;
extern const Refusal refusal_oauth_no_user_id;
extern const Refusal refusal_oauth_provider_error;
extern const Refusal refusal_oauth_missing_params;
extern const Refusal refusal_invalid_redirect;
extern const Refusal refusal_service_token_exists;
extern const Refusal refusal_invalid_service_name;
extern const Refusal refusal_invalid_scopes;
extern const Refusal refusal_invalid_service_secret;
extern const Refusal refusal_unauthorized;

/* A copy, in the current memory context, that also has these members of a JSON object. */
extern const Refusal *refusal_with_extra(const Refusal *refusal, const char *extra);

/* The same with the seconds after which it may succeed. */
extern const Refusal *refusal_with_retry(const Refusal *refusal, int retry_after);

/*
 * Raises it as an error, for administrators, who may know what is wrong and
 * whose whole transaction it concerns.  The code is the DETAIL, alone, in all
 * errors that have one (docs/reference.md).
 */
extern _Noreturn void refusal_raise(const Refusal *refusal);

/* Its message and DETAIL, within ereport() or an error context callback. */
extern int refusal_report(const Refusal *refusal);

#endif /* AUTHFORT_REFUSAL_H */
