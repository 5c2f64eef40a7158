/*
 * auth_result.c
 *		The result of a flow: a refusal, or a user with tokens.
 */
#include "postgres.h"

#include "base/json.h"
#include "base/others_code.h"
#include "domain/claims_hook.h"
#include "domain/refresh_token.h"
#include "flow/auth_result.h"
#include "identity/access_token.h"
#include "settings.h"

AuthResult
auth_refused(const Refusal *refusal)
{
	AuthResult result = {0};

	result.refusal = refusal;
	return result;
}

AuthResult
auth_tokens(User *user, const Session *session)
{
	return auth_tokens_with_claims(user, session, claims_hook_run(user, session));
}

/*
 * Whether the user, as read now, may have tokens of that session, which is read
 * again.
 */
static const Refusal *
check_holder(const User *user, Session *session)
{
	if (user == NULL)
		return &refusal_user_gone;
	if (user->banned)
		return &refusal_user_banned;
	if (!sessions_find(&session->id, session) || session->revoked)
		return &refusal_token_revoked;
	return NULL;
}

/*
 * Handlers of the events of a sign-in or a refresh, and the claims hook, run
 * while the session exists, so both are read again after them.  Tokens of what
 * they have ended would be accepted where no table is read, and tokens of an
 * earlier token version nowhere else.
 */
static const Refusal *
read_after_others_code(User **user, Session *session)
{
	if ((*user)->others_code_calls == others_code_calls())
		return NULL;
	*user = users_find(&(*user)->id);
	return check_holder(*user, session);
}

AuthResult
auth_tokens_with_claims(User *user, const Session *known, const char *claims)
{
	AuthResult result = {0};
	Session current = *known;
	const Session *session = &current;

	result.refusal = read_after_others_code(&user, &current);
	if (result.refusal != NULL)
		return result;
	result.user = user;
	result.session_id = session->id;
	result.access_token = access_token_issue(user, session, claims);
	result.refresh_token = refresh_token_issue(session);
	result.expires_in = setting_access_token_ttl;
	result.refresh_expires_in = session_seconds_left(session);
	return result;
}

AuthResult
auth_done(void)
{
	AuthResult result = {0};

	result.done = true;
	return result;
}

/*
 * The user is read again.  The lock of the row may have waited for a change of
 * the roles, which are not part of that row, so what was read with it shows
 * them as they were before; and a handler of an event may have changed them, or
 * banned or deleted the user, since.
 */
AuthResult
auth_tokens_anew(const pg_uuid_t *user_id, const Session *session)
{
	User *user = users_lock(user_id);
	Session current = *session;
	const Refusal *refusal = check_holder(user, &current);

	return (refusal != NULL) ? auth_refused(refusal) : auth_tokens(user, &current);
}

AuthResult
auth_done_with_tokens(const pg_uuid_t *user_id, const Session *session)
{
	AuthResult result = auth_tokens_anew(user_id, session);

	result.done = result.refusal == NULL;
	return result;
}

AuthResult
auth_done_in_session(const pg_uuid_t *user_id, const pg_uuid_t *session_id)
{
	Session session;

	if (session_id == NULL || !sessions_rotate_current(session_id, user_id, &session))
		return auth_done();
	return auth_done_with_tokens(user_id, &session);
}

static void
append_tokens(StringInfo out, const AuthResult *result)
{
	json_write_string(out, "access_token", result->access_token);
	json_write_string(out, "refresh_token", result->refresh_token);
	json_write_integer(out, "expires_in", result->expires_in);
}

void
auth_append_challenge(StringInfo out, const AuthResult *result)
{
	json_write_string(out, "mfa_token", result->mfa_token);
	json_write_integer(out, "expires_in", result->expires_in);
	json_write_strings(out, "methods", result->mfa_methods, result->mfa_method_count);
	if (result->mfa_enrol)
		json_write_bool(out, "enrol", true);
}

void
auth_append_members(StringInfo out, const AuthResult *result)
{
	json_name(out, "user");
	users_append_json(out, result->user, &result->session_id);
	json_name(out, "tokens");
	json_open(out);
	append_tokens(out, result);
	json_close(out);
}

static void
append_refusal(StringInfo out, const Refusal *refusal)
{
	json_write_string(out, "error", refusal->code);
	json_write_string(out, "message", refusal->message);
	json_write_integer(out, "status", refusal->status);
	if (refusal->retry_after > 0)
		json_write_integer(out, "retry_after", refusal->retry_after);
	if (refusal->extra != NULL)
		json_write_members(out, refusal->extra);
}

Jsonb *
done_to_jsonb(const Refusal *refusal)
{
	StringInfoData json;

	initStringInfo(&json);
	json_open(&json);
	if (refusal != NULL)
		append_refusal(&json, refusal);
	else
		json_write_bool(&json, "ok", true);
	json_close(&json);
	return json_to_jsonb(&json);
}

Jsonb *
auth_to_jsonb(const AuthResult *result)
{
	StringInfoData json;

	initStringInfo(&json);
	json_open(&json);
	if (result->refusal != NULL)
		append_refusal(&json, result->refusal);
	else if (result->done)
		json_write_bool(&json, "ok", true);
	else if (result->mfa_token != NULL)
	{
		json_write_bool(&json, "mfa_required", true);
		auth_append_challenge(&json, result);
	}
	if (result->user != NULL)
	{
		json_name(&json, "user");
		users_append_json(&json, result->user, &result->session_id);
		json_name(&json, "tokens");
		json_open(&json);
		append_tokens(&json, result);
		json_write_string(&json, "token_type", "bearer");
		json_close(&json);
	}
	json_close(&json);
	return json_to_jsonb(&json);
}
