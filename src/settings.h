/*
 * settings.h
 *		The authfort.* configuration parameters.
 *
 * Times are in seconds, memory is in kilobytes, unless a name says otherwise.
 */
#ifndef AUTHFORT_SETTINGS_H
#define AUTHFORT_SETTINGS_H

#include "postgres.h"

typedef enum TheftResponse
{
	THEFT_REVOKES_USER,
	THEFT_REVOKES_SESSION
} TheftResponse;

typedef enum CookieSameSite
{
	SAMESITE_LAX,
	SAMESITE_STRICT,
	SAMESITE_NONE
} CookieSameSite;

typedef enum RequireMfa
{
	REQUIRE_MFA_OFF,
	REQUIRE_MFA_ADMINS,
	REQUIRE_MFA_ALL
} RequireMfa;

typedef enum UserVerification
{
	USER_VERIFICATION_DISCOURAGED,
	USER_VERIFICATION_PREFERRED,
	USER_VERIFICATION_REQUIRED
} UserVerification;

/* The notices to users; the names of authfort.notices are in this order. */
typedef enum NoticeKind
{
	NOTICE_PASSWORD_CHANGED,
	NOTICE_EMAIL_CHANGED,
	NOTICE_NEW_SIGN_IN,
	NOTICE_MFA_CHANGED,
	NOTICE_MFA_LOCKED,
	NOTICE_PASSKEY_ADDED,
	NOTICE_IDENTITY_LINKED
} NoticeKind;

typedef enum PasskeyCounterAction
{
	PASSKEY_COUNTER_REFUSES,
	PASSKEY_COUNTER_RECORDS
} PasskeyCounterAction;

/* tokens and sessions */
extern int setting_access_token_ttl;
extern int setting_refresh_token_ttl;
extern int setting_refresh_grace;
extern int setting_session_max_lifetime; /* 0: no limit */
extern int setting_session_retention;
extern int setting_refresh_reuse_action;     /* TheftResponse */
extern char *setting_trusted_authenticators; /* list of names */
extern char *setting_jwt_issuer;
extern char *setting_jwt_audience; /* "": none */
extern char *setting_jwt_role;

/* keys */
extern int setting_signing_algorithm; /* SignatureAlgorithm */
extern int setting_rsa_key_size;      /* bits */
extern int setting_key_rotation_ttl;
extern char *setting_master_key_file;
extern char *setting_master_key_command;

/* passwords and signup */
extern bool setting_allow_signup;
extern bool setting_hide_accounts;
extern int setting_min_password_length; /* characters */
extern int setting_argon2_memory;
extern int setting_argon2_time_cost; /* passes */
extern int setting_max_concurrent_hashes;
extern int setting_hash_queue_timeout;     /* milliseconds */
extern int setting_password_history_count; /* 0: none is kept */
extern int setting_password_reset_ttl;

/* email, second factor, passkeys, other providers */
extern bool setting_allow_passwordless_signup;
extern bool setting_require_verified_email;
extern int setting_email_verify_ttl;
extern int setting_magic_link_ttl;
extern int setting_email_otp_ttl;
extern int setting_email_change_ttl;
extern int setting_invitation_ttl;
extern bool setting_secure_email_change;
extern bool setting_email_optional;
extern int setting_notices; /* bits 1 << NoticeKind */
extern int setting_recent_auth;
extern int setting_mfa_challenge_ttl;
extern int setting_mfa_lock_attempts;
extern int setting_mfa_lock_time;
extern char *setting_mfa_issuer;
extern int setting_require_mfa; /* RequireMfa */
extern char *setting_webauthn_rp_id;
extern char *setting_webauthn_rp_name;
extern char *setting_webauthn_origins;
extern int setting_webauthn_user_verification; /* UserVerification */
extern int setting_webauthn_timeout;
extern int setting_passkey_counter_action; /* PasskeyCounterAction */
extern char *setting_redirect_allowlist;
extern char *setting_public_url;

/* events and messages */
extern bool setting_notify_events;
extern int setting_event_retention; /* 0: for ever */
extern int setting_outbox_visibility_timeout;

/* cleanup */
extern int setting_cleanup_interval;    /* 0: off */
extern char *setting_cleanup_databases; /* "": all that have the extension */

/* rate limits, each as rate.h reads it */
extern bool setting_rate_limit;
extern int setting_rate_limit_memory; /* kilobytes */
extern char *setting_rate_limit_login;
extern char *setting_rate_limit_signup;
extern char *setting_rate_limit_refresh;
extern char *setting_rate_limit_password_reset;
extern char *setting_rate_limit_magic_link;
extern char *setting_rate_limit_otp;
extern char *setting_rate_limit_verify_email;
extern char *setting_rate_limit_oauth_authorize;
extern char *setting_rate_limit_introspect;
extern char *setting_rate_limit_mfa_verify;

extern bool setting_allow_drop;

/* the log */
extern char *setting_log_redact_names; /* list of names */

/* HTTP */
extern char *setting_http_prefix;
extern char *setting_admin_role;
extern char *setting_trusted_proxies; /* as address.h reads it */
extern char *setting_site_url;        /* normalized by origin.h; "": the request's own host */
extern char *setting_cors_origins;    /* list, normalized by origin.h */
extern bool setting_cookies;
extern bool setting_cookie_secure;
extern int setting_cookie_samesite; /* CookieSameSite */
extern char *setting_cookie_path;
extern char *setting_cookie_domain; /* "": none */
extern char *setting_access_cookie_name;
extern char *setting_refresh_cookie_name;

/*
 * Rises whenever a setting changes on which the caller's identity depends
 * (authfort.jwt, trusted_authenticators, jwt_issuer, jwt_audience and
 * request.jwt.claims), in whatever way: SET, SET LOCAL, end of transaction,
 * rollback to a savepoint, reload, function SET clause.
 */
extern uint64 settings_token_generation;

/*
 * The same for the settings that decide whether a given token is valid: its
 * issuer and audience.  PostgREST sets other claims before each request, and
 * that does not require verifying a signature again.
 */
extern uint64 settings_verdict_generation;

/* Called on each such change if not NULL; it must not do more than set a flag. */
extern void (*settings_token_changed)(void);

/* Records a change of request.jwt.claims, which is not a setting of authfort. */
extern void settings_note_token_change(void);

/* Defines all settings; called once, from _PG_init(). */
extern void settings_define(void);

/* The name of a notice in authfort.notices, which is also its kind of message. */
extern const char *settings_notice_name(NoticeKind kind);

#endif /* AUTHFORT_SETTINGS_H */
