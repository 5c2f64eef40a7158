/*
 * users.h
 *		Users: table authfort.users.
 */
#ifndef AUTHFORT_USERS_H
#define AUTHFORT_USERS_H

#include "postgres.h"

#include "datatype/timestamp.h"
#include "lib/stringinfo.h"
#include "utils/jsonb.h"
#include "utils/uuid.h"

#include "base/refusal.h"
#include "domain/roles.h"

typedef struct User
{
	pg_uuid_t id;
	char *email; /* NULL: none (authfort.email_optional) */
	char *name;  /* NULL: none; so avatar_url and phone */
	char *avatar_url;
	char *phone;
	char *password_hash; /* NULL: no password */
	bool email_verified;
	bool mailbox_proven; /* flow/mailbox_proof.h */
	bool banned;
	bool invited;   /* and has not accepted the invitation */
	bool unclaimed; /* made by a request for a magic link or code, and not yet used */
	bool mfa_enabled;
	int32 token_version;
	char *locale; /* NULL: not known */
	TimestampTz created_at;
	TimestampTz deleted_at; /* DT_NOBEGIN: not deleted */
	char **roles;
	int role_count;
	uint64 others_code_calls; /* when it was read (base/others_code.h) */
} User;

/* The data that decides whether a user's tokens are valid. */
typedef struct UserStanding
{
	bool banned;
	int32 token_version;
} UserStanding;

typedef struct NewUser
{
	const char *email; /* in its stored form, as all of these; may be NULL */
	const char *password_hash;
	const char *name;
	const char *avatar_url;
	const char *phone;
	bool email_verified;
	bool mailbox_unproven; /* a stranger may have made it */
} NewUser;

/* The columns that a query for users selects; users_read_row() reads the row. */
#define USER_COLUMNS \
	"u.id, u.email, u.name, u.avatar_url, u.phone, u.password_hash, u.email_verified," \
	" u.banned, u.mfa_enabled, u.token_version, u.created_at, u.deleted_at," \
	" u.mailbox_proven, u.locale, u.invited_at IS NOT NULL, u.unclaimed_until IS NOT NULL, " ROLES_OF_USER("u.id")

extern User *users_read_row(MemoryContext context);

/*
 * SQL that ends an INSERT ... SELECT of a row that belongs to the user whose id
 * "expression" is.  It inserts nothing if the user is gone or deleted, and
 * keeps the user from being deleted until the end of the transaction.  No
 * foreign key does that, because a parallel restore loads tables in any order.
 */
#define FROM_USER(expression) \
	" FROM authfort.users u WHERE u.id OPERATOR(pg_catalog.=) " expression \
	" AND u.deleted_at IS NULL FOR KEY SHARE OF u"

/*
 * These functions do not find deleted users.  The result is in the current
 * memory context; NULL if there is no such user.
 */
extern User *users_find_by_email(const char *email);
extern User *users_find(const pg_uuid_t *id);

/* The email alone; NULL also if there is no such user. */
extern char *users_find_email(const pg_uuid_t *id);

/* The same, locked against change until the end of the transaction. */
extern User *users_lock(const pg_uuid_t *id);
extern User *users_lock_by_email(const char *email);

/* The same, but raise if there is no such user. */
extern User *users_require(const pg_uuid_t *id);
extern User *users_require_lock(const pg_uuid_t *id);
extern _Noreturn void users_raise_unknown(const pg_uuid_t *id);

/* Raises a refusal that concerns that user; returns if it is NULL. */
extern void users_raise_refusal(const Refusal *refusal, const pg_uuid_t *id);

/* False if there is no such user.  Called for each request; cheaper than reading the whole user. */
extern bool users_find_standing(const pg_uuid_t *id, UserStanding *standing);

/* What people recognize the account by: the email, else the name, else the id. */
extern const char *user_label(const User *user);

/* Whether no other password was set between the two readings. */
extern bool user_has_same_password(const User *a, const User *b);

/* Changes; a value is set only if its flag is. */
typedef struct UserChanges
{
	bool set_email;
	bool set_name;
	bool set_avatar_url;
	bool set_phone;
	bool set_email_verified;
	bool set_locale;
	NewUser values; /* without the password_hash */
	const char *locale;
	Jsonb *user_metadata; /* NULL: not set; so app_metadata */
	Jsonb *app_metadata;
} UserChanges;

/* As users_find() and users_lock(), but find deleted users as well. */
extern User *users_find_any(const pg_uuid_t *id);
extern User *users_lock_any(const pg_uuid_t *id);

/* Whether another user has the email, or may get it back (email_changes.h). */
extern bool users_email_is_taken(const char *email, const pg_uuid_t *by_other_than);

/* False, and nothing changes, if the email is taken. */
extern bool users_update(const pg_uuid_t *id, const UserChanges *changes);
extern void users_set_banned(const pg_uuid_t *id, bool banned);

/* Removes personal data from the row, and marks it as deleted. */
extern void users_anonymize(const pg_uuid_t *id);

/*
 * Deletes the row, and all rows that belong to the user.  Raises
 * foreign_key_violation, with the code of refusal_user_in_use as DETAIL, if a
 * foreign key of another table forbids it.
 */
extern void users_delete(const pg_uuid_t *id);

/* The error context callback that gives such an error its DETAIL. */
extern void users_name_in_use(void *argument);

/*
 * Email, name and roles are in every access token.  Each has its own limit,
 * and together they must leave the token small enough for a cookie, which a
 * browser drops past 4,096 bytes.  A caller that changes one of them must call
 * this before; it returns NULL or the refusal.
 */
extern const Refusal *
users_check_claims(const char *email, const char *name, char *const *roles, int role_count);

/*
 * Metadata of a user or an application: an object of at most 16 KiB that
 * base/json.h can read again.  Returns NULL or the refusal.
 */
extern const Refusal *users_check_metadata(Jsonb *metadata);

/* False if the email is taken. */
extern bool users_insert(const NewUser *values, pg_uuid_t *id);
/* A NULL hash leaves the account without a password. */
extern void users_set_password_hash(const pg_uuid_t *id, const char *hash);

/* Another hash of the same password. */
extern void users_rehash_password(const pg_uuid_t *id, const char *hash);

/* Removes the password if it was set at that time or later. */
extern void users_drop_password_since(const pg_uuid_t *id, TimestampTz time);

/* Whether the mailbox is proven to be the user's, after the address was changed. */
extern void users_set_mailbox_proven(const pg_uuid_t *id, bool proven);

/*
 * The owner of the mailbox has received a message: it is verified and, if
 * "proven", the account is the owner's, so that cleanup no longer removes it.
 */
extern void users_set_mailbox(const pg_uuid_t *id, bool proven);

/* From when on cleanup removes the account, unless its mailbox is proven before. */
extern void users_set_unclaimed_until(const pg_uuid_t *id, TimestampTz time);

/* Locks at most "limit" users whom cleanup has to remove, but none that is locked; palloc'd. */
extern pg_uuid_t *users_lock_unclaimed(int limit, int *count);

/* The user is invited, with roles and metadata that may be NULL. */
extern void
users_set_invitation(const pg_uuid_t *id, char *const *roles, int role_count, Jsonb *app_metadata);

/* The roles of the invitation, palloc'd. */
extern char **users_invited_roles(const pg_uuid_t *id, int *count);
extern void users_end_invitation(const pg_uuid_t *id);

/* Whether the user has a second factor, which flow/second_factor.h decides. */
extern void users_set_mfa_enabled(const pg_uuid_t *id, bool enabled);

/* Invalidates all access tokens issued so far. */
extern void users_raise_token_version(const pg_uuid_t *id);

/* Appends the user's public form; "session_id" may be NULL. */
extern void users_append_json(StringInfo out, const User *user, const pg_uuid_t *session_id);

/*
 * The same with locale, user_metadata and app_metadata: for the user and for
 * admins, one user at a time.
 */
extern void users_append_profile_json(StringInfo out, const User *user, const pg_uuid_t *session_id);

#endif /* AUTHFORT_USERS_H */
