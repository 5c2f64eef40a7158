/*
 * mfa_challenge.c
 *		Between the first factor and the second: the challenge.
 */
#include "postgres.h"

#include <time.h>

#include "utils/timestamp.h"

#include "base/json.h"
#include "base/uuid_v7.h"
#include "domain/events.h"
#include "domain/passkeys.h"
#include "domain/own_jwt.h"
#include "domain/spent_ids.h"
#include "flow/mfa_challenge.h"
#include "flow/second_factor.h"
#include "flow/sign_in.h"
#include "settings.h"

#define CHALLENGE_AUDIENCE "authfort:mfa"
#define CHALLENGE_PURPOSE "mfa_challenge"

static char *
sign_challenge(const User *user, const Authentication *first, ChallengeKind kind)
{
	int64 now = time(NULL);
	pg_uuid_t id;
	StringInfoData payload;

	uuid_v7_make(&id);
	initStringInfo(&payload);
	json_open(&payload);
	json_write_string(&payload, "iss", setting_jwt_issuer);
	json_write_string(&payload, "aud", CHALLENGE_AUDIENCE);
	json_write_uuid(&payload, "sub", &user->id);
	json_write_string(&payload, "purpose", CHALLENGE_PURPOSE);
	json_write_uuid(&payload, "jti", &id);
	json_write_integer(&payload, "iat", now);
	json_write_integer(&payload, "exp", now + setting_mfa_challenge_ttl);
	json_write_integer(&payload, "ver", user->token_version);
	json_write_string(&payload, "provider", first->provider);
	json_write_strings(&payload, "amr", (char *const *) first->amr, first->amr_count);
	json_write_bool(&payload, "enrol", kind == CHALLENGE_ENROL);
	if (first->to_confirm != NULL)
		json_write_uuid(&payload, "passkey", first->to_confirm);
	json_close(&payload);
	return own_jwt_sign(JWT_TYPE_MFA_CHALLENGE, &payload);
}

AuthResult
mfa_challenge_issue(const User *user, const Authentication *first, ChallengeKind kind)
{
	AuthResult result = {0};

	result.mfa_token = sign_challenge(user, first, kind);
	result.expires_in = setting_mfa_challenge_ttl;
	result.mfa_enrol = kind == CHALLENGE_ENROL;
	result.mfa_methods = result.mfa_enrol
							 ? second_factor_offers(&result.mfa_method_count)
							 : second_factor_methods(&user->id, first, &result.mfa_method_count);
	return result;
}

static bool
read_parts(const char *token, Jws *jws, JwtHeader *header)
{
	return jws_read(token, strlen(token), jws) &&
		   jwt_read_header(jws, JWT_TYPE_MFA_CHALLENGE, header);
}

bool
mfa_challenge_is_token(const char *token)
{
	JwtHeader header;

	return read_parts(token, palloc(sizeof(Jws)), &header);
}

/* Returns the payload of a token that a key of this database has signed, or NULL. */
static Jsonb *
verified_payload(const char *token)
{
	Jws *jws = palloc(sizeof(Jws));
	JwtHeader header;
	Jsonb *payload;

	if (token == NULL || !read_parts(token, jws, &header) ||
		own_jwt_verify(token, jws, &header, &payload) != NULL)
		return NULL;
	return payload;
}

/* Absent from most challenges. */
static bool
read_passkey(Jsonb *payload, Authentication *first)
{
	pg_uuid_t *id = NULL;

	if (json_member(payload, "passkey") != NULL)
	{
		id = palloc(sizeof(pg_uuid_t));
		if (!json_member_uuid(payload, "passkey", id))
			return false;
	}
	first->to_confirm = id;
	return true;
}

static bool
read_first_factor(Jsonb *payload, Authentication *first)
{
	char **amr;

	first->aal = 1;
	first->provider = json_member_string(payload, "provider");
	if (first->provider == NULL || !json_member_strings(payload, "amr", &amr, &first->amr_count) ||
		first->amr_count > AMR_MAX)
		return false;
	for (int i = 0; i < first->amr_count; i++)
		first->amr[i] = amr[i];
	return true;
}

static bool
read_challenge(Jsonb *payload, MfaChallenge *challenge)
{
	JsonbValue *enrol = json_member(payload, "enrol");

	if (enrol == NULL || enrol->type != jbvBool)
		return false;
	challenge->kind = enrol->val.boolean ? CHALLENGE_ENROL : CHALLENGE_VERIFY;
	return json_member_is(payload, "iss", setting_jwt_issuer) &&
		   json_member_is(payload, "aud", CHALLENGE_AUDIENCE) &&
		   json_member_is(payload, "purpose", CHALLENGE_PURPOSE) &&
		   json_member_uuid(payload, "jti", &challenge->id) &&
		   json_member_uuid(payload, "sub", &challenge->user_id) &&
		   json_member_integer(payload, "ver", &challenge->token_version) &&
		   json_member_integer(payload, "exp", &challenge->expires_at) &&
		   read_first_factor(payload, &challenge->first) && read_passkey(payload, &challenge->first);
}

const Refusal *
mfa_challenge_open(const char *token, ChallengeKind kind, MfaChallenge *challenge, User **user)
{
	Jsonb *payload = verified_payload(token);

	if (payload == NULL || !read_challenge(payload, challenge) || challenge->kind != kind)
		return &refusal_invalid_mfa_token;
	if (challenge->expires_at <= time(NULL))
		return &refusal_mfa_session_expired;
	*user = users_lock(&challenge->user_id);
	if (*user == NULL || (*user)->banned || (*user)->token_version != challenge->token_version ||
		(*user)->mfa_enabled != (kind == CHALLENGE_VERIFY))
		return &refusal_invalid_mfa_token;
	/* every transaction that spends it holds that lock */
	return spent_ids_have(&challenge->id) ? &refusal_invalid_mfa_token : NULL;
}

static void
add_method(Authentication *how, const char *method)
{
	for (int i = 0; i < how->amr_count; i++)
	{
		if (strcmp(how->amr[i], method) == 0)
			return;
	}
	if (how->amr_count < AMR_MAX)
		how->amr[how->amr_count++] = method;
}

static Authentication
both_factors(const Authentication *first, const Authentication *second)
{
	Authentication both = *first;

	for (int i = 0; i < second->amr_count; i++)
		add_method(&both, second->amr[i]);
	add_method(&both, AMR_MULTIPLE);
	both.aal = 2;
	return both;
}

AuthResult
mfa_challenge_complete(const MfaChallenge *challenge, User *user, const Authentication *second,
					   const Client *client)
{
	Authentication both = both_factors(&challenge->first, second);
	SignInEvent by_mfa = {EVENT_MFA_LOGIN, second->provider};
	AuthResult result;

	if (!spent_ids_add(CHALLENGE_PURPOSE, &challenge->id,
					   time_t_to_timestamptz((pg_time_t) challenge->expires_at)))
		return auth_refused(&refusal_invalid_mfa_token);
	result = sign_in_recording(user, &both, &by_mfa, client);
	if (result.refusal == NULL && challenge->first.to_confirm != NULL)
		passkeys_confirm(challenge->first.to_confirm);
	return result;
}
