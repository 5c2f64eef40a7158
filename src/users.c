/*
 * users.c
 *		The people: table authfort.users.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "utils/builtins.h"

#include "json.h"
#include "plan.h"
#include "roles.h"
#include "users.h"

/* What each query for a user selects, in the order that read_user() reads. */
#define USER_COLUMNS \
	"u.id, u.email, u.name, u.avatar_url, u.phone, u.password_hash, u.email_verified," \
	" u.banned, u.mfa_enabled, u.token_version, u.created_at, " ROLES_OF_USER("u.id")

static User *
read_user(MemoryContext context)
{
	User	   *user = MemoryContextAllocZero(context, sizeof(User));

	plan_uuid(1, &user->id);
	user->email = plan_text(context, 2);
	user->name = plan_text(context, 3);
	user->avatar_url = plan_text(context, 4);
	user->phone = plan_text(context, 5);
	user->password_hash = plan_text(context, 6);
	user->email_verified = DatumGetBool(plan_datum(7));
	user->banned = DatumGetBool(plan_datum(8));
	user->mfa_enabled = DatumGetBool(plan_datum(9));
	user->token_version = DatumGetInt32(plan_datum(10));
	user->created_at = plan_time(11);
	user->roles = plan_texts(context, 12, &user->role_count);
	return user;
}

static User *
query_user(SavedPlan *plan, Datum key)
{
	MemoryContext caller = CurrentMemoryContext;
	User	   *user = NULL;

	plan_open();
	if (plan_run(plan, &key, NULL, SPI_OK_SELECT) > 0)
		user = read_user(caller);
	plan_close();
	return user;
}

User *
users_find_by_email(const char *email)
{
	static SavedPlan plan = {
		"SELECT " USER_COLUMNS " FROM authfort.users u"
		" WHERE u.email OPERATOR(pg_catalog.=) $1 AND u.deleted_at IS NULL",
		1, {TEXTOID}
	};

	return query_user(&plan, CStringGetTextDatum(email));
}

User *
users_find(const pg_uuid_t *id)
{
	static SavedPlan plan = {
		"SELECT " USER_COLUMNS " FROM authfort.users u"
		" WHERE u.id OPERATOR(pg_catalog.=) $1 AND u.deleted_at IS NULL",
		1, {UUIDOID}
	};

	return query_user(&plan, UUIDPGetDatum(id));
}

User *
users_lock(const pg_uuid_t *id)
{
	static SavedPlan plan = {
		"SELECT " USER_COLUMNS " FROM authfort.users u"
		" WHERE u.id OPERATOR(pg_catalog.=) $1 AND u.deleted_at IS NULL"
		" FOR NO KEY UPDATE OF u",
		1, {UUIDOID}
	};

	return query_user(&plan, UUIDPGetDatum(id));
}

static void
raise_unknown_user(const pg_uuid_t *id)
{
	ereport(ERROR,
			(errcode(ERRCODE_NO_DATA_FOUND),
			 errmsg("user %s does not exist", uuid_text(id)),
			 errdetail("user_not_found")));
}

User *
users_require_lock(const pg_uuid_t *id)
{
	User	   *user = users_lock(id);

	if (user == NULL)
		raise_unknown_user(id);
	return user;
}

User *
users_require(const pg_uuid_t *id)
{
	User	   *user = users_find(id);

	if (user == NULL)
		raise_unknown_user(id);
	return user;
}

bool
user_has_same_password(const User *a, const User *b)
{
	if (a->password_hash == NULL || b->password_hash == NULL)
		return a->password_hash == b->password_hash;
	return strcmp(a->password_hash, b->password_hash) == 0;
}

static Datum
text_or_null(const char *text, char *null)
{
	*null = (text == NULL) ? 'n' : ' ';
	return (text == NULL) ? (Datum) 0 : CStringGetTextDatum(text);
}

bool
users_insert(const NewUser *values, pg_uuid_t *id)
{
	static SavedPlan plan = {
		"INSERT INTO authfort.users (email, password_hash, name, avatar_url, phone, email_verified)"
		" VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT (email) DO NOTHING RETURNING id",
		6, {TEXTOID, TEXTOID, TEXTOID, TEXTOID, TEXTOID, BOOLOID}
	};
	Datum		columns[6];
	char		nulls[6];
	bool		inserted;

	columns[0] = text_or_null(values->email, &nulls[0]);
	columns[1] = text_or_null(values->password_hash, &nulls[1]);
	columns[2] = text_or_null(values->name, &nulls[2]);
	columns[3] = text_or_null(values->avatar_url, &nulls[3]);
	columns[4] = text_or_null(values->phone, &nulls[4]);
	columns[5] = BoolGetDatum(values->email_verified);
	nulls[5] = ' ';

	plan_open();
	inserted = plan_run(&plan, columns, nulls, SPI_OK_INSERT_RETURNING) > 0;
	if (inserted)
		plan_uuid(1, id);
	plan_close();
	return inserted;
}

void
users_set_password_hash(const pg_uuid_t *id, const char *hash)
{
	static SavedPlan plan = {
		"UPDATE authfort.users SET password_hash = $2 WHERE id OPERATOR(pg_catalog.=) $1",
		2, {UUIDOID, TEXTOID}
	};
	Datum		values[2] = {UUIDPGetDatum(id), CStringGetTextDatum(hash)};

	plan_open();
	plan_run(&plan, values, NULL, SPI_OK_UPDATE);
	plan_close();
}

void
users_raise_token_version(const pg_uuid_t *id)
{
	static SavedPlan plan = {
		"UPDATE authfort.users SET token_version = token_version OPERATOR(pg_catalog.+) 1"
		" WHERE id OPERATOR(pg_catalog.=) $1",
		1, {UUIDOID}
	};
	Datum		value = UUIDPGetDatum(id);

	plan_open();
	plan_run(&plan, &value, NULL, SPI_OK_UPDATE);
	plan_close();
}

void
users_append_json(StringInfo out, const User *user, const pg_uuid_t *session_id)
{
	json_open(out);
	json_write_uuid(out, "id", &user->id);
	json_write_string(out, "email", user->email);
	json_write_string(out, "name", user->name);
	json_write_bool(out, "email_verified", user->email_verified);
	json_write_string(out, "avatar_url", user->avatar_url);
	json_write_string(out, "phone", user->phone);
	json_write_bool(out, "banned", user->banned);
	json_write_strings(out, "roles", user->roles, user->role_count);
	json_write_time(out, "created_at", user->created_at);
	json_write_uuid(out, "session_id", session_id);
	json_write_bool(out, "mfa_enabled", user->mfa_enabled);
	json_write_bool(out, "is_deleted", false);
	json_write_time(out, "deleted_at", DT_NOBEGIN);
	json_close(out);
}
