/*
 * signup.c
 *		Creating an account, by its user or by an admin.
 */
#include "postgres.h"

#include "fmgr.h"
#include "miscadmin.h"
#include "utils/timestamp.h"

#include "base/arguments.h"
#include "base/json.h"
#include "base/uuid_v7.h"
#include "crypto/password_hash.h"
#include "domain/events.h"
#include "domain/input.h"
#include "domain/outbox.h"
#include "domain/password_history.h"
#include "domain/rate_limit.h"
#include "domain/roles.h"
#include "flow/email_change.h"
#include "flow/flows.h"
#include "flow/mail_limit.h"
#include "flow/mailed_token.h"
#include "flow/password_policy.h"
#include "flow/response_timing.h"
#include "flow/sign_in.h"
#include "flow/user_message.h"
#include "settings.h"

PG_FUNCTION_INFO_V1(authfort_signup);
PG_FUNCTION_INFO_V1(authfort_create_user);

/* How long a signup_attempt message stays deliverable. */
#define ATTEMPT_MESSAGE_TTL USECS_PER_DAY

#define ATTEMPT_MESSAGE "signup_attempt"

static const Authentication by_new_password = {"email", 1, 1, {AMR_PASSWORD}};

/*
 * Converts a form to its stored form, and hashes the password if it has one.
 * Returns NULL or the refusal.
 */
static const Refusal *
accept_form(const SignupForm *form, const Client *client, NewUser *user)
{
	const Refusal *refusal;
	char *email;
	char *name;
	char *avatar_url;
	char *phone;

	if ((refusal = input_email(form->email, &email)) != NULL ||
		(refusal = input_name(form->name, &name)) != NULL ||
		(refusal = input_avatar_url(form->avatar_url, &avatar_url)) != NULL ||
		(refusal = input_phone(form->phone, &phone)) != NULL)
		return refusal;
	if (form->password != NULL &&
		(refusal = password_policy_check(form->password, email, NULL, client)) != NULL)
		return refusal;

	user->email = email;
	user->name = name;
	user->avatar_url = avatar_url;
	user->phone = phone;
	if (form->password == NULL)
		return NULL;
	user->password_hash = password_hash(form->password);
	return (user->password_hash != NULL) ? NULL : &refusal_server_busy;
}

static void
remember_password(const pg_uuid_t *id, const NewUser *values)
{
	if (values->password_hash != NULL)
		password_history_add(id, values->password_hash);
}

static void
record_created(const pg_uuid_t *id, const NewUser *values, const char *provider, const Client *client)
{
	Event event;

	event_begin(&event, EVENT_USER_CREATED, id, NULL, client);
	json_write_string(&event.payload, "email", values->email);
	json_write_string(&event.payload, "name", values->name);
	json_write_string(&event.payload, "provider", provider);
	event_record(&event);
}

/* The unique constraint decides between concurrent sign-ups. */
bool
flow_make_account(const NewUser *values, const char *provider, const Client *client, pg_uuid_t *id)
{
	if (!users_insert(values, id))
		return false;
	remember_password(id, values);
	record_created(id, values, provider, client);
	return true;
}

/* False if the email is taken. */
static bool
sign_up(const NewUser *values, const Client *client, pg_uuid_t *id)
{
	User *user;

	if (!flow_make_account(values, by_new_password.provider, client, id))
		return false;
	/* a handler may have deleted it */
	user = users_find(id);
	if (user != NULL && !user->email_verified)
		user = mailed_token_claim(MAILED_VERIFICATION, user);
	if (user != NULL && !user->email_verified)
		mailed_token_send(MAILED_VERIFICATION, user, NULL, client);
	return true;
}

static void
put_attempt_message(const User *owner)
{
	StringInfoData message;
	pg_uuid_t id;

	uuid_v7_make(&id);
	user_message_begin(&message, owner);
	user_message_put(&id, ATTEMPT_MESSAGE, owner, GetCurrentTimestamp() + ATTEMPT_MESSAGE_TTL,
					 &message);
}

/* Informs the owner, instead of the client, that the account exists. */
void
flow_notify_owner(const char *email, const Client *client)
{
	User *owner = users_find_by_email(email);

	if (owner != NULL)
		owner = mail_limit_claim(owner, EVENT_SIGNUP_ATTEMPT, ATTEMPT_MESSAGE);
	if (owner == NULL)
	{
		/* was deleted just now, or the limit of messages is reached */
		timing_equalize_commit();
		return;
	}
	event_record_of_user(EVENT_SIGNUP_ATTEMPT, owner, NULL, client, NULL, NULL);
	put_attempt_message(owner);
}

/*
 * The sign-up of a client that must not learn whether the email was taken.
 *
 * Signing in would reveal that the account is new, because the tokens of an
 * existing account cannot be issued.  So the user is not signed in, and the
 * response is the same in both cases.  The hash has been computed in any case;
 * the rest takes a fixed time.
 */
static AuthResult
sign_up_hidden(const NewUser *values, const Client *client)
{
	instr_time start;
	pg_uuid_t id;

	INSTR_TIME_SET_CURRENT(start);
	if (!sign_up(values, client, &id) && !email_change_send_way_back(values->email, client))
		flow_notify_owner(values->email, client);
	timing_equalize_response(start);
	return auth_refused(setting_require_verified_email ? &refusal_email_unverified
													   : &refusal_email_not_verified);
}

AuthResult
flow_signup(const SignupForm *form, const Client *client)
{
	NewUser values = {0};
	const Refusal *refusal;
	char *email;
	pg_uuid_t id;

	if (!setting_allow_signup)
		return auth_refused(&refusal_signup_disabled);
	if (input_email(form->email, &email) != NULL)
		email = NULL;
	refusal = rate_limit_check(RATE_LIMIT_SIGNUP, email, client);
	if (refusal != NULL)
		return auth_refused(refusal);
	PreventCommandIfReadOnly("a sign-up");
	outbox_prepare();
	refusal = accept_form(form, client, &values);
	if (refusal != NULL)
		return auth_refused(refusal);
	values.mailbox_unproven = true;

	if (setting_hide_accounts || setting_require_verified_email)
		return sign_up_hidden(&values, client);
	if (!sign_up(&values, client, &id))
		return auth_refused(&refusal_user_exists);
	return sign_in(users_require(&id), &by_new_password, client);
}

/* signup(email, password, name, avatar_url, phone, user_agent, ip_address) -> jsonb */
Datum
authfort_signup(PG_FUNCTION_ARGS)
{
	SignupForm form;
	Client client;
	AuthResult result;

	form.email = argument_text(fcinfo, 0, "email");
	form.password = argument_secret(fcinfo, 1, "password");
	form.name = argument_optional_text(fcinfo, 2);
	form.avatar_url = argument_optional_text(fcinfo, 3);
	form.phone = argument_optional_text(fcinfo, 4);
	client = argument_client(fcinfo, 5, 6);
	result = flow_signup(&form, &client);
	PG_RETURN_JSONB_P(auth_to_jsonb(&result));
}

static int
compare_texts(const void *a, const void *b)
{
	return strcmp(*(char *const *) a, *(char *const *) b);
}

/* Called before an account is created that a refusal would leave behind. */
const Refusal *
flow_accept_roles(char *const *names, int name_count, char ***roles, int *count)
{
	int distinct = 0;

	*roles = palloc(Max(name_count, 1) * sizeof(char *));
	for (int i = 0; i < name_count; i++)
	{
		const Refusal *refusal = input_role(names[i], &(*roles)[i]);

		if (refusal != NULL)
			return refusal;
	}
	qsort(*roles, name_count, sizeof(char *), compare_texts);
	for (int i = 0; i < name_count; i++)
	{
		if (distinct == 0 || strcmp((*roles)[i], (*roles)[distinct - 1]) != 0)
			(*roles)[distinct++] = (*roles)[i];
	}
	*count = distinct;
	return roles_check_total(*roles, distinct);
}

/* Roles and verification are recorded as if they had been set after the account was created. */
static void
record_admitted(const User *user)
{
	if (user->email_verified)
		event_record_text(EVENT_EMAIL_VERIFIED, &user->id, "email", user->email);
	for (int i = 0; i < user->role_count; i++)
		event_record_text(EVENT_ROLE_ADDED, &user->id, "role", user->roles[i]);
}

const Refusal *
flow_create_user(const SignupForm *form, bool email_verified, char *const *role_names,
				 int name_count, User **user)
{
	NewUser values = {0};
	const Refusal *refusal;
	char **roles;
	int role_count;
	pg_uuid_t id;

	if ((refusal = flow_accept_roles(role_names, name_count, &roles, &role_count)) != NULL ||
		(refusal = accept_form(form, NULL, &values)) != NULL ||
		(refusal = users_check_claims(values.email, values.name, roles, role_count)) != NULL)
		return refusal;
	values.email_verified = email_verified;
	if (!users_insert(&values, &id))
		return &refusal_user_exists;
	for (int i = 0; i < role_count; i++)
		roles_insert(&id, roles[i]);
	remember_password(&id, &values);
	record_created(&id, &values, "email", NULL);
	/* a handler may have deleted it */
	*user = users_require(&id);
	record_admitted(*user);
	return NULL;
}

/*
 * create_user(email, password, name, avatar_url, phone, email_verified, roles)
 *		-> jsonb user.  Works with signup off, and does not sign the user in.
 */
Datum
authfort_create_user(PG_FUNCTION_ARGS)
{
	SignupForm form;
	const Refusal *refusal;
	bool email_verified;
	char **roles;
	int role_count;
	User *user;
	StringInfoData json;

	form.email = argument_text(fcinfo, 0, "email");
	form.password = argument_optional_secret(fcinfo, 1);
	form.name = argument_optional_text(fcinfo, 2);
	form.avatar_url = argument_optional_text(fcinfo, 3);
	form.phone = argument_optional_text(fcinfo, 4);
	email_verified = argument_bool(fcinfo, 5, "email_verified");
	roles = argument_texts(fcinfo, 6, "roles", &role_count);
	for (int i = 0; i < role_count; i++)
		(void) input_require_role(roles[i]);

	refusal = flow_create_user(&form, email_verified, roles, role_count, &user);
	if (refusal != NULL)
		refusal_raise(refusal);
	initStringInfo(&json);
	users_append_json(&json, user, NULL);
	PG_RETURN_JSONB_P(json_to_jsonb(&json));
}
