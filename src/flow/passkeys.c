/*
 * passkeys.c
 *		Adding, renaming and removing passkeys.
 */
#include "postgres.h"

#include "fmgr.h"
#include "miscadmin.h"

#include "base/arguments.h"
#include "base/json.h"
#include "base/uuid.h"
#include "crypto/base64url.h"
#include "domain/backup_codes.h"
#include "domain/events.h"
#include "domain/input.h"
#include "flow/notices.h"
#include "flow/passkey_options.h"
#include "flow/passkey_response.h"
#include "flow/passkeys.h"
#include "flow/recent_auth.h"
#include "flow/second_factor.h"
#include "flow/way_in.h"
#include "settings.h"

PG_FUNCTION_INFO_V1(authfort_passkey_register_begin);
PG_FUNCTION_INFO_V1(authfort_passkey_register_finish);
PG_FUNCTION_INFO_V1(authfort_rename_passkey);
PG_FUNCTION_INFO_V1(authfort_delete_passkey);

#define DEFAULT_NAME "Passkey"

static PasskeyChallengeUse
registration_of(const User *user, const Enroller *enroller, const MfaChallenge *challenge)
{
	PasskeyChallengeUse use = {PASSKEY_REGISTRATION, &user->id};

	use.bound_to = (enroller->mfa_token != NULL) ? &challenge->id : enroller->session_id;
	return use;
}

const Refusal *
flow_passkey_options(const Enroller *enroller, StringInfo out)
{
	const Refusal *refusal = passkeys_check_configured();
	MfaChallenge challenge;
	PasskeyChallengeUse use;
	User *user;
	Passkey *passkeys;
	int count;

	if (refusal != NULL)
		return refusal;
	PreventCommandIfReadOnly("a registration of a passkey");
	refusal = mfa_lock_enroller(enroller, &challenge, &user);
	if (refusal != NULL)
		return refusal;
	use = registration_of(user, enroller, &challenge);
	passkeys = passkeys_of_user(&user->id, &count);
	if (count >= PASSKEYS_MAX)
		return &refusal_too_many_passkeys;
	passkey_append_creation_options(out, user, passkey_challenge_make(&use), passkeys, count);
	return NULL;
}

static bytea *
copy_bytes(const unsigned char *bytes, size_t len)
{
	bytea *copy = palloc(VARHDRSZ + len);

	SET_VARSIZE(copy, VARHDRSZ + len);
	memcpy(VARDATA(copy), bytes, len);
	return copy;
}

static bool
is_credential_id(const bytea *id, const WebauthnData *data)
{
	return VARSIZE_ANY_EXHDR(id) == data->credential_id_len &&
		   memcmp(VARDATA_ANY(id), data->credential_id, data->credential_id_len) == 0;
}

static void
fill_passkey(const PasskeyResponse *response, const WebauthnAttestationObject *object, Passkey *passkey)
{
	const WebauthnData *data = &object->read;

	passkey->credential_id = response->credential_id;
	passkey->public_key = copy_bytes(object->key.spki, object->key.len);
	passkey->algorithm = object->key.algorithm;
	passkey->sign_count = data->sign_count;
	passkey->transports = response->transports;
	passkey->transport_count = response->transport_count;
	memcpy(passkey->aaguid.data, data->aaguid, UUID_LEN);
	passkey->attestation = passkey_attestation_name(object->attestation);
	passkey->backup_eligible = data->backup_eligible;
	passkey->backed_up = data->backed_up;
	passkey->user_verified = data->user_verified;
	passkey->last_used_at = DT_NOBEGIN;
}

/* Returns NULL and the passkey as it is to be stored, or the name of the check that failed. */
static const char *
check_registration(Jsonb *credential, const PasskeyChallengeUse *use, PasskeyResponse *response,
				   Passkey *passkey)
{
	WebauthnAttestationObject object;
	const char *fault = passkey_response_read_registration(credential, response);

	if (fault == NULL)
		fault = passkey_response_check_client(response, "webauthn.create", use);
	if (fault != NULL)
		return fault;
	if (!webauthn_read_attestation((unsigned char *) VARDATA(response->attestation_object),
								   VARSIZE(response->attestation_object) - VARHDRSZ,
								   response->client_data_hash, &object, &fault))
		return fault;
	fault = passkey_check_data(&object.read,
							   setting_webauthn_user_verification == USER_VERIFICATION_REQUIRED);
	if (fault != NULL)
		return fault;
	if (!is_credential_id(response->credential_id, &object.read))
		return "id";
	fill_passkey(response, &object, passkey);
	return NULL;
}

/* "name" is as typed, or NULL. */
static const Refusal *
name_passkey(const char *name, Passkey *passkey)
{
	const char *provider = passkey_provider_name(&passkey->aaguid);
	const Refusal *refusal = input_name(name, &passkey->name);

	if (refusal == NULL && passkey->name == NULL)
		passkey->name = pstrdup((provider != NULL) ? provider : DEFAULT_NAME);
	return refusal;
}

static void
record_passkey(EventType type, const Passkey *passkey, const pg_uuid_t *session_id,
			   const Client *client)
{
	Event event;

	event_begin(&event, type, &passkey->user_id, session_id, client);
	json_write_string(&event.payload, "passkey_id", passkey_id_text(passkey->credential_id));
	json_write_string(&event.payload, "name", passkey->name);
	event_record(&event);
}

static void
notice_added(const User *user, const Passkey *passkey, const Client *client)
{
	StringInfoData details;

	initStringInfo(&details);
	json_open(&details);
	json_write_string(&details, "passkey", passkey->name);
	notice_put(NOTICE_PASSKEY_ADDED, user, client, details.data + 1);
}

/* The user's row is locked. */
static const Refusal *
store_passkey(const PasskeyResponse *response, Passkey *passkey)
{
	if (passkeys_count(&passkey->user_id) >= PASSKEYS_MAX)
		return &refusal_too_many_passkeys;
	if (!passkey_challenge_spend(&response->challenge))
		return refuse_passkey("challenge");
	return passkeys_insert(passkey) ? NULL : &refusal_passkey_exists;
}

/* The first second factor brings backup codes, and ends the tokens issued before. */
static void
use_as_second_factor(User *user, AddedPasskey *added, const Client *client)
{
	if (user->mfa_enabled)
		return;
	added->codes = backup_codes_make(&user->id);
	second_factor_enabled(user, METHOD_PASSKEY, client);
}

/*
 * A user who adds a passkey has just used it.  Without user verification it
 * proves one factor, and the session has to prove another one.
 */
static AuthResult
go_on_with_passkey(User *user, const Enroller *enroller, const MfaChallenge *challenge,
				   const AddedPasskey *added, bool new_tokens, const Client *client)
{
	if (enroller->mfa_token != NULL)
		return mfa_challenge_complete(challenge, user, &passkey_as_two_factors, client);
	if (enroller->session_id != NULL && added->passkey.user_verified)
		(void) sessions_authenticated(enroller->session_id, &passkey_as_two_factors);
	return auth_done_in_session(&user->id,
								(new_tokens && added->codes.count > 0) ? enroller->session_id : NULL);
}

AuthResult
flow_passkey_add(const Enroller *enroller, Jsonb *credential, const char *name, bool new_tokens,
				 const Client *client, AddedPasskey *added)
{
	const Refusal *refusal = passkeys_check_configured();
	MfaChallenge challenge;
	PasskeyChallengeUse use;
	PasskeyResponse response;
	const char *fault;
	User *user;

	memset(added, 0, sizeof(*added));
	if (refusal != NULL)
		return auth_refused(refusal);
	PreventCommandIfReadOnly("a registration of a passkey");
	refusal = mfa_lock_enroller(enroller, &challenge, &user);
	if (refusal != NULL)
		return auth_refused(refusal);
	use = registration_of(user, enroller, &challenge);
	added->passkey.user_id = user->id;
	fault = check_registration(credential, &use, &response, &added->passkey);
	if (fault != NULL)
		return auth_refused(refuse_passkey(fault));
	if ((refusal = name_passkey(name, &added->passkey)) != NULL ||
		(refusal = store_passkey(&response, &added->passkey)) != NULL)
		return auth_refused(refusal);
	record_passkey(EVENT_PASSKEY_ADDED, &added->passkey, enroller->session_id, client);
	notice_added(user, &added->passkey, client);
	use_as_second_factor(user, added, client);
	return go_on_with_passkey(user, enroller, &challenge, added, new_tokens, client);
}

void
flow_passkey_append_added(StringInfo out, const AddedPasskey *added, const AuthResult *result)
{
	json_open(out);
	passkey_append_members(out, &added->passkey);
	if (added->codes.count > 0)
		json_write_strings(out, "backup_codes", added->codes.codes, added->codes.count);
	if (result->user != NULL)
		auth_append_members(out, result);
	json_close(out);
}

/* Locks the user and finds one of the user's passkeys; NULL for an unknown one. */
static Passkey *
lock_passkey(const pg_uuid_t *user_id, const bytea *credential_id, User **user)
{
	Passkey *passkey;

	*user = users_lock(user_id);
	passkey = (*user != NULL) ? passkeys_find(credential_id) : NULL;
	return (passkey != NULL && uuid_equal(&passkey->user_id, user_id)) ? passkey : NULL;
}

const Refusal *
flow_passkey_rename(const pg_uuid_t *user_id, const bytea *credential_id, const char *name,
					const pg_uuid_t *session_id, const Client *client)
{
	char *stored;
	const Refusal *refusal = input_name(name, &stored);
	User *user;
	Passkey *passkey;

	if (refusal != NULL)
		return refusal;
	if (stored == NULL)
		return &refusal_invalid_name;
	passkey = lock_passkey(user_id, credential_id, &user);
	refusal = session_check(user, session_id);
	if (refusal != NULL)
		return refusal;
	if (passkey == NULL)
		return &refusal_passkey_not_found;
	passkey->name = stored;
	passkeys_rename(user_id, credential_id, stored);
	record_passkey(EVENT_PASSKEY_RENAMED, passkey, NULL, client);
	return NULL;
}

AuthResult
flow_passkey_remove(const pg_uuid_t *user_id, const bytea *credential_id,
					const pg_uuid_t *session_id, bool new_tokens, const Client *client)
{
	User *user;
	Passkey *passkey = lock_passkey(user_id, credential_id, &user);
	const Refusal *refusal = session_check_recent(user, session_id);

	if (refusal != NULL)
		return auth_refused(refusal);
	if (passkey == NULL)
		return auth_refused(&refusal_passkey_not_found);
	if (!way_in_remains(user, credential_id, NULL))
		return auth_refused(&refusal_last_credential);
	passkeys_delete(user_id, credential_id);
	record_passkey(EVENT_PASSKEY_REMOVED, passkey, session_id, client);
	if (second_factor_exists(user_id))
	{
		second_factor_weaken_sessions(user, METHOD_PASSKEY, session_id);
		notice_put(NOTICE_MFA_CHANGED, user, client, "\"change\":\"passkey_removed\"");
		return auth_done();
	}
	second_factor_disabled(user, METHOD_PASSKEY, session_id, client);
	return auth_done_in_session(user_id, new_tokens ? session_id : NULL);
}

bytea *
passkey_id_read(const char *text)
{
	size_t text_len = strlen(text);
	bytea *id;
	size_t len;

	if (text_len >= BASE64URL_ENCODED_SIZE(WEBAUTHN_MAX_CREDENTIAL_ID))
		return NULL;
	id = palloc(VARHDRSZ + BASE64URL_DECODED_SIZE(text_len));
	if (!base64url_decode(text, text_len, (unsigned char *) VARDATA(id),
						  BASE64URL_DECODED_SIZE(text_len), &len))
		return NULL;
	SET_VARSIZE(id, VARHDRSZ + len);
	return id;
}

/* passkey_register_begin(user_id, session_id, mfa_token) -> jsonb */
Datum
authfort_passkey_register_begin(PG_FUNCTION_ARGS)
{
	Enroller enroller = mfa_enroller_arguments(fcinfo, 1, 2);
	StringInfoData json;
	const Refusal *refusal;

	initStringInfo(&json);
	refusal = flow_passkey_options(&enroller, &json);
	PG_RETURN_JSONB_P((refusal != NULL) ? done_to_jsonb(refusal) : json_to_jsonb(&json));
}

/*
 * passkey_register_finish(user_id, credential, name, session_id, mfa_token,
 *		user_agent, ip_address) -> jsonb
 */
Datum
authfort_passkey_register_finish(PG_FUNCTION_ARGS)
{
	Enroller enroller = mfa_enroller_arguments(fcinfo, 3, 4);
	Client client = argument_client(fcinfo, 5, 6);
	StringInfoData json;
	AddedPasskey added;
	AuthResult result;

	argument_require(fcinfo, 1, "credential");
	result = flow_passkey_add(&enroller, PG_GETARG_JSONB_P(1), argument_optional_text(fcinfo, 2),
							  true, &client, &added);
	if (result.refusal != NULL)
		PG_RETURN_JSONB_P(auth_to_jsonb(&result));
	initStringInfo(&json);
	flow_passkey_append_added(&json, &added, &result);
	PG_RETURN_JSONB_P(json_to_jsonb(&json));
}

/* Whether a passkey was found; what else is refused is misuse in SQL. */
static bool
found_or_raise(const Refusal *refusal, const pg_uuid_t *user_id)
{
	if (refusal == &refusal_passkey_not_found)
	{
		users_require(user_id);
		return false;
	}
	if (refusal != NULL)
		refusal_raise(refusal);
	return true;
}

/* rename_passkey(user_id, id, name) -> boolean */
Datum
authfort_rename_passkey(PG_FUNCTION_ARGS)
{
	pg_uuid_t *user_id = argument_uuid(fcinfo, 0, "user_id");
	char *name = argument_text(fcinfo, 2, "name");
	const Refusal *refusal;

	argument_require(fcinfo, 1, "id");
	refusal = flow_passkey_rename(user_id, PG_GETARG_BYTEA_PP(1), name, NULL, NULL);
	PG_RETURN_BOOL(found_or_raise(refusal, user_id));
}

/* delete_passkey(user_id, id) -> boolean */
Datum
authfort_delete_passkey(PG_FUNCTION_ARGS)
{
	pg_uuid_t *user_id = argument_uuid(fcinfo, 0, "user_id");
	AuthResult result;

	argument_require(fcinfo, 1, "id");
	result = flow_passkey_remove(user_id, PG_GETARG_BYTEA_PP(1), NULL, false, NULL);
	PG_RETURN_BOOL(found_or_raise(result.refusal, user_id));
}
