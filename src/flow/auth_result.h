/*
 * auth_result.h
 *		What a flow answers: a refusal, or a user with tokens.
 */
#ifndef AUTHFORT_AUTH_RESULT_H
#define AUTHFORT_AUTH_RESULT_H

#include "postgres.h"

#include "utils/jsonb.h"

#include "base/refusal.h"
#include "domain/sessions.h"
#include "domain/users.h"

typedef struct AuthResult
{
	const Refusal *refusal;		/* NULL: it succeeded */
	bool		done;			/* it was about something else than tokens */
	User	   *user;			/* NULL: it gives no tokens */
	pg_uuid_t	session_id;
	char	   *access_token;
	char	   *refresh_token;
	int			expires_in;		/* seconds, of the access token */
} AuthResult;

extern AuthResult auth_refused(const Refusal *refusal);

/* The present tokens of a session. */
extern AuthResult auth_tokens(User *user, const Session *session);

/* Something else was done, and gives no tokens; or those of a session that goes on. */
extern AuthResult auth_done(void);
extern AuthResult auth_done_with_tokens(User *user, const Session *session);

/*
 * Starts a session for the user, who has just shown who it is, and records
 * the login.  "provider" says by what: "email" is a password.
 */
extern AuthResult auth_sign_in(User *user, const Client *client, const char *provider);

/* Appends the members "user" and "tokens" as HTTP clients get them. */
extern void auth_append_members(StringInfo out, const AuthResult *result);

/* The value that the SQL functions return; with "ok": true where something else was done. */
extern Jsonb *auth_to_jsonb(const AuthResult *result);

/* The same for a flow that gives nothing: {"ok": true} for NULL. */
extern Jsonb *done_to_jsonb(const Refusal *refusal);

#endif							/* AUTHFORT_AUTH_RESULT_H */
