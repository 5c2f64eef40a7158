/*
 * no_password.h
 *		The refusal of a password for an account that has none.
 */
#ifndef AUTHFORT_NO_PASSWORD_H
#define AUTHFORT_NO_PASSWORD_H

#include "postgres.h"

#include "base/refusal.h"
#include "domain/users.h"

/*
 * oauth_account, naming the providers at which the user has linked accounts, or
 * no_password without any.
 */
extern const Refusal *no_password_refusal(const User *user);

/* Whether a refusal is one of these two, which reveal that there is an account. */
extern bool is_no_password_refusal(const Refusal *refusal);

#endif /* AUTHFORT_NO_PASSWORD_H */
