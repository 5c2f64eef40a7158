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

/*
 * Registration.  "session_id", which may be NULL, is the session that adds the
 * passkey: it must be the same for both.  They return NULL or the refusal.
 *
 * The first appends PublicKeyCredentialCreationOptionsJSON; the second makes
 * *passkey.  "name" may be NULL, for the name of its provider.
 */
extern const Refusal *flow_passkey_options(const User *user, const pg_uuid_t *session_id,
										   StringInfo out);
extern const Refusal *flow_passkey_add(const pg_uuid_t *user_id, const pg_uuid_t *session_id,
									   Jsonb *credential, const char *name,
									   const Client *client, Passkey *passkey);

/* These return NULL or the refusal, passkey_not_found if the user has no such passkey. */
extern const Refusal *flow_passkey_rename(const pg_uuid_t *user_id, const bytea *credential_id,
										  const char *name, const Client *client);
extern const Refusal *flow_passkey_remove(const pg_uuid_t *user_id, const bytea *credential_id,
										  const Client *client);

/* Signing in: PublicKeyCredentialRequestOptionsJSON, and the response to them. */
extern const Refusal *flow_passkey_login_options(StringInfo out);
extern AuthResult flow_passkey_login(Jsonb *credential, const Client *client);

/* Reads the base64url of a credential id; NULL if it cannot be one. */
extern bytea *passkey_id_read(const char *text);

#endif							/* AUTHFORT_FLOW_PASSKEYS_H */
