/*
 * rate_limit.h
 *		Rate limits: requests are counted in shared memory, for all backends.
 */
#ifndef AUTHFORT_RATE_LIMIT_H
#define AUTHFORT_RATE_LIMIT_H

#include "postgres.h"

#include "base/client.h"
#include "base/refusal.h"
#include "domain/users.h"

/* In the order of their names in rate_limit.c. */
typedef enum RateLimited
{
	RATE_LIMIT_LOGIN,
	RATE_LIMIT_CHANGE_PASSWORD,
	RATE_LIMIT_CHANGE_EMAIL,
	RATE_LIMIT_REAUTHENTICATE,
	RATE_LIMIT_SIGNUP,
	RATE_LIMIT_REFRESH,
	RATE_LIMIT_PASSWORD_RESET,
	RATE_LIMIT_MAGIC_LINK,
	RATE_LIMIT_OTP,
	RATE_LIMIT_VERIFY_EMAIL,
	RATE_LIMIT_OAUTH_AUTHORIZE,
	RATE_LIMIT_OAUTH_ANSWER,
	RATE_LIMIT_OAUTH_TOKEN,
	RATE_LIMIT_INTROSPECT,
	RATE_LIMIT_MFA_VERIFY
} RateLimited;

#define RATE_LIMIT_ENDPOINTS (RATE_LIMIT_MFA_VERIFY + 1)

extern void rate_limit_init(void);

/*
 * Counts a request by the client's address and by the email, as far as they
 * are known; the email is in its stored form.  Returns NULL, or the refusal
 * with the time after which it may succeed.  The first refusal in a window is
 * recorded as an event.  Raises if limits are on without preloading, because
 * they could not be enforced.
 */
extern const Refusal *rate_limit_check(RateLimited endpoint, const char *email, const Client *client);

/* The same for a known user; one without an email is counted by the id. */
extern const Refusal *
rate_limit_check_user(RateLimited endpoint, const User *user, const Client *client);

/* The two halves of it. */
extern const Refusal *
rate_limit_check_address(RateLimited endpoint, const char *email, const Client *client);
extern const Refusal *
rate_limit_check_email(RateLimited endpoint, const char *email, const Client *client);

#endif /* AUTHFORT_RATE_LIMIT_H */
