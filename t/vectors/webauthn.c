/*
 * webauthn.c
 *		Runs the test vectors of the WebAuthn specification, without a server.
 *
 * Reads webauthn.txt from the standard input and prints a line for each: the
 * algorithm, how the attestation was checked, and whether the assertion
 * verifies and a changed one does not, nor one by the key of another vector.
 */
#include <openssl/sha.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "crypto/webauthn.h"

#define MAX_LINE 20000
#define FIELDS 5

typedef struct Field
{
	unsigned char bytes[4096];
	size_t len;
} Field;

static void
read_field(const char *hex, Field *field)
{
	field->len = strlen(hex) / 2;
	if (field->len > sizeof(field->bytes))
		exit(1);
	for (size_t i = 0; i < field->len; i++)
	{
		unsigned int byte;

		if (sscanf(hex + 2 * i, "%2x", &byte) != 1)
			exit(1);
		field->bytes[i] = byte;
	}
}

static const char *
algorithm_name(int algorithm)
{
	switch (algorithm)
	{
		case WEBAUTHN_ES256:
			return "ES256";
		case WEBAUTHN_EDDSA:
			return "EdDSA";
		case WEBAUTHN_RS256:
			return "RS256";
	}
	return "unknown";
}

static const char *
attestation_name(WebauthnAttestation attestation)
{
	switch (attestation)
	{
		case WEBAUTHN_ATTESTATION_NONE:
			return "none";
		case WEBAUTHN_ATTESTATION_SELF:
			return "self";
		case WEBAUTHN_ATTESTATION_UNCHECKED:
			break;
	}
	return "unchecked";
}

static int
verifies(const WebauthnKey *key, const Field *data, const unsigned char *hash, const Field *signature)
{
	return webauthn_verify(key->spki, key->len, key->algorithm, data->bytes, data->len, hash,
						   signature->bytes, signature->len);
}

static void
run(const char *name, Field *fields)
{
	static const unsigned char rp_id[] = "example.org";
	static WebauthnKey other;
	unsigned char rp_id_hash[WEBAUTHN_HASH_BYTES];
	unsigned char hash[WEBAUTHN_HASH_BYTES];
	WebauthnAttestationObject object;
	WebauthnData data;
	const char *fault;

	SHA256(rp_id, sizeof(rp_id) - 1, rp_id_hash);
	SHA256(fields[0].bytes, fields[0].len, hash);
	if (!webauthn_read_attestation(fields[1].bytes, fields[1].len, hash, &object, &fault))
	{
		printf("%s refused: %s\n", name, fault);
		return;
	}
	printf("%s %s %s%s", name, algorithm_name(object.key.algorithm),
		   attestation_name(object.attestation),
		   memcmp(object.read.rp_id_hash, rp_id_hash, sizeof(rp_id_hash)) == 0 ? "" : " (other rp)");

	SHA256(fields[2].bytes, fields[2].len, hash);
	if (!webauthn_read_assertion_data(fields[3].bytes, fields[3].len, &data) ||
		memcmp(data.rp_id_hash, rp_id_hash, sizeof(rp_id_hash)) != 0 || !data.user_present)
		printf(" unreadable");
	/* before and after a try with another key, for one object may hold the point of both */
	printf(verifies(&object.key, &fields[3], hash, &fields[4]) ? " verifies" : " does not verify");
	if (other.len > 0 && verifies(&other, &fields[3], hash, &fields[4]))
		printf(" by another key");
	if (!verifies(&object.key, &fields[3], hash, &fields[4]))
		printf(" once");
	other = object.key;
	fields[3].bytes[fields[3].len - 1] ^= 1;
	printf(verifies(&object.key, &fields[3], hash, &fields[4]) ? ", changed as well\n" : "\n");
}

int
main(void)
{
	static char line[MAX_LINE];
	static Field fields[FIELDS];

	while (fgets(line, sizeof(line), stdin) != NULL)
	{
		char *name = strtok(line, " \n");

		if (name == NULL || name[0] == '#')
			continue;
		for (int i = 0; i < FIELDS; i++)
		{
			char *hex = strtok(NULL, " \n");

			if (hex == NULL)
				return 1;
			read_field(hex, &fields[i]);
		}
		run(name, fields);
	}
	return 0;
}
