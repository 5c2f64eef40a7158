/*
 * password_policy.h
 *		Requirements of a new password.
 */
#ifndef AUTHFORT_PASSWORD_POLICY_H
#define AUTHFORT_PASSWORD_POLICY_H

#include "postgres.h"

#include "base/client.h"
#include "base/refusal.h"
#include "domain/users.h"

/*
 * Checks length and breaches.  Returns NULL or the refusal.  "email" is that
 * of the account, and "user" the account if it exists already.
 */
extern const Refusal *password_policy_check(const char *password, const char *email,
											const User *user, const Client *client);

/* Checks it against the passwords that the user has or had. */
extern const Refusal *password_policy_check_reuse(const char *password, const User *user);

#endif /* AUTHFORT_PASSWORD_POLICY_H */
