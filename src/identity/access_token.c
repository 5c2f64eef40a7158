/*
 * access_token.c
 *		Issues and verifies access tokens, JWTs that identify a user.
 *
 * Tokens that verified are kept in a small table, so that a signature
 * is checked once and not for every statement of a connection.  An entry is
 * valid only while neither the keys nor the settings that the verdict depends
 * on have changed, and its expiry is checked every time.
 */
#include "postgres.h"

#include <openssl/crypto.h>
#include <sodium.h>

#include "common/hashfn.h"
#include "fmgr.h"
#include "utils/builtins.h"
#include "utils/memutils.h"
#include "utils/timestamp.h"

#include "base/arguments.h"
#include "base/json.h"
#include "base/spi_query.h"
#include "base/uuid.h"
#include "domain/own_jwt.h"
#include "domain/sessions.h"
#include "domain/signing_keys.h"
#include "identity/access_token.h"
#include "settings.h"

PG_FUNCTION_INFO_V1(authfort_verify_jwt);
PG_FUNCTION_INFO_V1(authfort_try_verify_jwt);
PG_FUNCTION_INFO_V1(authfort_authenticate);

#define TOKEN_CACHE_SLOTS 64 /* a power of two */
#define JTI_BYTES 16

/*
 * How far in the future a token may have been issued, in seconds: a standby's
 * clock may be a little behind that of the server that signed.  Expiry has no
 * such tolerance.
 */
#define ISSUED_AHEAD 10

typedef struct CachedToken
{
	MemoryContext context; /* owns the rest; NULL: nothing cached */
	uint64 signing_keys_generation;
	uint64 settings_generation;
	char *token;
	AccessClaims claims;
} CachedToken;

static CachedToken token_cache[TOKEN_CACHE_SLOTS];

char *
access_token_issue(const User *user, const Session *session, const char *more)
{
	int64 now = time(NULL);
	unsigned char random[JTI_BYTES];
	char jti[BASE64URL_ENCODED_SIZE(JTI_BYTES)];
	StringInfoData payload;

	randombytes_buf(random, sizeof(random));
	base64url_encode(random, sizeof(random), jti);

	initStringInfo(&payload);
	json_open(&payload);
	json_write_string(&payload, "iss", setting_jwt_issuer);
	if (setting_jwt_audience[0] != '\0')
		json_write_string(&payload, "aud", setting_jwt_audience);
	json_write_uuid(&payload, "sub", &user->id);
	json_write_uuid(&payload, "sid", &session->id);
	json_write_string(&payload, "jti", jti);
	json_write_integer(&payload, "iat", now);
	json_write_integer(&payload, "exp", now + setting_access_token_ttl);
	json_write_integer(&payload, "ver", user->token_version);
	/* always a string, which those who read tokens rely on */
	json_write_string(&payload, "email", (user->email != NULL) ? user->email : "");
	json_write_string(&payload, "name", user->name);
	json_write_strings(&payload, "roles", user->roles, user->role_count);
	json_write_bool(&payload, "mfa_enabled", user->mfa_enabled);
	json_write_strings(&payload, "amr", session->amr, session->amr_count);
	json_write_integer(&payload, "aal", session->aal);
	json_write_integer(&payload, "auth_time", timestamptz_to_time_t(session->auth_time));
	json_write_string(&payload, "role", setting_jwt_role);
	if (more != NULL)
		json_write_members(&payload, more);
	json_close(&payload);
	return own_jwt_sign(JWT_TYPE_DEFAULT, &payload);
}

/* RFC 7519, section 4.1.3: "aud" is a string or an array of them. */
static bool
names_audience(Jsonb *json, const char *audience)
{
	return json_member_is(json, "aud", audience) || json_member_lists(json, "aud", audience);
}

/*
 * A token for another audience is refused, and so is one without, if
 * authfort.jwt_audience is set.
 */
static bool
has_right_audience(Jsonb *json)
{
	if (setting_jwt_audience[0] == '\0')
		return json_member(json, "aud") == NULL;
	return names_audience(json, setting_jwt_audience);
}

/* A UUID in the form in which authfort writes it, and no other. */
static bool
read_own_uuid(Jsonb *json, const char *name, pg_uuid_t *uuid)
{
	return json_member_uuid(json, name, uuid) &&
		   strcmp(json_member_string(json, name), uuid_text(uuid)) == 0;
}

static bool
read_roles(Jsonb *json, AccessClaims *claims)
{
	return json_member_strings(json, "roles", &claims->roles, &claims->role_count);
}

/*
 * How the session was authenticated.  A token that does not say, or whose
 * values are wrong, gives the least: an unknown time and one factor.
 */
static void
read_assurance(Jsonb *json, AccessClaims *claims)
{
	int64 aal;

	if (!json_member_strings(json, "amr", &claims->amr, &claims->amr_count))
		claims->amr_count = 0;
	claims->aal = (json_member_integer(json, "aal", &aal) && aal == 2) ? 2 : 1;
	if (!json_member_integer(json, "auth_time", &claims->auth_time) || claims->auth_time < 0)
		claims->auth_time = 0;
}

/*
 * Reads the payload of a token whose signature is valid.  Returns NULL, or the
 * reason why it is not an access token of this database.  The caller checks
 * the expiry.
 */
static const char *
read_claims(Jsonb *json, AccessClaims *claims)
{
	int64 now = time(NULL);
	int64 iat;
	int64 nbf;

	claims->json = json;
	claims->has_sid = claims->has_ver = true;
	if (json_member(json, "purpose") != NULL)
		return "it has the claim \"purpose\"";
	if (!json_member_is(json, "iss", setting_jwt_issuer))
		return "it has the wrong issuer";
	if (!has_right_audience(json))
		return "it has the wrong audience";
	if (!json_member_integer(json, "iat", &iat) ||
		!json_member_integer(json, "exp", &claims->exp) || iat < 0 || claims->exp <= iat)
		return "its dates are missing or wrong";
	if (iat > now + ISSUED_AHEAD)
		return "it was issued in the future";
	if (json_member(json, "nbf") != NULL && (!json_member_integer(json, "nbf", &nbf) || nbf > now))
		return "it is not valid yet";
	if (!read_own_uuid(json, "sub", &claims->sub) || !read_own_uuid(json, "sid", &claims->sid) ||
		!json_member_integer(json, "ver", &claims->ver) ||
		json_member_string(json, "email") == NULL || !read_roles(json, claims))
		return "a required claim is missing or of the wrong type";
	read_assurance(json, claims);
	return NULL;
}

/*
 * The dates of verified claims.  They may have a fraction (RFC 7519, section
 * 2), which is rounded so that a claim is never valid for longer than it
 * states.
 */
static bool
read_foreign_dates(Jsonb *json, AccessClaims *claims)
{
	int64 nbf;

	claims->exp = PG_INT64_MAX;
	if (json_member(json, "exp") != NULL && !json_member_rounded(json, "exp", false, &claims->exp))
		return false;
	return json_member(json, "nbf") == NULL ||
		   (json_member_rounded(json, "nbf", true, &nbf) && nbf <= time(NULL));
}

/*
 * Reads claims that another program has verified, and some of which it may
 * have omitted.  Claims that are present must be valid.
 */
static const char *
read_verified_claims(Jsonb *json, AccessClaims *claims)
{
	claims->json = json;
	if (json_member(json, "purpose") != NULL)
		return "they contain the claim \"purpose\"";
	if (json_member(json, "iss") != NULL && !json_member_is(json, "iss", setting_jwt_issuer))
		return "they have the wrong issuer";
	if (!has_right_audience(json))
		return "they have the wrong audience";
	if (!read_foreign_dates(json, claims))
		return "their dates are wrong";
	if (!json_member_uuid(json, "sub", &claims->sub))
		return "they do not name a user";
	if (json_member(json, "roles") != NULL && !read_roles(json, claims))
		return "their roles are not a list of names";
	claims->has_sid = json_member_uuid(json, "sid", &claims->sid);
	claims->has_ver = json_member_integer(json, "ver", &claims->ver);
	read_assurance(json, claims);
	return NULL;
}

const char *
access_claims_read(const char *text, AccessClaims *claims)
{
	Jsonb *json;

	memset(claims, 0, sizeof(*claims));
	if (json_read_foreign_object(text, strlen(text), &json) != JSON_READ)
		return "they are not a JSON object";
	return read_verified_claims(json, claims);
}

/*
 * Checks form and signature, and reads the claims, all in the current memory
 * context.  Returns NULL or the reason of the refusal.
 */
static const char *
check_token(const char *token, AccessClaims *claims)
{
	Jws *jws = palloc(sizeof(Jws));
	JwtHeader header;
	const char *reason;
	Jsonb *json;

	if (!jws_read(token, strlen(token), jws))
		return "it is not a JWS in compact form";
	if (!jwt_read_header(jws, JWT_TYPE_DEFAULT, &header))
		return "its header is not that of an access token";
	reason = own_jwt_verify(token, jws, &header, &json);
	return (reason != NULL) ? reason : read_claims(json, claims);
}

Jsonb *
access_claims_json(const AccessClaims *claims)
{
	Jsonb *copy = palloc(VARSIZE(claims->json));

	memcpy(copy, claims->json, VARSIZE(claims->json));
	return copy;
}

static char **
copy_strings(char *const *strings, int count)
{
	char **copy = palloc(Max(count, 1) * sizeof(char *));

	for (int i = 0; i < count; i++)
		copy[i] = pstrdup(strings[i]);
	return copy;
}

void
access_claims_copy(const AccessClaims *claims, AccessClaims *copy)
{
	*copy = *claims;
	copy->json = access_claims_json(claims);
	copy->roles = copy_strings(claims->roles, claims->role_count);
	copy->amr = copy_strings(claims->amr, claims->amr_count);
}

static CachedToken *
cache_slot(const char *token)
{
	uint32 hash = hash_bytes((const unsigned char *) token, strlen(token));

	return &token_cache[hash & (TOKEN_CACHE_SLOTS - 1)];
}

/*
 * In constant time: an attacker can determine the slot of a token, and a
 * comparison that ends early would reveal the slot's content byte by byte.
 */
static bool
is_same_token(const char *a, const char *b)
{
	size_t len = strlen(a);

	return strlen(b) == len && CRYPTO_memcmp(a, b, len) == 0;
}

static bool
is_cached(const CachedToken *slot, const char *token)
{
	return slot->context != NULL && slot->signing_keys_generation == signing_keys_generation() &&
		   slot->settings_generation == settings_verdict_generation &&
		   is_same_token(slot->token, token);
}

static void
cache_token(CachedToken *slot, const char *token, const AccessClaims *claims, uint64 generation)
{
	MemoryContext context =
		AllocSetContextCreate(CurrentMemoryContext, "authfort token", ALLOCSET_SMALL_SIZES);
	MemoryContext old = MemoryContextSwitchTo(context);
	CachedToken fresh;

	fresh.context = context;
	fresh.signing_keys_generation = generation;
	fresh.settings_generation = settings_verdict_generation;
	fresh.token = pstrdup(token);
	access_claims_copy(claims, &fresh.claims);
	MemoryContextSwitchTo(old);

	MemoryContextSetParent(context, CacheMemoryContext);
	if (slot->context != NULL)
		MemoryContextDelete(slot->context);
	*slot = fresh;
}

/*
 * Verifies everything except the expiry, using the cache of verified tokens.
 * Temporary allocations are freed before returning.
 */
static const Refusal *
verify_except_expiry(const char *token, const AccessClaims **claims, const char **reason)
{
	CachedToken *slot;

	if (token == NULL || token[0] == '\0')
	{
		*reason = "it is missing";
		return &refusal_token_missing;
	}
	slot = cache_slot(token);
	if (!is_cached(slot, token))
	{
		MemoryContext scratch =
			AllocSetContextCreate(CurrentMemoryContext, "authfort verify", ALLOCSET_DEFAULT_SIZES);
		MemoryContext old = MemoryContextSwitchTo(scratch);
		uint64 generation = signing_keys_generation();
		AccessClaims fresh;

		*reason = check_token(token, &fresh);
		if (*reason == NULL)
			cache_token(slot, token, &fresh, generation);
		MemoryContextSwitchTo(old);
		MemoryContextDelete(scratch);
		if (*reason != NULL)
			return &refusal_token_invalid;
	}
	*claims = &slot->claims;
	return NULL;
}

const Refusal *
access_token_verify(const char *token, const AccessClaims **claims, const char **reason)
{
	const Refusal *refusal = verify_except_expiry(token, claims, reason);

	if (refusal == NULL && (*claims)->exp <= time(NULL))
	{
		*reason = "it has expired";
		return &refusal_token_expired;
	}
	return refusal;
}

const Refusal *
access_token_verify_expired(const char *token, const AccessClaims **claims)
{
	const char *reason;

	return verify_except_expiry(token, claims, &reason);
}

/*
 * Compares verified claims with the tables: with their user, who exists if
 * "standing" is not NULL, and with their session.
 */
static const Refusal *
check_standing(const AccessClaims *claims, const UserStanding *standing, const char **reason)
{
	const Refusal *refusal = NULL;

	if (standing == NULL)
		refusal = &refusal_user_gone;
	else if (standing->banned)
		refusal = &refusal_user_banned;
	else if (claims->ver != standing->token_version)
		refusal = &refusal_token_version_mismatch;
	else if (!sessions_is_live(&claims->sid, &claims->sub))
		refusal = &refusal_token_revoked;
	if (refusal != NULL)
		*reason = refusal->message;
	return refusal;
}

static bool
names_session(const AccessClaims *claims, const char **reason)
{
	*reason = "it names no session";
	return claims->has_sid && claims->has_ver;
}

const Refusal *
access_claims_check(const AccessClaims *claims, const char **reason)
{
	UserStanding standing;

	if (!names_session(claims, reason))
		return &refusal_token_invalid;
	return check_standing(claims, users_find_standing(&claims->sub, &standing) ? &standing : NULL,
						  reason);
}

const Refusal *
access_claims_authenticate(const AccessClaims *claims, User **user, const char **reason)
{
	UserStanding standing;

	if (!names_session(claims, reason))
		return &refusal_token_invalid;
	*user = users_find(&claims->sub);
	if (*user == NULL)
		return check_standing(claims, NULL, reason);
	standing.banned = (*user)->banned;
	standing.token_version = (*user)->token_version;
	return check_standing(claims, &standing, reason);
}

const Refusal *
access_token_authenticate(const char *token, const AccessClaims **claims, User **user,
						  const char **reason)
{
	const Refusal *refusal = access_token_verify(token, claims, reason);

	return (refusal != NULL) ? refusal : access_claims_authenticate(*claims, user, reason);
}

void
access_token_raise(const Refusal *refusal, const char *reason)
{
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_AUTHORIZATION_SPECIFICATION),
			 errmsg("access token refused: %c%s", pg_tolower((unsigned char) reason[0]), reason + 1),
			 errdetail("%s", refusal->code)));
}

/* verify_jwt(token) -> jsonb claims */
Datum
authfort_verify_jwt(PG_FUNCTION_ARGS)
{
	const AccessClaims *claims;
	const char *reason;
	const Refusal *refusal = access_token_verify(argument_token(fcinfo, 0), &claims, &reason);

	if (refusal != NULL)
		access_token_raise(refusal, reason);
	PG_RETURN_JSONB_P(access_claims_json(claims));
}

/* try_verify_jwt(token) -> jsonb claims, or NULL */
Datum
authfort_try_verify_jwt(PG_FUNCTION_ARGS)
{
	const AccessClaims *claims;
	const char *reason;

	if (access_token_verify(argument_token(fcinfo, 0), &claims, &reason) != NULL)
		PG_RETURN_NULL();
	PG_RETURN_JSONB_P(access_claims_json(claims));
}

static Datum
authenticate_argument(PG_FUNCTION_ARGS)
{
	const AccessClaims *claims;
	const char *reason;
	User *user;
	const Refusal *refusal =
		access_token_authenticate(argument_token(fcinfo, 0), &claims, &user, &reason);
	StringInfoData json;

	if (refusal != NULL)
		access_token_raise(refusal, reason);
	initStringInfo(&json);
	users_append_json(&json, user, &claims->sid);
	PG_RETURN_JSONB_P(json_to_jsonb(&json));
}

/* authenticate(token) -> jsonb user */
Datum
authfort_authenticate(PG_FUNCTION_ARGS)
{
	return spi_query_run_stable(authenticate_argument, fcinfo);
}
