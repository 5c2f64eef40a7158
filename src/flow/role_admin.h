/*
 * role_admin.h
 *		Giving roles to users, and taking them: what an admin does.
 */
#ifndef AUTHFORT_ROLE_ADMIN_H
#define AUTHFORT_ROLE_ADMIN_H

#include "postgres.h"

#include "utils/uuid.h"

#include "base/refusal.h"

/*
 * Gives or takes a role.  With "immediate", access tokens that were issued
 * with the other roles stop being current.  Returns NULL or the refusal:
 * invalid_role, user_not_found, too_many_roles, profile_too_large.
 */
extern const Refusal *role_admin_change(const pg_uuid_t *user_id, const char *name, bool grant,
										bool immediate);

#endif							/* AUTHFORT_ROLE_ADMIN_H */
