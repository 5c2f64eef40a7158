/*
 * attempts.h
 *		Failed attempts at a user's codes, counted in shared memory.
 *
 * The rows of the codes count failures as well, but forget those of a
 * transaction that was rolled back, which an attacker can bring about by a
 * cancelled or timed-out request.  These counters do not.  Without preloading,
 * only the rows count failures.
 */
#ifndef AUTHFORT_ATTEMPTS_H
#define AUTHFORT_ATTEMPTS_H

#include "postgres.h"

#include "utils/uuid.h"

typedef enum AttemptKind
{
	ATTEMPT_MFA,
	ATTEMPT_EMAIL_OTP,
	ATTEMPT_EMAIL_OTP_DAY
} AttemptKind;

extern void attempts_init(void);

/*
 * Counts an attempt before the code is checked.  Returns the number of attempts
 * in the user's current window, this one included, or 0 without preloading.  A
 * window begins with its first attempt and lasts "window_seconds", or until
 * "era" is another number: that of the locks, each of which is the effect of the
 * attempts before it.
 */
extern int attempts_add(AttemptKind kind, const pg_uuid_t *user_id, int window_seconds, int era);

/* Forgets the attempts, after a success. */
extern void attempts_forget(AttemptKind kind, const pg_uuid_t *user_id);

#endif /* AUTHFORT_ATTEMPTS_H */
