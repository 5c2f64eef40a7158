/*
 * passkey_options.c
 *		The options that a page passes to navigator.credentials, as JSON (Web
 *		Authentication, sections 5.1.8 and 5.1.9).
 */
#include "postgres.h"

#include "base/json.h"
#include "crypto/base64url.h"
#include "flow/passkey_options.h"
#include "settings.h"

#define MS_PER_SECOND 1000

static const char *
verification_name(int user_verification)
{
	switch (user_verification)
	{
		case USER_VERIFICATION_REQUIRED:
			return "required";
		case USER_VERIFICATION_DISCOURAGED:
			return "discouraged";
	}
	return "preferred";
}

static void
append_relying_party(StringInfo out)
{
	bool named = setting_webauthn_rp_name[0] != '\0';

	json_name(out, "rp");
	json_open(out);
	json_write_string(out, "id", setting_webauthn_rp_id);
	json_write_string(out, "name", named ? setting_webauthn_rp_name : setting_webauthn_rp_id);
	json_close(out);
}

/* The handle is the user's id, which is random; section 14.6.1 forbids an email there. */
static void
append_user(StringInfo out, const User *user)
{
	char handle[BASE64URL_ENCODED_SIZE(UUID_LEN)];
	const char *label = user_label(user);

	base64url_encode(user->id.data, UUID_LEN, handle);
	json_name(out, "user");
	json_open(out);
	json_write_string(out, "id", handle);
	json_write_string(out, "name", label);
	json_write_string(out, "displayName", (user->name != NULL) ? user->name : label);
	json_close(out);
}

static void
append_algorithms(StringInfo out)
{
	static const int algorithms[] = {WEBAUTHN_ES256, WEBAUTHN_EDDSA, WEBAUTHN_RS256};

	json_name(out, "pubKeyCredParams");
	for (size_t i = 0; i < lengthof(algorithms); i++)
		appendStringInfo(out, "%s{\"type\":\"public-key\",\"alg\":%d}", (i == 0) ? "[" : ",",
						 algorithms[i]);
	appendStringInfoChar(out, ']');
}

static void
append_credentials(StringInfo out, const char *name, const Passkey *passkeys, int count)
{
	json_name(out, name);
	appendStringInfoChar(out, '[');
	for (int i = 0; i < count; i++)
	{
		json_next_element(out);
		json_open(out);
		json_write_string(out, "id", passkey_id_text(passkeys[i].credential_id));
		json_write_string(out, "type", "public-key");
		json_write_strings(out, "transports", passkeys[i].transports, passkeys[i].transport_count);
		json_close(out);
	}
	appendStringInfoChar(out, ']');
}

void
passkey_append_creation_options(StringInfo out, const User *user, const char *challenge,
								const Passkey *existing, int count)
{
	json_open(out);
	append_relying_party(out);
	append_user(out, user);
	json_write_string(out, "challenge", challenge);
	append_algorithms(out);
	json_write_integer(out, "timeout", setting_webauthn_timeout * MS_PER_SECOND);
	append_credentials(out, "excludeCredentials", existing, count);
	json_name(out, "authenticatorSelection");
	json_open(out);
	json_write_string(out, "residentKey", "required");
	json_write_bool(out, "requireResidentKey", true);
	json_write_string(out, "userVerification", verification_name(setting_webauthn_user_verification));
	json_close(out);
	json_write_string(out, "attestation", "none");
	json_close(out);
}

void
passkey_append_request_options(StringInfo out, const char *challenge, const Passkey *allowed,
							   int count, int user_verification)
{
	json_open(out);
	json_write_string(out, "challenge", challenge);
	json_write_integer(out, "timeout", setting_webauthn_timeout * MS_PER_SECOND);
	json_write_string(out, "rpId", setting_webauthn_rp_id);
	append_credentials(out, "allowCredentials", allowed, count);
	json_write_string(out, "userVerification", verification_name(user_verification));
	json_close(out);
}
