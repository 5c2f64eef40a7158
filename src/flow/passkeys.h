/*
 * passkeys.h
 *		Passkeys of a user: adding, renaming and removing them, and signing in
 *		with one.
 */
#ifndef AUTHFORT_FLOW_PASSKEYS_H
#define AUTHFORT_FLOW_PASSKEYS_H

#include "postgres.h"

#include "lib/stringinfo.h"
#include "utils/jsonb.h"

#include "domain/passkeys.h"
#include "domain/users.h"
#include "flow/auth_result.h"
#include "flow/mfa.h"

/* The result of adding a passkey. */
typedef struct AddedPasskey
{
	Passkey passkey;
	BackupCodes codes; /* none unless it is the first second factor */
} AddedPasskey;

/*
 * Registration.  Both take the same enroller: a challenge is bound to its
 * session.  The first appends PublicKeyCredentialCreationOptionsJSON, and
 * returns NULL or the refusal.
 *
 * "name" may be NULL, for the name of the provider.  A session that has added
 * the first second factor gets its new tokens if "new_tokens"; an enroller with
 * a challenge is signed in.
 */
extern const Refusal *flow_passkey_options(const Enroller *enroller, StringInfo out);
extern AuthResult flow_passkey_add(const Enroller *enroller, Jsonb *credential, const char *name,
								   bool new_tokens, const Client *client, AddedPasskey *added);

/* Appends the passkey, the codes, and what the client gets to sign in. */
extern void
flow_passkey_append_added(StringInfo out, const AddedPasskey *added, const AuthResult *result);

/*
 * These refuse with passkey_not_found if the user has no such passkey.
 * "session_id" is the session in which the user acts, or NULL (recent_auth.h).
 * Removing the last second factor changes the token version, so it gets new
 * tokens if "new_tokens".
 */
extern const Refusal *
flow_passkey_rename(const pg_uuid_t *user_id, const bytea *credential_id, const char *name,
					const pg_uuid_t *session_id, const Client *client);
extern AuthResult
flow_passkey_remove(const pg_uuid_t *user_id, const bytea *credential_id,
					const pg_uuid_t *session_id, bool new_tokens, const Client *client);

/* Signing in: PublicKeyCredentialRequestOptionsJSON, and the response to them. */
extern const Refusal *flow_passkey_login_options(StringInfo out);
extern AuthResult flow_passkey_login(Jsonb *credential, const Client *client);

/* The same as the second factor of a challenge, with one of the user's passkeys. */
extern const Refusal *flow_passkey_mfa_options(const char *mfa_token, StringInfo out);
extern AuthResult flow_passkey_mfa(const char *mfa_token, Jsonb *credential, const Client *client);

/* Reads the base64url of a credential id; NULL if it cannot be one. */
extern bytea *passkey_id_read(const char *text);

#endif /* AUTHFORT_FLOW_PASSKEYS_H */
