/*
 * login.c
 *		Signing in with a password.
 */
#include "postgres.h"

#include "fmgr.h"

#include "arguments.h"
#include "events.h"
#include "flows.h"
#include "input.h"
#include "json.h"
#include "password.h"
#include "rate_limit.h"

PG_FUNCTION_INFO_V1(authfort_login);

/* "email" is in its stored form; NULL, for what is no email, is nobody's. */
static User *
find_user(const char *email)
{
	return (email != NULL) ? users_find_by_email(email) : NULL;
}

/* If it is busy now, the next login will do. */
static void
replace_hash(const pg_uuid_t *id, const char *password)
{
	char	   *hash = password_hash(password);

	if (hash != NULL)
		users_set_password_hash(id, hash);
}

/*
 * Hashing takes long, and the user may change meanwhile: be banned, be
 * deleted, get another password.  So the row is locked and looked at again
 * after it, and if the hash is another one the password has to pass that.
 */
static AuthResult
log_in(const char *email, const char *password, const Client *client)
{
	User	   *user = find_user(email);
	User	   *locked;
	PasswordCheck check;

	for (;;)
	{
		check = password_verify((user != NULL) ? user->password_hash : NULL, password);
		if (check == PASSWORD_BUSY)
			return auth_refused(&refusal_server_busy);
		if (user != NULL && user->password_hash == NULL)
			return auth_refused(&refusal_no_password);
		if (check == PASSWORD_WRONG)
			return auth_refused(&refusal_invalid_credentials);

		locked = users_lock(&user->id);
		if (locked == NULL)
			return auth_refused(&refusal_invalid_credentials);
		if (user_has_same_password(user, locked))
			break;
		user = locked;
	}
	if (locked->banned)
		return auth_refused(&refusal_user_banned);
	if (check == PASSWORD_RIGHT_OUTDATED)
		replace_hash(&locked->id, password);
	return auth_sign_in(locked, client, "email");
}

/*
 * What is no email is not recorded: it may be anything, a password that was
 * typed into the wrong field among it.
 */
static void
record_failure(const char *email, const Refusal *refusal, const Client *client)
{
	Event		event;
	User	   *user = find_user(email);

	event_begin(&event, EVENT_LOGIN_FAILED, (user != NULL) ? &user->id : NULL, NULL, client);
	json_write_string(&event.payload, "email", email);
	json_write_string(&event.payload, "reason", refusal->code);
	event_record(&event);
}

AuthResult
flow_login(const char *email, const char *password, const Client *client)
{
	char	   *stored = NULL;
	const Refusal *refusal;
	AuthResult	result;

	if (input_email(email, &stored) != NULL)
		stored = NULL;
	refusal = rate_limit_check(RATE_LIMIT_LOGIN, stored, client);
	if (refusal != NULL)
		return auth_refused(refusal);
	result = log_in(stored, password, client);
	if (result.refusal != NULL && result.refusal != &refusal_server_busy)
		record_failure(stored, result.refusal, client);
	return result;
}

/* login(email, password, user_agent, ip) -> jsonb */
Datum
authfort_login(PG_FUNCTION_ARGS)
{
	char	   *email = argument_text(fcinfo, 0, "email");
	char	   *password = argument_text(fcinfo, 1, "password");
	Client		client = argument_client(fcinfo, 2, 3);
	AuthResult	result = flow_login(email, password, &client);

	PG_RETURN_JSONB_P(auth_to_jsonb(&result));
}
