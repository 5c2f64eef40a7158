/*
 * password_flows.c
 *		Setting a password: with a reset token, with the old one, or the first.
 *
 * Hashing takes long, so no row is locked during it.  The user is locked
 * afterwards, and if another password has been set by then, everything is
 * checked again.
 */
#include "postgres.h"

#include "fmgr.h"
#include "miscadmin.h"
#include "utils/builtins.h"

#include "base/arguments.h"
#include "crypto/password_hash.h"
#include "domain/email_codes.h"
#include "domain/events.h"
#include "domain/input.h"
#include "domain/one_time_tokens.h"
#include "domain/outbox.h"
#include "domain/password_history.h"
#include "domain/rate_limit.h"
#include "domain/sessions.h"
#include "flow/email_change.h"
#include "flow/flows.h"
#include "flow/mailbox_proof.h"
#include "flow/mailed_token.h"
#include "flow/no_password.h"
#include "flow/notices.h"
#include "flow/password_policy.h"
#include "flow/recent_auth.h"
#include "flow/response_timing.h"
#include "flow/user_message.h"

PG_FUNCTION_INFO_V1(authfort_create_password_reset_token);
PG_FUNCTION_INFO_V1(authfort_reset_password);
PG_FUNCTION_INFO_V1(authfort_change_password);
PG_FUNCTION_INFO_V1(authfort_set_password);

/* An invited user has to accept the invitation first. */
static bool
may_reset(const User *user)
{
	return user != NULL && !user->invited;
}

/* False if there is nothing to send. */
static bool
send_reset_token(const char *email, const Client *client)
{
	User *user = users_find_by_email(email);

	if (user == NULL)
		return email_change_send_way_back(email, client);
	if (may_reset(user))
		user = mailed_token_claim(MAILED_PASSWORD_RESET, user);
	if (!may_reset(user))
		return false;
	mailed_token_send(MAILED_PASSWORD_RESET, user, NULL, client);
	return true;
}

const Refusal *
flow_request_password_reset(const char *email, const Client *client)
{
	instr_time start;
	const Refusal *refusal;
	char *stored;

	INSTR_TIME_SET_CURRENT(start);
	if (input_email(email, &stored) != NULL)
		stored = NULL;
	refusal = rate_limit_check(RATE_LIMIT_PASSWORD_RESET, stored, client);
	if (refusal != NULL)
		return refusal;
	PreventCommandIfReadOnly("a password reset");
	outbox_prepare();
	if (stored == NULL || !send_reset_token(stored, client))
		timing_equalize_commit();
	timing_equalize_response(start);
	return NULL;
}

/*
 * Checks a new password and hashes it.  "user" was read without a lock.
 * Returns NULL or the refusal.
 */
static const Refusal *
accept_password(const char *password, const User *user, const Client *client, char **hash)
{
	const Refusal *refusal;

	if ((refusal = password_policy_check(password, user->email, user, client)) != NULL ||
		(refusal = password_policy_check_reuse(password, user)) != NULL)
		return refusal;
	*hash = password_hash(password);
	return (*hash != NULL) ? NULL : &refusal_server_busy;
}

static void
store_password(const User *user, const char *hash, const Client *client)
{
	users_set_password_hash(&user->id, hash);
	password_history_add(&user->id, hash);
	notice_put(NOTICE_PASSWORD_CHANGED, user, client, NULL);
}

/*
 * Replaces the password of a user whose row is locked.  Invalidates the old
 * one, all sessions except "keep", access tokens and one-time tokens.
 */
static void
replace_password(const User *user, const char *hash, const pg_uuid_t *keep, const Client *client)
{
	store_password(user, hash, client);
	sessions_revoke_all(&user->id, keep);
	if (keep != NULL)
		users_raise_token_version(&user->id);
	one_time_tokens_delete_access(&user->id);
	email_codes_spend_all(&user->id);
	user_message_withdraw_tokens(&user->id);
}

/*
 * Returns false if the user's password is no longer the one that was checked.
 * Otherwise sets *refusal if the session that asks was revoked while the
 * password was hashed.
 */
static bool
replace_password_if_same(const User *user, const char *hash, const KeptSession *kept,
						 const Client *client, const Refusal **refusal)
{
	User *locked = users_lock(&user->id);

	if (locked == NULL || !user_has_same_password(user, locked))
		return false;
	*refusal = kept->asks ? recent_auth_check(locked, kept->id) : NULL;
	if (*refusal == NULL)
		replace_password(locked, hash, kept->id, client);
	return true;
}

const Refusal *
flow_reset_password(const char *token, const char *new_password, const Client *client)
{
	const Refusal *refusal;
	pg_uuid_t id;
	User *user;
	User *locked;
	char *hash;

	refusal = rate_limit_check(RATE_LIMIT_PASSWORD_RESET, NULL, client);
	if (refusal != NULL)
		return refusal;
	PreventCommandIfReadOnly("a password reset");
	do
	{
		if (!one_time_token_find(token, ONE_TIME_PASSWORD_RESET, &id, NULL) ||
			(user = users_find(&id)) == NULL)
			return &refusal_invalid_reset_token;
		refusal = accept_password(new_password, user, client, &hash);
		if (refusal != NULL)
			return refusal;

		locked = mailed_token_redeem(MAILED_PASSWORD_RESET, token, NULL);
		if (locked == NULL)
			return &refusal_invalid_reset_token;
	} while (!user_has_same_password(user, locked));

	/* deleting unproven credentials has ended sessions and tokens */
	if (mailbox_proved_elsewhere(locked))
		store_password(locked, hash, client);
	else
		replace_password(locked, hash, NULL, client);
	event_record_simple(EVENT_PASSWORD_RESET, &id, NULL, client);
	return NULL;
}

void
flow_record_wrong_secret(const User *user, const pg_uuid_t *session_id, const Refusal *refusal,
						 const Client *client)
{
	event_record_of_user(EVENT_LOGIN_FAILED, user, session_id, client, "reason", refusal->code);
}

/* Checks the old password; NULL if there must be none. */
static const Refusal *
check_old_password(const User *user, const char *old_password, const KeptSession *kept,
				   const Client *client)
{
	PasswordCheck check;

	if (old_password == NULL)
		return (user->password_hash != NULL) ? &refusal_password_already_set : NULL;
	if (user->password_hash == NULL)
		return no_password_refusal(user);
	check = password_verify(user->password_hash, old_password);
	if (check == PASSWORD_BUSY)
		return &refusal_server_busy;
	if (check != PASSWORD_WRONG)
		return NULL;
	flow_record_wrong_secret(user, kept->id, &refusal_invalid_password, client);
	return &refusal_invalid_password;
}

/* Replaces the old password, or sets the first one. */
static AuthResult
set_password(const pg_uuid_t *id, const char *old_password, const char *new_password,
			 const KeptSession *kept, const Client *client)
{
	const Refusal *refusal;
	User *user;
	char *hash;

	PreventCommandIfReadOnly("a change of password");
	do
	{
		user = users_find(id);
		if (user == NULL)
			return auth_refused(&refusal_user_gone); /* while we hashed */
		if ((refusal = check_old_password(user, old_password, kept, client)) != NULL ||
			(refusal = accept_password(new_password, user, client, &hash)) != NULL)
			return auth_refused(refusal);
	} while (!replace_password_if_same(user, hash, kept, client, &refusal));

	if (refusal != NULL)
		return auth_refused(refusal);
	event_record_simple((old_password != NULL) ? EVENT_PASSWORD_CHANGED : EVENT_PASSWORD_SET, id,
						NULL, client);
	return auth_done_in_session(id, kept->id);
}

/*
 * The limit is that of logins, counted separately: a stranger who exhausts the
 * logins of an account does not prevent its owner from changing the password.
 */
AuthResult
flow_change_password(const pg_uuid_t *id, const char *old_password, const char *new_password,
					 const KeptSession *kept, const Client *client)
{
	const Refusal *refusal =
		rate_limit_check_user(RATE_LIMIT_CHANGE_PASSWORD, users_require(id), client);

	if (refusal != NULL)
		return auth_refused(refusal);
	return set_password(id, old_password, new_password, kept, client);
}

AuthResult
flow_set_password(const pg_uuid_t *id, const char *new_password, const KeptSession *kept,
				  const Client *client)
{
	(void) users_require(id);
	return set_password(id, NULL, new_password, kept, client);
}

/* create_password_reset_token(email) -> text, or NULL */
Datum
authfort_create_password_reset_token(PG_FUNCTION_ARGS)
{
	char *email = argument_text(fcinfo, 0, "email");
	instr_time start;
	TimestampTz expires_at;
	User *user;
	char *token;

	INSTR_TIME_SET_CURRENT(start);
	PreventCommandIfReadOnly("a password reset");
	user = (input_email(email, &email) == NULL) ? users_lock_by_email(email) : NULL;
	token = may_reset(user)
				? mailed_token_create(MAILED_PASSWORD_RESET, user, NULL, NULL, &expires_at)
				: NULL;
	if (token == NULL)
		timing_equalize_commit();
	timing_equalize_response(start);
	if (token == NULL)
		PG_RETURN_NULL();
	PG_RETURN_TEXT_P(cstring_to_text(token));
}

/* reset_password(token, new_password) -> jsonb */
Datum
authfort_reset_password(PG_FUNCTION_ARGS)
{
	char *token = argument_secret(fcinfo, 0, "token");
	char *new_password = argument_secret(fcinfo, 1, "new_password");

	PG_RETURN_JSONB_P(done_to_jsonb(flow_reset_password(token, new_password, NULL)));
}

/* change_password(user_id, old_password, new_password, session_id, user_agent, ip_address) -> jsonb */
Datum
authfort_change_password(PG_FUNCTION_ARGS)
{
	pg_uuid_t *id = argument_uuid(fcinfo, 0, "user_id");
	char *old_password = argument_secret(fcinfo, 1, "old_password");
	char *new_password = argument_secret(fcinfo, 2, "new_password");
	KeptSession kept = {argument_optional_uuid(fcinfo, 3)};
	Client client = argument_client(fcinfo, 4, 5);
	AuthResult result = flow_change_password(id, old_password, new_password, &kept, &client);

	PG_RETURN_JSONB_P(auth_to_jsonb(&result));
}

/* set_password(user_id, new_password, session_id) -> jsonb */
Datum
authfort_set_password(PG_FUNCTION_ARGS)
{
	pg_uuid_t *id = argument_uuid(fcinfo, 0, "user_id");
	char *new_password = argument_secret(fcinfo, 1, "new_password");
	KeptSession kept = {argument_optional_uuid(fcinfo, 2)};
	AuthResult result = flow_set_password(id, new_password, &kept, NULL);

	PG_RETURN_JSONB_P(auth_to_jsonb(&result));
}
