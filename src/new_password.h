/*
 * new_password.h
 *		What a new password has to fulfil, and taking it into use.
 */
#ifndef AUTHFORT_NEW_PASSWORD_H
#define AUTHFORT_NEW_PASSWORD_H

#include "postgres.h"

#include "client.h"
#include "refusal.h"
#include "users.h"

/*
 * Checks length and breaches.  Returns NULL or the refusal.  "email" is whose
 * it would be, and "user" the account if there is one yet.
 */
extern const Refusal *new_password_check(const char *password, const char *email,
										 const User *user, const Client *client);

/* Checks it against the passwords that the user has or had. */
extern const Refusal *new_password_check_reuse(const char *password, const User *user);

/* Makes it the user's, whose row is locked, and ends all that came with the old one. */
extern void new_password_store(const pg_uuid_t *user_id, const char *hash);

#endif							/* AUTHFORT_NEW_PASSWORD_H */
