/*
 * webauthn_data.c
 *		Authenticator data and attestation objects.  Builds without a server.
 */
#include <string.h>

#include "crypto/cbor.h"
#include "crypto/webauthn.h"

/* Section 6.1: rpIdHash, flags and signCount, and then what the flags announce. */
#define RP_ID_HASH 0
#define FLAGS 32
#define SIGN_COUNT 33
#define FIXED_BYTES 37

#define FLAG_USER_PRESENT 0x01
#define FLAG_USER_VERIFIED 0x04
#define FLAG_BACKUP_ELIGIBLE 0x08
#define FLAG_BACKED_UP 0x10
#define FLAG_CREDENTIAL 0x40
#define FLAG_EXTENSIONS 0x80

/* Section 6.5.1: aaguid, length of the credential id, and the id. */
#define CREDENTIAL_ID_LENGTH WEBAUTHN_AAGUID_BYTES
#define CREDENTIAL_FIXED_BYTES (WEBAUTHN_AAGUID_BYTES + 2)

#define MAX_FORMAT 32 /* bytes of the name of an attestation format; section 8.1 */

/* The part that every authenticator data has; what follows it is the rest. */
static bool
read_fixed_part(const unsigned char *bytes, size_t len, WebauthnData *data, bool *has_credential)
{
	unsigned char flags;

	if (len < FIXED_BYTES)
		return false;
	flags = bytes[FLAGS];
	memset(data, 0, sizeof(*data));
	data->rp_id_hash = bytes + RP_ID_HASH;
	data->sign_count = (uint32_t) bytes[SIGN_COUNT] << 24 | (uint32_t) bytes[SIGN_COUNT + 1] << 16 |
					   (uint32_t) bytes[SIGN_COUNT + 2] << 8 | bytes[SIGN_COUNT + 3];
	data->user_present = (flags & FLAG_USER_PRESENT) != 0;
	data->user_verified = (flags & FLAG_USER_VERIFIED) != 0;
	data->backup_eligible = (flags & FLAG_BACKUP_ELIGIBLE) != 0;
	data->backed_up = (flags & FLAG_BACKED_UP) != 0;
	data->has_extensions = (flags & FLAG_EXTENSIONS) != 0;
	*has_credential = (flags & FLAG_CREDENTIAL) != 0;
	data->rest = bytes + FIXED_BYTES;
	data->rest_len = len - FIXED_BYTES;
	return true;
}

bool
webauthn_read_assertion_data(const unsigned char *bytes, size_t len, WebauthnData *data)
{
	bool has_credential;

	return read_fixed_part(bytes, len, data, &has_credential) && !has_credential &&
		   data->has_extensions == (data->rest_len > 0);
}

bool
webauthn_check_extensions(const WebauthnData *data)
{
	CborItem map;

	if (!data->has_extensions)
		return data->rest_len == 0;
	return cbor_read_whole(data->rest, data->rest_len, &map) && map.kind == CBOR_MAP;
}

/* The length of the key is only known from reading it. */
static bool
read_credential(WebauthnData *data)
{
	const unsigned char *bytes = data->rest;
	size_t len = data->rest_len;
	CborItem key;

	if (len < CREDENTIAL_FIXED_BYTES)
		return false;
	data->aaguid = bytes;
	data->credential_id = bytes + CREDENTIAL_FIXED_BYTES;
	data->credential_id_len = bytes[CREDENTIAL_ID_LENGTH] << 8 | bytes[CREDENTIAL_ID_LENGTH + 1];
	if (data->credential_id_len == 0 || data->credential_id_len > WEBAUTHN_MAX_CREDENTIAL_ID ||
		data->credential_id_len > len - CREDENTIAL_FIXED_BYTES)
		return false;
	bytes += CREDENTIAL_FIXED_BYTES + data->credential_id_len;
	len -= CREDENTIAL_FIXED_BYTES + data->credential_id_len;
	if (!cbor_read(bytes, len, &key))
		return false;
	data->cose_key = bytes;
	data->cose_key_len = key.size;
	data->rest = bytes + key.size;
	data->rest_len = len - key.size;
	return true;
}

static bool
read_registration_data(const unsigned char *bytes, size_t len, WebauthnData *data)
{
	bool has_credential;

	return read_fixed_part(bytes, len, data, &has_credential) && has_credential &&
		   read_credential(data) && webauthn_check_extensions(data);
}

static bool
is_text(const CborItem *item, const char *text)
{
	return item->kind == CBOR_TEXT && item->number == strlen(text) &&
		   memcmp(item->content, text, item->number) == 0;
}

/* Section 8.1: printable ASCII without the quotation mark and the backslash. */
static bool
is_format(const CborItem *item)
{
	if (item->kind != CBOR_TEXT || item->number == 0 || item->number > MAX_FORMAT)
		return false;
	for (size_t i = 0; i < item->number; i++)
	{
		unsigned char c = item->content[i];

		if (c <= ' ' || c > '~' || c == '"' || c == '\\')
			return false;
	}
	return true;
}

/*
 * Section 8.2, without a certificate: the credential's own key has signed.  It
 * proves possession of that key, and nothing about the authenticator.
 */
static bool
verify_self(const CborItem *statement, const unsigned char *client_data_hash,
			const WebauthnAttestationObject *object)
{
	CborItem algorithm;
	CborItem signature;

	return statement->number == 2 && cbor_find_text(statement, "alg", &algorithm) &&
		   cbor_is_integer(&algorithm, object->key.algorithm) &&
		   cbor_find_text(statement, "sig", &signature) && signature.kind == CBOR_BYTES &&
		   webauthn_verify(object->key.spki, object->key.len, object->key.algorithm, object->data,
						   object->data_len, client_data_hash, signature.content, signature.number);
}

/* Certificates are not verified: the service does not choose authenticators. */
static bool
verify_statement(const CborItem *format, const CborItem *statement,
				 const unsigned char *client_data_hash, WebauthnAttestationObject *object)
{
	CborItem certificates;

	if (is_text(format, "none"))
	{
		object->attestation = WEBAUTHN_ATTESTATION_NONE;
		return statement->kind == CBOR_MAP && statement->number == 0;
	}
	if (is_text(format, "packed") && !cbor_find_text(statement, "x5c", &certificates))
	{
		object->attestation = WEBAUTHN_ATTESTATION_SELF;
		return verify_self(statement, client_data_hash, object);
	}
	object->attestation = WEBAUTHN_ATTESTATION_UNCHECKED;
	return statement->kind == CBOR_MAP || statement->kind == CBOR_ARRAY;
}

bool
webauthn_read_attestation(const unsigned char *bytes, size_t len,
						  const unsigned char client_data_hash[WEBAUTHN_HASH_BYTES],
						  WebauthnAttestationObject *object, const char **fault)
{
	CborItem map;
	CborItem format;
	CborItem statement;
	CborItem data;

	*fault = "attestationObject";
	if (!cbor_read_whole(bytes, len, &map) || map.number != 3 ||
		!cbor_find_text(&map, "fmt", &format) || !is_format(&format) ||
		!cbor_find_text(&map, "attStmt", &statement) || !cbor_find_text(&map, "authData", &data) ||
		data.kind != CBOR_BYTES)
		return false;
	*fault = "authenticatorData";
	object->data = data.content;
	object->data_len = data.number;
	if (!read_registration_data(object->data, object->data_len, &object->read))
		return false;
	*fault = "publicKey";
	if (!webauthn_read_key(object->read.cose_key, object->read.cose_key_len, &object->key))
		return false;
	*fault = "attestation";
	return verify_statement(&format, &statement, client_data_hash, object);
}
