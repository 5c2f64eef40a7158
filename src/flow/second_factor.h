/*
 * second_factor.h
 *		Which second factors a user has, and which are demanded.
 *
 * A second factor is an authenticator app that was confirmed, or a passkey.
 * users.mfa_enabled is true while the user has one, and tokens say so.  Backup
 * codes replace it, and exist as long as it does.
 */
#ifndef AUTHFORT_SECOND_FACTOR_H
#define AUTHFORT_SECOND_FACTOR_H

#include "postgres.h"

#include "domain/authentication.h"
#include "domain/users.h"

/* Names of methods, in challenges and events. */
#define METHOD_TOTP "totp"
#define METHOD_BACKUP_CODE "backup_code"
#define METHOD_PASSKEY "passkey"
#define METHOD_RESET "reset" /* all of them, by an admin */

/* What a passkey proves where it counts as two factors, and where it counts as one. */
extern const Authentication passkey_as_two_factors;
extern const Authentication passkey_as_one_factor;

/* Whether a passkey is among what was proven. */
extern bool proven_by_passkey(const Authentication *first);

/* Whether the user has an authenticator app or a passkey, in the tables. */
extern bool second_factor_exists(const pg_uuid_t *user_id);

/* The methods by which a user can complete a challenge after that first factor. */
extern char **
second_factor_methods(const pg_uuid_t *user_id, const Authentication *first, int *count);

/* Those that a user without a second factor can set up. */
extern char **second_factor_offers(int *count);

/* Whether authfort.require_mfa demands a second factor of the user. */
extern bool second_factor_is_required(const User *user);

/*
 * Call these after a factor was added, or removed: they set users.mfa_enabled,
 * raise the token version by one and record the event.  The user's row is
 * locked, and *user is changed accordingly.  "method" is that factor's.  "kept"
 * is the session that removes it; NULL: none.
 *
 * A passkey that is not the first factor needs neither.
 */
extern void second_factor_enabled(User *user, const char *method, const Client *client);
extern void
second_factor_disabled(User *user, const char *method, const pg_uuid_t *kept, const Client *client);

/*
 * The second half of that, for a passkey that is not the last factor.  Sessions
 * that were authenticated by a factor of that kind may have been by the one that
 * was removed, so they have to prove one again.
 */
extern void
second_factor_weaken_sessions(const User *user, const char *method, const pg_uuid_t *kept);

/* Deletes all second factors and backup codes of a user whose row is locked; records nothing. */
extern void second_factor_delete_all(User *user);

/* The same for those that were added at that time or later. */
extern void second_factor_delete_since(User *user, TimestampTz time);

#endif /* AUTHFORT_SECOND_FACTOR_H */
