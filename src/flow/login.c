/*
 * login.c
 *		Signing in with a password.
 */
#include "postgres.h"

#include "access/xact.h"
#include "fmgr.h"
#include "miscadmin.h"

#include "base/arguments.h"
#include "base/json.h"
#include "crypto/password_hash.h"
#include "domain/events.h"
#include "domain/input.h"
#include "domain/rate_limit.h"
#include "domain/sessions.h"
#include "domain/signing_keys.h"
#include "flow/flows.h"
#include "flow/no_password.h"
#include "flow/sign_in.h"
#include "settings.h"

PG_FUNCTION_INFO_V1(authfort_login);

static const Authentication by_password = {"email", 1, 1, {AMR_PASSWORD}};

/* "email" is in its stored form, or NULL for an invalid one, in which case no user is found. */
static User *
find_user(const char *email)
{
	return (email != NULL) ? users_find_by_email(email) : NULL;
}

/*
 * Hashing takes long, and the user may be banned, deleted or get another
 * password during that time.  So the row is then locked and read again, and if
 * the hash has changed, the password is verified against the new one.  A hash
 * made with outdated parameters is replaced; if the hashing budget is
 * exhausted, that is left to the next login.
 */
static AuthResult
log_in(const char *email, const char *password, const Client *client)
{
	User *user = find_user(email);
	User *locked;
	char *fresh_hash;
	PasswordCheck check;

	for (;;)
	{
		check = password_verify((user != NULL) ? user->password_hash : NULL, password);
		if (check == PASSWORD_BUSY)
			return auth_refused(&refusal_server_busy);
		if (user != NULL && user->password_hash == NULL && !user->invited)
			return auth_refused(no_password_refusal(user));
		if (check == PASSWORD_WRONG)
			return auth_refused(&refusal_invalid_credentials);

		fresh_hash = (check == PASSWORD_RIGHT_OUTDATED) ? password_hash(password) : NULL;
		locked = users_lock(&user->id);
		if (locked == NULL)
			return auth_refused(&refusal_invalid_credentials);
		if (user_has_same_password(user, locked))
			break;
		user = locked;
	}
	if (locked->banned)
		return auth_refused(&refusal_user_banned);
	if (fresh_hash != NULL)
		users_rehash_password(&locked->id, fresh_hash);
	return sign_in(locked, &by_password, client);
}

/*
 * An invalid email is not recorded: it may be a password that was typed into
 * the wrong field.
 */
static void
record_failure(const char *email, const Refusal *refusal, const Client *client)
{
	Event event;
	User *user = find_user(email);

	event_begin(&event, EVENT_LOGIN_FAILED, (user != NULL) ? &user->id : NULL, NULL, client);
	json_write_string(&event.payload, "email", email);
	json_write_string(&event.payload, "reason", refusal->code);
	event_record(&event);
}

/*
 * With hidden accounts, no_password and oauth_account are not returned: they
 * would reveal that the account exists.
 */
static AuthResult
attempt_login(const char *email, const char *password, const Client *client)
{
	AuthResult result = log_in(email, password, client);

	if (result.refusal != NULL && result.refusal != &refusal_server_busy)
		record_failure(email, result.refusal, client);
	if (setting_hide_accounts && is_no_password_refusal(result.refusal))
		return auth_refused(&refusal_invalid_credentials);
	return result;
}

/* Whether the user has a session that began at the client's address. */
static bool
is_known_address(const char *email, const Client *client)
{
	User *user = client_has_address(client) ? find_user(email) : NULL;

	return user != NULL && sessions_know_address(&user->id, client->ip);
}

/*
 * The limit by email prevents an attacker with many addresses from guessing at
 * one account.  It must not lock the owner out, so it does not apply to an
 * address from which the user has a session: there, only the limit by address
 * applies.
 *
 * That exemption reveals to other clients at that address that the account
 * exists.  If accounts are hidden, only the right password is accepted, and
 * every other response is the same: a hash is computed, and no event is
 * recorded, because the resulting WAL flush would be measurable.
 */
static AuthResult
log_in_over_limit(const char *email, const char *password, const Client *client,
				  const Refusal *over_limit)
{
	bool known = is_known_address(email, client);
	AuthResult result;

	if (!setting_hide_accounts)
		return known ? attempt_login(email, password, client) : auth_refused(over_limit);
	result = log_in(known ? email : NULL, password, client);
	return (result.refusal != NULL) ? auth_refused(over_limit) : result;
}

AuthResult
flow_login(const char *email, const char *password, const Client *client)
{
	char *stored = NULL;
	const Refusal *refusal;

	if (input_email(email, &stored) != NULL)
		stored = NULL;
	/*
	 * a standby refuses over the limit, and checks no password, because it
	 * cannot record the attempt
	 */
	refusal = rate_limit_check_address(RATE_LIMIT_LOGIN, stored, client);
	if (refusal != NULL)
		return auth_refused(refusal);
	refusal = rate_limit_check_email(RATE_LIMIT_LOGIN, stored, client);
	if (refusal != NULL && XactReadOnly)
		return auth_refused(refusal);
	PreventCommandIfReadOnly("a login");
	signing_keys_require_master_key();
	if (refusal != NULL)
		return log_in_over_limit(stored, password, client, refusal);
	return attempt_login(stored, password, client);
}

/* login(email, password, user_agent, ip_address) -> jsonb */
Datum
authfort_login(PG_FUNCTION_ARGS)
{
	char *email = argument_text(fcinfo, 0, "email");
	char *password = argument_secret(fcinfo, 1, "password");
	Client client = argument_client(fcinfo, 2, 3);
	AuthResult result = flow_login(email, password, &client);

	PG_RETURN_JSONB_P(auth_to_jsonb(&result));
}
