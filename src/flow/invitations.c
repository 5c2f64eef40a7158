/*
 * invitations.c
 *		Inviting a user, who accepts by the token of a message; and links for
 *		admins who deliver them by themselves.
 */
#include "postgres.h"

#include "fmgr.h"
#include "miscadmin.h"

#include "base/arguments.h"
#include "base/json.h"
#include "crypto/password_hash.h"
#include "domain/events.h"
#include "domain/input.h"
#include "domain/one_time_tokens.h"
#include "domain/outbox.h"
#include "domain/password_history.h"
#include "domain/rate_limit.h"
#include "domain/roles.h"
#include "flow/flows.h"
#include "flow/invitations.h"
#include "flow/mailbox_proof.h"
#include "flow/mailed_token.h"
#include "flow/password_policy.h"
#include "flow/sign_in.h"

PG_FUNCTION_INFO_V1(authfort_invite_user);
PG_FUNCTION_INFO_V1(authfort_accept_invitation);
PG_FUNCTION_INFO_V1(authfort_generate_link);

#define PROVIDER "invitation"

static const Authentication by_invitation = {PROVIDER, 1, 1, {AMR_EMAIL}};

static const Refusal *
accept_invitation_form(const InvitationForm *form, NewUser *values, char ***roles, int *role_count)
{
	const Refusal *refusal;
	char *email;
	char *name;

	if ((refusal = flow_accept_roles(form->roles, form->role_count, roles, role_count)) != NULL ||
		(refusal = input_email(form->email, &email)) != NULL ||
		(refusal = input_name(form->name, &name)) != NULL ||
		(refusal = users_check_claims(email, name, *roles, *role_count)) != NULL)
		return refusal;
	values->email = email;
	values->name = name;
	return (form->app_metadata != NULL) ? users_check_metadata(form->app_metadata) : NULL;
}

const Refusal *
flow_invite_user(const InvitationForm *form, const Client *client, User **user)
{
	NewUser values = {0};
	char **roles;
	int role_count;
	pg_uuid_t id;
	const Refusal *refusal = accept_invitation_form(form, &values, &roles, &role_count);

	if (refusal != NULL)
		return refusal;
	PreventCommandIfReadOnly("an invitation");
	outbox_prepare();
	if (!flow_make_account(&values, PROVIDER, client, &id))
		return &refusal_user_exists;
	users_set_invitation(&id, roles, role_count, form->app_metadata);
	/* a handler may have deleted it */
	*user = users_require_lock(&id);
	mailed_token_send(MAILED_INVITATION, *user, NULL, client);
	return NULL;
}

/*
 * The user's roles after the acceptance; an admin may have added some, and
 * changed the name.  The lock may have waited for that, so they are read again.
 */
static const Refusal *
check_roles(const User *user, char *const *invited, int count)
{
	int total;
	char **own = roles_of(&user->id, &total);
	char **all = palloc((total + count + 1) * sizeof(char *));
	const Refusal *refusal;

	if (count == 0)
		return NULL;
	memcpy(all, own, total * sizeof(char *));
	memcpy(all + total, invited, count * sizeof(char *));
	refusal = flow_accept_roles(all, total + count, &all, &total);
	return (refusal != NULL) ? refusal : users_check_claims(user->email, user->name, all, total);
}

static void
add_roles(const pg_uuid_t *user_id, char *const *roles, int count)
{
	for (int i = 0; i < count; i++)
	{
		if (roles_insert(user_id, roles[i]))
			event_record_text(EVENT_ROLE_ADDED, user_id, "role", roles[i]);
	}
}

/* Before the user's row is locked, because hashing takes long. */
static const Refusal *
hash_first_password(const char *token, const char *password, const Client *client, char **hash)
{
	const Refusal *refusal;
	pg_uuid_t id;
	User *user;

	*hash = NULL;
	if (!one_time_token_find(token, ONE_TIME_INVITATION, &id, NULL) || (user = users_find(&id)) == NULL)
		return &refusal_invalid_invitation;
	if (password == NULL)
		return NULL;
	refusal = password_policy_check(password, user->email, user, client);
	if (refusal != NULL)
		return refusal;
	*hash = password_hash(password);
	return (*hash != NULL) ? NULL : &refusal_server_busy;
}

/* The user's row is locked. */
static AuthResult
accept_locked(User *user, const char *hash, const Client *client)
{
	int count;
	char **roles = users_invited_roles(&user->id, &count);
	const Refusal *refusal = check_roles(user, roles, count);

	if (refusal != NULL)
		return auth_refused(refusal);
	mailed_token_spend(MAILED_INVITATION, user);
	users_end_invitation(&user->id);
	(void) mailbox_proved_elsewhere(user);
	if (hash != NULL)
	{
		users_set_password_hash(&user->id, hash);
		password_history_add(&user->id, hash);
	}
	add_roles(&user->id, roles, count);
	event_record_of_user(EVENT_INVITATION_ACCEPTED, user, NULL, client, NULL, NULL);
	return sign_in(users_require_lock(&user->id), &by_invitation, client);
}

AuthResult
flow_accept_invitation(const char *token, const char *password, const Client *client)
{
	const Refusal *refusal = rate_limit_check(RATE_LIMIT_VERIFY_EMAIL, NULL, client);
	char *hash;
	User *user;

	if (refusal != NULL)
		return auth_refused(refusal);
	PreventCommandIfReadOnly("an invitation");
	refusal = hash_first_password(token, password, client, &hash);
	if (refusal != NULL)
		return auth_refused(refusal);
	user = mailed_token_redeem(MAILED_INVITATION, token, NULL);
	if (user == NULL || !user->invited)
		return auth_refused(&refusal_invalid_invitation);
	if (user->banned)
		return auth_refused(&refusal_user_banned);
	return accept_locked(user, hash, client);
}

/* invite_user(email, roles, name, app_metadata) -> jsonb user */
Datum
authfort_invite_user(PG_FUNCTION_ARGS)
{
	InvitationForm form;
	const Refusal *refusal;
	User *user;
	StringInfoData json;

	form.email = argument_text(fcinfo, 0, "email");
	form.roles = argument_texts(fcinfo, 1, "roles", &form.role_count);
	form.name = argument_optional_text(fcinfo, 2);
	form.app_metadata = PG_ARGISNULL(3) ? NULL : PG_GETARG_JSONB_P(3);
	for (int i = 0; i < form.role_count; i++)
		(void) input_require_role(form.roles[i]);

	refusal = flow_invite_user(&form, NULL, &user);
	if (refusal != NULL)
		refusal_raise(refusal);
	initStringInfo(&json);
	users_append_profile_json(&json, user, NULL);
	PG_RETURN_JSONB_P(json_to_jsonb(&json));
}

/* accept_invitation(token, password, user_agent, ip_address) -> jsonb */
Datum
authfort_accept_invitation(PG_FUNCTION_ARGS)
{
	char *token = argument_secret(fcinfo, 0, "token");
	char *password = argument_optional_secret(fcinfo, 1);
	Client client = argument_client(fcinfo, 2, 3);
	AuthResult result = flow_accept_invitation(token, password, &client);

	PG_RETURN_JSONB_P(auth_to_jsonb(&result));
}

/* The kinds of links, and the users for whom they can be made. */
static const struct
{
	const char *name;
	MailedToken kind;
	bool of_invited; /* only invited users; otherwise only others */
} link_kinds[] = {
	{"email_verification", MAILED_VERIFICATION, false},
	{"magic_link", MAILED_MAGIC_LINK, false},
	{"password_reset", MAILED_PASSWORD_RESET, false},
	{"invitation", MAILED_INVITATION, true},
};

static int
link_kind_by_name(const char *name)
{
	for (int i = 0; i < (int) lengthof(link_kinds); i++)
	{
		if (strcmp(link_kinds[i].name, name) == 0)
			return i;
	}
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("invalid value for parameter \"%s\"", "kind"),
			 errhint("Valid values are email_verification, magic_link, password_reset and invitation.")));
}

/* Raises unless the link would be of use. */
static void
require_use(const User *user, int kind)
{
	const char *reason = NULL;

	if (link_kinds[kind].of_invited && !user->invited)
		reason = "The user has accepted the invitation, or was not invited.";
	else if (!link_kinds[kind].of_invited && user->invited)
		reason = "The user has not accepted the invitation.";
	else if (link_kinds[kind].kind == MAILED_VERIFICATION && user->email_verified)
		reason = "The address is verified.";
	else if (link_kinds[kind].kind == MAILED_MAGIC_LINK && user->banned)
		reason = "The user is banned.";
	if (reason != NULL)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("cannot generate a link of kind \"%s\"", link_kinds[kind].name),
				 errhint("%s", reason)));
}

/* generate_link(kind, email) -> jsonb {token, link, expires_at} */
Datum
authfort_generate_link(PG_FUNCTION_ARGS)
{
	char *name = argument_text(fcinfo, 0, "kind");
	char *email = argument_text(fcinfo, 1, "email");
	int kind = link_kind_by_name(name);
	const Refusal *refusal = input_email(email, &email);
	User *user;
	char *token;
	TimestampTz expires_at;
	StringInfoData json;

	if (refusal != NULL)
		refusal_raise(refusal);
	PreventCommandIfReadOnly("a link");
	user = users_lock_by_email(email);
	if (user == NULL)
		refusal_raise(&refusal_user_not_found);
	require_use(user, kind);
	token = mailed_token_create(link_kinds[kind].kind, user, NULL, NULL, &expires_at);
	initStringInfo(&json);
	json_open(&json);
	json_write_string(&json, "token", token);
	json_write_string(&json, "link", mailed_token_link(link_kinds[kind].kind, token));
	json_write_time(&json, "expires_at", expires_at);
	json_close(&json);
	PG_RETURN_JSONB_P(json_to_jsonb(&json));
}
