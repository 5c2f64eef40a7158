/*
 * settings.c
 *		The authfort.* configuration parameters: names, units, ranges.
 *
 * Each type of parameter has a table, as in PostgreSQL's guc_tables.c; their
 * hooks are in settings_hooks.c.
 */
#include "postgres.h"

#include <unistd.h>

#include "miscadmin.h"
#include "utils/guc.h"

#include "crypto/pkey.h"
#include "settings.h"
#include "settings_hooks.h"
#include "settings_jwt.h"

int setting_access_token_ttl;
int setting_refresh_token_ttl;
int setting_refresh_grace;
int setting_session_max_lifetime;
int setting_session_retention;
int setting_refresh_reuse_action;
char *setting_trusted_authenticators;
char *setting_jwt_issuer;
char *setting_jwt_audience;
char *setting_jwt_role;
int setting_signing_algorithm;
int setting_rsa_key_size;
int setting_key_rotation_ttl;
char *setting_master_key_file;
char *setting_master_key_command;
bool setting_allow_signup;
bool setting_hide_accounts;
int setting_min_password_length;
int setting_argon2_memory;
int setting_argon2_time_cost;
int setting_max_concurrent_hashes;
int setting_hash_queue_timeout;
int setting_password_history_count;
int setting_password_reset_ttl;
bool setting_allow_passwordless_signup;
bool setting_require_verified_email;
int setting_email_verify_ttl;
int setting_magic_link_ttl;
int setting_email_otp_ttl;
int setting_email_change_ttl;
int setting_invitation_ttl;
bool setting_secure_email_change;
bool setting_email_optional;
int setting_recent_auth;
int setting_mfa_challenge_ttl;
int setting_mfa_lock_attempts;
int setting_mfa_lock_time;
char *setting_mfa_issuer;
int setting_require_mfa;
char *setting_webauthn_rp_id;
char *setting_webauthn_rp_name;
char *setting_webauthn_origins;
int setting_webauthn_user_verification;
int setting_webauthn_timeout;
int setting_passkey_counter_action;
char *setting_redirect_allowlist;
char *setting_public_url;
bool setting_notify_events;
int setting_event_retention;
int setting_outbox_visibility_timeout;
int setting_cleanup_interval;
char *setting_cleanup_databases;
bool setting_allow_drop;
char *setting_log_redact_names;
bool setting_rate_limit;
int setting_rate_limit_memory;
char *setting_rate_limit_login;
char *setting_rate_limit_signup;
char *setting_rate_limit_refresh;
char *setting_rate_limit_password_reset;
char *setting_rate_limit_magic_link;
char *setting_rate_limit_otp;
char *setting_rate_limit_verify_email;
char *setting_rate_limit_oauth_authorize;
char *setting_rate_limit_introspect;
char *setting_rate_limit_mfa_verify;
char *setting_trusted_proxies;
char *setting_http_prefix;
char *setting_admin_role;
char *setting_site_url;
char *setting_cors_origins;
bool setting_cookies;
bool setting_cookie_secure;
int setting_cookie_samesite;
char *setting_cookie_path;
char *setting_cookie_domain;
char *setting_access_cookie_name;
char *setting_refresh_cookie_name;

/* setting_notices has its meaning. */
static char *notices_text;

#define MINUTE 60
#define HOUR (60 * MINUTE)
#define DAY (24 * HOUR)

typedef struct BoolSetting
{
	const char *name;
	bool *variable;
	bool initial;
	const char *summary;
	const char *detail;
} BoolSetting;

typedef struct IntSetting
{
	const char *name;
	int *variable;
	int initial;
	int min;
	int max;
	GucContext context;
	int flags;
	const char *summary;
	const char *detail;
	GucIntCheckHook check;
} IntSetting;

typedef struct StringSetting
{
	const char *name;
	char **variable;
	const char *initial;
	GucContext context;
	int flags;
	const char *summary;
	const char *detail;
	GucStringCheckHook check;
	GucStringAssignHook assign;
	GucShowHook show;
} StringSetting;

typedef struct EnumSetting
{
	const char *name;
	int *variable;
	int initial;
	const struct config_enum_entry *options;
	const char *summary;
	const char *detail;
} EnumSetting;

static const struct config_enum_entry refresh_reuse_action_options[] = {
	{"user", THEFT_REVOKES_USER, false},
	{"session", THEFT_REVOKES_SESSION, false},
	{NULL, 0, false},
};

static const struct config_enum_entry signing_algorithm_options[] = {
	{"RS256", SIGN_RS256, false},
	{"ES256", SIGN_ES256, false},
	{"EdDSA", SIGN_EDDSA, false},
	{NULL, 0, false},
};

static const struct config_enum_entry samesite_options[] = {
	{"lax", SAMESITE_LAX, false},
	{"strict", SAMESITE_STRICT, false},
	{"none", SAMESITE_NONE, false},
	{NULL, 0, false},
};

static const struct config_enum_entry require_mfa_options[] = {
	{"off", REQUIRE_MFA_OFF, false},
	{"admins", REQUIRE_MFA_ADMINS, false},
	{"all", REQUIRE_MFA_ALL, false},
	{NULL, 0, false},
};

static const struct config_enum_entry passkey_counter_options[] = {
	{"refuse", PASSKEY_COUNTER_REFUSES, false},
	{"record", PASSKEY_COUNTER_RECORDS, false},
	{NULL, 0, false},
};

static const struct config_enum_entry user_verification_options[] = {
	{"discouraged", USER_VERIFICATION_DISCOURAGED, false},
	{"preferred", USER_VERIFICATION_PREFERRED, false},
	{"required", USER_VERIFICATION_REQUIRED, false},
	{NULL, 0, false},
};

static const char rate_limit_detail[] =
	"An empty value disables the limit. Has effect only if authfort.rate_limit is on.";

/* the rows of the tables keep their lines */
/* clang-format off */

/* All of them are PGC_SUSET, as are those of the table of enums. */
static const BoolSetting bool_settings[] = {
	{"authfort.allow_signup", &setting_allow_signup, true,
		"Allows authfort.signup() to create accounts."},
	{"authfort.hide_accounts", &setting_hide_accounts, false,
		"Prevents clients from finding out which emails have an account.",
		"Sign-up then does not sign the user in, and login does not reveal that an account has no password."},
	{"authfort.allow_passwordless_signup", &setting_allow_passwordless_signup, false,
		"Lets a magic link or a code create an account for an unknown email."},
	{"authfort.require_verified_email", &setting_require_verified_email, false,
		"Refuses sign-in with a password until the email is verified."},
	{"authfort.secure_email_change", &setting_secure_email_change, false,
		"Requires a change of the email to be confirmed at the old address as well."},
	{"authfort.email_optional", &setting_email_optional, false,
		"Allows accounts without an email, which sign-ins with OAuth providers may create."},
	{"authfort.notify_events", &setting_notify_events, false,
		"Announces events and messages with NOTIFY.",
		"The channels are authfort_events and authfort_outbox. Transactions that notify cannot commit concurrently."},
	{"authfort.rate_limit", &setting_rate_limit, false,
		"Limits requests by client address and by email.",
		"Requires authfort in shared_preload_libraries."},
	{"authfort.allow_drop", &setting_allow_drop, false,
		"Allows the extension to be dropped.",
		"Requires authfort in shared_preload_libraries; otherwise DROP EXTENSION is not restricted."},
	{"authfort.cookies", &setting_cookies, false,
		"Sets token cookies in HTTP responses and accepts them in requests."},
	{"authfort.cookie_secure", &setting_cookie_secure, true,
		"Sets the Secure attribute of the cookies."},
};

static const EnumSetting enum_settings[] = {
	{"authfort.refresh_reuse_action", &setting_refresh_reuse_action, THEFT_REVOKES_USER, refresh_reuse_action_options,
		"Sessions to revoke when a stale refresh token is reused: all of the user's, or the one it belongs to."},
	{"authfort.signing_algorithm", &setting_signing_algorithm, SIGN_RS256, signing_algorithm_options,
		"Algorithm of the next signing key (RFC 7518, RFC 8037).",
		"It takes effect with the first key and with authfort.rotate_key()."},
	{"authfort.require_mfa", &setting_require_mfa, REQUIRE_MFA_OFF, require_mfa_options,
		"Users who must have a second factor to sign in."},
	{"authfort.webauthn_user_verification", &setting_webauthn_user_verification, USER_VERIFICATION_PREFERRED, user_verification_options,
		"Whether a passkey that is a second factor must verify its user.",
		"A passkey that is the only factor always must."},
	{"authfort.passkey_counter_action", &setting_passkey_counter_action, PASSKEY_COUNTER_REFUSES, passkey_counter_options,
		"Reaction to a passkey whose counter does not rise, which may mean that its key was copied.",
		"The event passkey_counter_anomaly is recorded either way."},
	{"authfort.cookie_samesite", &setting_cookie_samesite, SAMESITE_LAX, samesite_options,
		"SameSite attribute of the cookies.",
		"\"none\" works in browsers only together with authfort.cookie_secure."},
};

static const IntSetting int_settings[] = {
	{"authfort.access_token_ttl", &setting_access_token_ttl, 15 * MINUTE, 1, DAY, PGC_SUSET, GUC_UNIT_S,
		"Lifetime of an access token."},
	{"authfort.refresh_token_ttl", &setting_refresh_token_ttl, 30 * DAY, 1, 3650 * DAY, PGC_SUSET, GUC_UNIT_S,
		"Time without a refresh after which a session ends."},
	{"authfort.refresh_grace", &setting_refresh_grace, 10, 0, 5 * MINUTE, PGC_SUSET, GUC_UNIT_S,
		"Time for which a replaced refresh token still returns the current one."},
	{"authfort.session_max_lifetime", &setting_session_max_lifetime, 0, 0, 3650 * DAY, PGC_SUSET, GUC_UNIT_S,
		"Time after sign-in at which a session ends, even if it is refreshed.",
		"Zero disables the limit."},
	{"authfort.session_retention", &setting_session_retention, 0, 0, 3650 * DAY, PGC_SUSET, GUC_UNIT_S,
		"Time for which expired and revoked sessions are kept.",
		"With zero, the next cleanup removes them."},
	{"authfort.rsa_key_size", &setting_rsa_key_size, 2048, 2048, 8192, PGC_SUSET, 0,
		"Size in bits of the next RS256 key."},
	{"authfort.key_rotation_ttl", &setting_key_rotation_ttl, 48 * HOUR, 0, 3650 * DAY, PGC_SUSET, GUC_UNIT_S,
		"Time for which a replaced signing key stays in the JWKS and verifies.",
		"If it is shorter than authfort.access_token_ttl, a rotation invalidates unexpired access tokens."},
	{"authfort.min_password_length", &setting_min_password_length, 8, 1, 256, PGC_SUSET, 0,
		"Minimum number of characters in a new password."},
	{"authfort.argon2_memory", &setting_argon2_memory, 64 * 1024, 1024, 512 * 1024, PGC_SUSET, GUC_UNIT_KB,
		"Memory used to hash one password (Argon2id m)."},
	{"authfort.argon2_time_cost", &setting_argon2_time_cost, 3, 1, 100, PGC_SUSET, 0,
		"Passes over the memory when hashing a password (Argon2id t).",
		"Limited to as many as take about one second with authfort.argon2_memory."},
	{"authfort.hash_queue_timeout", &setting_hash_queue_timeout, 5000, 0, HOUR * 1000, PGC_SUSET, GUC_UNIT_MS,
		"Maximum time to wait for a free hashing slot before a request is refused with server_busy."},
	{"authfort.password_history_count", &setting_password_history_count, 0, 0, 24, PGC_SUSET, 0,
		"Number of a user's previous passwords that a new one must differ from.",
		"Each one costs a password hash to compare with. With zero, none are kept."},
	{"authfort.password_reset_ttl", &setting_password_reset_ttl, HOUR, 1, 7 * DAY, PGC_SUSET, GUC_UNIT_S,
		"Lifetime of a password reset token."},
	{"authfort.email_verify_ttl", &setting_email_verify_ttl, 24 * HOUR, 1, 30 * DAY, PGC_SUSET, GUC_UNIT_S,
		"Lifetime of a token that verifies an email."},
	{"authfort.magic_link_ttl", &setting_magic_link_ttl, 10 * MINUTE, 1, DAY, PGC_SUSET, GUC_UNIT_S,
		"Lifetime of a magic link."},
	{"authfort.email_otp_ttl", &setting_email_otp_ttl, 5 * MINUTE, 1, HOUR, PGC_SUSET, GUC_UNIT_S,
		"Lifetime of a code that is sent by email."},
	{"authfort.email_change_ttl", &setting_email_change_ttl, HOUR, 1, 30 * DAY, PGC_SUSET, GUC_UNIT_S,
		"Lifetime of a token that confirms a new email."},
	{"authfort.invitation_ttl", &setting_invitation_ttl, 7 * DAY, 1, 365 * DAY, PGC_SUSET, GUC_UNIT_S,
		"Lifetime of an invitation."},
	{"authfort.recent_auth", &setting_recent_auth, 10 * MINUTE, 1, 30 * DAY, PGC_SUSET, GUC_UNIT_S,
		"Time after authentication within which a session may change credentials."},
	{"authfort.mfa_challenge_ttl", &setting_mfa_challenge_ttl, 5 * MINUTE, 1, HOUR, PGC_SUSET, GUC_UNIT_S,
		"Time that a user has to prove the second factor."},
	{"authfort.mfa_lock_attempts", &setting_mfa_lock_attempts, 5, 0, 1000, PGC_SUSET, 0,
		"Number of wrong codes after which the second factor is locked.",
		"Zero disables the lock."},
	{"authfort.mfa_lock_time", &setting_mfa_lock_time, 15 * MINUTE, 1, DAY, PGC_SUSET, GUC_UNIT_S,
		"Time for which the second factor is locked; each further lock takes twice as long."},
	{"authfort.webauthn_timeout", &setting_webauthn_timeout, 5 * MINUTE, 1, HOUR, PGC_SUSET, GUC_UNIT_S,
		"Time that a user has to register or use a passkey once a page asks for it."},
	{"authfort.event_retention", &setting_event_retention, 365 * DAY, 0, 3650 * DAY, PGC_SUSET, GUC_UNIT_S,
		"Time for which events are kept.",
		"With zero, they are kept forever."},
	{"authfort.outbox_visibility_timeout", &setting_outbox_visibility_timeout, 5 * MINUTE, 1, DAY, PGC_SUSET, GUC_UNIT_S,
		"Time after which a message that was taken but not reported as sent is delivered again."},
	{"authfort.cleanup_interval", &setting_cleanup_interval, 10 * MINUTE, 0, 7 * DAY, PGC_SIGHUP, GUC_UNIT_S,
		"Time between two runs of the cleanup worker.",
		"Zero disables it. Requires authfort in shared_preload_libraries.",
		settings_check_cleanup_interval},
};

/*
 * authfort.log_redact_names is not PGC_USERSET, or any user could disable the
 * redaction or hide every statement.
 */
static const StringSetting string_settings[] = {
	{"authfort.jwt", &settings_jwt_text, "", PGC_USERSET, GUC_NOT_IN_SAMPLE | GUC_DISALLOW_IN_FILE,
		"Access token that gives this session its identity.",
		"It is verified when it is first needed. An invalid token gives no identity.",
		settings_check_jwt, settings_assign_jwt, settings_show_jwt},
	{"authfort.trusted_authenticators", &setting_trusted_authenticators, "", PGC_SUSET, GUC_LIST_INPUT,
		"Login roles whose \"request.jwt.claims\" have been verified and are trusted, separated by commas.",
		"Those claims give an identity only in sessions of these roles, and only while \"authfort.jwt\" is empty.",
		settings_check_identifier_list, settings_assign_token_setting},
	{"authfort.jwt_issuer", &setting_jwt_issuer, "authfort", PGC_SUSET, 0,
		"Value of the \"iss\" claim in issued tokens, required in verified ones.", NULL,
		settings_check_not_empty, settings_assign_verdict_setting},
	{"authfort.jwt_audience", &setting_jwt_audience, "", PGC_SUSET, 0,
		"Value of the \"aud\" claim in issued tokens, required in verified ones; an empty value omits it.", NULL,
		NULL, settings_assign_verdict_setting},
	{"authfort.jwt_role", &setting_jwt_role, "authenticated", PGC_SUSET, 0,
		"Value of the \"role\" claim, the database role that PostgREST switches to.", NULL,
		settings_check_not_empty},
	{"authfort.master_key_file", &setting_master_key_file, "authfort_master.key", PGC_SUSET, GUC_SUPERUSER_ONLY,
		"File that contains the master key; a relative path starts at the data directory.",
		"It is created on first use.",
		settings_check_not_empty},
	{"authfort.master_key_command", &setting_master_key_command, "", PGC_SUSET, GUC_SUPERUSER_ONLY,
		"Shell command that prints the master key; if set, it replaces the file.", NULL,
		settings_check_secret},
	{"authfort.notices", &notices_text, "", PGC_SUSET, GUC_LIST_INPUT,
		"Kinds of notices that are sent to users, separated by commas.",
		"Kinds are password_changed, email_changed, new_sign_in, mfa_changed, mfa_locked, passkey_added and identity_linked.",
		settings_check_notices, settings_assign_notices},
	{"authfort.mfa_issuer", &setting_mfa_issuer, "", PGC_SUSET, 0,
		"Name of the application in authenticator apps.",
		"If empty, authfort.jwt_issuer is used."},
	{"authfort.webauthn_rp_id", &setting_webauthn_rp_id, "", PGC_SUSET, 0,
		"Domain for which passkeys are registered (relying party identifier of WebAuthn).",
		"If empty, passkeys are disabled.",
		settings_check_rp_id},
	{"authfort.webauthn_rp_name", &setting_webauthn_rp_name, "", PGC_SUSET, 0,
		"Name of the application that is shown when a passkey is registered.",
		"If empty, authfort.webauthn_rp_id is used."},
	{"authfort.webauthn_origins", &setting_webauthn_origins, "", PGC_SUSET, 0,
		"Origins whose pages may use passkeys, separated by commas.",
		"An Android app is android:apk-key-hash: and the base64url of the SHA-256 of its certificate.",
		settings_check_passkey_origins},
	{"authfort.redirect_allowlist", &setting_redirect_allowlist, "", PGC_SUSET, 0,
		"Absolute URLs to which a sign-in with another provider may return, separated by commas."},
	{"authfort.public_url", &setting_public_url, "", PGC_SUSET, 0,
		"Origin under which clients reach the HTTP routes.", NULL,
		settings_check_site_url},
	{"authfort.cleanup_databases", &setting_cleanup_databases, "", PGC_SIGHUP, GUC_LIST_INPUT,
		"Databases that the cleanup worker processes, separated by commas.",
		"An empty value means every database that has the extension.",
		settings_check_identifier_list},
	{"authfort.rate_limit_login", &setting_rate_limit_login, "5/min", PGC_SUSET, 0,
		"Limit on logins by address, and by email.", rate_limit_detail,
		settings_check_rate},
	{"authfort.rate_limit_signup", &setting_rate_limit_signup, "3/min", PGC_SUSET, 0,
		"Limit on sign-ups by address, and by email.", rate_limit_detail,
		settings_check_rate},
	{"authfort.rate_limit_refresh", &setting_rate_limit_refresh, "30/min", PGC_SUSET, 0,
		"Limit on refreshes by address.", rate_limit_detail,
		settings_check_rate},
	{"authfort.rate_limit_password_reset", &setting_rate_limit_password_reset, "5/min", PGC_SUSET, 0,
		"Limit on password resets by address, and on requests for one by email.", rate_limit_detail,
		settings_check_rate},
	{"authfort.rate_limit_magic_link", &setting_rate_limit_magic_link, "5/min", PGC_SUSET, 0,
		"Limit on magic links by address, and by email.", rate_limit_detail,
		settings_check_rate},
	{"authfort.rate_limit_otp", &setting_rate_limit_otp, "5/min", PGC_SUSET, 0,
		"Limit on requests for one-time codes, and attempts to use them, by address and by email.", rate_limit_detail,
		settings_check_rate},
	{"authfort.rate_limit_verify_email", &setting_rate_limit_verify_email, "5/min", PGC_SUSET, 0,
		"Limit on email verifications by address.", rate_limit_detail,
		settings_check_rate},
	{"authfort.rate_limit_oauth_authorize", &setting_rate_limit_oauth_authorize, "10/min", PGC_SUSET, 0,
		"Limit on sign-ins with another provider by address.", rate_limit_detail,
		settings_check_rate},
	{"authfort.rate_limit_introspect", &setting_rate_limit_introspect, "30/min", PGC_SUSET, 0,
		"Limit on wrong secrets of services by address.", rate_limit_detail,
		settings_check_rate},
	{"authfort.rate_limit_mfa_verify", &setting_rate_limit_mfa_verify, "5/min", PGC_SUSET, 0,
		"Limit on second-factor attempts by address.", rate_limit_detail,
		settings_check_rate},
	{"authfort.log_redact_names", &setting_log_redact_names, "request.headers, request.cookies", PGC_SUSET, GUC_LIST_INPUT,
		"Names, besides \"authfort\", that mark a statement as containing secrets, separated by commas.",
		"The log omits the text of every statement that contains one of them.",
		settings_check_identifier_list},
	{"authfort.http_prefix", &setting_http_prefix, "/auth", PGC_SUSET, 0,
		"Path prefix of the routes of authfort.http().",
		"Routes below /.well-known/ are always at the root.",
		settings_check_http_prefix},
	{"authfort.admin_role", &setting_admin_role, "admin", PGC_SUSET, 0,
		"Application role whose users may use the admin routes.",
		"An empty value closes these routes."},
	{"authfort.trusted_proxies", &setting_trusted_proxies, "", PGC_SUSET, 0,
		"Networks of proxies whose X-Forwarded-For is trusted.",
		"The client's address is the rightmost one in the header that is outside of these networks.",
		settings_check_networks},
	{"authfort.site_url", &setting_site_url, "", PGC_SUSET, 0,
		"Origin of the application's own pages as browsers see it, such as https://app.example.com.",
		"Cookie-authenticated requests that change something are accepted from it. An empty value means the host named in the request.",
		settings_check_site_url},
	{"authfort.cors_origins", &setting_cors_origins, "", PGC_SUSET, GUC_LIST_INPUT,
		"Origins of other sites whose pages may call the routes (CORS), separated by commas.",
		"They are compared exactly, and their requests may use cookies. An empty value allows no origin.",
		settings_check_cors_origins},
	{"authfort.cookie_path", &setting_cookie_path, "/", PGC_SUSET, 0,
		"Path attribute of the cookies.", NULL,
		settings_check_cookie_path},
	{"authfort.cookie_domain", &setting_cookie_domain, "", PGC_SUSET, 0,
		"Domain attribute of the cookies; an empty value omits it.", NULL,
		settings_check_cookie_domain},
	{"authfort.access_cookie_name", &setting_access_cookie_name, "access_token", PGC_SUSET, 0,
		"Name of the access token cookie.",
		"Browsers accept a name that begins with __Host- only with authfort.cookie_secure, the path / and no domain.",
		settings_check_cookie_name},
	{"authfort.refresh_cookie_name", &setting_refresh_cookie_name, "refresh_token", PGC_SUSET, 0,
		"Name of the refresh token cookie.",
		"Browsers accept a name that begins with __Host- only with authfort.cookie_secure, the path / and no domain.",
		settings_check_cookie_name},
};

/* clang-format on */

static void
define_bool_settings(void)
{
	for (size_t i = 0; i < lengthof(bool_settings); i++)
	{
		const BoolSetting *s = &bool_settings[i];

		DefineCustomBoolVariable(s->name, s->summary, s->detail, s->variable, s->initial, PGC_SUSET,
								 0, NULL, NULL, NULL);
	}
}

static void
define_enum_settings(void)
{
	for (size_t i = 0; i < lengthof(enum_settings); i++)
	{
		const EnumSetting *s = &enum_settings[i];

		/* since 16 an assertion demands it */
		*s->variable = s->initial;
		DefineCustomEnumVariable(s->name, s->summary, s->detail, s->variable, s->initial,
								 s->options, PGC_SUSET, 0, NULL, NULL, NULL);
	}
}

static void
define_int_settings(void)
{
	for (size_t i = 0; i < lengthof(int_settings); i++)
	{
		const IntSetting *s = &int_settings[i];

		DefineCustomIntVariable(s->name, s->summary, s->detail, s->variable, s->initial, s->min,
								s->max, s->context, s->flags, s->check, NULL, NULL);
	}
}

static void
define_string_settings(void)
{
	for (size_t i = 0; i < lengthof(string_settings); i++)
	{
		const StringSetting *s = &string_settings[i];

		DefineCustomStringVariable(s->name, s->summary, s->detail, s->variable, s->initial,
								   s->context, s->flags, s->check, s->assign, s->show);
	}
}

static int
number_of_cores(void)
{
	long cores = sysconf(_SC_NPROCESSORS_ONLN);

	return (int) Max(1, Min(cores, 1024));
}

/* Settings with more than the tables of the other kinds can say. */
static void
define_server_settings(void)
{
	DefineCustomIntVariable("authfort.max_concurrent_hashes",
							"Maximum number of passwords hashed concurrently in the whole server.",
							"The default is the number of cores. Each hash takes authfort.argon2_memory. Requires authfort in shared_preload_libraries.",
							&setting_max_concurrent_hashes, number_of_cores(), 1, 1024, PGC_SIGHUP,
							0, settings_check_max_concurrent_hashes, NULL, NULL);
	/* a PGC_POSTMASTER setting cannot be defined once the server runs */
	DefineCustomIntVariable("authfort.rate_limit_memory",
							"Shared memory for the counters of requests.",
							"It is allocated at server start, if authfort is in shared_preload_libraries.",
							&setting_rate_limit_memory, 4 * 1024, 64, 1024 * 1024,
							process_shared_preload_libraries_in_progress ? PGC_POSTMASTER : PGC_SIGHUP,
							GUC_UNIT_KB, NULL, NULL, NULL);
}

void
settings_define(void)
{
	settings_hooks_init();
	define_bool_settings();
	define_enum_settings();
	define_int_settings();
	define_string_settings();
	define_server_settings();
	MarkGUCPrefixReserved("authfort");
}
