/*
 * settings.c
 *		The authfort.* configuration parameters: names, units, ranges.
 *
 * Check and assign hooks here use only their arguments.  They run in the
 * postmaster, outside transactions and in parallel workers, so they must not
 * access a catalog or verify a token.
 */
#include "postgres.h"

#include <unistd.h>

#include "access/parallel.h"
#include "fmgr.h"
#include "miscadmin.h"
#include "utils/guc.h"
#include "utils/varlena.h"

#include "base/address.h"
#include "base/client_message.h"
#include "base/origin.h"
#include "base/rate.h"
#include "crypto/pkey.h"
#include "compat.h"
#include "settings.h"

int			setting_access_token_ttl;
int			setting_refresh_token_ttl;
int			setting_refresh_grace;
int			setting_session_max_lifetime;
int			setting_session_retention;
int			setting_refresh_reuse_action;
char	   *setting_jwt;
char	   *setting_trusted_authenticators;
char	   *setting_jwt_issuer;
char	   *setting_jwt_audience;
char	   *setting_jwt_role;
int			setting_signing_algorithm;
int			setting_rsa_key_size;
int			setting_key_rotation_ttl;
char	   *setting_master_key_file;
char	   *setting_master_key_command;
bool		setting_allow_signup;
bool		setting_hide_accounts;
int			setting_min_password_length;
int			setting_argon2_memory;
int			setting_argon2_time_cost;
int			setting_max_concurrent_hashes;
int			setting_hash_queue_timeout;
int			setting_password_history_count;
int			setting_password_reset_ttl;
bool		setting_allow_passwordless_signup;
bool		setting_require_verified_email;
int			setting_email_verify_ttl;
int			setting_magic_link_ttl;
int			setting_email_otp_ttl;
int			setting_email_change_ttl;
int			setting_invitation_ttl;
bool		setting_secure_email_change;
bool		setting_email_optional;
int			setting_notices;
static char *notices_text;
int			setting_recent_auth;
int			setting_mfa_challenge_ttl;
int			setting_mfa_lock_attempts;
int			setting_mfa_lock_time;
char	   *setting_mfa_issuer;
int			setting_require_mfa;
char	   *setting_webauthn_rp_id;
char	   *setting_webauthn_rp_name;
char	   *setting_webauthn_origins;
int			setting_webauthn_user_verification;
int			setting_webauthn_timeout;
int			setting_passkey_counter_action;
char	   *setting_redirect_allowlist;
char	   *setting_public_url;
bool		setting_notify_events;
int			setting_event_retention;
int			setting_outbox_visibility_timeout;
int			setting_cleanup_interval;
char	   *setting_cleanup_databases;
bool		setting_allow_drop;
char	   *setting_log_redact_names;
bool		setting_rate_limit;
int			setting_rate_limit_memory;
char	   *setting_rate_limit_login;
char	   *setting_rate_limit_signup;
char	   *setting_rate_limit_refresh;
char	   *setting_rate_limit_password_reset;
char	   *setting_rate_limit_magic_link;
char	   *setting_rate_limit_otp;
char	   *setting_rate_limit_verify_email;
char	   *setting_rate_limit_oauth_authorize;
char	   *setting_rate_limit_mfa_verify;
char	   *setting_trusted_proxies;
char	   *setting_http_prefix;
char	   *setting_admin_role;
char	   *setting_site_url;
char	   *setting_cors_origins;
bool		setting_cookies;
bool		setting_cookie_secure;
int			setting_cookie_samesite;
char	   *setting_cookie_path;
char	   *setting_cookie_domain;
char	   *setting_access_cookie_name;
char	   *setting_refresh_cookie_name;

uint64		settings_token_generation = 1;
uint64		settings_verdict_generation = 1;
void		(*settings_token_changed) (void) = NULL;

static bool is_preloaded;

#define MINUTE 60
#define HOUR (60 * MINUTE)
#define DAY (24 * HOUR)

static const struct config_enum_entry refresh_reuse_action_options[] = {
	{"user", THEFT_REVOKES_USER, false},
	{"session", THEFT_REVOKES_SESSION, false},
	{NULL, 0, false}
};

static const struct config_enum_entry signing_algorithm_options[] = {
	{"RS256", SIGN_RS256, false},
	{"ES256", SIGN_ES256, false},
	{"EdDSA", SIGN_EDDSA, false},
	{NULL, 0, false}
};

static const struct config_enum_entry samesite_options[] = {
	{"lax", SAMESITE_LAX, false},
	{"strict", SAMESITE_STRICT, false},
	{"none", SAMESITE_NONE, false},
	{NULL, 0, false}
};

static const struct config_enum_entry require_mfa_options[] = {
	{"off", REQUIRE_MFA_OFF, false},
	{"admins", REQUIRE_MFA_ADMINS, false},
	{"all", REQUIRE_MFA_ALL, false},
	{NULL, 0, false}
};

static const struct config_enum_entry passkey_counter_options[] = {
	{"refuse", PASSKEY_COUNTER_REFUSES, false},
	{"record", PASSKEY_COUNTER_RECORDS, false},
	{NULL, 0, false}
};

static const struct config_enum_entry user_verification_options[] = {
	{"discouraged", USER_VERIFICATION_DISCOURAGED, false},
	{"preferred", USER_VERIFICATION_PREFERRED, false},
	{"required", USER_VERIFICATION_REQUIRED, false},
	{NULL, 0, false}
};

const char *
settings_samesite_name(void)
{
	switch ((CookieSameSite) setting_cookie_samesite)
	{
		case SAMESITE_STRICT:
			return "Strict";
		case SAMESITE_NONE:
			return "None";
		case SAMESITE_LAX:
			break;
	}
	return "Lax";
}

void
settings_note_token_change(void)
{
	settings_token_generation++;
	if (settings_token_changed != NULL)
		settings_token_changed();
}

static void
assign_token_setting(const char *newval, void *extra)
{
	settings_note_token_change();
}

/*
 * Check hook of a setting that is a secret.  Marks the client message only if
 * a statement sets the value, not if it comes from a file, from the catalog or
 * from a parallel leader.
 */
static bool
check_secret(char **newval, void **extra, GucSource source)
{
	if (source >= PGC_S_INTERACTIVE && !InitializingParallelWorker)
		client_message_mark();
	return true;
}

static void
assign_verdict_setting(const char *newval, void *extra)
{
	settings_verdict_generation++;
	assign_token_setting(newval, extra);
}

/* The token is a credential: SHOW reveals only whether one is set. */
static const char *
show_jwt(void)
{
	return (setting_jwt == NULL || setting_jwt[0] == '\0') ? "" : "********";
}

static bool
check_not_empty(char **newval, void **extra, GucSource source)
{
	if (*newval != NULL && (*newval)[0] != '\0')
		return true;
	GUC_check_errdetail("The value must not be empty.");
	return false;
}

/*
 * True if every character is printable ASCII and does not occur in
 * "forbidden".  The values are written into response headers, where a line
 * break or a semicolon would start a new header or attribute.
 */
static bool
is_header_safe(const char *value, const char *forbidden)
{
	for (const char *p = value; *p != '\0'; p++)
	{
		if (*p <= ' ' || *p >= 0x7f || strchr(forbidden, *p) != NULL)
		{
			GUC_check_errdetail("The value must consist of printable ASCII characters, without spaces or any of: %s", forbidden);
			return false;
		}
	}
	return true;
}

static bool
check_cookie_name(char **newval, void **extra, GucSource source)
{
	/* RFC 6265: a cookie name is an RFC 7230 token */
	return check_not_empty(newval, extra, source) &&
		is_header_safe(*newval, "()<>@,;:\\\"/[]?={}");
}

static bool
check_cookie_path(char **newval, void **extra, GucSource source)
{
	if ((*newval)[0] != '/')
	{
		GUC_check_errdetail("The value must begin with a slash.");
		return false;
	}
	return is_header_safe(*newval, ";,\"\\");
}

static bool
check_cookie_domain(char **newval, void **extra, GucSource source)
{
	/* browsers ignore a leading dot */
	if ((*newval)[0] == '\0' || origin_is_host_name(*newval + ((*newval)[0] == '.')))
		return true;
	GUC_check_errdetail("The value must be a host name in ASCII, or empty.");
	return false;
}

/* Normalizes the value to the form in which browsers send it. */
static bool
check_site_url(char **newval, void **extra, GucSource source)
{
	if ((*newval)[0] == '\0' || (origin_normalize(*newval) && origin_is_web(*newval)))
		return true;
	GUC_check_errdetail("The value must be empty, or http or https, \"://\", a host, and a port if it is not the default, without a path.");
	return false;
}

static bool
check_cors_origins(char **newval, void **extra, GucSource source)
{
	if (origin_normalize_list(*newval))
		return true;
	GUC_check_errdetail("The value must be a list of origins, scheme://host or scheme://host:port, separated by commas, without paths or wildcards.");
	return false;
}

static bool
check_http_prefix(char **newval, void **extra, GucSource source)
{
	size_t		len = strlen(*newval);

	if (len == 0)
		return true;
	if ((*newval)[0] != '/' || (*newval)[len - 1] == '/')
	{
		GUC_check_errdetail("The value must be empty, or begin with a slash and not end with one.");
		return false;
	}
	return is_header_safe(*newval, "?#;%\"\\");
}

static bool
check_identifier_list(char **newval, void **extra, GucSource source)
{
	List	   *names;
	char	   *copy = pstrdup(*newval);
	bool		valid = SplitIdentifierString(copy, ',', &names);

	list_free(names);
	pfree(copy);
	if (!valid)
		GUC_check_errdetail("List syntax is invalid.");
	return valid;
}

/* Without preloading, backends have no shared memory to count in. */
static bool
check_max_concurrent_hashes(int *newval, void **extra, GucSource source)
{
	if (source != PGC_S_DEFAULT && !is_preloaded)
		ereport(WARNING,
				(errmsg("\"authfort.max_concurrent_hashes\" has no effect"),
				 errhint("Add authfort to \"shared_preload_libraries\".")));
	return true;
}

static int
number_of_cores(void)
{
	long		cores = sysconf(_SC_NPROCESSORS_ONLN);

	return (int) Max(1, Min(cores, 1024));
}

/* Without preloading no worker runs; this warning is the only sign of it. */
static bool
check_cleanup_interval(int *newval, void **extra, GucSource source)
{
	if (source != PGC_S_DEFAULT && *newval > 0 && !is_preloaded)
		ereport(WARNING,
				(errmsg("\"authfort.cleanup_interval\" has no effect"),
				 errhint("Add authfort to \"shared_preload_libraries\", or run authfort.cleanup() on a schedule.")));
	return true;
}

/* In the order of NoticeKind. */
static const char *const notice_names[] = {
	"password_changed", "email_changed", "new_sign_in", "mfa_changed", "mfa_locked",
	"passkey_added", "identity_linked"
};

StaticAssertDecl(lengthof(notice_names) == NOTICE_IDENTITY_LINKED + 1,
				 "each NoticeKind needs a name");

const char *
settings_notice_name(NoticeKind kind)
{
	return notice_names[kind];
}

/* Adds the bit of a notice; false for an unknown name. */
static bool
add_notice(const char *name, int *bits)
{
	for (size_t i = 0; i < lengthof(notice_names); i++)
	{
		if (strcmp(name, notice_names[i]) == 0)
		{
			*bits |= 1 << i;
			return true;
		}
	}
	GUC_check_errdetail("Unrecognized notice \"%s\".", name);
	return false;
}

static bool
check_notices(char **newval, void **extra, GucSource source)
{
	char	   *copy = pstrdup(*newval);
	List	   *names = NIL;
	bool		valid = SplitIdentifierString(copy, ',', &names);
	int			bits = 0;
	ListCell   *cell;

	foreach(cell, names)
	{
		if (valid)
			valid = add_notice(lfirst(cell), &bits);
	}
	list_free(names);
	pfree(copy);
	if (!valid)
		return false;
	*extra = compat_guc_alloc(sizeof(bits));
	if (*extra == NULL)
		return false;
	memcpy(*extra, &bits, sizeof(bits));
	return true;
}

static void
assign_notices(const char *newval, void *extra)
{
	memcpy(&setting_notices, extra, sizeof(setting_notices));
}

static bool
check_rp_id(char **newval, void **extra, GucSource source)
{
	/* browsers compare it with the host of the page, which is in lower case */
	for (char *c = *newval; *c != '\0'; c++)
		*c = pg_ascii_tolower((unsigned char) *c);
	if ((*newval)[0] == '\0' || origin_is_host_name(*newval))
		return true;
	GUC_check_errdetail("The value must be a host name in ASCII, or empty.");
	return false;
}

static void
define_token_settings(void)
{
	DefineCustomStringVariable("authfort.jwt",
							   "Access token that gives this session its identity.",
							   "It is verified when it is first needed. An invalid token gives no identity.",
							   &setting_jwt, "", PGC_USERSET,
							   GUC_NO_SHOW_ALL | GUC_NOT_IN_SAMPLE | GUC_DISALLOW_IN_FILE,
							   check_secret, assign_token_setting, show_jwt);
	DefineCustomStringVariable("authfort.trusted_authenticators",
							   "Login roles whose \"request.jwt.claims\" have been verified and are trusted, separated by commas.",
							   "Those claims give an identity only in sessions of these roles, and only while \"authfort.jwt\" is empty.",
							   &setting_trusted_authenticators, "", PGC_SUSET, GUC_LIST_INPUT,
							   check_identifier_list, assign_token_setting, NULL);
	DefineCustomStringVariable("authfort.jwt_issuer",
							   "Value of the \"iss\" claim in issued tokens, required in verified ones.",
							   NULL,
							   &setting_jwt_issuer, "authfort", PGC_SUSET, 0,
							   check_not_empty, assign_verdict_setting, NULL);
	DefineCustomStringVariable("authfort.jwt_audience",
							   "Value of the \"aud\" claim in issued tokens, required in verified ones; an empty value omits it.",
							   NULL,
							   &setting_jwt_audience, "", PGC_SUSET, 0,
							   NULL, assign_verdict_setting, NULL);
	DefineCustomStringVariable("authfort.jwt_role",
							   "Value of the \"role\" claim, the database role that PostgREST switches to.",
							   NULL,
							   &setting_jwt_role, "authenticated", PGC_SUSET, 0,
							   check_not_empty, NULL, NULL);
	DefineCustomIntVariable("authfort.access_token_ttl",
							"Sets the lifetime of an access token.",
							NULL,
							&setting_access_token_ttl, 15 * MINUTE, 1, DAY, PGC_SUSET, GUC_UNIT_S,
							NULL, NULL, NULL);
}

static void
define_session_settings(void)
{
	DefineCustomIntVariable("authfort.refresh_token_ttl",
							"Time without a refresh after which a session ends.",
							NULL,
							&setting_refresh_token_ttl, 30 * DAY, 1, 3650 * DAY, PGC_SUSET, GUC_UNIT_S,
							NULL, NULL, NULL);
	DefineCustomIntVariable("authfort.refresh_grace",
							"Time for which a replaced refresh token still returns the current one.",
							NULL,
							&setting_refresh_grace, 10, 0, 5 * MINUTE, PGC_SUSET, GUC_UNIT_S,
							NULL, NULL, NULL);
	DefineCustomIntVariable("authfort.session_max_lifetime",
							"Time after sign-in at which a session ends, even if it is refreshed.",
							"Zero disables the limit.",
							&setting_session_max_lifetime, 0, 0, 3650 * DAY, PGC_SUSET, GUC_UNIT_S,
							NULL, NULL, NULL);
	DefineCustomIntVariable("authfort.session_retention",
							"Time for which expired and revoked sessions are kept.",
							"With zero, the next cleanup removes them.",
							&setting_session_retention, 0, 0, 3650 * DAY, PGC_SUSET, GUC_UNIT_S,
							NULL, NULL, NULL);
	DefineCustomEnumVariable("authfort.refresh_reuse_action",
							 "Sessions to revoke when a stale refresh token is reused: all of the user's, or the one it belongs to.",
							 NULL,
							 &setting_refresh_reuse_action, THEFT_REVOKES_USER, refresh_reuse_action_options, PGC_SUSET, 0,
							 NULL, NULL, NULL);
}

static void
define_key_settings(void)
{
	DefineCustomEnumVariable("authfort.signing_algorithm",
							 "Algorithm of the next signing key (RFC 7518, RFC 8037).",
							 "It takes effect with the first key and with authfort.rotate_key().",
							 &setting_signing_algorithm, SIGN_RS256, signing_algorithm_options, PGC_SUSET, 0,
							 NULL, NULL, NULL);
	DefineCustomIntVariable("authfort.rsa_key_size",
							"Size in bits of the next RS256 key.",
							NULL,
							&setting_rsa_key_size, 2048, 2048, 8192, PGC_SUSET, 0,
							NULL, NULL, NULL);
	DefineCustomIntVariable("authfort.key_rotation_ttl",
							"Time for which a replaced signing key stays in the JWKS and verifies.",
							"If it is shorter than authfort.access_token_ttl, a rotation invalidates unexpired access tokens.",
							&setting_key_rotation_ttl, 48 * HOUR, 0, 3650 * DAY, PGC_SUSET, GUC_UNIT_S,
							NULL, NULL, NULL);
	DefineCustomStringVariable("authfort.master_key_file",
							   "File that contains the master key; a relative path starts at the data directory.",
							   "It is created on first use.",
							   &setting_master_key_file, "authfort_master.key", PGC_SUSET, GUC_SUPERUSER_ONLY,
							   check_not_empty, NULL, NULL);
	DefineCustomStringVariable("authfort.master_key_command",
							   "Shell command that prints the master key; if set, it replaces the file.",
							   NULL,
							   &setting_master_key_command, "", PGC_SUSET, GUC_SUPERUSER_ONLY,
							   check_secret, NULL, NULL);
}

static void
define_account_settings(void)
{
	DefineCustomBoolVariable("authfort.allow_passwordless_signup",
							 "Lets a magic link or a code create an account for an unknown email.",
							 NULL,
							 &setting_allow_passwordless_signup, false, PGC_SUSET, 0,
							 NULL, NULL, NULL);
	DefineCustomBoolVariable("authfort.require_verified_email",
							 "Refuses sign-in with a password until the email is verified.",
							 NULL,
							 &setting_require_verified_email, false, PGC_SUSET, 0,
							 NULL, NULL, NULL);
	DefineCustomIntVariable("authfort.email_verify_ttl",
							"Lifetime of a token that verifies an email.",
							NULL,
							&setting_email_verify_ttl, 24 * HOUR, 1, 30 * DAY, PGC_SUSET, GUC_UNIT_S,
							NULL, NULL, NULL);
	DefineCustomIntVariable("authfort.magic_link_ttl",
							"Lifetime of a magic link.",
							NULL,
							&setting_magic_link_ttl, 10 * MINUTE, 1, DAY, PGC_SUSET, GUC_UNIT_S,
							NULL, NULL, NULL);
	DefineCustomIntVariable("authfort.email_otp_ttl",
							"Lifetime of a code that is sent by email.",
							NULL,
							&setting_email_otp_ttl, 5 * MINUTE, 1, HOUR, PGC_SUSET, GUC_UNIT_S,
							NULL, NULL, NULL);
	DefineCustomIntVariable("authfort.email_change_ttl",
							"Lifetime of a token that confirms a new email.",
							NULL,
							&setting_email_change_ttl, HOUR, 1, 30 * DAY, PGC_SUSET, GUC_UNIT_S,
							NULL, NULL, NULL);
	DefineCustomIntVariable("authfort.invitation_ttl",
							"Lifetime of an invitation.",
							NULL,
							&setting_invitation_ttl, 7 * DAY, 1, 365 * DAY, PGC_SUSET, GUC_UNIT_S,
							NULL, NULL, NULL);
	DefineCustomBoolVariable("authfort.secure_email_change",
							 "Requires a change of the email to be confirmed at the old address as well.",
							 NULL,
							 &setting_secure_email_change, false, PGC_SUSET, 0,
							 NULL, NULL, NULL);
	DefineCustomBoolVariable("authfort.email_optional",
							 "Allows accounts without an email, which other identity providers may create.",
							 NULL,
							 &setting_email_optional, false, PGC_SUSET, 0,
							 NULL, NULL, NULL);
	DefineCustomStringVariable("authfort.notices",
							   "Kinds of notices that are sent to users, separated by commas.",
							   "Kinds are password_changed, email_changed, new_sign_in, mfa_changed, mfa_locked, passkey_added and identity_linked.",
							   &notices_text, "", PGC_SUSET, GUC_LIST_INPUT,
							   check_notices, assign_notices, NULL);
	DefineCustomIntVariable("authfort.recent_auth",
							"Time after authentication within which a session may change credentials.",
							NULL,
							&setting_recent_auth, 10 * MINUTE, 1, 30 * DAY, PGC_SUSET, GUC_UNIT_S,
							NULL, NULL, NULL);
	DefineCustomIntVariable("authfort.mfa_challenge_ttl",
							"Time that a user has to prove the second factor.",
							NULL,
							&setting_mfa_challenge_ttl, 5 * MINUTE, 1, HOUR, PGC_SUSET, GUC_UNIT_S,
							NULL, NULL, NULL);
	DefineCustomIntVariable("authfort.mfa_lock_attempts",
							"Number of wrong codes after which the second factor is locked.",
							"Zero disables the lock.",
							&setting_mfa_lock_attempts, 5, 0, 1000, PGC_SUSET, 0,
							NULL, NULL, NULL);
	DefineCustomIntVariable("authfort.mfa_lock_time",
							"Time for which the second factor is locked; each further lock takes twice as long.",
							NULL,
							&setting_mfa_lock_time, 15 * MINUTE, 1, DAY, PGC_SUSET, GUC_UNIT_S,
							NULL, NULL, NULL);
	DefineCustomStringVariable("authfort.mfa_issuer",
							   "Name of the application in authenticator apps.",
							   "If empty, authfort.jwt_issuer is used.",
							   &setting_mfa_issuer, "", PGC_SUSET, 0,
							   NULL, NULL, NULL);
	DefineCustomEnumVariable("authfort.require_mfa",
							 "Users who must have a second factor to sign in.",
							 NULL,
							 &setting_require_mfa, REQUIRE_MFA_OFF, require_mfa_options, PGC_SUSET, 0,
							 NULL, NULL, NULL);
	DefineCustomStringVariable("authfort.webauthn_rp_id",
							   "Domain for which passkeys are registered (relying party identifier of WebAuthn).",
							   "If empty, passkeys are disabled.",
							   &setting_webauthn_rp_id, "", PGC_SUSET, 0,
							   check_rp_id, NULL, NULL);
	DefineCustomStringVariable("authfort.webauthn_rp_name",
							   "Name of the application that is shown when a passkey is registered.",
							   "If empty, authfort.webauthn_rp_id is used.",
							   &setting_webauthn_rp_name, "", PGC_SUSET, 0,
							   NULL, NULL, NULL);
	DefineCustomStringVariable("authfort.webauthn_origins",
							   "Origins whose pages may use passkeys, separated by commas.",
							   NULL,
							   &setting_webauthn_origins, "", PGC_SUSET, 0,
							   check_cors_origins, NULL, NULL);
	DefineCustomEnumVariable("authfort.webauthn_user_verification",
							 "Whether a passkey that is a second factor must verify its user.",
							 "A passkey that is the only factor always must.",
							 &setting_webauthn_user_verification, USER_VERIFICATION_PREFERRED, user_verification_options, PGC_SUSET, 0,
							 NULL, NULL, NULL);
	DefineCustomIntVariable("authfort.webauthn_timeout",
							"Time that a user has to register or use a passkey once a page asks for it.",
							NULL,
							&setting_webauthn_timeout, 5 * MINUTE, 1, HOUR, PGC_SUSET, GUC_UNIT_S,
							NULL, NULL, NULL);
	DefineCustomEnumVariable("authfort.passkey_counter_action",
							 "Reaction to a passkey whose counter does not rise, which may mean that its key was copied.",
							 "The event passkey_counter_anomaly is recorded either way.",
							 &setting_passkey_counter_action, PASSKEY_COUNTER_REFUSES, passkey_counter_options, PGC_SUSET, 0,
							 NULL, NULL, NULL);
	DefineCustomStringVariable("authfort.redirect_allowlist",
							   "Absolute URLs to which a sign-in with another provider may return, separated by commas.",
							   NULL,
							   &setting_redirect_allowlist, "", PGC_SUSET, 0,
							   NULL, NULL, NULL);
	DefineCustomStringVariable("authfort.public_url",
							   "Origin under which clients reach the HTTP routes.",
							   NULL,
							   &setting_public_url, "", PGC_SUSET, 0,
							   check_site_url, NULL, NULL);
}

static void
define_password_settings(void)
{
	DefineCustomBoolVariable("authfort.allow_signup",
							 "Allows authfort.signup() to create accounts.",
							 NULL,
							 &setting_allow_signup, true, PGC_SUSET, 0,
							 NULL, NULL, NULL);
	DefineCustomBoolVariable("authfort.hide_accounts",
							 "Prevents clients from finding out which emails have an account.",
							 "Sign-up then does not sign the user in, and login does not reveal that an account has no password.",
							 &setting_hide_accounts, false, PGC_SUSET, 0,
							 NULL, NULL, NULL);
	DefineCustomIntVariable("authfort.min_password_length",
							"Minimum number of characters in a new password.",
							NULL,
							&setting_min_password_length, 8, 1, 256, PGC_SUSET, 0,
							NULL, NULL, NULL);
	DefineCustomIntVariable("authfort.argon2_memory",
							"Memory used to hash one password (Argon2id m).",
							NULL,
							&setting_argon2_memory, 64 * 1024, 1024, 512 * 1024, PGC_SUSET, GUC_UNIT_KB,
							NULL, NULL, NULL);
	DefineCustomIntVariable("authfort.argon2_time_cost",
							"Passes over the memory when hashing a password (Argon2id t).",
							"Limited to as many as take about one second with authfort.argon2_memory.",
							&setting_argon2_time_cost, 3, 1, 100, PGC_SUSET, 0,
							NULL, NULL, NULL);
	DefineCustomIntVariable("authfort.max_concurrent_hashes",
							"Maximum number of passwords hashed concurrently in the whole server.",
							"The default is the number of cores. Each hash takes authfort.argon2_memory. Requires authfort in shared_preload_libraries.",
							&setting_max_concurrent_hashes, number_of_cores(), 1, 1024, PGC_SIGHUP, 0,
							check_max_concurrent_hashes, NULL, NULL);
	DefineCustomIntVariable("authfort.hash_queue_timeout",
							"Maximum time to wait for a free hashing slot before a request is refused with server_busy.",
							NULL,
							&setting_hash_queue_timeout, 5000, 0, HOUR * 1000, PGC_SUSET, GUC_UNIT_MS,
							NULL, NULL, NULL);
	DefineCustomIntVariable("authfort.password_history_count",
							"Number of a user's previous passwords that a new one must differ from.",
							"Each one costs a password hash to compare with. With zero, none are kept.",
							&setting_password_history_count, 0, 0, 24, PGC_SUSET, 0,
							NULL, NULL, NULL);
	DefineCustomIntVariable("authfort.password_reset_ttl",
							"Sets the lifetime of a password reset token.",
							NULL,
							&setting_password_reset_ttl, HOUR, 1, 7 * DAY, PGC_SUSET, GUC_UNIT_S,
							NULL, NULL, NULL);
}

static bool
check_rate(char **newval, void **extra, GucSource source)
{
	Rate		rate;

	if (rate_read(*newval, &rate))
		return true;
	GUC_check_errdetail("The value must be empty, or a number, a slash, and sec, min, hour or day.");
	return false;
}

static bool
check_networks(char **newval, void **extra, GucSource source)
{
	if (address_is_network_list(*newval))
		return true;
	GUC_check_errdetail("The value must be a list of networks in CIDR notation, separated by commas.");
	return false;
}

static void
define_rate_limit_settings(void)
{
	static const char empty[] = "An empty value disables the limit. Has effect only if authfort.rate_limit is on.";

	DefineCustomBoolVariable("authfort.rate_limit",
							 "Limits requests by client address and by email.",
							 "Requires authfort in shared_preload_libraries.",
							 &setting_rate_limit, false, PGC_SUSET, 0,
							 NULL, NULL, NULL);
	/* a PGC_POSTMASTER setting cannot be defined once the server runs */
	DefineCustomIntVariable("authfort.rate_limit_memory",
							"Shared memory for the counters of requests.",
							"It is allocated at server start, if authfort is in shared_preload_libraries.",
							&setting_rate_limit_memory, 4 * 1024, 64, 1024 * 1024,
							is_preloaded ? PGC_POSTMASTER : PGC_SIGHUP, GUC_UNIT_KB,
							NULL, NULL, NULL);
	DefineCustomStringVariable("authfort.rate_limit_login",
							   "Limit on logins by address, and by email.", empty,
							   &setting_rate_limit_login, "5/min", PGC_SUSET, 0,
							   check_rate, NULL, NULL);
	DefineCustomStringVariable("authfort.rate_limit_signup",
							   "Limit on sign-ups by address, and by email.", empty,
							   &setting_rate_limit_signup, "3/min", PGC_SUSET, 0,
							   check_rate, NULL, NULL);
	DefineCustomStringVariable("authfort.rate_limit_refresh",
							   "Limit on refreshes by address.", empty,
							   &setting_rate_limit_refresh, "30/min", PGC_SUSET, 0,
							   check_rate, NULL, NULL);
	DefineCustomStringVariable("authfort.rate_limit_password_reset",
							   "Limit on password resets by address, and on requests for one by email.", empty,
							   &setting_rate_limit_password_reset, "5/min", PGC_SUSET, 0,
							   check_rate, NULL, NULL);
	DefineCustomStringVariable("authfort.rate_limit_magic_link",
							   "Limit on magic links by address, and by email.", empty,
							   &setting_rate_limit_magic_link, "5/min", PGC_SUSET, 0,
							   check_rate, NULL, NULL);
	DefineCustomStringVariable("authfort.rate_limit_otp",
							   "Limit on requests for one-time codes, and attempts to use them, by address and by email.", empty,
							   &setting_rate_limit_otp, "5/min", PGC_SUSET, 0,
							   check_rate, NULL, NULL);
	DefineCustomStringVariable("authfort.rate_limit_verify_email",
							   "Limit on email verifications by address.", empty,
							   &setting_rate_limit_verify_email, "5/min", PGC_SUSET, 0,
							   check_rate, NULL, NULL);
	DefineCustomStringVariable("authfort.rate_limit_oauth_authorize",
							   "Limit on sign-ins with another provider by address.", empty,
							   &setting_rate_limit_oauth_authorize, "10/min", PGC_SUSET, 0,
							   check_rate, NULL, NULL);
	DefineCustomStringVariable("authfort.rate_limit_mfa_verify",
							   "Limit on second-factor attempts by address.", empty,
							   &setting_rate_limit_mfa_verify, "5/min", PGC_SUSET, 0,
							   check_rate, NULL, NULL);
	DefineCustomStringVariable("authfort.trusted_proxies",
							   "Networks of proxies whose X-Forwarded-For is trusted.",
							   "The client's address is the rightmost one in the header that is outside of these networks.",
							   &setting_trusted_proxies, "", PGC_SUSET, 0,
							   check_networks, NULL, NULL);
}

static void
define_event_settings(void)
{
	DefineCustomBoolVariable("authfort.notify_events",
							 "Announces events and messages with NOTIFY.",
							 "The channels are authfort_events and authfort_outbox. Transactions that notify cannot commit concurrently.",
							 &setting_notify_events, false, PGC_SUSET, 0,
							 NULL, NULL, NULL);
	DefineCustomIntVariable("authfort.event_retention",
							"Time for which events are kept.",
							"With zero, they are kept forever.",
							&setting_event_retention, 365 * DAY, 0, 3650 * DAY, PGC_SUSET, GUC_UNIT_S,
							NULL, NULL, NULL);
	DefineCustomIntVariable("authfort.outbox_visibility_timeout",
							"Time after which a message that was taken but not reported as sent is delivered again.",
							NULL,
							&setting_outbox_visibility_timeout, 5 * MINUTE, 1, DAY, PGC_SUSET, GUC_UNIT_S,
							NULL, NULL, NULL);
}

static void
define_cleanup_settings(void)
{
	DefineCustomBoolVariable("authfort.allow_drop",
							 "Allows the extension to be dropped.",
							 "Requires authfort in shared_preload_libraries; otherwise DROP EXTENSION is not restricted.",
							 &setting_allow_drop, false, PGC_SUSET, 0,
							 NULL, NULL, NULL);
	DefineCustomIntVariable("authfort.cleanup_interval",
							"Time between two runs of the cleanup worker.",
							"Zero disables it. Requires authfort in shared_preload_libraries.",
							&setting_cleanup_interval, 10 * MINUTE, 0, 7 * DAY, PGC_SIGHUP, GUC_UNIT_S,
							check_cleanup_interval, NULL, NULL);
	DefineCustomStringVariable("authfort.cleanup_databases",
							   "Databases that the cleanup worker processes, separated by commas.",
							   "An empty value means every database that has the extension.",
							   &setting_cleanup_databases, "", PGC_SIGHUP, GUC_LIST_INPUT,
							   check_identifier_list, NULL, NULL);
}

/* Not PGC_USERSET, or any user could disable the redaction or hide every statement. */
static void
define_log_settings(void)
{
	DefineCustomStringVariable("authfort.log_redact_names",
							   "Names, besides \"authfort\", that mark a statement as containing secrets, separated by commas.",
							   "The log omits the text of every statement that contains one of them.",
							   &setting_log_redact_names, "request.headers, request.cookies", PGC_SUSET,
							   GUC_LIST_INPUT,
							   check_identifier_list, NULL, NULL);
}

static void
define_http_settings(void)
{
	DefineCustomStringVariable("authfort.http_prefix",
							   "Path prefix of the routes of authfort.http().",
							   "/.well-known/jwks.json is always at the root.",
							   &setting_http_prefix, "/auth", PGC_SUSET, 0,
							   check_http_prefix, NULL, NULL);
	DefineCustomStringVariable("authfort.admin_role",
							   "Application role whose users may use the admin routes.",
							   "An empty value closes these routes.",
							   &setting_admin_role, "admin", PGC_SUSET, 0,
							   NULL, NULL, NULL);
	DefineCustomStringVariable("authfort.site_url",
							   "Origin of the application's own pages as browsers see it, such as https://app.example.com.",
							   "Cookie-authenticated requests that change something are accepted from it. An empty value means the host named in the request.",
							   &setting_site_url, "", PGC_SUSET, 0,
							   check_site_url, NULL, NULL);
	DefineCustomStringVariable("authfort.cors_origins",
							   "Origins of other sites whose pages may call the routes (CORS), separated by commas.",
							   "They are compared exactly, and their requests may use cookies. An empty value allows no origin.",
							   &setting_cors_origins, "", PGC_SUSET, GUC_LIST_INPUT,
							   check_cors_origins, NULL, NULL);
	DefineCustomBoolVariable("authfort.cookies",
							 "Sets token cookies in HTTP responses and accepts them in requests.",
							 NULL,
							 &setting_cookies, false, PGC_SUSET, 0,
							 NULL, NULL, NULL);
	DefineCustomBoolVariable("authfort.cookie_secure",
							 "Sets the Secure attribute of the cookies.",
							 NULL,
							 &setting_cookie_secure, true, PGC_SUSET, 0,
							 NULL, NULL, NULL);
	DefineCustomEnumVariable("authfort.cookie_samesite",
							 "SameSite attribute of the cookies.",
							 "\"none\" works in browsers only together with authfort.cookie_secure.",
							 &setting_cookie_samesite, SAMESITE_LAX, samesite_options, PGC_SUSET, 0,
							 NULL, NULL, NULL);
	DefineCustomStringVariable("authfort.cookie_path",
							   "Path attribute of the cookies.",
							   NULL,
							   &setting_cookie_path, "/", PGC_SUSET, 0,
							   check_cookie_path, NULL, NULL);
	DefineCustomStringVariable("authfort.cookie_domain",
							   "Domain attribute of the cookies; an empty value omits it.",
							   NULL,
							   &setting_cookie_domain, "", PGC_SUSET, 0,
							   check_cookie_domain, NULL, NULL);
	DefineCustomStringVariable("authfort.access_cookie_name",
							   "Name of the access token cookie.",
							   "Browsers accept a name that begins with __Host- only with authfort.cookie_secure, the path / and no domain.",
							   &setting_access_cookie_name, "access_token", PGC_SUSET, 0,
							   check_cookie_name, NULL, NULL);
	DefineCustomStringVariable("authfort.refresh_cookie_name",
							   "Name of the refresh token cookie.",
							   "Browsers accept a name that begins with __Host- only with authfort.cookie_secure, the path / and no domain.",
							   &setting_refresh_cookie_name, "refresh_token", PGC_SUSET, 0,
							   check_cookie_name, NULL, NULL);
}

/* Defines all settings; called once, from _PG_init(). */
void
settings_define(void)
{
	is_preloaded = process_shared_preload_libraries_in_progress;
	define_token_settings();
	define_session_settings();
	define_key_settings();
	define_account_settings();
	define_password_settings();
	define_rate_limit_settings();
	define_event_settings();
	define_cleanup_settings();
	define_log_settings();
	define_http_settings();
	MarkGUCPrefixReserved("authfort");
}
