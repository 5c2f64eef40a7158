/*
 * flows.h
 *		The flows of a user: sign up, log in, refresh, log out, passwords.
 *
 * A wrong credential is a refusal in the result, so that its side effects
 * commit with the caller's transaction.  Only misuse and failures raise.
 */
#ifndef AUTHFORT_FLOWS_H
#define AUTHFORT_FLOWS_H

#include "postgres.h"

#include "domain/refresh_token.h"
#include "flow/auth_result.h"

/* As it was typed; name, avatar_url and phone may be NULL. */
typedef struct SignupForm
{
	const char *email;
	const char *password;
	const char *name;
	const char *avatar_url;
	const char *phone;
} SignupForm;

/*
 * With authfort.hide_accounts or require_verified_email the result is the
 * refusal email_not_verified, after the same time whether the email was taken
 * or not.  If it was not, the account is created nevertheless.
 */
extern AuthResult flow_signup(const SignupForm *form, const Client *client);
extern AuthResult flow_login(const char *email, const char *password, const Client *client);

/*
 * Inserts a user and records it, "provider" being the way in which the account
 * is made; false if the email is taken.
 */
extern bool
flow_make_account(const NewUser *values, const char *provider, const Client *client, pg_uuid_t *id);

/*
 * Converts role names to their stored form, sorted and without duplicates.
 * Returns NULL or the refusal.
 */
extern const Refusal *
flow_accept_roles(char *const *names, int name_count, char ***roles, int *count);

/*
 * Sends the owner of an email that a client wanted for another account a
 * message, within mail_limit.h; otherwise makes the commit cost the same.
 */
extern void flow_notify_owner(const char *email, const Client *client);

/* Creates an account for another person, also with signup off; the password may be NULL. */
extern const Refusal *flow_create_user(const SignupForm *form, bool email_verified,
									   char *const *role_names, int name_count, User **user);

/*
 * The effect of an access token that belongs to another session than the
 * refresh token.  In a cookie it proves no theft: any host of the same site can
 * set that cookie, and must not be able to end the session of a visitor.
 */
typedef enum Mismatch
{
	MISMATCH_REFUSED,
	MISMATCH_ENDS_SESSION /* of the refresh token */
} Mismatch;

/*
 * "refresh_token" may be NULL.  "access_token", if not NULL and readable, must
 * belong to the same session.
 */
extern AuthResult flow_refresh(const char *refresh_token, const char *access_token,
							   Mismatch mismatch, const Client *client);

/*
 * Whether a refresh with that token of a live session would succeed.  Nothing
 * happens if not.
 */
extern bool flow_refresh_accepts(const RefreshToken *token, const Session *session);

/* Ignores an invalid token. */
extern void flow_logout(const char *refresh_token, const Client *client);

/* The same for a session that the caller has found. */
extern void flow_logout_session(const Session *session, const Client *client);

/*
 * Puts a token into the outbox for the account with that email, if there is
 * one, no other transaction is doing so, and mail_limit.h allows it.
 * Otherwise takes the same time.  Returns NULL, or the refusal if the rate
 * limit is exceeded.
 */
extern const Refusal *flow_request_password_reset(const char *email, const Client *client);

/* Returns NULL or the refusal.  Ends every session and access token of the user. */
extern const Refusal *
flow_reset_password(const char *token, const char *new_password, const Client *client);

/* A session that continues when the others end; it may be the one that asks for that. */
typedef struct KeptSession
{
	const pg_uuid_t *id; /* NULL: none */
	bool asks;           /* then it has to be recent (flow/recent_auth.h) */
} KeptSession;

/*
 * These end every session and access token of the user, except the kept
 * session: the result then has new tokens of it, unless it has ended.  They
 * raise for an unknown user id.
 */
extern AuthResult
flow_change_password(const pg_uuid_t *id, const char *old_password, const char *new_password,
					 const KeptSession *kept, const Client *client);
extern AuthResult flow_set_password(const pg_uuid_t *id, const char *new_password,
									const KeptSession *kept, const Client *client);

/* A wrong password or code is recorded as a failed login, also within a session. */
extern void flow_record_wrong_secret(const User *user, const pg_uuid_t *session_id,
									 const Refusal *refusal, const Client *client);

#endif /* AUTHFORT_FLOWS_H */
