/*
 * role_admin.h
 *		Adding and removing roles of users, for admins.
 */
#ifndef AUTHFORT_ROLE_ADMIN_H
#define AUTHFORT_ROLE_ADMIN_H

#include "postgres.h"

#include "utils/uuid.h"

#include "base/refusal.h"

/*
 * Adds or removes a role.  With "immediate", previously issued access tokens
 * become invalid.  Returns NULL or the refusal: invalid_role, user_not_found,
 * too_many_roles, profile_too_large.
 */
extern const Refusal *
role_admin_change(const pg_uuid_t *user_id, const char *name, bool grant, bool immediate);

#endif /* AUTHFORT_ROLE_ADMIN_H */
