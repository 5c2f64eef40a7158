/*
 * settings_jwt.c
 *		The setting authfort.jwt, the access token that gives a session its
 *		identity.
 *
 * The token is a credential, so pg_settings must not show it to the session
 * that holds it.  A show hook masks the current value, but the column reset_val
 * has the text of the value to which RESET returns, and that is a token if one
 * was given when the connection started.  The check hook replaces the text of
 * such a value by the sealed token, and leaves the token itself for the assign
 * hook; PostgreSQL saves and restores both together.  Parallel workers receive
 * the text alone, so they open it.
 *
 * The key is derived from a secret of the cluster that no SQL function returns.
 * A sealed token copied from pg_settings gives no identity to another session:
 * what a client sets in that form is sealed once more, and so reaches the
 * workers, too, as the invalid token that it is.
 */
#include "postgres.h"

#include <sodium.h>

#include "access/parallel.h"
#include "access/xlog.h"
#include "catalog/pg_control.h"
#include "utils/guc.h"

#include "compat.h"
#include "settings.h"
#include "settings_hooks.h"
#include "settings_jwt.h"

#define SEALED_PREFIX "sealed:"
#define SEALED_PREFIX_LEN (sizeof(SEALED_PREFIX) - 1)
#define ENCODING sodium_base64_VARIANT_URLSAFE_NO_PADDING

char *settings_jwt_text;

static const char *current_token = "";

const char *
settings_jwt(void)
{
	return current_token;
}

static bool
is_sealed(const char *text)
{
	return strncmp(text, SEALED_PREFIX, SEALED_PREFIX_LEN) == 0;
}

static void
derive_key(unsigned char *key)
{
	static const unsigned char purpose[] = "authfort.jwt, from a leader to its parallel workers";

	crypto_generichash(key, crypto_secretbox_KEYBYTES, purpose, sizeof(purpose),
					   (const unsigned char *) GetMockAuthenticationNonce(), MOCK_AUTH_NONCE_LEN);
}

/* Replaces *text by the sealed token, and leaves the token in *extra; false if out of memory. */
static bool
seal_token(char **text, void **extra)
{
	size_t len = strlen(*text);
	size_t box_len = crypto_secretbox_NONCEBYTES + crypto_secretbox_MACBYTES + len;
	size_t encoded_size = sodium_base64_ENCODED_LEN(box_len, ENCODING);
	char *sealed = compat_guc_alloc(SEALED_PREFIX_LEN + encoded_size);
	char *token = compat_guc_alloc(len + 1);
	unsigned char *box = compat_guc_alloc(box_len);
	unsigned char key[crypto_secretbox_KEYBYTES];

	if (sealed == NULL || token == NULL || box == NULL)
	{
		compat_guc_free(sealed);
		compat_guc_free(token);
		compat_guc_free(box);
		return false;
	}
	memcpy(token, *text, len + 1);
	derive_key(key);
	randombytes_buf(box, crypto_secretbox_NONCEBYTES);
	crypto_secretbox_easy(box + crypto_secretbox_NONCEBYTES, (const unsigned char *) token, len,
						  box, key);
	sodium_memzero(key, sizeof(key));
	memcpy(sealed, SEALED_PREFIX, SEALED_PREFIX_LEN);
	sodium_bin2base64(sealed + SEALED_PREFIX_LEN, encoded_size, box, box_len, ENCODING);
	compat_guc_free(box);

	compat_guc_free(*text);
	*text = sealed;
	*extra = token;
	return true;
}

/* Leaves the sealed token in *extra; false if it cannot be opened. */
static bool
open_token(const char *text, void **extra)
{
	const char *encoded = text + SEALED_PREFIX_LEN;
	size_t encoded_len = strlen(encoded);
	unsigned char *box = compat_guc_alloc(encoded_len + 1);
	char *token = compat_guc_alloc(encoded_len + 1);
	unsigned char key[crypto_secretbox_KEYBYTES];
	size_t box_len;
	bool opened = false;

	derive_key(key);
	if (box != NULL && token != NULL &&
		sodium_base642bin(box, encoded_len, encoded, encoded_len, NULL, &box_len, NULL, ENCODING) == 0 &&
		box_len >= crypto_secretbox_NONCEBYTES + crypto_secretbox_MACBYTES)
	{
		opened =
			crypto_secretbox_open_easy((unsigned char *) token, box + crypto_secretbox_NONCEBYTES,
									   box_len - crypto_secretbox_NONCEBYTES, box, key) == 0;
		if (opened)
			token[box_len - crypto_secretbox_NONCEBYTES - crypto_secretbox_MACBYTES] = '\0';
	}
	sodium_memzero(key, sizeof(key));
	compat_guc_free(box);
	if (opened)
		*extra = token;
	else
		compat_guc_free(token);
	return opened;
}

bool
settings_check_jwt(char **newval, void **extra, GucSource source)
{
	bool becomes_reset_value = source > PGC_S_DEFAULT && source <= PGC_S_OVERRIDE;

	settings_check_secret(newval, extra, source);
	if (InitializingParallelWorker)
		return !is_sealed(*newval) || open_token(*newval, extra);
	if ((becomes_reset_value && (*newval)[0] != '\0') || is_sealed(*newval))
		return seal_token(newval, extra);
	return true;
}

void
settings_assign_jwt(const char *newval, void *extra)
{
	current_token = (extra != NULL) ? extra : newval;
	settings_note_token_change();
}

/* Reveals only whether a token is set. */
const char *
settings_show_jwt(void)
{
	return (current_token[0] == '\0') ? "" : "********";
}
