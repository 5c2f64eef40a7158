/*
 * seal.c
 *		Secrets at rest: XChaCha20-Poly1305 under the master key.
 *
 * A sealed value is: version (1 byte), master key id (4), nonce (24),
 * ciphertext and tag.  The nonce is random, which XChaCha20's 24 bytes allow.
 */
#include "postgres.h"

#include <sodium.h>

#include "catalog/pg_type.h"

#include "compat.h"
#include "crypto/base64url.h"
#include "crypto/master_key.h"
#include "crypto/seal.h"

#define SEAL_VERSION 1
#define NONCE_BYTES crypto_aead_xchacha20poly1305_ietf_NPUBBYTES
#define TAG_BYTES crypto_aead_xchacha20poly1305_ietf_ABYTES
#define HEADER_BYTES (1 + sizeof(uint32) + NONCE_BYTES)

/* What is authenticated together with the secret: the name, and the database. */
static unsigned char *
bound_data(const char *name, const pg_uuid_t *database, size_t *len)
{
	size_t name_len = strlen(name);
	unsigned char *data = palloc(name_len + UUID_LEN);

	memcpy(data, name, name_len);
	*len = name_len;
	if (database != NULL)
	{
		memcpy(data + name_len, database->data, UUID_LEN);
		*len += UUID_LEN;
	}
	return data;
}

/* The result is in the current memory context. */
bytea *
seal(const unsigned char *secret, size_t len, const char *name, const pg_uuid_t *database)
{
	size_t bound_len;
	unsigned char *bound = bound_data(name, database, &bound_len);
	bytea *sealed = palloc(VARHDRSZ + HEADER_BYTES + len + TAG_BYTES);
	unsigned char *out = (unsigned char *) VARDATA(sealed);
	unsigned char *nonce = out + 1 + sizeof(uint32);
	unsigned char key[MASTER_KEY_BYTES];
	uint32 id = master_key_current();

	SET_VARSIZE(sealed, VARHDRSZ + HEADER_BYTES + len + TAG_BYTES);
	out[0] = SEAL_VERSION;
	memcpy(out + 1, &id, sizeof(id));
	randombytes_buf(nonce, NONCE_BYTES);

	if (!master_key_derive(id, MASTER_KEY_FOR_SEALING, key))
		elog(ERROR, "the current master key is not held");
	crypto_aead_xchacha20poly1305_ietf_encrypt(out + HEADER_BYTES, NULL, secret, len, bound,
											   bound_len, NULL, nonce, key);
	sodium_memzero(key, sizeof(key));
	return sealed;
}

static void
report_unreadable_form(int level, const char *name)
{
	ereport(level,
			(errcode(ERRCODE_DATA_CORRUPTED),
			 errmsg("the sealed %s is not in a form that this version knows", name)));
}

static void
report_other_master_key(int level, uint32 sealed_with, const char *name)
{
	ereport(level,
			(errcode(ERRCODE_CONFIG_FILE_ERROR),
			 errmsg("could not open the sealed %s", name),
			 errdetail("It was sealed with master key %08x, but %s holds master key %08x.",
					   sealed_with, master_key_source(), master_key_current()),
			 errhint("Add the master key it was sealed with to %s, from its backup.",
					 master_key_source())));
}

/* Whether it is in our form; then "id" is that of its master key. */
static bool
has_sealed_form(const unsigned char *in, size_t len, uint32 *id)
{
	if (len < HEADER_BYTES + TAG_BYTES || in[0] != SEAL_VERSION)
		return false;
	memcpy(id, in + 1, sizeof(*id));
	return true;
}

/* NULL if it does not open with this key. */
static unsigned char *
open_sealed(const unsigned char *in, size_t in_len, const unsigned char key[MASTER_KEY_BYTES],
			const char *name, const pg_uuid_t *database, size_t *len)
{
	const unsigned char *nonce = in + 1 + sizeof(uint32);
	size_t bound_len;
	unsigned char *bound = bound_data(name, database, &bound_len);
	unsigned char *secret;

	*len = in_len - HEADER_BYTES - TAG_BYTES;
	secret = palloc(*len + 1);
	if (crypto_aead_xchacha20poly1305_ietf_decrypt(secret, NULL, NULL, in + HEADER_BYTES,
												   in_len - HEADER_BYTES, bound, bound_len, nonce,
												   key) != 0)
		return NULL;
	return secret;
}

static void
report_changed(int level, const char *name)
{
	ereport(level,
			(errcode(ERRCODE_DATA_CORRUPTED),
			 errmsg("the sealed %s does not open with its master key", name),
			 errdetail("It was changed, or belongs to another row or database.")));
}

/* Reports a value that does not open at that level; returns NULL if that is not an error. */
static unsigned char *
open_or_report(const bytea *sealed, const char *name, const pg_uuid_t *database, int level, size_t *len)
{
	const unsigned char *in = (const unsigned char *) VARDATA_ANY(sealed);
	size_t in_len = VARSIZE_ANY_EXHDR(sealed);
	unsigned char key[MASTER_KEY_BYTES];
	unsigned char *secret;
	uint32 id;

	if (!has_sealed_form(in, in_len, &id))
	{
		report_unreadable_form(level, name);
		return NULL;
	}
	if (!master_key_derive(id, MASTER_KEY_FOR_SEALING, key))
	{
		report_other_master_key(level, id, name);
		return NULL;
	}
	secret = open_sealed(in, in_len, key, name, database, len);
	sodium_memzero(key, sizeof(key));
	if (secret == NULL)
		report_changed(level, name);
	return secret;
}

/* The result is in the current memory context; the caller wipes it. */
unsigned char *
unseal(const bytea *sealed, const char *name, const pg_uuid_t *database, size_t *len)
{
	return open_or_report(sealed, name, database, ERROR, len);
}

unsigned char *
unseal_or_warn(const bytea *sealed, const char *name, const pg_uuid_t *database, size_t *len)
{
	return open_or_report(sealed, name, database, WARNING, len);
}

bytea *
seal_again(const bytea *sealed, const char *name, const pg_uuid_t *database, int level)
{
	size_t len;
	unsigned char *secret = open_or_report(sealed, name, database, level, &len);
	bytea *again;

	if (secret == NULL)
		return NULL;
	again = seal(secret, len, name, database);
	sodium_memzero(secret, len);
	pfree(secret);
	return again;
}

ArrayType *
seal_older_prefixes(void)
{
	int count;
	uint32 *ids = master_key_ids(&count);
	Datum *prefixes = palloc(count * sizeof(Datum));

	StaticAssertStmt(SEALED_PREFIX_BYTES == 1 + sizeof(uint32), "a version and an id");
	for (int i = 1; i < count; i++)
	{
		bytea *prefix = palloc(VARHDRSZ + SEALED_PREFIX_BYTES);

		SET_VARSIZE(prefix, VARHDRSZ + SEALED_PREFIX_BYTES);
		VARDATA(prefix)[0] = SEAL_VERSION;
		memcpy(VARDATA(prefix) + 1, &ids[i], sizeof(uint32));
		prefixes[i - 1] = PointerGetDatum(prefix);
	}
	return construct_array(prefixes, count - 1, BYTEAOID, -1, false, TYPALIGN_INT);
}

char *
seal_as_text(const unsigned char *secret, size_t len, const char *name, const pg_uuid_t *database)
{
	bytea *sealed = seal(secret, len, name, database);
	size_t sealed_len = VARSIZE(sealed) - VARHDRSZ;
	char *text = palloc(BASE64URL_ENCODED_SIZE(sealed_len));

	base64url_encode((unsigned char *) VARDATA(sealed), sealed_len, text);
	pfree(sealed);
	return text;
}

unsigned char *
unseal_text(const char *text, const char *name, const pg_uuid_t *database, size_t *len)
{
	size_t text_len = strlen(text);
	size_t size = BASE64URL_DECODED_SIZE(text_len);
	unsigned char *sealed = palloc(size);
	size_t sealed_len;
	unsigned char key[MASTER_KEY_BYTES];
	unsigned char *secret;
	uint32 id;

	if (!base64url_decode(text, text_len, sealed, size, &sealed_len) ||
		!has_sealed_form(sealed, sealed_len, &id) ||
		!master_key_derive(id, MASTER_KEY_FOR_SEALING, key))
		return NULL;
	secret = open_sealed(sealed, sealed_len, key, name, database, len);
	sodium_memzero(key, sizeof(key));
	pfree(sealed);
	return secret;
}
