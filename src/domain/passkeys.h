/*
 * passkeys.h
 *		Passkeys: table authfort.passkeys.
 */
#ifndef AUTHFORT_PASSKEYS_H
#define AUTHFORT_PASSKEYS_H

#include "postgres.h"

#include "datatype/timestamp.h"
#include "lib/stringinfo.h"
#include "utils/uuid.h"

#include "crypto/webauthn.h"

#define PASSKEYS_MAX 50 /* of one user; all are listed when one is added */
#define PASSKEY_TRANSPORTS_MAX 8

typedef struct Passkey
{
	pg_uuid_t id;
	pg_uuid_t user_id;
	bytea *credential_id;
	bytea *public_key; /* SubjectPublicKeyInfo */
	int algorithm;     /* a WebauthnAlgorithm */
	uint32 sign_count;
	char **transports;
	int transport_count;
	pg_uuid_t aaguid;
	const char *attestation; /* passkey_attestation_name() */
	bool backup_eligible;
	bool backed_up;
	bool user_verified;
	char *name;
	TimestampTz created_at;
	TimestampTz last_used_at; /* DT_NOBEGIN: never */
} Passkey;

extern const char *passkey_attestation_name(WebauthnAttestation attestation);

/* The name of a common provider of passkeys; NULL for any other. */
extern const char *passkey_provider_name(const pg_uuid_t *aaguid);

/* These do not lock.  Results are in the current memory context. */
extern Passkey *passkeys_find(const bytea *credential_id);
extern Passkey *passkeys_of_user(const pg_uuid_t *user_id, int *count);
extern int passkeys_count(const pg_uuid_t *user_id);

/* The number of those with which the user can sign in, except one, which may be NULL. */
extern int passkeys_count_verified(const pg_uuid_t *user_id, const bytea *except);

/*
 * For the following, the user's row is locked.  Inserting sets id, and returns
 * false if another passkey has that credential id.
 */
extern bool passkeys_insert(Passkey *passkey);
extern void passkeys_record_use(const Passkey *passkey);
extern void passkeys_confirm(const pg_uuid_t *id);
extern void passkeys_rename(const pg_uuid_t *user_id, const bytea *credential_id, const char *name);
extern void passkeys_delete(const pg_uuid_t *user_id, const bytea *credential_id);

/* Deletes all passkeys of a user; NULL: of all users. */
extern void passkeys_delete_all(const pg_uuid_t *user_id);

/* Deletes those that the user has added at that time or later. */
extern void passkeys_delete_since(const pg_uuid_t *user_id, TimestampTz time);

/* Base64url of the credential id, as WebAuthn writes it. */
extern char *passkey_id_text(const bytea *credential_id);

/* Appends the passkey as its user sees it, or the members alone. */
extern void passkey_append_members(StringInfo out, const Passkey *passkey);
extern void passkey_append_json(StringInfo out, const Passkey *passkey);

#endif /* AUTHFORT_PASSKEYS_H */
