/*
 * passkeys.c
 *		Adding, renaming and removing passkeys.
 */
#include "postgres.h"

#include "fmgr.h"
#include "miscadmin.h"

#include "base/arguments.h"
#include "base/client_message.h"
#include "base/json.h"
#include "base/uuid.h"
#include "crypto/base64url.h"
#include "domain/events.h"
#include "domain/input.h"
#include "flow/notices.h"
#include "flow/passkey_options.h"
#include "flow/passkey_response.h"
#include "flow/passkeys.h"
#include "flow/way_in.h"
#include "settings.h"

PG_FUNCTION_INFO_V1(authfort_passkey_register_begin);
PG_FUNCTION_INFO_V1(authfort_passkey_register_finish);
PG_FUNCTION_INFO_V1(authfort_rename_passkey);
PG_FUNCTION_INFO_V1(authfort_delete_passkey);

#define DEFAULT_NAME "Passkey"

static PasskeyChallengeUse
registration_of(const pg_uuid_t *user_id, const pg_uuid_t *session_id)
{
	PasskeyChallengeUse use = {PASSKEY_REGISTRATION, user_id, session_id};

	return use;
}

const Refusal *
flow_passkey_options(const User *user, const pg_uuid_t *session_id, StringInfo out)
{
	const Refusal *refusal = passkeys_check_configured();
	PasskeyChallengeUse use = registration_of(&user->id, session_id);
	Passkey    *passkeys;
	int			count;

	if (refusal != NULL)
		return refusal;
	passkeys = passkeys_of_user(&user->id, &count);
	if (count >= PASSKEYS_MAX)
		return &refusal_too_many_passkeys;
	passkey_append_creation_options(out, user, passkey_challenge_make(&use), passkeys, count);
	return NULL;
}

static bytea *
copy_bytes(const unsigned char *bytes, size_t len)
{
	bytea	   *copy = palloc(VARHDRSZ + len);

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
fill_passkey(const PasskeyResponse *response, const WebauthnAttestationObject *object,
			 Passkey *passkey)
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
	Event		event;

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

const Refusal *
flow_passkey_add(const pg_uuid_t *user_id, const pg_uuid_t *session_id, Jsonb *credential,
				 const char *name, const Client *client, Passkey *passkey)
{
	const Refusal *refusal = passkeys_check_configured();
	PasskeyChallengeUse use = registration_of(user_id, session_id);
	PasskeyResponse response;
	const char *fault;
	User	   *user;

	if (refusal != NULL)
		return refusal;
	PreventCommandIfReadOnly("a registration of a passkey");
	memset(passkey, 0, sizeof(*passkey));
	passkey->user_id = *user_id;
	fault = check_registration(credential, &use, &response, passkey);
	if (fault != NULL)
		return refuse_passkey(fault);
	refusal = name_passkey(name, passkey);
	if (refusal != NULL)
		return refusal;
	user = users_lock(user_id);
	if (user == NULL)
		return &refusal_user_gone;
	refusal = store_passkey(&response, passkey);
	if (refusal != NULL)
		return refusal;
	record_passkey(EVENT_PASSKEY_ADDED, passkey, session_id, client);
	notice_added(user, passkey, client);
	return NULL;
}

/* Locks the user and finds a passkey of theirs; NULL if there is none. */
static Passkey *
lock_passkey(const pg_uuid_t *user_id, const bytea *credential_id, User **user)
{
	Passkey    *passkey;

	*user = users_lock(user_id);
	passkey = (*user != NULL) ? passkeys_find(credential_id) : NULL;
	return (passkey != NULL && uuid_equal(&passkey->user_id, user_id)) ? passkey : NULL;
}

const Refusal *
flow_passkey_rename(const pg_uuid_t *user_id, const bytea *credential_id, const char *name,
					const Client *client)
{
	char	   *stored;
	const Refusal *refusal = input_name(name, &stored);
	User	   *user;
	Passkey    *passkey;

	if (refusal != NULL)
		return refusal;
	if (stored == NULL)
		return &refusal_invalid_name;
	passkey = lock_passkey(user_id, credential_id, &user);
	if (passkey == NULL)
		return &refusal_passkey_not_found;
	passkey->name = stored;
	passkeys_rename(user_id, credential_id, stored);
	record_passkey(EVENT_PASSKEY_RENAMED, passkey, NULL, client);
	return NULL;
}

const Refusal *
flow_passkey_remove(const pg_uuid_t *user_id, const bytea *credential_id, const Client *client)
{
	User	   *user;
	Passkey    *passkey = lock_passkey(user_id, credential_id, &user);

	if (passkey == NULL)
		return &refusal_passkey_not_found;
	if (!way_in_remains(user, credential_id, NULL))
		return &refusal_last_credential;
	passkeys_delete(user_id, credential_id);
	record_passkey(EVENT_PASSKEY_REMOVED, passkey, NULL, client);
	return NULL;
}

bytea *
passkey_id_read(const char *text)
{
	size_t		text_len = strlen(text);
	bytea	   *id;
	size_t		len;

	if (text_len >= BASE64URL_ENCODED_SIZE(WEBAUTHN_MAX_CREDENTIAL_ID))
		return NULL;
	id = palloc(VARHDRSZ + BASE64URL_DECODED_SIZE(text_len));
	if (!base64url_decode(text, text_len, (unsigned char *) VARDATA(id),
						  BASE64URL_DECODED_SIZE(text_len), &len))
		return NULL;
	SET_VARSIZE(id, VARHDRSZ + len);
	return id;
}

/* passkey_register_begin(user_id) -> jsonb */
Datum
authfort_passkey_register_begin(PG_FUNCTION_ARGS)
{
	User	   *user = users_require(argument_uuid(fcinfo, 0, "user_id"));
	StringInfoData json;
	const Refusal *refusal;

	initStringInfo(&json);
	refusal = flow_passkey_options(user, NULL, &json);
	PG_RETURN_JSONB_P((refusal != NULL) ? done_to_jsonb(refusal) : json_to_jsonb(&json));
}

/* passkey_register_finish(user_id, credential, name) -> jsonb */
Datum
authfort_passkey_register_finish(PG_FUNCTION_ARGS)
{
	pg_uuid_t  *user_id = argument_uuid(fcinfo, 0, "user_id");
	StringInfoData json;
	const Refusal *refusal;
	Passkey		passkey;

	client_message_mark();
	argument_require(fcinfo, 1, "credential");
	users_require(user_id);
	refusal = flow_passkey_add(user_id, NULL, PG_GETARG_JSONB_P(1),
							   argument_optional_text(fcinfo, 2), NULL, &passkey);
	if (refusal != NULL)
		PG_RETURN_JSONB_P(done_to_jsonb(refusal));
	initStringInfo(&json);
	passkey_append_json(&json, &passkey);
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
	pg_uuid_t  *user_id = argument_uuid(fcinfo, 0, "user_id");
	char	   *name = argument_text(fcinfo, 2, "name");
	const Refusal *refusal;

	argument_require(fcinfo, 1, "id");
	refusal = flow_passkey_rename(user_id, PG_GETARG_BYTEA_PP(1), name, NULL);
	PG_RETURN_BOOL(found_or_raise(refusal, user_id));
}

/* delete_passkey(user_id, id) -> boolean */
Datum
authfort_delete_passkey(PG_FUNCTION_ARGS)
{
	pg_uuid_t  *user_id = argument_uuid(fcinfo, 0, "user_id");
	const Refusal *refusal;

	argument_require(fcinfo, 1, "id");
	refusal = flow_passkey_remove(user_id, PG_GETARG_BYTEA_PP(1), NULL);
	PG_RETURN_BOOL(found_or_raise(refusal, user_id));
}
