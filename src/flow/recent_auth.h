/*
 * recent_auth.h
 *		Whether a session may act, and was authenticated recently and strongly
 *		enough.
 */
#ifndef AUTHFORT_RECENT_AUTH_H
#define AUTHFORT_RECENT_AUTH_H

#include "postgres.h"

#include "base/refusal.h"
#include "domain/users.h"

/*
 * Changing the email, a password or a factor, and deleting the account, take a
 * session that was authenticated within authfort.recent_auth, so that a stolen
 * session cannot take the account over; and two factors, if the user has a
 * second one.  Returns NULL or the refusal.
 */
extern const Refusal *recent_auth_check(const User *user, const pg_uuid_t *session_id);

/*
 * Whether a session may still act for its user, after waiting for the lock of
 * the user's row: a ban, a deletion or a revocation may have held it.  "locked"
 * is NULL if the user is gone.  Without a session an application acts, which
 * has authenticated the user itself, and NULL is returned.
 */
extern const Refusal *session_check(const User *locked, const pg_uuid_t *session_id);

/* The same for what takes a recent sign-in. */
extern const Refusal *session_check_recent(const User *locked, const pg_uuid_t *session_id);

#endif /* AUTHFORT_RECENT_AUTH_H */
