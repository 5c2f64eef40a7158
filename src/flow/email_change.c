/*
 * email_change.c
 *		Changing the address of an account, by its user.
 */
#include "postgres.h"

#include "fmgr.h"
#include "miscadmin.h"
#include "utils/timestamp.h"

#include "base/arguments.h"
#include "base/json.h"
#include "base/uuid.h"
#include "base/uuid_v7.h"
#include "domain/email_changes.h"
#include "domain/email_codes.h"
#include "domain/events.h"
#include "domain/identities.h"
#include "domain/input.h"
#include "domain/one_time_tokens.h"
#include "domain/outbox.h"
#include "domain/rate_limit.h"
#include "domain/sessions.h"
#include "flow/auth_result.h"
#include "flow/email_change.h"
#include "flow/flows.h"
#include "flow/mail_limit.h"
#include "flow/notices.h"
#include "flow/recent_auth.h"
#include "flow/response_timing.h"
#include "flow/second_factor.h"
#include "flow/user_message.h"
#include "settings.h"

PG_FUNCTION_INFO_V1(authfort_request_email_change);
PG_FUNCTION_INFO_V1(authfort_confirm_email_change);
PG_FUNCTION_INFO_V1(authfort_undo_email_change);

/* Members of a token's detail: the change, and at which address it was received. */
#define DETAIL_CHANGE "change"
#define DETAIL_AT_OLD "at_old"

static Jsonb *
token_detail(const EmailChange *change, bool at_old)
{
	StringInfoData json;

	initStringInfo(&json);
	json_open(&json);
	json_write_uuid(&json, DETAIL_CHANGE, &change->id);
	json_write_bool(&json, DETAIL_AT_OLD, at_old);
	json_close(&json);
	return json_to_jsonb(&json);
}

/* NULL stands for none. */
static bool
is_same_email(const char *a, const char *b)
{
	if (a == NULL || b == NULL)
		return a == b;
	return strcmp(a, b) == 0;
}

static void
record_email_change(EventType type, const pg_uuid_t *user_id, const char *old_email,
					const char *new_email, const Client *client)
{
	Event event;

	event_begin(&event, type, user_id, NULL, client);
	json_write_string(&event.payload,
					  (type == EVENT_EMAIL_CHANGE_REQUESTED) ? "email" : "old_email", old_email);
	json_write_string(&event.payload, "new_email", new_email);
	event_record(&event);
}

/* The same user with another address to which a message goes. */
static User
addressed(const User *user, const char *email)
{
	User copy = *user;

	copy.email = unconstify(char *, email);
	return copy;
}

static void
send_confirmation(const User *user, const EmailChange *change, bool at_old)
{
	User recipient = addressed(user, at_old ? change->old_email : change->new_email);
	StringInfoData message;
	TimestampTz expires_at;
	pg_uuid_t id;
	char *token;

	uuid_v7_make(&id);
	token = one_time_token_create(&user->id, ONE_TIME_EMAIL_CHANGE, setting_email_change_ttl, &id,
								  token_detail(change, at_old), &expires_at);
	user_message_begin(&message, &recipient);
	/* not the old one: the new address may be mistyped, and its reader a stranger */
	json_write_string(&message, "new_email", change->new_email);
	user_message_put_token(&id, MESSAGE_EMAIL_CHANGE, user, expires_at, token, &message);
}

/*
 * "user" is locked.  A previous request that was not confirmed is replaced.  If
 * the address is taken, its owner is informed instead of asked to confirm; the
 * rest is the same, so that the user cannot learn it from what becomes of the
 * previous request, or from what is sent to the old address.
 */
static void
start_change(const User *user, const char *new_email, bool taken, const Client *client)
{
	EmailChange change = {0};

	one_time_tokens_delete_purpose(&user->id, ONE_TIME_EMAIL_CHANGE);
	change.user_id = user->id;
	change.old_email = user->email;
	change.new_email = unconstify(char *, new_email);
	change.was_proven = user->mailbox_proven;
	change.awaits_old = setting_secure_email_change && user->email != NULL;
	email_changes_insert(&change);
	record_email_change(EVENT_EMAIL_CHANGE_REQUESTED, &user->id, user->email, new_email, client);
	if (taken)
		flow_notify_owner(new_email, client);
	else
		send_confirmation(user, &change, false);
	if (change.awaits_old)
		send_confirmation(user, &change, true);
}

/* In the order of ids: two users who each want the address of the other do not deadlock. */
static void
lock_with_owner(const pg_uuid_t *user_id, const char *email)
{
	User *owner = users_find_by_email(email);
	bool owner_first = owner != NULL && memcmp(&owner->id, user_id, UUID_LEN) < 0;

	if (owner_first)
		(void) users_lock(&owner->id);
	(void) users_lock(user_id);
	if (owner != NULL && !owner_first)
		(void) users_lock(&owner->id);
}

/* False if there is nothing to write. */
static bool
request_change(const User *user, const char *new_email, const pg_uuid_t *session_id,
			   const Client *client, const Refusal **refusal)
{
	bool taken = users_email_is_taken(new_email, &user->id);
	User *locked;

	if (taken)
		lock_with_owner(&user->id, new_email);
	locked = mail_limit_claim_other(&user->id, new_email, EVENT_EMAIL_CHANGE_REQUESTED,
									user_message_kind(MESSAGE_EMAIL_CHANGE));
	if (locked == NULL)
		return false;
	*refusal = session_check_recent(locked, session_id);
	if (*refusal != NULL)
		return false;
	start_change(locked, new_email, taken, client);
	return true;
}

const Refusal *
flow_request_email_change(const pg_uuid_t *user_id, const char *new_email,
						  const pg_uuid_t *session_id, const Client *client)
{
	User *user = users_require(user_id);
	const Refusal *refusal = rate_limit_check_user(RATE_LIMIT_CHANGE_EMAIL, user, client);
	instr_time start;
	char *stored;

	if (refusal != NULL)
		return refusal;
	INSTR_TIME_SET_CURRENT(start);
	PreventCommandIfReadOnly("a change of the email");
	outbox_prepare();
	if ((refusal = input_email(new_email, &stored)) != NULL ||
		(refusal = users_check_claims(stored, user->name, user->roles, user->role_count)) != NULL)
		return refusal;
	if (is_same_email(stored, user->email))
		return &refusal_email_unchanged;
	if (!request_change(user, stored, session_id, client, &refusal))
		timing_equalize_commit();
	timing_equalize_response(start);
	return refusal;
}

/* The change of a token; NULL unless it is the user's. */
static EmailChange *
change_of_token(const User *user, Jsonb *detail)
{
	EmailChange *change;
	pg_uuid_t id;

	if (detail == NULL || !json_member_uuid(detail, DETAIL_CHANGE, &id))
		return NULL;
	change = email_changes_find(&id);
	return (change != NULL && uuid_equal(&change->user_id, &user->id)) ? change : NULL;
}

/* The user of a token, locked, and the token's change; NULL if it is not valid. */
static User *
redeem_change_token(const char *token, OneTimePurpose purpose, EmailChange **change, Jsonb **detail)
{
	User *user = one_time_token_lock_user(token, purpose, detail);

	if (user == NULL)
		return NULL;
	*change = change_of_token(user, *detail);
	return (*change != NULL) ? user : NULL;
}

static bool
set_email(const pg_uuid_t *user_id, const char *email)
{
	UserChanges changes = {0};

	changes.set_email = true;
	changes.values.email = email;
	changes.set_email_verified = true;
	changes.values.email_verified = true;
	return users_update(user_id, &changes);
}

/*
 * Informs the reader of the old mailbox, whose address "recipient" has, and
 * gives that reader the way back.
 */
static void
put_way_back(const User *recipient, const EmailChange *change, int lifetime, const Client *client)
{
	StringInfoData message;
	TimestampTz expires_at;
	pg_uuid_t id;
	char *token;

	uuid_v7_make(&id);
	token = one_time_token_create(&recipient->id, ONE_TIME_EMAIL_CHANGE_UNDO, lifetime, &id,
								  token_detail(change, true), &expires_at);
	notice_begin(&message, recipient, client);
	user_message_put_token(&id, MESSAGE_EMAIL_CHANGED, recipient, expires_at, token, &message);
}

static int
seconds_to_undo(const EmailChange *change)
{
	return EMAIL_CHANGE_UNDO_SECONDS -
		   (int) ((GetCurrentTimestamp() - change->changed_at) / USECS_PER_SEC);
}

/* The client that asks now is not the one that changed the address, and is not shown. */
bool
email_change_send_way_back(const char *email, const Client *client)
{
	EmailChange *change = email_changes_find_reserving(email);
	User *user;
	User recipient;

	if (change == NULL || !mail_limit_claim_address(EVENT_EMAIL_CHANGE_UNDO_REQUESTED, email))
		return false;
	user = users_lock(&change->user_id);
	if (user == NULL || is_same_email(user->email, email))
		return false;
	/* it may have been undone, or have expired */
	change = email_changes_find(&change->id);
	if (change == NULL || seconds_to_undo(change) <= 0)
		return false;
	recipient = addressed(user, email);
	event_record_of_user(EVENT_EMAIL_CHANGE_UNDO_REQUESTED, &recipient, NULL, client, NULL, NULL);
	put_way_back(&recipient, change, seconds_to_undo(change), NULL);
	return true;
}

void
email_change_notify(const User *before, const Client *client)
{
	notice_put(NOTICE_EMAIL_CHANGED, before, client, NULL);
}

/*
 * Tokens and codes that were sent to the old address give no more access,
 * except the way back.  A user who had no address gets no way back.
 */
static const Refusal *
complete_change(const User *user, const EmailChange *change, bool proven, const Client *client)
{
	if (!set_email(&user->id, change->new_email))
		return &refusal_user_exists;
	users_set_mailbox_proven(&user->id, proven);
	email_changes_complete(&change->id);
	one_time_tokens_delete_access(&user->id);
	email_codes_spend_all(&user->id);
	user_message_withdraw_tokens(&user->id);
	record_email_change(EVENT_EMAIL_CHANGED, &user->id, change->old_email, change->new_email, client);
	if (!user->email_verified)
		event_record_text(EVENT_EMAIL_VERIFIED, &user->id, "email", change->new_email);
	if (user->email != NULL)
		put_way_back(user, change, EMAIL_CHANGE_UNDO_SECONDS, client);
	return NULL;
}

/*
 * Where the user has a second factor, the new address has to be confirmed in a
 * session.  Otherwise the change would leave the mailbox unproven, and its
 * reader could then remove the factor by a reset of the password.
 */
static const Refusal *
check_confirmation(const User *user, const EmailChange *change, bool at_old, bool in_session)
{
	int role_count;
	char **roles = roles_of(&user->id, &role_count);

	if (change->changed_at != DT_NOBEGIN || !is_same_email(change->old_email, user->email))
		return &refusal_invalid_email_change;
	if (user->banned)
		return &refusal_user_banned;
	if (user->mfa_enabled && !at_old && !in_session)
		return &refusal_insufficient_assurance;
	return users_check_claims(change->new_email, user->name, roles, role_count);
}

const Refusal *
flow_confirm_email_change(const char *token, const pg_uuid_t *session_id, const Client *client,
						  bool *waiting)
{
	const Refusal *refusal = rate_limit_check(RATE_LIMIT_VERIFY_EMAIL, NULL, client);
	EmailChange *change;
	Jsonb *detail;
	User *user;
	bool at_old;
	bool in_session;

	*waiting = false;
	if (refusal != NULL)
		return refusal;
	PreventCommandIfReadOnly("a change of the email");
	outbox_prepare();
	user = redeem_change_token(token, ONE_TIME_EMAIL_CHANGE, &change, &detail);
	if (user == NULL)
		return &refusal_invalid_email_change;
	at_old = json_member_is_true(detail, DETAIL_AT_OLD);
	in_session = session_id != NULL && sessions_is_live(session_id, &user->id);
	refusal = check_confirmation(user, change, at_old, in_session);
	if (refusal != NULL)
		return refusal;

	if (at_old)
		change->awaits_old = false;
	else
	{
		change->awaits_new = false;
		change->in_session |= in_session;
	}
	*waiting = change->awaits_old || change->awaits_new;
	if (!*waiting)
		return complete_change(user, change, change->in_session, client);
	email_changes_confirm(change);
	return NULL;
}

/* Credentials added since the change was requested may belong to the attacker who requested it. */
static void
remove_added_since(User *user, TimestampTz time)
{
	users_drop_password_since(&user->id, time);
	second_factor_delete_since(user, time);
	identities_delete_since(&user->id, time);
}

/* With their ways back, so that a message that waits with one is not sent. */
static void
delete_changes_from(const EmailChange *change)
{
	int count;
	pg_uuid_t *ids = email_changes_delete_from(change, &count);

	for (int i = 0; i < count; i++)
	{
		EmailChange undone = {.id = ids[i]};

		one_time_tokens_delete_detail(&change->user_id, ONE_TIME_EMAIL_CHANGE_UNDO,
									  token_detail(&undone, true));
	}
}

const Refusal *
flow_undo_email_change(const char *token, const Client *client)
{
	const Refusal *refusal = rate_limit_check(RATE_LIMIT_VERIFY_EMAIL, NULL, client);
	EmailChange *change;
	Jsonb *detail;
	User *user;

	if (refusal != NULL)
		return refusal;
	PreventCommandIfReadOnly("a change of the email");
	outbox_prepare();
	user = redeem_change_token(token, ONE_TIME_EMAIL_CHANGE_UNDO, &change, &detail);
	if (user == NULL || change->changed_at == DT_NOBEGIN || change->old_email == NULL)
		return &refusal_invalid_email_change;
	if (!is_same_email(user->email, change->old_email) && !set_email(&user->id, change->old_email))
		return &refusal_user_exists;
	users_set_mailbox_proven(&user->id, change->was_proven);
	sessions_revoke_all(&user->id, NULL);
	remove_added_since(user, change->created_at);
	delete_changes_from(change);
	one_time_tokens_delete_access(&user->id);
	email_codes_spend_all(&user->id);
	user_message_withdraw_tokens(&user->id);
	record_email_change(EVENT_EMAIL_CHANGE_UNDONE, &user->id, user->email, change->old_email, client);
	email_change_notify(user, client);
	return NULL;
}

/* request_email_change(user_id, new_email, user_agent, ip_address) -> jsonb */
Datum
authfort_request_email_change(PG_FUNCTION_ARGS)
{
	pg_uuid_t *user_id = argument_uuid(fcinfo, 0, "user_id");
	char *new_email = argument_text(fcinfo, 1, "new_email");
	Client client = argument_client(fcinfo, 2, 3);

	PG_RETURN_JSONB_P(done_to_jsonb(flow_request_email_change(user_id, new_email, NULL, &client)));
}

/* confirm_email_change(token, session_id, user_agent, ip_address) -> jsonb */
Datum
authfort_confirm_email_change(PG_FUNCTION_ARGS)
{
	char *token = argument_secret(fcinfo, 0, "token");
	const pg_uuid_t *session_id = argument_optional_uuid(fcinfo, 1);
	Client client = argument_client(fcinfo, 2, 3);
	bool waiting;
	const Refusal *refusal = flow_confirm_email_change(token, session_id, &client, &waiting);
	StringInfoData json;

	if (refusal != NULL || !waiting)
		PG_RETURN_JSONB_P(done_to_jsonb(refusal));
	initStringInfo(&json);
	json_open(&json);
	json_write_bool(&json, "ok", true);
	json_write_bool(&json, "waiting", true);
	json_close(&json);
	PG_RETURN_JSONB_P(json_to_jsonb(&json));
}

/* undo_email_change(token, user_agent, ip_address) -> jsonb */
Datum
authfort_undo_email_change(PG_FUNCTION_ARGS)
{
	char *token = argument_secret(fcinfo, 0, "token");
	Client client = argument_client(fcinfo, 1, 2);

	PG_RETURN_JSONB_P(done_to_jsonb(flow_undo_email_change(token, &client)));
}
