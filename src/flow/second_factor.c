/*
 * second_factor.c
 *		Which second factors a user has, and which are demanded.
 */
#include "postgres.h"

#include "base/unicode.h"
#include "domain/attempts.h"
#include "domain/backup_codes.h"
#include "domain/events.h"
#include "domain/mfa.h"
#include "domain/passkeys.h"
#include "domain/sessions.h"
#include "flow/notices.h"
#include "flow/second_factor.h"
#include "settings.h"

#define METHODS_MAX 3

const Authentication passkey_as_two_factors = {METHOD_PASSKEY,
											   2,
											   3,
											   {AMR_KEY, AMR_USER_PRESENT, AMR_MULTIPLE}};
const Authentication passkey_as_one_factor = {METHOD_PASSKEY, 1, 2, {AMR_KEY, AMR_USER_PRESENT}};

static bool
has_totp(const pg_uuid_t *user_id)
{
	return mfa_find(user_id).confirmed;
}

bool
second_factor_exists(const pg_uuid_t *user_id)
{
	return has_totp(user_id) || passkeys_count(user_id) > 0;
}

static void
append_method(char **methods, int *count, const char *method)
{
	methods[(*count)++] = pstrdup(method);
}

bool
proven_by_passkey(const Authentication *first)
{
	for (int i = 0; i < first->amr_count; i++)
	{
		if (strcmp(first->amr[i], AMR_KEY) == 0)
			return true;
	}
	return false;
}

char **
second_factor_methods(const pg_uuid_t *user_id, const Authentication *first, int *count)
{
	char **methods = palloc(METHODS_MAX * sizeof(char *));

	*count = 0;
	if (has_totp(user_id))
		append_method(methods, count, METHOD_TOTP);
	/* the same passkey twice is one factor */
	if (passkeys_count(user_id) > 0 && !proven_by_passkey(first))
		append_method(methods, count, METHOD_PASSKEY);
	if (backup_codes_count(user_id) > 0)
		append_method(methods, count, METHOD_BACKUP_CODE);
	return methods;
}

char **
second_factor_offers(int *count)
{
	char **methods = palloc(METHODS_MAX * sizeof(char *));

	*count = 0;
	append_method(methods, count, METHOD_TOTP);
	if (setting_webauthn_rp_id[0] != '\0' && setting_webauthn_origins[0] != '\0')
		append_method(methods, count, METHOD_PASSKEY);
	return methods;
}

static bool
is_admin(const User *user)
{
	const char *admin = unicode_compose(setting_admin_role);

	for (int i = 0; admin[0] != '\0' && i < user->role_count; i++)
	{
		if (strcmp(user->roles[i], admin) == 0)
			return true;
	}
	return false;
}

bool
second_factor_is_required(const User *user)
{
	return setting_require_mfa == REQUIRE_MFA_ALL ||
		   (setting_require_mfa == REQUIRE_MFA_ADMINS && is_admin(user));
}

static void
record_change(EventType type, const User *user, const char *method, const Client *client)
{
	event_record_of_user(type, user, NULL, client, "method", method);
	notice_put(NOTICE_MFA_CHANGED, user, client,
			   (type == EVENT_MFA_ENABLED) ? "\"change\":\"enabled\"" : "\"change\":\"disabled\"");
}

static void
set_enabled(User *user, bool enabled)
{
	users_set_mfa_enabled(&user->id, enabled);
	users_raise_token_version(&user->id);
	user->mfa_enabled = enabled;
	user->token_version++;
}

void
second_factor_enabled(User *user, const char *method, const Client *client)
{
	set_enabled(user, true);
	record_change(EVENT_MFA_ENABLED, user, method, client);
}

void
second_factor_weaken_sessions(const User *user, const char *method, const pg_uuid_t *kept)
{
	static const char *const of_all[] = {AMR_KEY, AMR_USER_PRESENT, AMR_TOTP, AMR_BACKUP_CODE};
	static const char *const of_passkey[] = {AMR_KEY, AMR_USER_PRESENT};
	static const char *const of_app[] = {AMR_TOTP};

	if (!user->mfa_enabled)
		sessions_forget_methods(&user->id, of_all, lengthof(of_all), kept);
	else if (strcmp(method, METHOD_PASSKEY) == 0)
		sessions_forget_methods(&user->id, of_passkey, lengthof(of_passkey), kept);
	else
		sessions_forget_methods(&user->id, of_app, lengthof(of_app), kept);
}

void
second_factor_disabled(User *user, const char *method, const pg_uuid_t *kept, const Client *client)
{
	bool enabled = second_factor_exists(&user->id);

	if (!enabled)
		second_factor_delete_all(user);
	set_enabled(user, enabled);
	second_factor_weaken_sessions(user, method, kept);
	record_change(EVENT_MFA_DISABLED, user, method, client);
}

void
second_factor_delete_all(User *user)
{
	mfa_delete(&user->id);
	attempts_forget(ATTEMPT_MFA, &user->id);
	passkeys_delete_all(&user->id);
	backup_codes_delete(&user->id);
	users_set_mfa_enabled(&user->id, false);
	user->mfa_enabled = false;
}

void
second_factor_delete_since(User *user, TimestampTz time)
{
	mfa_remove_secret_since(&user->id, time);
	passkeys_delete_since(&user->id, time);
	backup_codes_delete_since(&user->id, time);
	if (user->mfa_enabled && !second_factor_exists(&user->id))
		second_factor_delete_all(user);
}
