/*
 * webauthn.h
 *		The data that an authenticator sends (W3C Web Authentication, Level 3): its
 *		data, public keys, attestations and signatures.  Builds without a server.
 *
 * Structs point into the bytes that were read.
 */
#ifndef AUTHFORT_WEBAUTHN_H
#define AUTHFORT_WEBAUTHN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define WEBAUTHN_HASH_BYTES 32 /* SHA-256 */
#define WEBAUTHN_AAGUID_BYTES 16
#define WEBAUTHN_MAX_CREDENTIAL_ID 1023 /* bytes; section 7.1 */
#define WEBAUTHN_MAX_SPKI 1100          /* bytes; RSA of 8192 bits */

/* Algorithms that registration asks for, in this order; numbers of the COSE registry. */
typedef enum WebauthnAlgorithm
{
	WEBAUTHN_ES256 = -7,
	WEBAUTHN_EDDSA = -8,
	WEBAUTHN_RS256 = -257
} WebauthnAlgorithm;

/* A public key as a SubjectPublicKeyInfo (RFC 5280). */
typedef struct WebauthnKey
{
	int algorithm; /* a WebauthnAlgorithm */
	size_t len;
	unsigned char spki[WEBAUTHN_MAX_SPKI];
} WebauthnKey;

/* Authenticator data, section 6.1. */
typedef struct WebauthnData
{
	const unsigned char *rp_id_hash;
	uint32_t sign_count;
	bool user_present;
	bool user_verified;
	bool backup_eligible;
	bool backed_up;
	bool has_extensions;
	/* attested credential data; NULL in an assertion */
	const unsigned char *aaguid;
	const unsigned char *credential_id;
	size_t credential_id_len;
	const unsigned char *cose_key;
	size_t cose_key_len;
	/* where the extensions begin */
	const unsigned char *rest;
	size_t rest_len;
} WebauthnData;

typedef enum WebauthnAttestation
{
	WEBAUTHN_ATTESTATION_NONE,
	WEBAUTHN_ATTESTATION_SELF,
	WEBAUTHN_ATTESTATION_UNCHECKED /* of a format, or by a certificate, that is not verified here */
} WebauthnAttestation;

typedef struct WebauthnAttestationObject
{
	const unsigned char *data; /* authenticator data */
	size_t data_len;
	WebauthnData read; /* the same, read */
	WebauthnKey key;
	WebauthnAttestation attestation;
} WebauthnAttestationObject;

/*
 * Reads the authenticator data of an assertion: without a credential, and
 * without a byte that belongs to nothing.  Extensions are not read.
 */
extern bool webauthn_read_assertion_data(const unsigned char *bytes, size_t len, WebauthnData *data);

/* Whether the rest is one CBOR map, if there are extensions. */
extern bool webauthn_check_extensions(const WebauthnData *data);

/*
 * Reads an attestation object (section 6.5) and verifies its statement over
 * the hash of the client data.  On failure *fault is a constant that names
 * what is wrong.
 */
extern bool webauthn_read_attestation(const unsigned char *bytes, size_t len,
									  const unsigned char client_data_hash[WEBAUTHN_HASH_BYTES],
									  WebauthnAttestationObject *object, const char **fault);

/* Reads a COSE_Key (RFC 9052, section 7). */
extern bool webauthn_read_key(const unsigned char *cose, size_t len, WebauthnKey *key);

/* SHA-256.  Never raises; false if OpenSSL cannot. */
extern bool webauthn_hash(const void *data, size_t len, unsigned char hash[WEBAUTHN_HASH_BYTES]);

/* Whether the key has signed authenticator data and client data.  Never raises. */
extern bool webauthn_verify(const unsigned char *spki, size_t spki_len, int algorithm,
							const unsigned char *data, size_t data_len,
							const unsigned char client_data_hash[WEBAUTHN_HASH_BYTES],
							const unsigned char *signature, size_t signature_len);

#endif /* AUTHFORT_WEBAUTHN_H */
