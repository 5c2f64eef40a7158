/*
 * baseline.c
 *		What the bare libraries take for the work that authfort does with them.
 *
 * Prints "NAME MICROSECONDS" lines: the best of several rounds, for whatever
 * disturbs a round only adds to it.
 */
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/rsa.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define ROUNDS 7
#define MESSAGE_BYTES 520 /* header and payload of a usual access token */

static double
now_us(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1e6 + t.tv_nsec / 1e3;
}

static void
fail(const char *what)
{
	fprintf(stderr, "baseline: %s failed\n", what);
	exit(1);
}

static void
verify(const char *name, EVP_PKEY *key, const EVP_MD *digest)
{
	unsigned char message[MESSAGE_BYTES];
	unsigned char signature[1024];
	size_t len = sizeof(signature);
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	double best = 1e18;

	memset(message, 'a', sizeof(message));
	if (EVP_DigestSignInit(ctx, NULL, digest, NULL, key) != 1 ||
		EVP_DigestSign(ctx, signature, &len, message, sizeof(message)) != 1)
		fail("signing");
	EVP_MD_CTX_free(ctx);
	for (int round = 0; round < ROUNDS; round++)
	{
		int count = 500;
		double start = now_us();

		for (int i = 0; i < count; i++)
		{
			ctx = EVP_MD_CTX_new();
			if (EVP_DigestVerifyInit(ctx, NULL, digest, NULL, key) != 1 ||
				EVP_DigestVerify(ctx, signature, len, message, sizeof(message)) != 1)
				fail("verifying");
			EVP_MD_CTX_free(ctx);
		}
		if ((now_us() - start) / count < best)
			best = (now_us() - start) / count;
	}
	printf("%s %.2f\n", name, best);
	EVP_PKEY_free(key);
}

static void
hash(void)
{
	char encoded[crypto_pwhash_STRBYTES];
	double best = 1e18;

	if (crypto_pwhash_str_alg(encoded, "correct horse", 13, 3, 64 << 20,
							  crypto_pwhash_ALG_ARGON2ID13) != 0)
		fail("hashing");
	for (int round = 0; round < 3 * ROUNDS; round++)
	{
		double start = now_us();

		if (crypto_pwhash_str_verify(encoded, "correct horse", 13) != 0)
			fail("hashing");
		if (now_us() - start < best)
			best = now_us() - start;
	}
	printf("argon2id %.2f\n", best);
}

int
main(void)
{
	if (sodium_init() < 0)
		return 1;
	verify("RS256", EVP_RSA_gen(2048), EVP_sha256());
	verify("ES256", EVP_EC_gen("P-256"), EVP_sha256());
	verify("EdDSA", EVP_PKEY_Q_keygen(NULL, NULL, "ED25519"), NULL);
	hash();
	return 0;
}
