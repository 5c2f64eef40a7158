/*
 * totp.h
 *		Time-based one-time passwords (RFC 6238).  Builds without a server.
 */
#ifndef AUTHFORT_TOTP_H
#define AUTHFORT_TOTP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define TOTP_SECRET_BYTES 20     /* as long as the hash, which is SHA-1 (RFC 4226, section 4) */
#define TOTP_MAX_SECRET_BYTES 64 /* of an imported one */
#define TOTP_PERIOD 30           /* seconds */
#define TOTP_DIGITS 6
#define TOTP_DRIFT 1 /* how many steps a clock may be behind or ahead */

#define TOTP_TEXT_SIZE(len) (((len) *8 + 4) / 5 + 1)

/*
 * The code of that time step, as a number of at most "digits" digits.  False if
 * OpenSSL cannot compute it: then no code may be accepted.
 */
extern bool
totp_code(const unsigned char *secret, size_t len, uint64_t step, int digits, uint32_t *code);

/*
 * The step that a code of TOTP_DIGITS digits belongs to, within TOTP_DRIFT of
 * "now", the latest one; -1 without a match.  Takes the same time for each code.
 */
extern int64_t totp_find_step(const unsigned char *secret, size_t len, const char *code, int64_t now);

/* Base32 (RFC 4648) without padding; "text" has TOTP_TEXT_SIZE(len) characters. */
extern void totp_secret_encode(const unsigned char *secret, size_t len, char *text);

/*
 * The reverse, in either case, with or without padding and spaces.  False for
 * anything else, for an empty secret, and for one that is too long.
 */
extern bool
totp_secret_decode(const char *text, unsigned char secret[TOTP_MAX_SECRET_BYTES], size_t *len);

#endif /* AUTHFORT_TOTP_H */
