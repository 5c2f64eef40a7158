/*
 * short_code.c
 *		Codes that a person types, stored as a MAC.
 */
#include "postgres.h"

#include <sodium.h>

#include "compat.h"
#include "crypto/master_key.h"
#include "crypto/short_code.h"

#define MAC_BYTES 32

typedef struct StoredMac
{
	uint32 master_key_id;
	unsigned char mac[MAC_BYTES];
} StoredMac;

/* False if the master key of that id is not held. */
static bool
compute_code_mac(const ShortCodeUse *use, const char *code, StoredMac *stored)
{
	unsigned char key[MASTER_KEY_BYTES];
	crypto_generichash_state state;

	if (!master_key_derive(stored->master_key_id, MASTER_KEY_FOR_SHORT_CODES, key))
		return false;
	crypto_generichash_init(&state, key, sizeof(key), MAC_BYTES);
	crypto_generichash_update(&state, use->database.data, UUID_LEN);
	crypto_generichash_update(&state, use->user_id.data, UUID_LEN);
	/* with its terminating zero, which separates it from the code */
	crypto_generichash_update(&state, (const unsigned char *) use->purpose, strlen(use->purpose) + 1);
	crypto_generichash_update(&state, (const unsigned char *) code, strlen(code));
	crypto_generichash_final(&state, stored->mac, MAC_BYTES);
	sodium_memzero(&state, sizeof(state));
	sodium_memzero(key, sizeof(key));
	return true;
}

bytea *
short_code_mac(const ShortCodeUse *use, const char *code)
{
	bytea *result = palloc(VARHDRSZ + sizeof(StoredMac));
	StoredMac stored;

	stored.master_key_id = master_key_current();
	if (!compute_code_mac(use, code, &stored))
		elog(ERROR, "the current master key is not held");
	SET_VARSIZE(result, VARHDRSZ + sizeof(StoredMac));
	memcpy(VARDATA(result), &stored, sizeof(StoredMac));
	return result;
}

bool
short_code_matches(const ShortCodeUse *use, const char *code, const bytea *mac)
{
	StoredMac stored;
	StoredMac computed;

	if (VARSIZE_ANY_EXHDR(mac) != sizeof(StoredMac))
		return false;
	memcpy(&stored, VARDATA_ANY(mac), sizeof(StoredMac));
	computed.master_key_id = stored.master_key_id;
	return compute_code_mac(use, code, &computed) &&
		   sodium_memcmp(stored.mac, computed.mac, MAC_BYTES) == 0;
}
