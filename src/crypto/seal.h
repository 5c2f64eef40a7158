/*
 * seal.h
 *		Secrets at rest: XChaCha20-Poly1305 under the master key.
 */
#ifndef AUTHFORT_SEAL_H
#define AUTHFORT_SEAL_H

#include "postgres.h"

#include "utils/array.h"
#include "utils/uuid.h"

/*
 * "name" says what is sealed and is bound to it, so that it opens under that
 * name only; messages show it.  If "database" is not NULL, the secret is bound
 * to that id as well, so that it cannot be opened in a copy of the database.
 */
extern bytea *
seal(const unsigned char *secret, size_t len, const char *name, const pg_uuid_t *database);
extern unsigned char *
unseal(const bytea *sealed, const char *name, const pg_uuid_t *database, size_t *len);

/*
 * The same secret, sealed with the current master key.  NULL, with a message of
 * that level, if it does not open.
 */
extern bytea *seal_again(const bytea *sealed, const char *name, const pg_uuid_t *database, int level);

/*
 * An array of bytea: with what a value begins that is sealed with one of the
 * other master keys that are held.
 */
#define SEALED_PREFIX_BYTES 5
extern ArrayType *seal_older_prefixes(void);

/*
 * The same in base64url, for what clients and gateways keep for us and hand
 * back.  They may have made it up: unseal_text() returns NULL instead of an
 * error.  Before it, the caller checks that the master key is the right one
 * (signing_keys_require_master_key()), or with a wrong one every value would
 * look made up.
 */
extern char *
seal_as_text(const unsigned char *secret, size_t len, const char *name, const pg_uuid_t *database);
extern unsigned char *
unseal_text(const char *text, const char *name, const pg_uuid_t *database, size_t *len);
/* The same, with a warning instead of an error for one that does not open; then NULL. */
extern unsigned char *
unseal_or_warn(const bytea *sealed, const char *name, const pg_uuid_t *database, size_t *len);

#endif /* AUTHFORT_SEAL_H */
