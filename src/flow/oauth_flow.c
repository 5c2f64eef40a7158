/*
 * oauth_flow.c
 *		A sign-in at a provider that has begun.
 */
#include "postgres.h"

#include <sodium.h>

#include "utils/timestamp.h"

#include "base/json.h"
#include "base/uuid.h"
#include "base/uuid_v7.h"
#include "crypto/base64url.h"
#include "crypto/master_key.h"
#include "crypto/seal.h"
#include "domain/database_id.h"
#include "domain/signing_keys.h"
#include "flow/oauth_flow.h"

#define STATE_VERSION 1
#define MAC_BYTES 16
#define STATE_BYTES (1 + sizeof(uint32) + UUID_LEN + MAC_BYTES)
#define VERIFIER_BYTES 32
#define MAX_COOKIE 4096 /* characters that browsers keep of one, with its attributes */
#define COOKIE_ATTRIBUTES 200
#define COOKIE_PREFIX "authfort_oauth_"

/* From 1970 to 2000, where PostgreSQL's timestamps begin. */
#define EPOCH_OFFSET ((POSTGRES_EPOCH_JDATE - UNIX_EPOCH_JDATE) * USECS_PER_DAY)

static const char *const mode_names[] = {"redirect", "popup", "code", "json"};

bool
oauth_mode_read(const char *text, OAuthMode *mode)
{
	*mode = OAUTH_REDIRECT;
	if (text == NULL || text[0] == '\0' || strcmp(text, "cookies") == 0)
		return true;
	for (size_t i = 0; i < lengthof(mode_names); i++)
	{
		if (strcmp(text, mode_names[i]) == 0)
		{
			*mode = (OAuthMode) i;
			return true;
		}
	}
	return false;
}

void
oauth_flow_begin(OAuthFlow *flow, const OAuthProvider *provider)
{
	memset(flow, 0, sizeof(*flow));
	uuid_v7_make(&flow->id);
	flow->provider = provider->name;
	flow->issuer = provider->issuer;
}

/*
 * A flow uses the endpoints that it began with, so that it must not end as one
 * of the issuer that an admin has configured since.
 */
bool
oauth_flow_is_of(const OAuthFlow *flow, const OAuthProvider *provider)
{
	if (strcmp(flow->provider, provider->name) != 0)
		return false;
	if (flow->issuer == NULL || provider->issuer == NULL)
		return flow->issuer == provider->issuer;
	return strcmp(flow->issuer, provider->issuer) == 0;
}

/* The first 48 bits of the id are milliseconds since 1970 (RFC 9562, section 5.7). */
TimestampTz
oauth_flow_expires_at(const pg_uuid_t *id)
{
	int64 milliseconds = 0;

	for (int i = 0; i < 6; i++)
		milliseconds = milliseconds << 8 | id->data[i];
	return milliseconds * 1000 - EPOCH_OFFSET + OAUTH_FLOW_TTL * USECS_PER_SEC;
}

/* False if the master key of that id is not held. */
static bool
derive_from_id(uint32 master_key_id, const char *purpose, const pg_uuid_t *id, unsigned char *out,
			   size_t len)
{
	unsigned char key[MASTER_KEY_BYTES];
	pg_uuid_t database = database_id();
	crypto_generichash_state state;

	if (!master_key_derive(master_key_id, MASTER_KEY_FOR_OAUTH_STATE, key))
		return false;
	crypto_generichash_init(&state, key, sizeof(key), len);
	crypto_generichash_update(&state, database.data, UUID_LEN);
	crypto_generichash_update(&state, id->data, UUID_LEN);
	crypto_generichash_update(&state, (const unsigned char *) purpose, strlen(purpose));
	crypto_generichash_final(&state, out, len);
	sodium_memzero(&state, sizeof(state));
	sodium_memzero(key, sizeof(key));
	return true;
}

char *
oauth_flow_state(const pg_uuid_t *id)
{
	unsigned char bytes[STATE_BYTES];
	unsigned char *p = bytes;
	uint32 master_key_id = master_key_current();
	char *text = palloc(BASE64URL_ENCODED_SIZE(STATE_BYTES));

	*p++ = STATE_VERSION;
	memcpy(p, &master_key_id, sizeof(master_key_id));
	p += sizeof(master_key_id);
	memcpy(p, id->data, UUID_LEN);
	p += UUID_LEN;
	if (!derive_from_id(master_key_id, "state", id, p, MAC_BYTES))
		elog(ERROR, "the current master key is not held");
	base64url_encode(bytes, sizeof(bytes), text);
	return text;
}

const Refusal *
oauth_flow_read_state(const char *state, pg_uuid_t *id)
{
	unsigned char bytes[STATE_BYTES];
	unsigned char mac[MAC_BYTES];
	uint32 master_key_id;
	size_t len;

	if (!base64url_decode(state, strlen(state), bytes, sizeof(bytes), &len) ||
		len != sizeof(bytes) || bytes[0] != STATE_VERSION)
		return &refusal_oauth_state_invalid;
	memcpy(&master_key_id, bytes + 1, sizeof(master_key_id));
	memcpy(id->data, bytes + 1 + sizeof(master_key_id), UUID_LEN);
	signing_keys_require_master_key();
	if (!derive_from_id(master_key_id, "state", id, mac, MAC_BYTES) ||
		sodium_memcmp(mac, bytes + STATE_BYTES - MAC_BYTES, MAC_BYTES) != 0)
		return &refusal_oauth_state_invalid;
	return (oauth_flow_expires_at(id) <= GetCurrentTimestamp()) ? &refusal_oauth_state_expired : NULL;
}

/*
 * Uses the current master key.  If that is replaced before the flow ends, the
 * provider refuses the flow.
 */
static void
derive_text(const char *purpose, const pg_uuid_t *id, char text[OAUTH_VERIFIER_SIZE])
{
	unsigned char bytes[VERIFIER_BYTES];

	StaticAssertStmt(BASE64URL_ENCODED_SIZE(VERIFIER_BYTES) == OAUTH_VERIFIER_SIZE, "43 characters");
	if (!derive_from_id(master_key_current(), purpose, id, bytes, sizeof(bytes)))
		elog(ERROR, "the current master key is not held");
	base64url_encode(bytes, sizeof(bytes), text);
	sodium_memzero(bytes, sizeof(bytes));
}

void
oauth_flow_verifier(const pg_uuid_t *id, char verifier[OAUTH_VERIFIER_SIZE])
{
	derive_text("verifier", id, verifier);
}

void
oauth_flow_nonce(const pg_uuid_t *id, char nonce[OAUTH_VERIFIER_SIZE])
{
	derive_text("nonce", id, nonce);
}

void
oauth_flow_append_members(StringInfo out, const OAuthFlow *flow)
{
	json_write_string(out, "provider", flow->provider);
	json_write_string_unless_null(out, "issuer", flow->issuer);
	json_write_string(out, "mode", mode_names[flow->mode]);
	json_write_string_unless_null(out, "redirect_to", flow->redirect_to);
	json_write_string_unless_null(out, "code_challenge", flow->code_challenge);
	if (flow->links)
	{
		json_write_uuid(out, "user_id", &flow->user_id);
		json_write_uuid(out, "session_id", &flow->session_id);
	}
	json_write_string_unless_null(out, "token", flow->endpoints.token);
	json_write_string_unless_null(out, "userinfo", flow->endpoints.userinfo);
	json_write_string_unless_null(out, "emails", flow->endpoints.emails);
	json_write_string_unless_null(out, "jwks", flow->endpoints.jwks);
	json_write_integer(out, "auth", flow->token_auth);
	if (flow->demands_issuer)
		json_write_bool(out, "iss", true);
}

bool
oauth_flow_read_members(Jsonb *json, OAuthFlow *flow)
{
	char *mode = json_member_string(json, "mode");
	int64 token_auth;

	flow->provider = json_member_string(json, "provider");
	flow->issuer = json_member_string(json, "issuer");
	flow->redirect_to = json_member_string(json, "redirect_to");
	flow->code_challenge = json_member_string(json, "code_challenge");
	flow->links = json_member(json, "user_id") != NULL;
	flow->endpoints.authorization = NULL;
	flow->endpoints.token = json_member_string(json, "token");
	flow->endpoints.userinfo = json_member_string(json, "userinfo");
	flow->endpoints.emails = json_member_string(json, "emails");
	flow->endpoints.jwks = json_member_string(json, "jwks");
	flow->demands_issuer = json_member(json, "iss") != NULL;
	if (flow->provider == NULL || mode == NULL || !oauth_mode_read(mode, &flow->mode) ||
		!json_member_integer(json, "auth", &token_auth))
		return false;
	flow->token_auth = (TokenAuth) token_auth;
	return !flow->links || (json_member_uuid(json, "user_id", &flow->user_id) &&
							json_member_uuid(json, "session_id", &flow->session_id));
}

/* The associated data of the cookie. */
static char *
cookie_seal_name(const pg_uuid_t *id)
{
	return psprintf("OAuth flow %s", uuid_text(id));
}

char *
oauth_flow_cookie(const OAuthFlow *flow)
{
	pg_uuid_t database = database_id();
	StringInfoData text;
	char *cookie;

	initStringInfo(&text);
	json_open(&text);
	oauth_flow_append_members(&text, flow);
	json_close(&text);
	cookie =
		seal_as_text((unsigned char *) text.data, text.len, cookie_seal_name(&flow->id), &database);
	return (strlen(cookie) <= MAX_COOKIE - COOKIE_ATTRIBUTES) ? cookie : NULL;
}

const Refusal *
oauth_flow_read_cookie(const char *cookie, const pg_uuid_t *id, OAuthFlow *flow)
{
	pg_uuid_t database = database_id();
	unsigned char *text;
	size_t len;
	Jsonb *json;

	if (cookie == NULL || strnlen(cookie, MAX_COOKIE + 1) > MAX_COOKIE)
		return &refusal_oauth_state_invalid;
	text = unseal_text(cookie, cookie_seal_name(id), &database, &len);
	memset(flow, 0, sizeof(*flow));
	flow->id = *id;
	if (text == NULL || json_read_object((char *) text, len, &json) != JSON_READ ||
		!oauth_flow_read_members(json, flow))
		return &refusal_oauth_state_invalid;
	return NULL;
}

char *
oauth_flow_cookie_name(const pg_uuid_t *id)
{
	char text[BASE64URL_ENCODED_SIZE(UUID_LEN)];

	base64url_encode(id->data, UUID_LEN, text);
	return psprintf(COOKIE_PREFIX "%s", text);
}

bool
oauth_flow_read_cookie_name(const char *name, pg_uuid_t *id)
{
	static const char prefix[] = COOKIE_PREFIX;
	size_t len;

	if (strncmp(name, prefix, sizeof(prefix) - 1) != 0)
		return false;
	name += sizeof(prefix) - 1;
	return base64url_decode(name, strlen(name), id->data, UUID_LEN, &len) && len == UUID_LEN;
}
