/*
 * belongings.h
 *		Rows that belong to a user, in tables other than authfort.users.
 */
#ifndef AUTHFORT_BELONGINGS_H
#define AUTHFORT_BELONGINGS_H

#include "postgres.h"

#include "utils/uuid.h"

/*
 * Removes sessions, roles, old passwords, passkeys, tokens and messages of a
 * user; NULL: of all users.  The caller has locked the user's row, so that no
 * new ones are added (FROM_USER() in domain/users.h).
 */
extern void belongings_delete(const pg_uuid_t *user_id);

#endif /* AUTHFORT_BELONGINGS_H */
