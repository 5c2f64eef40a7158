/*
 * webauthn.c
 *		Fuzz target: data that an authenticator sends.  Parts that are read lie
 *		within the input, and a key that is read verifies only its own signatures.
 *
 * The first byte selects the reader, the rest is its input.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "crypto/cbor.h"
#include "crypto/webauthn.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const unsigned char client_data_hash[WEBAUTHN_HASH_BYTES];

static void
require(bool condition)
{
	if (!condition)
		abort();
}

static void
require_inside(const unsigned char *part, size_t part_len, const uint8_t *data, size_t size)
{
	require(part >= data && part_len <= size && part - data <= (ptrdiff_t) (size - part_len));
}

static void
check_cbor(const uint8_t *data, size_t size)
{
	CborItem item;
	CborItem value;

	if (!cbor_read(data, size, &item))
		return;
	require(item.start == data && item.size > 0 && item.size <= size);
	if (item.kind == CBOR_BYTES || item.kind == CBOR_TEXT)
		require_inside(item.content, item.number, data, item.size);
	require(cbor_read_whole(data, item.size, &item));
	if (cbor_find_text(&item, "fmt", &value) || cbor_find_integer(&item, 3, &value))
		require_inside(value.start, value.size, data, size);
}

static void
check_key(const WebauthnKey *key)
{
	static const unsigned char signature[] = {0x30, 0x06, 0x02, 0x01, 0x01, 0x02, 0x01, 0x01};

	require(key->len > 0 && key->len <= WEBAUTHN_MAX_SPKI);
	require(!webauthn_verify(key->spki, key->len, key->algorithm, (const unsigned char *) "", 0,
							 client_data_hash, signature, sizeof(signature)));
}

static void
check_attestation(const uint8_t *data, size_t size)
{
	WebauthnAttestationObject object;
	const char *fault = NULL;

	if (!webauthn_read_attestation(data, size, client_data_hash, &object, &fault))
	{
		require(fault != NULL);
		return;
	}
	require_inside(object.data, object.data_len, data, size);
	require_inside(object.read.credential_id, object.read.credential_id_len, data, size);
	require(object.read.credential_id_len <= WEBAUTHN_MAX_CREDENTIAL_ID);
	check_key(&object.key);
}

static void
check_assertion(const uint8_t *data, size_t size)
{
	WebauthnData read;

	if (!webauthn_read_assertion_data(data, size, &read))
		return;
	require(read.rp_id_hash == data && read.rest_len == size - 37);
	(void) webauthn_check_extensions(&read);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	WebauthnKey key;

	if (size == 0)
		return 0;
	switch (data[0] % 4)
	{
		case 0:
			check_attestation(data + 1, size - 1);
			break;
		case 1:
			check_assertion(data + 1, size - 1);
			break;
		case 2:
			if (webauthn_read_key(data + 1, size - 1, &key))
				check_key(&key);
			break;
		case 3:
			check_cbor(data + 1, size - 1);
			break;
	}
	return 0;
}
