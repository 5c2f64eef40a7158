/*
 * passwordless.c
 *		Signing in by a link or a code from a message.
 */
#include "postgres.h"

#include "fmgr.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/timestamp.h"

#include "base/arguments.h"
#include "base/json.h"
#include "base/uuid_v7.h"
#include "domain/email_codes.h"
#include "domain/events.h"
#include "domain/input.h"
#include "domain/outbox.h"
#include "domain/rate_limit.h"
#include "flow/app_code.h"
#include "flow/email_change.h"
#include "flow/flows.h"
#include "flow/mail_limit.h"
#include "flow/mailbox_proof.h"
#include "flow/mailed_token.h"
#include "flow/passwordless.h"
#include "flow/response_timing.h"
#include "flow/sign_in.h"
#include "flow/user_admin.h"
#include "flow/user_message.h"
#include "settings.h"

PG_FUNCTION_INFO_V1(authfort_create_magic_link_token);
PG_FUNCTION_INFO_V1(authfort_verify_magic_link);
PG_FUNCTION_INFO_V1(authfort_create_email_otp);
PG_FUNCTION_INFO_V1(authfort_verify_email_otp);

/* How long an account waits for the owner of the mailbox, from the last request on. */
#define UNCLAIMED_TTL USECS_PER_DAY

#define CODE_MESSAGE "email_otp"

/* One of the two ways. */
typedef struct Method
{
	Authentication how;
	RateLimited limit;
	EventType requested;
	EventType signed_in;
	const char *message; /* its kind */
	const char *command; /* for the error on a standby */
	/* makes a secret for the caller to deliver; NULL if the user may have none */
	char *(*create)(const User *user, Jsonb *detail);
	/* puts one into the outbox */
	void (*send)(const User *user, Jsonb *detail, const Client *client);
	bool (*is_allowed)(const User *user);
} Method;

static bool
has_no_further_rule(const User *user)
{
	return true;
}

static char *
create_link_token(const User *user, Jsonb *detail)
{
	TimestampTz expires_at;

	return mailed_token_create(MAILED_MAGIC_LINK, user, detail, NULL, &expires_at);
}

static void
send_link(const User *user, Jsonb *detail, const Client *client)
{
	mailed_token_send(MAILED_MAGIC_LINK, user, detail, client);
}

static const Method by_link = {
	{"magic_link", 1, 1, {AMR_EMAIL}},
	RATE_LIMIT_MAGIC_LINK,
	EVENT_MAGIC_LINK_REQUESTED,
	EVENT_MAGIC_LINK_LOGIN,
	"magic_link",
	"a magic link",
	create_link_token,
	send_link,
	has_no_further_rule,
};

static bool
may_have_code(const User *user)
{
	return email_codes_allowed(&user->id);
}

/* Makes a code, which ends the one before, and records it. */
static char *
make_code(const User *user, const pg_uuid_t *message_id, const Client *client, TimestampTz *expires_at)
{
	char *code;

	outbox_withdraw(&user->id, CODE_MESSAGE);
	code = email_code_create(&user->id, EMAIL_CODE_SIGN_IN, setting_email_otp_ttl, message_id,
							 expires_at);
	event_record_of_user(EVENT_EMAIL_OTP_REQUESTED, user, NULL, client, NULL, NULL);
	return code;
}

static char *
create_code(const User *user, Jsonb *detail)
{
	TimestampTz expires_at;

	return make_code(user, NULL, NULL, &expires_at);
}

static void
send_code(const User *user, Jsonb *detail, const Client *client)
{
	StringInfoData message;
	TimestampTz expires_at;
	pg_uuid_t id;
	char *code;

	uuid_v7_make(&id);
	code = make_code(user, &id, client, &expires_at);
	user_message_begin(&message, user);
	user_message_put_code(&id, CODE_MESSAGE, user, expires_at, code, &message);
}

static const Method by_code = {
	{"email_otp", 1, 1, {AMR_EMAIL}},
	RATE_LIMIT_OTP,
	EVENT_EMAIL_OTP_REQUESTED,
	EVENT_EMAIL_OTP_LOGIN,
	CODE_MESSAGE,
	"a one-time code",
	create_code,
	send_code,
	may_have_code,
};

/* An invited user has to accept the invitation first. */
static bool
may_request(const Method *method, const User *user)
{
	return user != NULL && !user->banned && !user->invited && method->is_allowed(user);
}

/* The account with that email; if none can be had, NULL. */
static User *
make_unclaimed(const char *email, const Method *method, const Client *client)
{
	NewUser values = {.email = email, .mailbox_unproven = true};
	pg_uuid_t id;

	/* a concurrent request may have made it just now */
	if (!flow_make_account(&values, method->how.provider, client, &id))
		return users_find_by_email(email);
	/* a handler may have deleted it */
	users_set_unclaimed_until(&id, GetCurrentTimestamp() + UNCLAIMED_TTL);
	return users_find(&id);
}

static User *
find_or_make(const char *email, const Method *method, const Client *client)
{
	User *user = users_find_by_email(email);

	if (user == NULL && setting_allow_passwordless_signup)
		return make_unclaimed(email, method, client);
	return user;
}

static void
keep_unclaimed(const User *user)
{
	if (user->unclaimed)
		users_set_unclaimed_until(&user->id, GetCurrentTimestamp() + UNCLAIMED_TTL);
}

/* False if there is nothing to send. */
static bool
send_to(const char *email, const Method *method, Jsonb *detail, const Client *client)
{
	User *user = find_or_make(email, method, client);

	if (user == NULL)
		return email_change_send_way_back(email, client);
	if (!may_request(method, user))
		return false;
	user = mail_limit_claim(user, method->requested, method->message);
	if (!may_request(method, user))
		return false;
	keep_unclaimed(user);
	method->send(user, detail, client);
	return true;
}

/* The detail of the token in a link for an app. */
static const Refusal *
describe_app(const AppRequest *app, Jsonb **detail)
{
	char *redirect_to;
	const Refusal *refusal = app_request_check(app, &redirect_to);
	StringInfoData json;

	if (refusal != NULL)
		return refusal;
	initStringInfo(&json);
	json_open(&json);
	json_write_string(&json, "redirect_to", redirect_to);
	json_write_string(&json, "code_challenge", app->code_challenge);
	json_close(&json);
	*detail = json_to_jsonb(&json);
	return NULL;
}

static const Refusal *
request_secret(const Method *method, const char *raw_email, const AppRequest *app, const Client *client)
{
	Jsonb *detail = NULL;
	instr_time start;
	char *email = NULL;
	const Refusal *invalid = input_email(raw_email, &email);
	const Refusal *refusal;

	INSTR_TIME_SET_CURRENT(start);
	refusal = rate_limit_check(method->limit, (invalid == NULL) ? email : NULL, client);
	if (refusal != NULL)
		return refusal;
	if (invalid != NULL)
		return invalid;
	if (app != NULL && (refusal = describe_app(app, &detail)) != NULL)
		return refusal;
	PreventCommandIfReadOnly(method->command);
	outbox_prepare();
	if (!send_to(email, method, detail, client))
		timing_equalize_commit();
	timing_equalize_response(start);
	return NULL;
}

const Refusal *
flow_request_magic_link(const char *email, const AppRequest *app, const Client *client)
{
	return request_secret(&by_link, email, app, client);
}

const Refusal *
flow_request_email_otp(const char *email, const Client *client)
{
	return request_secret(&by_code, email, NULL, client);
}

/*
 * Signs in a user who has proven to own the mailbox, and whose row is locked.
 * A second factor may still be missing.
 */
static AuthResult
admit_by_mail(const Method *method, User *user, const pg_uuid_t *session_id, const Client *client)
{
	SignInEvent by_mail = {method->signed_in};

	mailbox_proved_by_sign_in(user, session_id);
	return sign_in_recording(user, &method->how, &by_mail, client);
}

AuthResult
magic_link_sign_in(User *user, const pg_uuid_t *session_id, const Client *client)
{
	return admit_by_mail(&by_link, user, session_id, client);
}

static MagicLinkResult
link_refused(const Refusal *refusal)
{
	MagicLinkResult result = {auth_refused(refusal)};

	return result;
}

/* The app exchanges the code; where the link was opened, nothing is signed in. */
static MagicLinkResult
give_code(const User *user, Jsonb *detail)
{
	MagicLinkResult result = {{NULL}};

	result.redirect_to = json_member_string(detail, "redirect_to");
	result.code = app_code_create(user, NULL, json_member_string(detail, "code_challenge"));
	return result;
}

/* A ban does not end the token, which is valid again after the ban. */
MagicLinkResult
flow_verify_magic_link(const char *token, const pg_uuid_t *session_id, const Client *client)
{
	MagicLinkResult result = {{NULL}};
	Jsonb *detail;
	User *user;

	PreventCommandIfReadOnly("a login");
	user = mailed_token_redeem(MAILED_MAGIC_LINK, token, &detail);
	if (user == NULL)
		return link_refused(&refusal_invalid_magic_link);
	if (user->banned)
		return link_refused(&refusal_user_banned);
	mailed_token_spend(MAILED_MAGIC_LINK, user);
	if (detail != NULL)
		return give_code(user, detail);
	result.auth = magic_link_sign_in(user, session_id, client);
	return result;
}

/*
 * The user, locked, if the code is right.  Only tries at a code that exists are
 * recorded: their number is bounded.
 */
static User *
redeem_code(const char *email, const char *code, const Client *client)
{
	User *user = users_lock_by_email(email);
	EmailCodeCheck check;

	if (user == NULL)
		return NULL;
	check = email_code_check(&user->id, EMAIL_CODE_SIGN_IN, code);
	if (check == EMAIL_CODE_WRONG)
		flow_record_wrong_secret(user, NULL, &refusal_invalid_otp, client);
	return (check == EMAIL_CODE_RIGHT) ? user : NULL;
}

/*
 * A wrong code takes the same time for every email, and so does a banned user's
 * right one, which stays valid.
 */
AuthResult
flow_verify_email_otp(const char *raw_email, const char *code, const pg_uuid_t *session_id,
					  const Client *client)
{
	instr_time start;
	char *email = NULL;
	const Refusal *invalid = input_email(raw_email, &email);
	const Refusal *refusal;
	User *user;

	INSTR_TIME_SET_CURRENT(start);
	refusal = rate_limit_check(RATE_LIMIT_OTP, (invalid == NULL) ? email : NULL, client);
	if (refusal == NULL)
		refusal = invalid;
	if (refusal != NULL)
		return auth_refused(refusal);
	PreventCommandIfReadOnly("a login");
	outbox_prepare();
	timing_queue(email);
	user = redeem_code(email, code, client);
	if (user != NULL && !user->banned)
	{
		email_code_spend(&user->id, EMAIL_CODE_SIGN_IN);
		outbox_withdraw(&user->id, CODE_MESSAGE);
		return admit_by_mail(&by_code, user, session_id, client);
	}
	timing_equalize_commit();
	timing_equalize_response(start);
	return auth_refused((user != NULL) ? &refusal_user_banned : &refusal_invalid_otp);
}

/*
 * An account that a foreign key keeps is anonymized, so that no pass meets it
 * again; if a foreign key forbids that as well, it is tried again later.
 */
int
passwordless_delete_unclaimed(int limit, KeptRows *kept)
{
	int count;
	pg_uuid_t *ids = users_lock_unclaimed(limit, &count);

	for (int i = 0; i < count; i++)
	{
		ErrorData *in_use;

		CHECK_FOR_INTERRUPTS();
		if (user_admin_try_delete(&ids[i], true, NULL, NULL, NULL) != &refusal_user_in_use ||
			user_admin_try_delete(&ids[i], false, NULL, NULL, &in_use) != &refusal_user_in_use)
			continue;
		expired_rows_report(kept, "authfort.users", in_use);
		kept->count++;
		users_set_unclaimed_until(&ids[i], GetCurrentTimestamp() + UNCLAIMED_TTL);
	}
	return count;
}

/* The common part of create_magic_link_token() and create_email_otp().  "app" may be NULL. */
static Datum
create_for_caller(FunctionCallInfo fcinfo, const Method *method, const AppRequest *app)
{
	Jsonb *detail = NULL;
	char *email = argument_text(fcinfo, 0, "email");
	instr_time start;
	const Refusal *refusal;
	User *user;
	char *secret = NULL;

	INSTR_TIME_SET_CURRENT(start);
	PreventCommandIfReadOnly(method->command);
	refusal = input_email(email, &email);
	if (refusal == NULL && app != NULL)
		refusal = describe_app(app, &detail);
	if (refusal != NULL)
		refusal_raise(refusal);
	outbox_prepare();
	user = find_or_make(email, method, NULL);
	if (user != NULL && (user = users_lock_by_email(email)) != NULL && may_request(method, user))
	{
		keep_unclaimed(user);
		secret = method->create(user, detail);
	}
	else
		timing_equalize_commit();
	timing_equalize_response(start);
	if (secret == NULL)
		PG_RETURN_NULL();
	PG_RETURN_TEXT_P(cstring_to_text(secret));
}

/*
 * create_magic_link_token(email, redirect_to, code_challenge,
 *						   code_challenge_method) -> text, or NULL
 */
Datum
authfort_create_magic_link_token(PG_FUNCTION_ARGS)
{
	AppRequest app;

	app.redirect_to = argument_optional_text(fcinfo, 1);
	app.code_challenge = argument_optional_text(fcinfo, 2);
	app.code_challenge_method = argument_optional_text(fcinfo, 3);
	return create_for_caller(fcinfo, &by_link, app_request_is_empty(&app) ? NULL : &app);
}

/* create_email_otp(email) -> text, or NULL */
Datum
authfort_create_email_otp(PG_FUNCTION_ARGS)
{
	return create_for_caller(fcinfo, &by_code, NULL);
}

/* verify_magic_link(token, user_agent, ip_address) -> jsonb */
Datum
authfort_verify_magic_link(PG_FUNCTION_ARGS)
{
	char *token = argument_secret(fcinfo, 0, "token");
	Client client = argument_client(fcinfo, 1, 2);
	MagicLinkResult result = flow_verify_magic_link(token, NULL, &client);

	PG_RETURN_JSONB_P((result.code != NULL) ? app_code_to_jsonb(result.code, result.redirect_to)
											: auth_to_jsonb(&result.auth));
}

/* verify_email_otp(email, code, user_agent, ip_address) -> jsonb */
Datum
authfort_verify_email_otp(PG_FUNCTION_ARGS)
{
	char *email = argument_text(fcinfo, 0, "email");
	char *code = argument_secret(fcinfo, 1, "code");
	Client client = argument_client(fcinfo, 2, 3);
	AuthResult result = flow_verify_email_otp(email, code, NULL, &client);

	PG_RETURN_JSONB_P(auth_to_jsonb(&result));
}
