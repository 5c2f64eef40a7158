/*
 * way_in.h
 *		Whether a user can still sign in when one way to do so is removed.
 */
#ifndef AUTHFORT_WAY_IN_H
#define AUTHFORT_WAY_IN_H

#include "postgres.h"

#include "domain/users.h"

/*
 * Whether the user has another way in: a password, a verified mailbox, to which
 * a link or a code can be sent, a passkey other than "without_passkey", or an
 * account at an enabled provider other than "without_provider"; these may be
 * NULL.  The user's row is locked, so that two ways are not removed at once.
 */
extern bool
way_in_remains(const User *user, const bytea *without_passkey, const char *without_provider);

#endif /* AUTHFORT_WAY_IN_H */
