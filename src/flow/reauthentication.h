/*
 * reauthentication.h
 *		Proving again, in a session, who its user is.
 *
 * That makes the session recent (recent_auth.h).  A user with a second factor
 * has to prove that one: the thief of a session often has the password, or
 * access to the mailbox, as well.
 */
#ifndef AUTHFORT_REAUTHENTICATION_H
#define AUTHFORT_REAUTHENTICATION_H

#include "postgres.h"

#include "utils/jsonb.h"
#include "utils/uuid.h"

#include "flow/auth_result.h"

typedef enum ReauthenticationMethod
{
	REAUTHENTICATE_BY_PASSWORD,
	REAUTHENTICATE_BY_EMAIL_CODE,
	REAUTHENTICATE_BY_TOTP,
	REAUTHENTICATE_BY_BACKUP_CODE,
	REAUTHENTICATE_BY_PASSKEY
} ReauthenticationMethod;

typedef struct Proof
{
	ReauthenticationMethod method;
	const char *secret; /* a password or code */
	Jsonb *credential;  /* a passkey's response (passkey_session.h) */
} Proof;

/* False for an unknown name. */
extern bool reauthentication_method_by_name(const char *name, ReauthenticationMethod *method);

/* "method" is the name of what was proven. */
extern void flow_record_reauthenticated(const User *user, const pg_uuid_t *session_id,
										const char *method, const Client *client);

/* The result has new tokens of the session, which say when its user was authenticated. */
extern AuthResult
flow_reauthenticate(const pg_uuid_t *session_id, const Proof *proof, const Client *client);

/*
 * Sends the user of a session a code that confirms nothing else, within
 * mail_limit.h.  Returns NULL or the refusal.
 */
extern const Refusal *
flow_request_reauthentication_code(const pg_uuid_t *user_id, const pg_uuid_t *session_id,
								   const Client *client);

#endif /* AUTHFORT_REAUTHENTICATION_H */
