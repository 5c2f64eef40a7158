/*
 * user_admin.c
 *		Administration of accounts, also by their own users.
 */
#include "postgres.h"

#include "fmgr.h"
#include "utils/builtins.h"

#include "base/arguments.h"
#include "base/expired_rows.h"
#include "base/json.h"
#include "base/spi_query.h"
#include "domain/email_changes.h"
#include "domain/email_codes.h"
#include "domain/events.h"
#include "domain/one_time_tokens.h"
#include "domain/sessions.h"
#include "flow/belongings.h"
#include "flow/email_change.h"
#include "flow/recent_auth.h"
#include "flow/user_admin.h"
#include "flow/user_message.h"

PG_FUNCTION_INFO_V1(authfort_get_user);
PG_FUNCTION_INFO_V1(authfort_list_users);
PG_FUNCTION_INFO_V1(authfort_get_user_count);
PG_FUNCTION_INFO_V1(authfort_update_user);
PG_FUNCTION_INFO_V1(authfort_delete_user);
PG_FUNCTION_INFO_V1(authfort_ban_user);
PG_FUNCTION_INFO_V1(authfort_unban_user);

static void
record_updated(const User *before, const User *after, Jsonb *changes, const Client *client)
{
	JsonbIterator *it = JsonbIteratorInit(&changes->root);
	JsonbIteratorToken token;
	JsonbValue key;
	char **fields = palloc(JB_ROOT_COUNT(changes) * sizeof(char *));
	int count = 0;
	Event event;

	while ((token = JsonbIteratorNext(&it, &key, true)) != WJB_DONE)
	{
		if (token == WJB_KEY)
			fields[count++] = pnstrdup(key.val.string.val, key.val.string.len);
	}
	event_begin(&event, EVENT_USER_UPDATED, &after->id, NULL, client);
	json_write_strings(&event.payload, "fields", fields, count);
	event_record(&event);

	if (after->email_verified && !before->email_verified)
		event_record_text(EVENT_EMAIL_VERIFIED, &after->id, "email", after->email);
}

/* Whether an access token has room for the user with another email or name. */
static const Refusal *
check_token_claims(const User *before, const UserChanges *changes)
{
	const char *email = changes->set_email ? changes->values.email : before->email;
	const char *name = changes->set_name ? changes->values.name : before->name;
	int role_count;
	char **roles;

	if (!changes->set_email && !changes->set_name)
		return NULL;
	/* read again, because the lock may have waited for another role */
	roles = roles_of(&before->id, &role_count);
	return users_check_claims(email, name, roles, role_count);
}

const Refusal *
user_admin_update(const pg_uuid_t *id, Jsonb *json, const pg_uuid_t *session_id,
				  const Client *client, User **updated)
{
	UserChanges changes;
	UserChanger changer = (session_id != NULL) ? CHANGED_BY_USER : CHANGED_BY_ADMIN;
	const Refusal *refusal = user_changes_read(json, changer, &changes);
	User *before;

	if (refusal != NULL)
		return refusal;
	before = users_lock(id);
	refusal = session_check(before, session_id);
	if (refusal != NULL)
		return refusal;
	if (before == NULL)
		return &refusal_user_not_found;
	if (changes.set_email && before->email != NULL && strcmp(changes.values.email, before->email) == 0)
		changes.set_email = false;
	if (changes.set_email_verified && changes.values.email_verified && !changes.set_email &&
		before->email == NULL)
		return &refusal_no_email;
	refusal = check_token_claims(before, &changes);
	if (refusal != NULL)
		return refusal;
	/* the verification of the old address does not apply to the new one */
	if (changes.set_email && !changes.set_email_verified)
		changes.set_email_verified = true;
	if (!users_update(id, &changes))
		return &refusal_user_exists;
	/* messages sent to the old mailbox must not give access any more */
	if (changes.set_email)
	{
		email_changes_delete(id);
		one_time_tokens_delete(id);
		email_codes_spend_all(id);
		user_message_withdraw_tokens(id);
	}
	*updated = users_require(id);
	record_updated(before, *updated, json, client);
	if (changes.set_email)
		email_change_notify(before, NULL);
	return NULL;
}

/* Sessions and other rows may be referred to as well. */
static void
delete_belongings_or_name_in_use(const pg_uuid_t *id)
{
	ErrorContextCallback context = {error_context_stack, users_name_in_use, NULL};

	error_context_stack = &context;
	belongings_delete(id);
	error_context_stack = context.previous;
}

/* Raises user_in_use if a foreign key forbids it. */
static const Refusal *
delete_user(const pg_uuid_t *id, bool hard, const pg_uuid_t *session_id, const Client *client)
{
	User *user = users_lock_any(id);
	const Refusal *refusal = session_check_recent(user, session_id);
	bool was_deleted;

	if (refusal != NULL)
		return refusal;
	if (user == NULL)
		return &refusal_user_not_found;
	was_deleted = user->deleted_at != DT_NOBEGIN;
	if (hard)
		users_delete(id);
	else if (!was_deleted)
	{
		users_raise_token_version(id);
		delete_belongings_or_name_in_use(id);
		users_anonymize(id);
	}
	if (hard || !was_deleted)
		event_record_of_user(EVENT_USER_DELETED, user, NULL, client, NULL, NULL);
	return NULL;
}

static bool
is_user_in_use(const ErrorData *error)
{
	return error->detail != NULL && strcmp(error->detail, refusal_user_in_use.code) == 0;
}

typedef struct UserDeletion
{
	const pg_uuid_t *id;
	bool hard;
	const pg_uuid_t *session_id;
	const Client *client;
	const Refusal *refusal;
} UserDeletion;

static void
run_user_deletion(void *argument)
{
	UserDeletion *deletion = argument;

	deletion->refusal =
		delete_user(deletion->id, deletion->hard, deletion->session_id, deletion->client);
}

const Refusal *
user_admin_try_delete(const pg_uuid_t *id, bool hard, const pg_uuid_t *session_id,
					  const Client *client, ErrorData **in_use)
{
	UserDeletion deletion = {id, hard, session_id, client};
	ErrorData *error = expired_rows_try(run_user_deletion, &deletion);

	if (error == NULL)
		return deletion.refusal;
	if (!is_user_in_use(error))
		ReThrowError(error);
	if (in_use != NULL)
		*in_use = error;
	else
		FreeErrorData(error);
	return &refusal_user_in_use;
}

const Refusal *
user_admin_ban(const pg_uuid_t *id, bool banned)
{
	User *user = users_lock(id);

	if (user == NULL)
		return &refusal_user_not_found;
	if (user->banned == banned)
		return NULL;
	users_set_banned(id, banned);
	if (banned)
		sessions_revoke_all(id, NULL);
	event_record_simple(banned ? EVENT_USER_BANNED : EVENT_USER_UNBANNED, id, NULL, NULL);
	return NULL;
}

/* The number of users on all pages; known without counting on the last page. */
static int64
total_users(const UserFilter *filter, const UserPage *page, int count)
{
	if (count < page->limit && (count > 0 || page->offset == 0))
		return (int64) page->offset + count;
	return user_search_count(filter);
}

void
user_admin_append_list(StringInfo out, const UserFilter *filter, const UserPage *page)
{
	int count;
	User **users = user_search(filter, page, &count);

	json_open(out);
	json_name(out, "users");
	appendStringInfoChar(out, '[');
	for (int i = 0; i < count; i++)
	{
		json_next_element(out);
		users_append_json(out, users[i], NULL);
	}
	appendStringInfoChar(out, ']');
	json_write_integer(out, "total", total_users(filter, page, count));
	json_write_integer(out, "limit", page->limit);
	json_write_integer(out, "offset", page->offset);
	json_close(out);
}

static Datum
user_datum(const User *user)
{
	StringInfoData json;

	initStringInfo(&json);
	users_append_profile_json(&json, user, NULL);
	return JsonbPGetDatum(json_to_jsonb(&json));
}

static Datum
get_user(PG_FUNCTION_ARGS)
{
	pg_uuid_t *id = argument_uuid(fcinfo, 0, "user_id");
	bool deleted = argument_bool(fcinfo, 1, "include_deleted");
	User *user = deleted ? users_find_any(id) : users_find(id);

	if (user == NULL)
		users_raise_unknown(id);
	PG_RETURN_DATUM(user_datum(user));
}

/* get_user(user_id, include_deleted) -> jsonb user */
Datum
authfort_get_user(PG_FUNCTION_ARGS)
{
	return spi_query_run_stable(get_user, fcinfo);
}

/* The common arguments of list_users() and get_user_count(). */
static UserFilter
filter_arguments(FunctionCallInfo fcinfo, bool *banned)
{
	UserFilter filter = {0};

	filter.query = argument_optional_text(fcinfo, 0);
	if (!PG_ARGISNULL(1))
	{
		*banned = PG_GETARG_BOOL(1);
		filter.banned = banned;
	}
	filter.role = argument_optional_text(fcinfo, 2);
	filter.deleted = argument_bool(fcinfo, 3, "include_deleted");
	return filter;
}

static void
raise_invalid(const char *name, const char *hint)
{
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("invalid value for parameter \"%s\"", name),
			 errhint("Valid values are %s.", hint)));
}

static UserPage
page_arguments(FunctionCallInfo fcinfo)
{
	UserPage page;

	if (!user_order_by_name(argument_text(fcinfo, 4, "sort_by"), &page.order))
		raise_invalid("sort_by", "created_at, email and name");
	if (!user_direction_by_name(argument_text(fcinfo, 5, "sort_order"), &page.ascending))
		raise_invalid("sort_order", "asc and desc");
	argument_require(fcinfo, 6, "limit_");
	argument_require(fcinfo, 7, "offset_");
	page.limit = PG_GETARG_INT32(6);
	page.offset = PG_GETARG_INT32(7);
	if (page.limit < 1 || page.limit > USER_PAGE_MAX)
		raise_invalid("limit_", "1 to 1000");
	if (page.offset < 0)
		raise_invalid("offset_", "0 and above");
	return page;
}

static Datum
list_users(PG_FUNCTION_ARGS)
{
	bool banned;
	UserFilter filter = filter_arguments(fcinfo, &banned);
	UserPage page = page_arguments(fcinfo);
	StringInfoData json;

	initStringInfo(&json);
	user_admin_append_list(&json, &filter, &page);
	PG_RETURN_JSONB_P(json_to_jsonb(&json));
}

/*
 * list_users(query, banned, role, include_deleted, sort_by, sort_order, limit_,
 *		offset_) -> jsonb
 */
Datum
authfort_list_users(PG_FUNCTION_ARGS)
{
	return spi_query_run_stable(list_users, fcinfo);
}

static Datum
get_user_count(PG_FUNCTION_ARGS)
{
	bool banned;
	UserFilter filter = filter_arguments(fcinfo, &banned);

	PG_RETURN_INT64(user_search_count(&filter));
}

/* get_user_count(query, banned, role, include_deleted) -> bigint */
Datum
authfort_get_user_count(PG_FUNCTION_ARGS)
{
	return spi_query_run_stable(get_user_count, fcinfo);
}

/* update_user(user_id, changes) -> jsonb user */
Datum
authfort_update_user(PG_FUNCTION_ARGS)
{
	pg_uuid_t *id = argument_uuid(fcinfo, 0, "user_id");
	User *user;

	argument_require(fcinfo, 1, "changes");
	users_raise_refusal(user_admin_update(id, PG_GETARG_JSONB_P(1), NULL, NULL, &user), id);
	PG_RETURN_DATUM(user_datum(user));
}

/* delete_user(user_id, hard) -> void */
Datum
authfort_delete_user(PG_FUNCTION_ARGS)
{
	pg_uuid_t *id = argument_uuid(fcinfo, 0, "user_id");

	users_raise_refusal(delete_user(id, argument_bool(fcinfo, 1, "hard"), NULL, NULL), id);
	PG_RETURN_VOID();
}

/* ban_user(user_id) -> void */
Datum
authfort_ban_user(PG_FUNCTION_ARGS)
{
	pg_uuid_t *id = argument_uuid(fcinfo, 0, "user_id");

	users_raise_refusal(user_admin_ban(id, true), id);
	PG_RETURN_VOID();
}

/* unban_user(user_id) -> void */
Datum
authfort_unban_user(PG_FUNCTION_ARGS)
{
	pg_uuid_t *id = argument_uuid(fcinfo, 0, "user_id");

	users_raise_refusal(user_admin_ban(id, false), id);
	PG_RETURN_VOID();
}
