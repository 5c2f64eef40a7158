/*
 * users.c
 *		Users: table authfort.users.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "utils/builtins.h"
#include "utils/timestamp.h"

#include "base/arguments.h"
#include "base/json.h"
#include "base/keyed_row.h"
#include "base/others_code.h"
#include "base/refusal.h"
#include "base/spi_query.h"
#include "base/uuid.h"
#include "domain/email_changes.h"
#include "domain/input.h"
#include "domain/roles.h"
#include "domain/users.h"

/*
 * Bytes of email, name and roles as JSON.  In base64, and with the rest of a
 * token that is signed by RSA of 2,048 bits, they fill a cookie.
 */
#define MAX_CLAIMS_BYTES 2440

#define MAX_METADATA_BYTES 16384

/* SQL that begins a query of one user, by the id. */
#define SELECT_USER \
	"SELECT " USER_COLUMNS " FROM authfort.users u WHERE u.id OPERATOR(pg_catalog.=) $1"
#define AND_NOT_DELETED " AND u.deleted_at IS NULL"

User *
users_read_row(MemoryContext context)
{
	User *user = MemoryContextAllocZero(context, sizeof(User));

	spi_query_uuid(1, &user->id);
	user->email = spi_query_text(context, 2);
	user->name = spi_query_text(context, 3);
	user->avatar_url = spi_query_text(context, 4);
	user->phone = spi_query_text(context, 5);
	user->password_hash = spi_query_text(context, 6);
	user->email_verified = DatumGetBool(spi_query_datum(7));
	user->banned = DatumGetBool(spi_query_datum(8));
	user->mfa_enabled = DatumGetBool(spi_query_datum(9));
	user->token_version = DatumGetInt32(spi_query_datum(10));
	user->created_at = spi_query_time(11);
	user->deleted_at = spi_query_time(12);
	user->mailbox_proven = DatumGetBool(spi_query_datum(13));
	user->locale = spi_query_text(context, 14);
	user->invited = DatumGetBool(spi_query_datum(15));
	user->unclaimed = DatumGetBool(spi_query_datum(16));
	user->roles = spi_query_texts(context, 17, &user->role_count);
	user->others_code_calls = others_code_calls();
	return user;
}

static User *
query_user(SpiQuery *query, Datum key)
{
	MemoryContext caller = CurrentMemoryContext;
	User *user = NULL;

	spi_query_open();
	if (spi_query_run(query, &key, NULL, SPI_OK_SELECT) > 0)
		user = users_read_row(caller);
	spi_query_close();
	return user;
}

User *
users_find_by_email(const char *email)
{
	static SpiQuery query = {
		"SELECT " USER_COLUMNS " FROM authfort.users u"
		" WHERE u.email OPERATOR(pg_catalog.=) $1 AND u.deleted_at IS NULL",
		1,
		{TEXTOID},
	};

	return query_user(&query, CStringGetTextDatum(email));
}

User *
users_find(const pg_uuid_t *id)
{
	static SpiQuery query = {SELECT_USER AND_NOT_DELETED, 1, {UUIDOID}};

	return query_user(&query, UUIDPGetDatum(id));
}

bool
users_find_standing(const pg_uuid_t *id, UserStanding *standing)
{
	KeyedRow row;
	bool deleted;
	bool isnull;

	if (!keyed_row_open(&row, "users", "users_pkey", id))
		return false;
	(void) keyed_row_column(&row, "deleted_at", &isnull);
	deleted = !isnull;
	standing->banned = DatumGetBool(keyed_row_column(&row, "banned", &isnull));
	standing->token_version = DatumGetInt32(keyed_row_column(&row, "token_version", &isnull));
	keyed_row_close(&row);
	return !deleted;
}

char *
users_find_email(const pg_uuid_t *id)
{
	KeyedRow row;
	Datum value;
	bool isnull;
	bool exists;
	char *email;

	if (!keyed_row_open(&row, "users", "users_pkey", id))
		return NULL;
	(void) keyed_row_column(&row, "deleted_at", &exists);
	value = keyed_row_column(&row, "email", &isnull);
	email = (exists && !isnull) ? TextDatumGetCString(value) : NULL;
	keyed_row_close(&row);
	return email;
}

User *
users_lock(const pg_uuid_t *id)
{
	static SpiQuery query = {SELECT_USER AND_NOT_DELETED " FOR NO KEY UPDATE OF u", 1, {UUIDOID}};

	return query_user(&query, UUIDPGetDatum(id));
}

User *
users_lock_by_email(const char *email)
{
	User *user = users_find_by_email(email);

	if (user != NULL)
		user = users_lock(&user->id);
	/* another transaction may have changed it since */
	return (user != NULL && user->email != NULL && strcmp(user->email, email) == 0) ? user : NULL;
}

User *
users_find_any(const pg_uuid_t *id)
{
	static SpiQuery query = {SELECT_USER, 1, {UUIDOID}};

	return query_user(&query, UUIDPGetDatum(id));
}

User *
users_lock_any(const pg_uuid_t *id)
{
	static SpiQuery query = {SELECT_USER " FOR UPDATE OF u", 1, {UUIDOID}};

	return query_user(&query, UUIDPGetDatum(id));
}

void
users_raise_unknown(const pg_uuid_t *id)
{
	ereport(ERROR,
			(errcode(ERRCODE_UNDEFINED_OBJECT),
			 errmsg("user %s does not exist", uuid_text(id)),
			 errdetail("user_not_found")));
}

void
users_raise_refusal(const Refusal *refusal, const pg_uuid_t *id)
{
	if (refusal == &refusal_user_not_found)
		users_raise_unknown(id);
	if (refusal != NULL)
		refusal_raise(refusal);
}

User *
users_require_lock(const pg_uuid_t *id)
{
	User *user = users_lock(id);

	if (user == NULL)
		users_raise_unknown(id);
	return user;
}

User *
users_require(const pg_uuid_t *id)
{
	User *user = users_find(id);

	if (user == NULL)
		users_raise_unknown(id);
	return user;
}

const char *
user_label(const User *user)
{
	if (user->email != NULL)
		return user->email;
	return (user->name != NULL) ? user->name : uuid_text(&user->id);
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
	static SpiQuery query = {
		"INSERT INTO authfort.users (email, password_hash, password_set_at, name, avatar_url, phone,"
		" email_verified, mailbox_proven)"
		" VALUES ($1, $2, CASE WHEN $2 IS NOT NULL THEN pg_catalog.now() END, $3, $4, $5, $6, $7)"
		" ON CONFLICT (email) WHERE deleted_at IS NULL DO NOTHING RETURNING id",
		7,
		{TEXTOID, TEXTOID, TEXTOID, TEXTOID, TEXTOID, BOOLOID, BOOLOID},
	};
	Datum columns[7];
	char nulls[7];
	bool inserted;

	columns[0] = text_or_null(values->email, &nulls[0]);
	columns[1] = text_or_null(values->password_hash, &nulls[1]);
	columns[2] = text_or_null(values->name, &nulls[2]);
	columns[3] = text_or_null(values->avatar_url, &nulls[3]);
	columns[4] = text_or_null(values->phone, &nulls[4]);
	columns[5] = BoolGetDatum(values->email_verified);
	columns[6] = BoolGetDatum(!values->mailbox_unproven);
	nulls[5] = nulls[6] = ' ';

	spi_query_open();
	inserted = spi_query_run(&query, columns, nulls, SPI_OK_INSERT_RETURNING) > 0;
	if (inserted)
		spi_query_uuid(1, id);
	spi_query_close();
	/* while a change of the address is in progress, the insertion has waited for it */
	if (inserted && values->email != NULL && email_changes_reserve(values->email, id))
	{
		users_delete(id);
		inserted = false;
	}
	return inserted;
}

void
users_set_password_hash(const pg_uuid_t *id, const char *hash)
{
	static SpiQuery query = {
		"UPDATE authfort.users SET password_hash = $2,"
		" password_set_at = CASE WHEN $2 IS NOT NULL THEN $3 END"
		" WHERE id OPERATOR(pg_catalog.=) $1",
		3,
		{UUIDOID, TEXTOID, TIMESTAMPTZOID},
	};
	char nulls[3] = {' ', ' ', ' '};
	Datum values[3] = {UUIDPGetDatum(id), text_or_null(hash, &nulls[1]),
					   TimestampTzGetDatum(GetCurrentTimestamp())};

	spi_query_run_alone(&query, values, nulls, SPI_OK_UPDATE);
}

void
users_rehash_password(const pg_uuid_t *id, const char *hash)
{
	static SpiQuery query = {
		"UPDATE authfort.users SET password_hash = $2 WHERE id OPERATOR(pg_catalog.=) $1",
		2,
		{UUIDOID, TEXTOID},
	};

	spi_query_run_by_id_and(&query, id, CStringGetTextDatum(hash), SPI_OK_UPDATE);
}

void
users_drop_password_since(const pg_uuid_t *id, TimestampTz time)
{
	static SpiQuery query = {
		"UPDATE authfort.users SET password_hash = NULL, password_set_at = NULL"
		" WHERE id OPERATOR(pg_catalog.=) $1 AND password_set_at OPERATOR(pg_catalog.>=) $2",
		2,
		{UUIDOID, TIMESTAMPTZOID},
	};

	spi_query_run_by_id_and(&query, id, TimestampTzGetDatum(time), SPI_OK_UPDATE);
}

void
users_set_mailbox_proven(const pg_uuid_t *id, bool proven)
{
	static SpiQuery query = {
		"UPDATE authfort.users SET mailbox_proven = $2 WHERE id OPERATOR(pg_catalog.=) $1",
		2,
		{UUIDOID, BOOLOID},
	};

	spi_query_run_by_id_and(&query, id, BoolGetDatum(proven), SPI_OK_UPDATE);
}

void
users_set_mailbox(const pg_uuid_t *id, bool proven)
{
	static SpiQuery query = {
		"UPDATE authfort.users SET email_verified = true, mailbox_proven = mailbox_proven OR $2,"
		" unclaimed_until = CASE WHEN $2 THEN NULL ELSE unclaimed_until END"
		" WHERE id OPERATOR(pg_catalog.=) $1",
		2,
		{UUIDOID, BOOLOID},
	};

	spi_query_run_by_id_and(&query, id, BoolGetDatum(proven), SPI_OK_UPDATE);
}

void
users_set_unclaimed_until(const pg_uuid_t *id, TimestampTz time)
{
	static SpiQuery query = {
		"UPDATE authfort.users SET unclaimed_until = $2 WHERE id OPERATOR(pg_catalog.=) $1",
		2,
		{UUIDOID, TIMESTAMPTZOID},
	};

	spi_query_run_by_id_and(&query, id, TimestampTzGetDatum(time), SPI_OK_UPDATE);
}

/*
 * An account that an admin has verified or given a password is in use.  One
 * that is banned stays as well: its address would be free to sign up again.
 */
pg_uuid_t *
users_lock_unclaimed(int limit, int *count)
{
	static SpiQuery query = {
		"SELECT id FROM authfort.users WHERE unclaimed_until OPERATOR(pg_catalog.<=) $1"
		" AND NOT email_verified AND NOT banned AND password_hash IS NULL AND deleted_at IS NULL"
		" ORDER BY unclaimed_until LIMIT $2 FOR UPDATE SKIP LOCKED",
		2,
		{TIMESTAMPTZOID, INT4OID},
	};
	Datum values[2] = {TimestampTzGetDatum(GetCurrentTimestamp()), Int32GetDatum(limit)};

	return spi_query_run_for_ids(&query, values, SPI_OK_SELECT, count);
}

void
users_set_invitation(const pg_uuid_t *id, char *const *roles, int role_count, Jsonb *app_metadata)
{
	static SpiQuery query = {
		"UPDATE authfort.users SET invited_at = $2, invited_roles = $3,"
		" app_metadata = COALESCE($4, app_metadata) WHERE id OPERATOR(pg_catalog.=) $1",
		4,
		{UUIDOID, TIMESTAMPTZOID, TEXTARRAYOID, JSONBOID},
	};
	Datum values[4] = {UUIDPGetDatum(id), TimestampTzGetDatum(GetCurrentTimestamp()),
					   texts_to_array(roles, role_count), JsonbPGetDatum(app_metadata)};
	char nulls[4] = {' ', ' ', ' ', (app_metadata != NULL) ? ' ' : 'n'};

	spi_query_run_alone(&query, values, nulls, SPI_OK_UPDATE);
}

char **
users_invited_roles(const pg_uuid_t *id, int *count)
{
	static SpiQuery query = {
		"SELECT invited_roles FROM authfort.users WHERE id OPERATOR(pg_catalog.=) $1"
		" AND invited_roles IS NOT NULL",
		1,
		{UUIDOID},
	};
	MemoryContext caller = CurrentMemoryContext;
	Datum key = UUIDPGetDatum(id);
	char **roles = NULL;

	*count = 0;
	spi_query_open();
	if (spi_query_run(&query, &key, NULL, SPI_OK_SELECT) > 0)
		roles = spi_query_texts(caller, 1, count);
	spi_query_close();
	return roles;
}

void
users_end_invitation(const pg_uuid_t *id)
{
	static SpiQuery query = {
		"UPDATE authfort.users SET invited_at = NULL, invited_roles = NULL"
		" WHERE id OPERATOR(pg_catalog.=) $1",
		1,
		{UUIDOID},
	};

	spi_query_run_by_id(&query, id, SPI_OK_UPDATE);
}

void
users_raise_token_version(const pg_uuid_t *id)
{
	static SpiQuery query = {
		"UPDATE authfort.users SET token_version = token_version OPERATOR(pg_catalog.+) 1"
		" WHERE id OPERATOR(pg_catalog.=) $1",
		1,
		{UUIDOID},
	};

	spi_query_run_by_id(&query, id, SPI_OK_UPDATE);
}

bool
users_email_is_taken(const char *email, const pg_uuid_t *by_other_than)
{
	User *holder = users_find_by_email(email);

	return (holder != NULL && !uuid_equal(&holder->id, by_other_than)) ||
		   email_changes_reserve(email, by_other_than);
}

/* Says of a violated index what is said of an email that was taken before. */
static void
name_taken_email(void *arg)
{
	if (geterrcode() == ERRCODE_UNIQUE_VIOLATION)
		refusal_report(&refusal_user_exists);
}

/*
 * If another session takes the email concurrently, the constraint raises
 * unique_violation.  An email that was taken before is reported by the result.
 */
bool
users_update(const pg_uuid_t *id, const UserChanges *changes)
{
	static SpiQuery query = {
		"UPDATE authfort.users SET email = CASE WHEN $2 THEN $3 ELSE email END,"
		" name = CASE WHEN $4 THEN $5 ELSE name END,"
		" avatar_url = CASE WHEN $6 THEN $7 ELSE avatar_url END,"
		" phone = CASE WHEN $8 THEN $9 ELSE phone END,"
		" email_verified = CASE WHEN $10 THEN $11 ELSE email_verified END,"
		" locale = CASE WHEN $12 THEN $13 ELSE locale END,"
		" user_metadata = COALESCE($14, user_metadata), app_metadata = COALESCE($15, app_metadata)"
		" WHERE id OPERATOR(pg_catalog.=) $1",
		15,
		{UUIDOID, BOOLOID, TEXTOID, BOOLOID, TEXTOID, BOOLOID, TEXTOID, BOOLOID, TEXTOID, BOOLOID,
		 BOOLOID, BOOLOID, TEXTOID, JSONBOID, JSONBOID},
	};
	const NewUser *new = &changes->values;
	Datum values[15];
	char nulls[15];
	ErrorContextCallback context;

	if (changes->set_email && users_email_is_taken(new->email, id))
		return false;
	memset(nulls, ' ', sizeof(nulls));
	values[0] = UUIDPGetDatum(id);
	values[1] = BoolGetDatum(changes->set_email);
	values[2] = text_or_null(new->email, &nulls[2]);
	values[3] = BoolGetDatum(changes->set_name);
	values[4] = text_or_null(new->name, &nulls[4]);
	values[5] = BoolGetDatum(changes->set_avatar_url);
	values[6] = text_or_null(new->avatar_url, &nulls[6]);
	values[7] = BoolGetDatum(changes->set_phone);
	values[8] = text_or_null(new->phone, &nulls[8]);
	values[9] = BoolGetDatum(changes->set_email_verified);
	values[10] = BoolGetDatum(new->email_verified);
	values[11] = BoolGetDatum(changes->set_locale);
	values[12] = text_or_null(changes->locale, &nulls[12]);
	values[13] = JsonbPGetDatum(changes->user_metadata);
	nulls[13] = (changes->user_metadata != NULL) ? ' ' : 'n';
	values[14] = JsonbPGetDatum(changes->app_metadata);
	nulls[14] = (changes->app_metadata != NULL) ? ' ' : 'n';

	context.callback = name_taken_email;
	context.arg = NULL;
	context.previous = error_context_stack;
	error_context_stack = &context;
	spi_query_run_alone(&query, values, nulls, SPI_OK_UPDATE);
	error_context_stack = context.previous;
	/* the update has waited for a user who was giving the address up, but can get it back */
	if (changes->set_email && email_changes_reserve(new->email, id))
		ereport(ERROR,
				(errcode(ERRCODE_UNIQUE_VIOLATION),
				 refusal_report(&refusal_user_exists)));
	return true;
}

void
users_set_banned(const pg_uuid_t *id, bool banned)
{
	static SpiQuery query = {
		"UPDATE authfort.users SET banned = $2 WHERE id OPERATOR(pg_catalog.=) $1",
		2,
		{UUIDOID, BOOLOID},
	};

	spi_query_run_by_id_and(&query, id, BoolGetDatum(banned), SPI_OK_UPDATE);
}

void
users_set_mfa_enabled(const pg_uuid_t *id, bool enabled)
{
	static SpiQuery query = {
		"UPDATE authfort.users SET mfa_enabled = $2 WHERE id OPERATOR(pg_catalog.=) $1",
		2,
		{UUIDOID, BOOLOID},
	};

	spi_query_run_by_id_and(&query, id, BoolGetDatum(enabled), SPI_OK_UPDATE);
}

void
users_anonymize(const pg_uuid_t *id)
{
	static SpiQuery query = {
		"UPDATE authfort.users SET deleted_at = $2, name = NULL, avatar_url = NULL, phone = NULL,"
		" locale = NULL, user_metadata = DEFAULT, app_metadata = DEFAULT, unclaimed_until = NULL,"
		" invited_at = NULL, invited_roles = NULL,"
		" email = pg_catalog.concat('deleted+', id, '@" DELETED_EMAIL_DOMAIN "'),"
		" email_verified = false, password_hash = NULL, password_set_at = NULL, mfa_enabled = false"
		" WHERE id OPERATOR(pg_catalog.=) $1",
		2,
		{UUIDOID, TIMESTAMPTZOID},
	};

	spi_query_run_by_id_and(&query, id, TimestampTzGetDatum(GetCurrentTimestamp()), SPI_OK_UPDATE);
}

/* Since PostgreSQL 18, RESTRICT has an SQLSTATE of its own. */
void
users_name_in_use(void *argument)
{
	if (geterrcode() != ERRCODE_FOREIGN_KEY_VIOLATION && geterrcode() != ERRCODE_RESTRICT_VIOLATION)
		return;
	errcode(ERRCODE_FOREIGN_KEY_VIOLATION);
	errdetail("%s", refusal_user_in_use.code);
}

void
users_delete(const pg_uuid_t *id)
{
	static SpiQuery query = {
		"DELETE FROM authfort.users WHERE id OPERATOR(pg_catalog.=) $1",
		1,
		{UUIDOID},
	};
	ErrorContextCallback context;

	context.callback = users_name_in_use;
	context.arg = NULL;
	context.previous = error_context_stack;
	error_context_stack = &context;
	spi_query_run_by_id(&query, id, SPI_OK_DELETE);
	error_context_stack = context.previous;
}

const Refusal *
users_check_claims(const char *email, const char *name, char *const *roles, int role_count)
{
	StringInfoData claims;

	initStringInfo(&claims);
	json_open(&claims);
	json_write_string(&claims, "email", email);
	json_write_string(&claims, "name", name);
	json_write_strings(&claims, "roles", roles, role_count);
	json_close(&claims);
	return (claims.len > MAX_CLAIMS_BYTES) ? &refusal_profile_too_large : NULL;
}

const Refusal *
users_check_metadata(Jsonb *metadata)
{
	char *text = JsonbToCString(NULL, &metadata->root, VARSIZE(metadata));
	size_t len = strlen(text);
	Jsonb *read_again;

	if (len > MAX_METADATA_BYTES || json_read_object(text, len, &read_again) != JSON_READ)
		return &refusal_invalid_metadata;
	return NULL;
}

static void
append_members(StringInfo out, const User *user, const pg_uuid_t *session_id)
{
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
	json_write_bool(out, "is_deleted", user->deleted_at != DT_NOBEGIN);
	json_write_time(out, "deleted_at", user->deleted_at);
}

void
users_append_json(StringInfo out, const User *user, const pg_uuid_t *session_id)
{
	json_open(out);
	append_members(out, user, session_id);
	json_close(out);
}

/* Not part of struct User: few of those who read a user need so much. */
static void
append_metadata(StringInfo out, const pg_uuid_t *id)
{
	static SpiQuery query = {
		"SELECT user_metadata::pg_catalog.text, app_metadata::pg_catalog.text"
		" FROM authfort.users WHERE id OPERATOR(pg_catalog.=) $1",
		1,
		{UUIDOID},
	};
	MemoryContext caller = CurrentMemoryContext;
	Datum key = UUIDPGetDatum(id);
	char *user_metadata = "{}";
	char *app_metadata = "{}";

	spi_query_open();
	if (spi_query_run(&query, &key, NULL, SPI_OK_SELECT) > 0)
	{
		user_metadata = spi_query_text(caller, 1);
		app_metadata = spi_query_text(caller, 2);
	}
	spi_query_close();
	json_name(out, "user_metadata");
	appendStringInfoString(out, user_metadata);
	json_name(out, "app_metadata");
	appendStringInfoString(out, app_metadata);
}

void
users_append_profile_json(StringInfo out, const User *user, const pg_uuid_t *session_id)
{
	json_open(out);
	append_members(out, user, session_id);
	json_write_string(out, "locale", user->locale);
	append_metadata(out, &user->id);
	json_close(out);
}
