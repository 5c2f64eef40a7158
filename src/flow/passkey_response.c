/*
 * passkey_response.c
 *		The response of a browser in a WebAuthn ceremony, and the checks that
 *		both ceremonies have in common.
 */
#include "postgres.h"

#include "base/json.h"
#include "base/origin.h"
#include "crypto/base64url.h"
#include "domain/passkeys.h"
#include "flow/passkey_response.h"
#include "settings.h"

/* Longest parts that are accepted, in bytes; attestations with certificates take some 5,000. */
#define MAX_CLIENT_DATA 8192
#define MAX_ATTESTATION 32768
#define MAX_AUTHENTICATOR_DATA 4096
#define MAX_SIGNATURE 1024 /* RSA of 8192 bits */
#define MAX_USER_HANDLE 64

#define MAX_TRANSPORT 32 /* characters of the name of one */

const Refusal *
passkeys_check_configured(void)
{
	if (setting_webauthn_rp_id[0] == '\0' || setting_webauthn_origins[0] == '\0')
		return &refusal_passkeys_not_configured;
	return NULL;
}

const Refusal *
refuse_passkey(const char *check)
{
	return refusal_with_extra(&refusal_invalid_passkey, psprintf("\"check\":\"%s\"", check));
}

/* A member that is base64url of 1 to "max" bytes; NULL if it is anything else. */
static bytea *
read_bytes(Jsonb *object, const char *name, size_t max)
{
	JsonbValue *value = json_member(object, name);
	bytea *bytes;
	size_t len;

	if (value == NULL || value->type != jbvString ||
		(size_t) value->val.string.len >= BASE64URL_ENCODED_SIZE(max))
		return NULL;
	bytes = palloc(VARHDRSZ + BASE64URL_DECODED_SIZE(value->val.string.len));
	if (!base64url_decode(value->val.string.val, value->val.string.len,
						  (unsigned char *) VARDATA(bytes),
						  BASE64URL_DECODED_SIZE(value->val.string.len), &len) ||
		len == 0)
		return NULL;
	SET_VARSIZE(bytes, VARHDRSZ + len);
	return bytes;
}

static bool
is_same_bytes(const bytea *a, const bytea *b)
{
	return VARSIZE(a) == VARSIZE(b) && memcmp(a, b, VARSIZE(a)) == 0;
}

static Jsonb *
read_inner_object(Jsonb *object, const char *name)
{
	JsonbValue *value = json_member(object, name);

	if (value == NULL || value->type != jbvBinary || !JsonContainerIsObject(value->val.binary.data))
		return NULL;
	return JsonbValueToJsonb(value);
}

/* The common part of both responses.  Returns the inner object; NULL if the form is wrong. */
static Jsonb *
read_outer(Jsonb *credential, PasskeyResponse *response)
{
	bytea *raw_id;
	char *type;

	memset(response, 0, sizeof(*response));
	if (!JB_ROOT_IS_OBJECT(credential))
		return NULL;
	response->credential_id = read_bytes(credential, "id", WEBAUTHN_MAX_CREDENTIAL_ID);
	raw_id = read_bytes(credential, "rawId", WEBAUTHN_MAX_CREDENTIAL_ID);
	type = json_member_string(credential, "type");
	if (response->credential_id == NULL || raw_id == NULL ||
		!is_same_bytes(response->credential_id, raw_id) || type == NULL ||
		strcmp(type, "public-key") != 0)
		return NULL;
	return read_inner_object(credential, "response");
}

static bool
read_client_data(Jsonb *inner, PasskeyResponse *response)
{
	bytea *json = read_bytes(inner, "clientDataJSON", MAX_CLIENT_DATA);

	return json != NULL &&
		   webauthn_hash(VARDATA(json), VARSIZE(json) - VARHDRSZ, response->client_data_hash) &&
		   webauthn_read_client_data((const unsigned char *) VARDATA(json),
									 VARSIZE(json) - VARHDRSZ, &response->client);
}

static bool
is_transport(const JsonbValue *value)
{
	if (value->type != jbvString || value->val.string.len == 0 || value->val.string.len > MAX_TRANSPORT)
		return false;
	for (int i = 0; i < value->val.string.len; i++)
	{
		char c = value->val.string.val[i];

		if (!(c >= 'a' && c <= 'z') && !(c >= '0' && c <= '9') && c != '-')
			return false;
	}
	return true;
}

/*
 * Hints for the browser on the next sign-in, not signed.  Unknown names are
 * kept, as section 5.8.4 asks; what cannot be one is dropped.
 */
static void
read_transports(Jsonb *inner, PasskeyResponse *response)
{
	JsonbContainer *array = json_member_array(inner, "transports");

	response->transports = palloc(PASSKEY_TRANSPORTS_MAX * sizeof(char *));
	if (array == NULL)
		return;
	for (uint32 i = 0; i < Min(JsonContainerSize(array), PASSKEY_TRANSPORTS_MAX); i++)
	{
		JsonbValue *element = getIthJsonbValueFromContainer(array, i);

		if (is_transport(element))
			response->transports[response->transport_count++] =
				pnstrdup(element->val.string.val, element->val.string.len);
	}
}

const char *
passkey_response_read_registration(Jsonb *credential, PasskeyResponse *response)
{
	Jsonb *inner = read_outer(credential, response);

	if (inner == NULL)
		return "form";
	if (!read_client_data(inner, response))
		return "clientDataJSON";
	response->attestation_object = read_bytes(inner, "attestationObject", MAX_ATTESTATION);
	if (response->attestation_object == NULL)
		return "attestationObject";
	read_transports(inner, response);
	return NULL;
}

/* A user handle that is absent is null or not there. */
static bool
read_user_handle(Jsonb *inner, PasskeyResponse *response)
{
	JsonbValue *value = json_member(inner, "userHandle");

	if (value == NULL || value->type == jbvNull)
		return true;
	response->user_handle = read_bytes(inner, "userHandle", MAX_USER_HANDLE);
	return response->user_handle != NULL;
}

const char *
passkey_response_read_assertion(Jsonb *credential, PasskeyResponse *response)
{
	Jsonb *inner = read_outer(credential, response);

	if (inner == NULL)
		return "form";
	if (!read_client_data(inner, response))
		return "clientDataJSON";
	response->authenticator_data = read_bytes(inner, "authenticatorData", MAX_AUTHENTICATOR_DATA);
	if (response->authenticator_data == NULL)
		return "authenticatorData";
	response->signature = read_bytes(inner, "signature", MAX_SIGNATURE);
	if (response->signature == NULL)
		return "signature";
	if (!read_user_handle(inner, response))
		return "userHandle";
	return NULL;
}

const char *
passkey_response_check_client(PasskeyResponse *response, const char *type,
							  const PasskeyChallengeUse *use)
{
	const WebauthnClientData *client = &response->client;

	if (strcmp(client->type, type) != 0)
		return "type";
	if (!passkey_challenge_read(client->challenge, use, &response->challenge))
		return "challenge";
	if (!origin_is_listed(client->origin, setting_webauthn_origins))
		return "origin";
	if (client->cross_origin)
		return "crossOrigin";
	return NULL;
}

const char *
passkey_check_data(const WebauthnData *data, bool must_verify_user)
{
	unsigned char rp_id_hash[WEBAUTHN_HASH_BYTES];

	if (!webauthn_hash(setting_webauthn_rp_id, strlen(setting_webauthn_rp_id), rp_id_hash) ||
		memcmp(data->rp_id_hash, rp_id_hash, sizeof(rp_id_hash)) != 0)
		return "rpIdHash";
	if (!data->user_present)
		return "userPresent";
	if (must_verify_user && !data->user_verified)
		return "userVerified";
	if (data->backed_up && !data->backup_eligible)
		return "backupState";
	return NULL;
}
