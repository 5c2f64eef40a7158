/*
 * bare.c
 *		What the bare libraries take for the work that authfort does with them.
 *
 * A module for PostgreSQL: the bare work is done in the backend that does
 * authfort's, so that the two can take turns in one process.
 */
#include "postgres.h"

#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/rsa.h>
#include <sodium.h>

#include "fmgr.h"
#include "portability/instr_time.h"
#include "utils/builtins.h"

PG_MODULE_MAGIC;
PG_FUNCTION_INFO_V1(bare_verify);
PG_FUNCTION_INFO_V1(bare_hash);

#define MESSAGE_BYTES 520 /* header and payload of a usual access token */

typedef struct Signed
{
	const char *algorithm;
	EVP_PKEY *key;
	const EVP_MD *digest;
	unsigned char message[MESSAGE_BYTES];
	unsigned char signature[1024];
	size_t len;
} Signed;

static EVP_PKEY *
make_key(const char *algorithm)
{
	if (strcmp(algorithm, "RS256") == 0)
		return EVP_RSA_gen(2048);
	if (strcmp(algorithm, "ES256") == 0)
		return EVP_EC_gen("P-256");
	return EVP_PKEY_Q_keygen(NULL, NULL, "ED25519");
}

static void
sign_message(Signed *it, const char *algorithm)
{
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();

	it->key = make_key(algorithm);
	it->digest = (strcmp(algorithm, "EdDSA") == 0) ? NULL : EVP_sha256();
	it->len = sizeof(it->signature);
	memset(it->message, 'a', sizeof(it->message));
	if (EVP_DigestSignInit(ctx, NULL, it->digest, NULL, it->key) != 1 ||
		EVP_DigestSign(ctx, it->signature, &it->len, it->message, sizeof(it->message)) != 1)
		elog(ERROR, "signing failed");
	EVP_MD_CTX_free(ctx);
}

/* A signed message for each algorithm, made when it is first asked for. */
static const Signed *
find_signed(const char *algorithm)
{
	static Signed known[3] = {{"RS256"}, {"ES256"}, {"EdDSA"}};

	for (size_t i = 0; i < lengthof(known); i++)
	{
		if (strcmp(known[i].algorithm, algorithm) != 0)
			continue;
		if (known[i].key == NULL)
			sign_message(&known[i], algorithm);
		return &known[i];
	}
	elog(ERROR, "unknown algorithm \"%s\"", algorithm);
}

static void
verify(const Signed *it)
{
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();

	if (EVP_DigestVerifyInit(ctx, NULL, it->digest, NULL, it->key) != 1 ||
		EVP_DigestVerify(ctx, it->signature, it->len, it->message, sizeof(it->message)) != 1)
		elog(ERROR, "verifying failed");
	EVP_MD_CTX_free(ctx);
}

static float8
microseconds_since(instr_time start)
{
	instr_time now;

	INSTR_TIME_SET_CURRENT(now);
	INSTR_TIME_SUBTRACT(now, start);
	return INSTR_TIME_GET_DOUBLE(now) * 1e6;
}

/* bare_verify(algorithm text, count integer) -> double precision: microseconds of one verification */
Datum
bare_verify(PG_FUNCTION_ARGS)
{
	const Signed *it = find_signed(text_to_cstring(PG_GETARG_TEXT_PP(0)));
	int32 count = PG_GETARG_INT32(1);
	instr_time start;

	INSTR_TIME_SET_CURRENT(start);
	for (int32 i = 0; i < count; i++)
		verify(it);
	PG_RETURN_FLOAT8(microseconds_since(start) / count);
}

/* bare_hash() -> double precision: microseconds */
Datum
bare_hash(PG_FUNCTION_ARGS)
{
	static char encoded[crypto_pwhash_STRBYTES] = "";
	instr_time start;

	if (encoded[0] == '\0' && crypto_pwhash_str_alg(encoded, "correct horse", 13, 3, 64 << 20,
													crypto_pwhash_ALG_ARGON2ID13) != 0)
		elog(ERROR, "hashing failed");
	INSTR_TIME_SET_CURRENT(start);
	if (crypto_pwhash_str_verify(encoded, "correct horse", 13) != 0)
		elog(ERROR, "hashing failed");
	PG_RETURN_FLOAT8(microseconds_since(start));
}
