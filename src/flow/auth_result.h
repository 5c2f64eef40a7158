/*
 * auth_result.h
 *		The result of a flow: a refusal, or a user with tokens.
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
	const Refusal *refusal; /* NULL: it succeeded */
	bool done;              /* the flow succeeded without issuing tokens */
	User *user;             /* NULL: it gives no tokens */
	pg_uuid_t session_id;
	char *access_token;
	char *refresh_token;
	int expires_in;         /* seconds, of the access token or the challenge */
	int refresh_expires_in; /* seconds, of the refresh token: to the session's end */
	char *mfa_token;        /* not NULL: a challenge for a second factor */
	char **mfa_methods;     /* which the challenge accepts */
	int mfa_method_count;
	bool mfa_enrol; /* the user has to set up a second factor first */
} AuthResult;

extern AuthResult auth_refused(const Refusal *refusal);

/*
 * The current tokens of a session, with the claims that the claims hook adds.
 * A refusal if code of others, such as a handler, has banned or deleted the user
 * since it was read, or has revoked the session.
 */
extern AuthResult auth_tokens(User *user, const Session *session);

/* The same with claims for which the hook has been called (domain/claims_hook.h). */
extern AuthResult auth_tokens_with_claims(User *user, const Session *session, const char *claims);

/* The tokens of a session that continues, or the refusal of a user who may have none by now. */
extern AuthResult auth_tokens_anew(const pg_uuid_t *user_id, const Session *session);

/* Something else was done, and gives no tokens; or those of a session that continues. */
extern AuthResult auth_done(void);
extern AuthResult auth_done_with_tokens(const pg_uuid_t *user_id, const Session *session);

/* Done, with new tokens of the user's session unless it is NULL or has ended. */
extern AuthResult auth_done_in_session(const pg_uuid_t *user_id, const pg_uuid_t *session_id);

/* Appends the members of a challenge without "mfa_required". */
extern void auth_append_challenge(StringInfo out, const AuthResult *result);

/* Appends the members "user" and "tokens" as HTTP clients get them. */
extern void auth_append_members(StringInfo out, const AuthResult *result);

/* The value that the SQL functions return; has "ok": true if no tokens were issued. */
extern Jsonb *auth_to_jsonb(const AuthResult *result);

/* The same for a flow without a result: {"ok": true} for NULL. */
extern Jsonb *done_to_jsonb(const Refusal *refusal);

#endif /* AUTHFORT_AUTH_RESULT_H */
