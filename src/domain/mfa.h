/*
 * mfa.h
 *		Authenticator apps, and the lock after wrong codes: table authfort.mfa.
 *
 * All that changes a row is called with the user's row locked.
 */
#ifndef AUTHFORT_MFA_H
#define AUTHFORT_MFA_H

#include "postgres.h"

#include "datatype/timestamp.h"
#include "utils/uuid.h"

#include "domain/resealing.h"

/* A user without a row has no app, no failures and no lock. */
typedef struct MfaState
{
	bytea *sealed_secret; /* NULL: no authenticator app */
	bool confirmed;       /* whether the app has proven that it has the secret */
	int64 last_step;      /* the latest one used; -1: none was */
	int earlier_steps;    /* bit i: step last_step - 1 - i was used */
	int failed_attempts;
	TimestampTz locked_until; /* DT_NOBEGIN: not locked since the last right code */
	int lock_count;
} MfaState;

extern MfaState mfa_find(const pg_uuid_t *user_id);

/* The secret of the user's app, palloc'd; the caller wipes it. */
extern unsigned char *mfa_open_secret(const pg_uuid_t *user_id, const MfaState *state, size_t *len);

/* Stores a secret that is not confirmed yet, in place of an earlier one. */
extern void mfa_set_secret(const pg_uuid_t *user_id, const unsigned char *secret, size_t len);
extern void mfa_confirm_secret(const pg_uuid_t *user_id);
extern void mfa_remove_secret(const pg_uuid_t *user_id);

/* The same for one that was confirmed at that time or later, or not at all. */
extern void mfa_remove_secret_since(const pg_uuid_t *user_id, TimestampTz time);

/* Whether the code of that step was used before. */
extern bool mfa_step_is_used(const MfaState *state, int64 step);

/* Stores that it is used now. */
extern void mfa_use_step(const pg_uuid_t *user_id, const MfaState *state, int64 step);

/* Stores the number of failures and the lock. */
extern void mfa_set_failures(const pg_uuid_t *user_id, const MfaState *state);

/* Deletes the row of a user; NULL: all rows. */
extern void mfa_delete(const pg_uuid_t *user_id);

/* Seals secrets of authenticator apps with the current master key. */
extern void mfa_reseal(Resealing *progress);

#endif /* AUTHFORT_MFA_H */
