/*
 * passkey_response.h
 *		The response of a browser in a WebAuthn ceremony, and the checks that
 *		both ceremonies have in common.
 */
#ifndef AUTHFORT_PASSKEY_RESPONSE_H
#define AUTHFORT_PASSKEY_RESPONSE_H

#include "postgres.h"

#include "utils/jsonb.h"

#include "base/refusal.h"
#include "crypto/webauthn.h"
#include "crypto/webauthn_client_data.h"
#include "domain/passkey_challenge.h"

/* RegistrationResponseJSON or AuthenticationResponseJSON, decoded. */
typedef struct PasskeyResponse
{
	bytea *credential_id;
	WebauthnClientData client;
	unsigned char client_data_hash[WEBAUTHN_HASH_BYTES];
	PasskeyChallenge challenge; /* set by passkey_response_check_client() */
	/* registration */
	bytea *attestation_object;
	char **transports;
	int transport_count;
	/* authentication */
	bytea *authenticator_data;
	bytea *signature;
	bytea *user_handle; /* NULL: none */
} PasskeyResponse;

/* NULL, or the refusal passkeys_not_configured. */
extern const Refusal *passkeys_check_configured(void);

/*
 * The refusal invalid_passkey with the name of the check that failed, which
 * helps developers and reveals nothing to an attacker: the sender of a
 * response knows its contents.
 */
extern const Refusal *refuse_passkey(const char *check);

/*
 * These return NULL, or the name of the check that failed.  Nothing raises for
 * what the response holds.
 */
extern const char *passkey_response_read_registration(Jsonb *credential, PasskeyResponse *response);
extern const char *passkey_response_read_assertion(Jsonb *credential, PasskeyResponse *response);
extern const char *passkey_response_check_client(PasskeyResponse *response, const char *type,
												 const PasskeyChallengeUse *use);
extern const char *passkey_check_data(const WebauthnData *data, bool must_verify_user);

#endif /* AUTHFORT_PASSKEY_RESPONSE_H */
