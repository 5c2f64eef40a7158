/*
 * roles.h
 *		What users may do: table authfort.user_roles.
 */
#ifndef AUTHFORT_ROLES_H
#define AUTHFORT_ROLES_H

#include "postgres.h"

#include "utils/uuid.h"

#include "base/refusal.h"

/*
 * The limits of a user's roles: they are in every access token, and a browser
 * drops a cookie of more than 4,096 bytes.
 */
#define USER_ROLES_MAX 64
#define USER_ROLES_MAX_BYTES 2048 /* of all names */

/* SQL for the roles of the user whose id "expression" is: a text[], in order. */
#define ROLES_OF_USER(expression) \
	"ARRAY(SELECT r.role FROM authfort.user_roles r" \
	" WHERE r.user_id OPERATOR(pg_catalog.=) " expression " ORDER BY r.role)"

/*
 * Roles of a user as they are now, whatever the transaction's snapshot is, in
 * order and in the current memory context.
 */
extern char **roles_of(const pg_uuid_t *user_id, int *count);

/* Returns NULL or the refusal, if these roles, each of them once, are too many for a user. */
extern const Refusal *roles_check_total(char *const *roles, int count);

/* Returns whether anything changed. */
extern bool roles_insert(const pg_uuid_t *user_id, const char *role);
extern bool roles_delete(const pg_uuid_t *user_id, const char *role);

/* NULL: those of all users. */
extern void roles_delete_all(const pg_uuid_t *user_id);

#endif /* AUTHFORT_ROLES_H */
