/*
 * belongings.h
 *		What belongs to a user, in the tables beside authfort.users.
 */
#ifndef AUTHFORT_BELONGINGS_H
#define AUTHFORT_BELONGINGS_H

#include "postgres.h"

#include "utils/uuid.h"

/*
 * Removes sessions, roles, old passwords, tokens and messages of a user; NULL:
 * of all users.  The caller holds the user's row locked against new ones
 * (FROM_USER() in domain/users.h).
 */
extern void belongings_delete(const pg_uuid_t *user_id);

#endif							/* AUTHFORT_BELONGINGS_H */
