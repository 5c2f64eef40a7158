/*
 * roles.h
 *		What users may do: table authfort.user_roles.
 */
#ifndef AUTHFORT_ROLES_H
#define AUTHFORT_ROLES_H

#include "postgres.h"

#include "utils/uuid.h"

/* SQL for the roles of the user whose id "expression" is: a text[], in order. */
#define ROLES_OF_USER(expression) \
	"ARRAY(SELECT r.role FROM authfort.user_roles r" \
	" WHERE r.user_id OPERATOR(pg_catalog.=) " expression " ORDER BY r.role)"

/* Whether there was something to do. */
extern bool roles_insert(const pg_uuid_t *user_id, const char *role);
extern bool roles_delete(const pg_uuid_t *user_id, const char *role);

/* NULL: those of all users. */
extern void roles_delete_all(const pg_uuid_t *user_id);

#endif							/* AUTHFORT_ROLES_H */
