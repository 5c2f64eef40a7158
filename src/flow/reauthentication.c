/*
 * reauthentication.c
 *		Proving again, in a session, who its user is.
 */
#include "postgres.h"

#include "fmgr.h"
#include "miscadmin.h"
#include "utils/builtins.h"

#include "base/arguments.h"
#include "base/json.h"
#include "base/uuid_v7.h"
#include "crypto/password_hash.h"
#include "domain/email_codes.h"
#include "domain/events.h"
#include "domain/outbox.h"
#include "domain/rate_limit.h"
#include "domain/sessions.h"
#include "flow/flows.h"
#include "flow/mail_limit.h"
#include "flow/mailbox_proof.h"
#include "flow/mfa_code.h"
#include "flow/passkey_session.h"
#include "flow/reauthentication.h"
#include "flow/user_message.h"
#include "settings.h"

PG_FUNCTION_INFO_V1(authfort_reauthenticate);
PG_FUNCTION_INFO_V1(authfort_create_reauthentication_code);

#define CODE_MESSAGE "reauthentication"

/* In the order of ReauthenticationMethod. */
static const char *const method_names[] = {
	"password", "email_otp", "totp", "backup_code", "passkey",
};

StaticAssertDecl(lengthof(method_names) == REAUTHENTICATE_BY_PASSKEY + 1,
				 "each ReauthenticationMethod needs a name");

static const Authentication by_password_again = {"email", 1, 1, {AMR_PASSWORD}};
static const Authentication by_email_code_again = {"email_otp", 1, 1, {AMR_EMAIL}};

bool
reauthentication_method_by_name(const char *name, ReauthenticationMethod *method)
{
	for (size_t i = 0; i < lengthof(method_names); i++)
	{
		if (strcmp(name, method_names[i]) == 0)
		{
			*method = i;
			return true;
		}
	}
	return false;
}

static bool
is_second_factor(ReauthenticationMethod method)
{
	return method == REAUTHENTICATE_BY_TOTP || method == REAUTHENTICATE_BY_BACKUP_CODE ||
		   method == REAUTHENTICATE_BY_PASSKEY;
}

/* Whether the user may use the method in that session, as both are now. */
static const Refusal *
check_method(const User *user, const pg_uuid_t *session_id, ReauthenticationMethod method)
{
	if (!sessions_is_live(session_id, &user->id))
		return &refusal_session_not_found;
	if (user->banned)
		return &refusal_user_banned;
	if (user->mfa_enabled && !is_second_factor(method))
		return &refusal_insufficient_assurance;
	/* of a passkey, its page has to learn that it was removed */
	if (!user->mfa_enabled && is_second_factor(method) && method != REAUTHENTICATE_BY_PASSKEY)
		return &refusal_mfa_not_enabled;
	if (method == REAUTHENTICATE_BY_EMAIL_CODE && user->email == NULL)
		return &refusal_no_email;
	return NULL;
}

/*
 * Hashing takes long, so the row is locked after it and read again, as when
 * signing in.  *locked is set if the password is right.
 */
static const Refusal *
prove_password(const User *user, const pg_uuid_t *session_id, const char *password,
			   const Client *client, User **locked)
{
	PasswordCheck check;

	for (;;)
	{
		if (user->password_hash == NULL)
			return &refusal_no_password;
		check = password_verify(user->password_hash, password);
		if (check == PASSWORD_BUSY)
			return &refusal_server_busy;
		if (check == PASSWORD_WRONG)
		{
			flow_record_wrong_secret(user, session_id, &refusal_invalid_password, client);
			return &refusal_invalid_password;
		}
		*locked = users_lock(&user->id);
		if (*locked == NULL)
			return &refusal_user_gone;
		if (user_has_same_password(user, *locked))
			return NULL;
		user = *locked;
	}
}

/* A mailed code that comes back in the session shows that the mailbox is its user's. */
static const Refusal *
prove_email_code(User *locked, const char *code)
{
	if (email_code_check(&locked->id, EMAIL_CODE_REAUTHENTICATION, code) != EMAIL_CODE_RIGHT)
		return &refusal_invalid_otp;
	email_code_spend(&locked->id, EMAIL_CODE_REAUTHENTICATION);
	mailbox_proved_by_session(locked);
	return NULL;
}

static const Refusal *
prove_second_factor(User *locked, ReauthenticationMethod method, const char *code,
					const Client *client, Authentication *how)
{
	CodeKind kind = (method == REAUTHENTICATE_BY_TOTP) ? CODE_TOTP : CODE_BACKUP;
	const Refusal *refusal = mfa_code_check(locked, code, kind, &refusal_wrong_mfa_code, client, how);

	if (refusal == NULL)
		how->amr[how->amr_count++] = AMR_MULTIPLE;
	return refusal;
}

/* Sets *locked and *how if the proof is right. */
static const Refusal *
prove_identity(const User *user, const Session *session, const Proof *proof, const Client *client,
			   User **locked, Authentication *how)
{
	if (proof->method == REAUTHENTICATE_BY_PASSWORD)
	{
		*how = by_password_again;
		return prove_password(user, &session->id, proof->secret, client, locked);
	}
	if (proof->method == REAUTHENTICATE_BY_PASSKEY)
		return passkey_session_prove(PASSKEY_REAUTHENTICATION, user, session, proof->credential,
									 client, locked, how);
	*locked = users_lock(&user->id);
	if (*locked == NULL)
		return &refusal_user_gone;
	if (proof->method == REAUTHENTICATE_BY_EMAIL_CODE)
	{
		*how = by_email_code_again;
		return prove_email_code(*locked, proof->secret);
	}
	return prove_second_factor(*locked, proof->method, proof->secret, client, how);
}

void
flow_record_reauthenticated(const User *user, const pg_uuid_t *session_id, const char *method,
							const Client *client)
{
	Event event;

	event_begin(&event, EVENT_REAUTHENTICATED, &user->id, session_id, client);
	json_write_string(&event.payload, "method", method);
	event_record(&event);
}

/* Methods are checked again once the row is locked: a second factor may be new. */
AuthResult
flow_reauthenticate(const pg_uuid_t *session_id, const Proof *proof, const Client *client)
{
	Session session;
	Authentication how;
	const Refusal *refusal;
	User *user;
	User *locked;

	if (!sessions_find_live(session_id, NULL, &session))
		return auth_refused(&refusal_session_not_found);
	user = users_find(&session.user_id);
	if (user == NULL)
		return auth_refused(&refusal_user_gone);
	refusal = rate_limit_check_user(RATE_LIMIT_REAUTHENTICATE, user, client);
	if (refusal != NULL)
		return auth_refused(refusal);
	PreventCommandIfReadOnly("an authentication");
	if ((refusal = check_method(user, session_id, proof->method)) != NULL ||
		(refusal = prove_identity(user, &session, proof, client, &locked, &how)) != NULL ||
		(refusal = check_method(locked, session_id, proof->method)) != NULL)
		return auth_refused(refusal);
	/* the session may have been revoked since it was checked */
	if (!sessions_authenticated(session_id, &how))
		return auth_refused(&refusal_session_not_found);
	flow_record_reauthenticated(locked, session_id, method_names[proof->method], client);
	/* read again, with what has been added */
	if (!sessions_find(session_id, &session))
		return auth_refused(&refusal_session_not_found);
	return auth_done_with_tokens(&locked->id, &session);
}

static char *
create_reauthentication_code(const User *user, const pg_uuid_t *session_id,
							 const pg_uuid_t *message_id, const Client *client,
							 TimestampTz *expires_at)
{
	event_record_of_user(EVENT_REAUTHENTICATION_REQUESTED, user, session_id, client, NULL, NULL);
	return email_code_create(&user->id, EMAIL_CODE_REAUTHENTICATION, setting_email_otp_ttl,
							 message_id, expires_at);
}

static void
send_reauthentication_code(const User *user, const pg_uuid_t *session_id, const Client *client)
{
	StringInfoData message;
	TimestampTz expires_at;
	pg_uuid_t id;
	char *code;

	uuid_v7_make(&id);
	code = create_reauthentication_code(user, session_id, &id, client, &expires_at);
	user_message_begin(&message, user);
	user_message_put_code(&id, CODE_MESSAGE, user, expires_at, code, &message);
}

const Refusal *
flow_request_reauthentication_code(const pg_uuid_t *user_id, const pg_uuid_t *session_id,
								   const Client *client)
{
	User *user = users_require(user_id);
	const Refusal *refusal = rate_limit_check_user(RATE_LIMIT_REAUTHENTICATE, user, client);

	if (refusal != NULL)
		return refusal;
	PreventCommandIfReadOnly("an authentication");
	refusal = check_method(user, session_id, REAUTHENTICATE_BY_EMAIL_CODE);
	if (refusal != NULL)
		return refusal;
	outbox_prepare();
	user = mail_limit_claim(user, EVENT_REAUTHENTICATION_REQUESTED, CODE_MESSAGE);
	if (user == NULL)
		return NULL;
	refusal = check_method(user, session_id, REAUTHENTICATE_BY_EMAIL_CODE);
	if (refusal == NULL && email_codes_allowed(user_id))
		send_reauthentication_code(user, session_id, client);
	return refusal;
}

static ReauthenticationMethod
argument_method(FunctionCallInfo fcinfo, int number)
{
	ReauthenticationMethod method;

	if (!reauthentication_method_by_name(argument_text(fcinfo, number, "method"), &method) ||
		method == REAUTHENTICATE_BY_PASSKEY)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("invalid value for parameter \"%s\"", "method"),
				 errhint("Valid values are password, email_otp, totp and backup_code. For a passkey, call authfort.passkey_reauthenticate_finish().")));
	return method;
}

/* reauthenticate(session_id, method, secret, user_agent, ip_address) -> jsonb */
Datum
authfort_reauthenticate(PG_FUNCTION_ARGS)
{
	pg_uuid_t *session_id = argument_uuid(fcinfo, 0, "session_id");
	char *secret = argument_secret(fcinfo, 2, "secret");
	Proof proof = {argument_method(fcinfo, 1), secret};
	Client client = argument_client(fcinfo, 3, 4);
	AuthResult result = flow_reauthenticate(session_id, &proof, &client);

	PG_RETURN_JSONB_P(auth_to_jsonb(&result));
}

/* create_reauthentication_code(session_id) -> text, or NULL */
Datum
authfort_create_reauthentication_code(PG_FUNCTION_ARGS)
{
	pg_uuid_t *session_id = argument_uuid(fcinfo, 0, "session_id");
	Session session;
	TimestampTz expires_at;
	User *user;

	PreventCommandIfReadOnly("an authentication");
	if (!sessions_find(session_id, &session))
		PG_RETURN_NULL();
	user = users_lock(&session.user_id);
	if (user == NULL || check_method(user, session_id, REAUTHENTICATE_BY_EMAIL_CODE) != NULL ||
		!email_codes_allowed(&user->id))
		PG_RETURN_NULL();
	PG_RETURN_TEXT_P(
		cstring_to_text(create_reauthentication_code(user, session_id, NULL, NULL, &expires_at)));
}
