/*
 * ecdsa_signature.c
 *		The two forms of an ECDSA signature.
 */
#include "postgres.h"

#include <openssl/bn.h>
#include <openssl/ecdsa.h>

#include "crypto/ecdsa_signature.h"

size_t
ecdsa_der_to_raw(const unsigned char *der, size_t der_len, int number_bytes, unsigned char *raw)
{
	ECDSA_SIG *sig = d2i_ECDSA_SIG(NULL, &der, der_len);
	bool ok;

	if (sig == NULL)
		return 0;
	ok = BN_bn2binpad(ECDSA_SIG_get0_r(sig), raw, number_bytes) == number_bytes &&
		 BN_bn2binpad(ECDSA_SIG_get0_s(sig), raw + number_bytes, number_bytes) == number_bytes;
	ECDSA_SIG_free(sig);
	return ok ? 2 * number_bytes : 0;
}

size_t
ecdsa_raw_to_der(const unsigned char *raw, int number_bytes, unsigned char der[ECDSA_MAX_DER])
{
	ECDSA_SIG *sig = ECDSA_SIG_new();
	BIGNUM *r = BN_bin2bn(raw, number_bytes, NULL);
	BIGNUM *s = BN_bin2bn(raw + number_bytes, number_bytes, NULL);
	int len = 0;

	Assert(number_bytes <= ECDSA_MAX_NUMBER);
	if (sig != NULL && r != NULL && s != NULL && ECDSA_SIG_set0(sig, r, s) == 1)
	{
		r = s = NULL; /* they belong to it now */
		len = i2d_ECDSA_SIG(sig, &der);
	}
	BN_free(r);
	BN_free(s);
	ECDSA_SIG_free(sig);
	return Max(len, 0);
}
