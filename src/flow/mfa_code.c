/*
 * mfa_code.c
 *		Checking a code of an authenticator app, or a backup code.
 *
 * A million codes, three of which are right at any time, are few.  So after
 * authfort.mfa_lock_attempts wrong ones the user's codes are not checked for
 * authfort.mfa_lock_time, and twice as long after each further lock.  Only a
 * client that has proven the first factor gets here, so a stranger cannot lock
 * a user out.
 *
 * The failures are counted in the user's row.  If the library is preloaded,
 * attempts are also counted in shared memory, before the check, so that an
 * attacker who cancels the request, and so rolls the transaction back, does not
 * get more of them.
 */
#include "postgres.h"

#include <sodium.h>
#include <time.h>

#include "miscadmin.h"
#include "utils/timestamp.h"

#include "base/json.h"
#include "crypto/totp.h"
#include "domain/attempts.h"
#include "domain/backup_codes.h"
#include "domain/events.h"
#include "domain/mfa.h"
#include "domain/signing_keys.h"
#include "flow/mfa_code.h"
#include "flow/notices.h"
#include "flow/second_factor.h"
#include "settings.h"

#define LONGEST_LOCK (24 * 3600) /* seconds */

static const Authentication by_totp = {METHOD_TOTP, 2, 1, {AMR_TOTP}};
static const Authentication by_backup_code = {METHOD_BACKUP_CODE, 2, 1, {AMR_BACKUP_CODE}};

/* The code without spaces; false if it has more than "size" characters. */
static bool
remove_spaces(const char *typed, char *code, size_t size)
{
	size_t len = 0;

	for (; *typed != '\0'; typed++)
	{
		if (*typed == ' ')
			continue;
		if (len + 1 >= size)
			return false;
		code[len++] = *typed;
	}
	code[len] = '\0';
	return true;
}

/* The step of a code that was not used before; -1 if it is wrong. */
static int64
find_unused_step(const User *user, const MfaState *state, const char *typed)
{
	char code[TOTP_DIGITS + 1];
	unsigned char *secret;
	size_t len;
	int64 step;

	if (state->sealed_secret == NULL || !remove_spaces(typed, code, sizeof(code)))
		return -1;
	secret = mfa_open_secret(&user->id, state, &len);
	step = totp_find_step(secret, len, code, time(NULL));
	sodium_memzero(secret, len);
	sodium_memzero(code, sizeof(code));
	return (step >= 0 && !mfa_step_is_used(state, step)) ? step : -1;
}

bool
mfa_code_use_first(const User *user, const MfaState *state, const char *code)
{
	int64 step = find_unused_step(user, state, code);

	if (step >= 0)
		mfa_use_step(&user->id, state, step);
	return step >= 0;
}

static bool
use_totp(const User *user, const MfaState *state, const char *typed)
{
	return state->confirmed && mfa_code_use_first(user, state, typed);
}

static void
record_backup_code_used(const User *user, const Client *client)
{
	Event event;

	event_begin(&event, EVENT_BACKUP_CODE_USED, &user->id, NULL, client);
	json_write_string(&event.payload, "email", user->email);
	json_write_integer(&event.payload, "remaining", backup_codes_count(&user->id));
	event_record(&event);
}

static bool
use_backup_code(const User *user, const char *typed, const Client *client)
{
	if (!backup_codes_use(&user->id, typed))
		return false;
	record_backup_code_used(user, client);
	return true;
}

/* Seconds until the lock ends, rounded up; 0 without one. */
static int
seconds_locked(const MfaState *state)
{
	TimestampTz now = GetCurrentTimestamp();

	if (setting_mfa_lock_attempts == 0 || state->locked_until == DT_NOBEGIN ||
		state->locked_until <= now)
		return 0;
	return (int) ((state->locked_until - now + USECS_PER_SEC - 1) / USECS_PER_SEC);
}

/* Counts an attempt in shared memory; whether it is one too many. */
static bool
attempt_is_refused(const User *user, const MfaState *state)
{
	return setting_mfa_lock_attempts > 0 &&
		   attempts_add(ATTEMPT_MFA, &user->id, setting_mfa_lock_time, state->lock_count) >
			   setting_mfa_lock_attempts;
}

static void
record_locked(const User *user, const MfaState *state, const Client *client)
{
	Event event;

	event_begin(&event, EVENT_MFA_LOCKED, &user->id, NULL, client);
	json_write_string(&event.payload, "email", user->email);
	json_write_time(&event.payload, "locked_until", state->locked_until);
	event_record(&event);
	notice_put(NOTICE_MFA_LOCKED, user, client, NULL);
}

/* Each lock since the last right code is twice as long as the one before. */
static TimestampTz
end_of_lock(const MfaState *state)
{
	int64 seconds = setting_mfa_lock_time;

	for (int i = 0; i < state->lock_count && seconds < LONGEST_LOCK; i++)
		seconds *= 2;
	return GetCurrentTimestamp() + Min(seconds, LONGEST_LOCK) * USECS_PER_SEC;
}

static void
note_failure(const User *user, MfaState *state, const Client *client)
{
	bool was_locked = state->locked_until != DT_NOBEGIN;
	bool locks;

	/* the failures that led to a lock which is over have had their effect */
	if (was_locked && state->failed_attempts >= setting_mfa_lock_attempts)
		state->failed_attempts = 0;
	state->failed_attempts++;
	locks = setting_mfa_lock_attempts > 0 && state->failed_attempts >= setting_mfa_lock_attempts;
	if (locks)
	{
		state->locked_until = end_of_lock(state);
		state->lock_count++;
	}
	mfa_set_failures(&user->id, state);
	event_record_of_user(EVENT_MFA_FAILED, user, NULL, client, NULL, NULL);
	if (locks)
		record_locked(user, state, client);
}

static void
note_success(const User *user, MfaState *state)
{
	attempts_forget(ATTEMPT_MFA, &user->id);
	if (state->failed_attempts == 0 && state->locked_until == DT_NOBEGIN)
		return;
	state->failed_attempts = state->lock_count = 0;
	state->locked_until = DT_NOBEGIN;
	mfa_set_failures(&user->id, state);
}

const Refusal *
mfa_code_check(User *user, const char *code, CodeKind kind, const Refusal *wrong,
			   const Client *client, Authentication *second)
{
	MfaState state;

	PreventCommandIfReadOnly("a second factor");
	/* without the right master key, every code would be wrong */
	signing_keys_require_master_key();
	state = mfa_find(&user->id);
	if (seconds_locked(&state) > 0)
		return refusal_with_retry(&refusal_mfa_locked, seconds_locked(&state));
	if (attempt_is_refused(user, &state))
		return refusal_with_retry(&refusal_mfa_locked, setting_mfa_lock_time);

	if (kind != CODE_BACKUP && use_totp(user, &state, code))
		*second = by_totp;
	else if (kind != CODE_TOTP && use_backup_code(user, code, client))
		*second = by_backup_code;
	else
	{
		note_failure(user, &state, client);
		return wrong;
	}
	note_success(user, &state);
	return NULL;
}
