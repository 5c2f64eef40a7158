/*
 * passkey_challenge.c
 *		Challenges of WebAuthn ceremonies, which are in no table.
 */
#include "postgres.h"

#include <sodium.h>

#include "utils/timestamp.h"

#include "crypto/base64url.h"
#include "crypto/master_key.h"
#include "domain/database_id.h"
#include "domain/passkey_challenge.h"
#include "domain/signing_keys.h"
#include "domain/spent_ids.h"
#include "settings.h"

#define VERSION 1
#define MAC_BYTES 32

/* The challenge as the client gets it.  It has no padding, and comes back to the same kind of machine. */
typedef struct pg_attribute_packed() Challenge
{
	unsigned char version;
	uint32 master_key_id;
	TimestampTz expires_at;
	unsigned char nonce[UUID_LEN];
	unsigned char mac[MAC_BYTES];
}
Challenge;

/* The input of the MAC, beside the part of the challenge before it. */
typedef struct pg_attribute_packed() Binding
{
	unsigned char ceremony;
	pg_uuid_t database;
	pg_uuid_t user_id;  /* zero: any */
	pg_uuid_t bound_to; /* zero: nothing */
}
Binding;

static Binding
binding_of(const PasskeyChallengeUse *use)
{
	Binding binding = {0};

	binding.ceremony = use->ceremony;
	binding.database = database_id();
	if (use->user_id != NULL)
		binding.user_id = *use->user_id;
	if (use->bound_to != NULL)
		binding.bound_to = *use->bound_to;
	return binding;
}

/* False if the master key that the challenge names is not held. */
static bool
compute_challenge_mac(const Challenge *challenge, const PasskeyChallengeUse *use,
					  unsigned char mac[MAC_BYTES])
{
	Binding binding = binding_of(use);
	unsigned char key[MASTER_KEY_BYTES];
	crypto_generichash_state state;

	if (!master_key_derive(challenge->master_key_id, MASTER_KEY_FOR_PASSKEY_CHALLENGES, key))
		return false;
	crypto_generichash_init(&state, key, sizeof(key), MAC_BYTES);
	crypto_generichash_update(&state, (const unsigned char *) challenge, offsetof(Challenge, mac));
	crypto_generichash_update(&state, (const unsigned char *) &binding, sizeof(binding));
	crypto_generichash_final(&state, mac, MAC_BYTES);
	sodium_memzero(key, sizeof(key));
	sodium_memzero(&state, sizeof(state));
	return true;
}

char *
passkey_challenge_make(const PasskeyChallengeUse *use)
{
	Challenge challenge = {VERSION};
	char *text = palloc(BASE64URL_ENCODED_SIZE(sizeof(challenge)));

	signing_keys_ensure_master_key();
	challenge.master_key_id = master_key_current();
	challenge.expires_at = GetCurrentTimestamp() + setting_webauthn_timeout * USECS_PER_SEC;
	randombytes_buf(challenge.nonce, sizeof(challenge.nonce));
	if (!compute_challenge_mac(&challenge, use, challenge.mac))
		elog(ERROR, "the current master key is not held");
	base64url_encode((const unsigned char *) &challenge, sizeof(challenge), text);
	return text;
}

bool
passkey_challenge_read(const char *text, const PasskeyChallengeUse *use, PasskeyChallenge *challenge)
{
	Challenge read;
	size_t len;
	unsigned char mac[MAC_BYTES];

	if (!base64url_decode(text, strlen(text), (unsigned char *) &read, sizeof(read), &len) ||
		len != sizeof(read) || read.version != VERSION)
		return false;
	if (!compute_challenge_mac(&read, use, mac))
	{
		/* it names an unknown key, or we hold the wrong ones */
		signing_keys_require_master_key();
		return false;
	}
	if (sodium_memcmp(mac, read.mac, MAC_BYTES) != 0 || read.expires_at <= GetCurrentTimestamp())
		return false;
	memcpy(challenge->id.data, read.nonce, UUID_LEN);
	challenge->expires_at = read.expires_at;
	return true;
}

bool
passkey_challenge_spend(const PasskeyChallenge *challenge)
{
	return spent_ids_add("passkey", &challenge->id, challenge->expires_at);
}
