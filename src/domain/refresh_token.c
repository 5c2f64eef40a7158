/*
 * refresh_token.c
 *		Checks refresh tokens against their sessions, and makes them.
 */
#include "postgres.h"

#include <sodium.h>

#include "crypto/master_key.h"
#include "domain/database_id.h"
#include "domain/refresh_token.h"
#include "domain/signing_keys.h"

/* The caller wipes the key.  Returns false if the master key of that id is not held. */
static bool
session_mac_key(const Session *session, uint32 master_key_id, RefreshTokenKey *key)
{
	pg_uuid_t database = database_id();

	memcpy(key->database_id, database.data, sizeof(key->database_id));
	memcpy(key->salt, session->salt, sizeof(key->salt));
	return master_key_derive(master_key_id, MASTER_KEY_FOR_REFRESH_TOKENS, key->master_subkey);
}

/*
 * The MAC is checked before anything is locked or revealed, so that the id of
 * a session, which access tokens contain, is useless to an attacker.  The
 * master key is checked with this database's own sealed key, not with the
 * token, in which a client can write any master key's id.
 */
bool
refresh_token_find_session(const char *text, RefreshToken *token, Session *session)
{
	RefreshTokenKey key;
	pg_uuid_t id;
	bool valid;

	signing_keys_require_master_key();
	if (!refresh_token_read(text, strlen(text), token))
		return false;
	memcpy(id.data, token->session_id, UUID_LEN);
	if (!sessions_find(&id, session) || !session_mac_key(session, token->master_key_id, &key))
		return false;
	valid = refresh_token_check(token, &key);
	sodium_memzero(&key, sizeof(key));
	return valid;
}

char *
refresh_token_issue(const Session *session)
{
	RefreshToken token = {0};
	RefreshTokenKey key;
	char *text = palloc(REFRESH_TOKEN_TEXT_SIZE);

	token.master_key_id = master_key_current();
	token.generation = session->generation;
	memcpy(token.session_id, session->id.data, UUID_LEN);
	if (!session_mac_key(session, token.master_key_id, &key))
		elog(ERROR, "the current master key is not held");
	refresh_token_sign(&token, &key);
	sodium_memzero(&key, sizeof(key));
	refresh_token_write(&token, text);
	return text;
}
