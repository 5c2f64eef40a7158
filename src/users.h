/*
 * users.h
 *		The people: table authfort.users.
 */
#ifndef AUTHFORT_USERS_H
#define AUTHFORT_USERS_H

#include "postgres.h"

#include "datatype/timestamp.h"
#include "lib/stringinfo.h"
#include "utils/uuid.h"

typedef struct User
{
	pg_uuid_t	id;
	char	   *email;
	char	   *name;			/* NULL: none; so avatar_url and phone */
	char	   *avatar_url;
	char	   *phone;
	char	   *password_hash;	/* NULL: no password */
	bool		email_verified;
	bool		banned;
	bool		mfa_enabled;
	int32		token_version;
	TimestampTz created_at;
	char	  **roles;
	int			role_count;
} User;

typedef struct NewUser
{
	const char *email;			/* in its stored form, as all of these */
	const char *password_hash;
	const char *name;
	const char *avatar_url;
	const char *phone;
	bool		email_verified;
} NewUser;

/*
 * Users that were deleted are found by none of these.  What is found is in
 * the current memory context; NULL if there is no such user.
 */
extern User *users_find_by_email(const char *email);
extern User *users_find(const pg_uuid_t *id);

/* The same, locked against change until the end of the transaction. */
extern User *users_lock(const pg_uuid_t *id);

/* The same, but raise if there is no such user. */
extern User *users_require(const pg_uuid_t *id);
extern User *users_require_lock(const pg_uuid_t *id);

/* Whether no other password was set between the two readings. */
extern bool user_has_same_password(const User *a, const User *b);

/* False if the email is taken. */
extern bool users_insert(const NewUser *values, pg_uuid_t *id);
extern void users_set_password_hash(const pg_uuid_t *id, const char *hash);

/* All access tokens issued so far stop being current. */
extern void users_raise_token_version(const pg_uuid_t *id);

/* Appends the user's public form; "session_id" may be NULL. */
extern void users_append_json(StringInfo out, const User *user, const pg_uuid_t *session_id);

#endif							/* AUTHFORT_USERS_H */
