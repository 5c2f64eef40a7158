/*
 * signing_keys.h
 *		The signing keys: table authfort.signing_keys and its cache.
 */
#ifndef AUTHFORT_SIGNING_KEYS_H
#define AUTHFORT_SIGNING_KEYS_H

#include "postgres.h"

#include "datatype/timestamp.h"
#include "lib/stringinfo.h"

#include "base/expired_rows.h"
#include "crypto/pkey.h"
#include "domain/resealing.h"

typedef struct VerificationKey
{
	char *kid;
	SignatureAlgorithm algorithm;
	EVP_PKEY *public_key;
	EVP_MD_CTX *verifier; /* of the public key */
	bytea *private_key;   /* sealed */
	TimestampTz created_at;
	int64 expires_at; /* Unix time; PG_INT64_MAX: not retired */
	bool prepared;    /* published, and to sign only after a rotation */
} VerificationKey;

typedef struct SigningKey
{
	const char *kid;
	SignatureAlgorithm algorithm;
	EVP_PKEY *private_key;
} SigningKey;

extern void signing_keys_init(void);

/*
 * Rises when the keys change.  It is up to date at the start of each
 * statement: changes that other transactions committed before are visible.
 */
extern uint64 signing_keys_generation(void);

/*
 * The key of that id; NULL if it does not exist or has expired.  Reads no
 * table unless keys have changed.  Valid until the keys change.
 */
extern const VerificationKey *signing_keys_find(const char *kid);

/*
 * The signing key, which is created on first use.  Raises if it has to be
 * created in a read-only transaction, and if the master key is missing or
 * wrong.
 */
extern SigningKey signing_keys_signing_key(void);

/*
 * Ensures that this database's secrets can be sealed.  The first of them is a
 * signing key: it is created on first use, and so is the master key.  Raises
 * if the signing key was sealed under another master key.
 */
extern void signing_keys_ensure_master_key(void);

/*
 * Raises unless this database's signing key was sealed under one of the
 * current master keys.
 */
extern void signing_keys_require_master_key(void);

/*
 * Appends the JWK Set (RFC 7517) of the keys that verify now and of those that
 * are prepared to sign.  Creates the first key, unless the transaction is read
 * only.
 */
extern void signing_keys_append_jwks(StringInfo out);

/* Writes the member of that name: the algorithms of these keys, as an array. */
extern void signing_keys_append_algorithms(StringInfo out, const char *name);

/*
 * Signs with another key from now on: the prepared one of that algorithm, or
 * for NULL the one that was prepared last; or else a new one.  Returns its id,
 * and that of the previous signing key or NULL, both palloc'd.
 */
extern char *signing_keys_rotate(const SignatureAlgorithm *algorithm, char **old_kid);

/*
 * Publishes the next key without signing with it yet, and returns its id; for
 * NULL its algorithm is authfort.signing_algorithm.
 */
extern char *signing_keys_prepare(const SignatureAlgorithm *algorithm);

/*
 * Deletes all keys, without opening any, and signs with a new one.  Nothing
 * that they signed verifies any more.  Returns the same as rotating.
 */
extern char *signing_keys_replace_all(char **old_kid);

/* Appends the public data of all keys as a JSON array. */
extern void signing_keys_append_json(StringInfo out);

/* When the next key expires, or expired and is still there, after a time; DT_NOEND: none does. */
extern TimestampTz signing_keys_next_expiry(TimestampTz after);

/* Deletes at most "limit" keys that no longer verify (base/expired_rows.h). */
extern int signing_keys_delete_expired(int limit, KeptRows *kept);

/* Seals private keys with the current master key. */
extern void signing_keys_reseal(Resealing *progress);

#endif /* AUTHFORT_SIGNING_KEYS_H */
