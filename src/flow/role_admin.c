/*
 * role_admin.c
 *		Adding and removing roles of users, for admins.
 */
#include "postgres.h"

#include "fmgr.h"

#include "base/arguments.h"
#include "base/spi_query.h"
#include "domain/events.h"
#include "domain/input.h"
#include "domain/roles.h"
#include "domain/users.h"
#include "flow/role_admin.h"

PG_FUNCTION_INFO_V1(authfort_add_role);
PG_FUNCTION_INFO_V1(authfort_remove_role);
PG_FUNCTION_INFO_V1(authfort_get_roles);
PG_FUNCTION_INFO_V1(authfort_user_has_role);

static bool
is_among_roles(const char *role, char *const *roles, int count)
{
	for (int i = 0; i < count; i++)
	{
		if (strcmp(roles[i], role) == 0)
			return true;
	}
	return false;
}

/*
 * The user's row is locked, so no other role is added concurrently.  The lock
 * may have waited for another role, so the roles are read again.
 */
static const Refusal *
check_added_role(const User *user, char *role)
{
	int count;
	char **roles = roles_of(&user->id, &count);
	const Refusal *refusal;

	if (is_among_roles(role, roles, count))
		return NULL;
	roles = repalloc(roles, (count + 1) * sizeof(char *));
	roles[count] = role;
	refusal = roles_check_total(roles, count + 1);
	return (refusal != NULL) ? refusal
							 : users_check_claims(user->email, user->name, roles, count + 1);
}

const Refusal *
role_admin_change(const pg_uuid_t *user_id, const char *name, bool grant, bool immediate)
{
	char *role;
	const Refusal *refusal = input_role(name, &role);
	User *user;

	if (refusal != NULL)
		return refusal;
	user = users_lock(user_id);
	if (user == NULL)
		return &refusal_user_not_found;
	if (grant && (refusal = check_added_role(user, role)) != NULL)
		return refusal;
	if (!(grant ? roles_insert(user_id, role) : roles_delete(user_id, role)))
		return NULL;
	if (immediate)
		users_raise_token_version(user_id);
	event_record_text(grant ? EVENT_ROLE_ADDED : EVENT_ROLE_REMOVED, user_id, "role", role);
	return NULL;
}

/* The common part of add_role() and remove_role(). */
static void
change_role_by_arguments(FunctionCallInfo fcinfo, bool grant)
{
	pg_uuid_t *user_id = argument_uuid(fcinfo, 0, "user_id");
	char *role = input_require_role(argument_text(fcinfo, 1, "role"));
	bool immediate = argument_bool(fcinfo, 2, "immediate");

	users_raise_refusal(role_admin_change(user_id, role, grant, immediate), user_id);
}

/* add_role(user_id, role, immediate) -> void */
Datum
authfort_add_role(PG_FUNCTION_ARGS)
{
	change_role_by_arguments(fcinfo, true);
	PG_RETURN_VOID();
}

/* remove_role(user_id, role, immediate) -> void */
Datum
authfort_remove_role(PG_FUNCTION_ARGS)
{
	change_role_by_arguments(fcinfo, false);
	PG_RETURN_VOID();
}

static Datum
get_roles(PG_FUNCTION_ARGS)
{
	User *user = users_require(argument_uuid(fcinfo, 0, "user_id"));

	PG_RETURN_DATUM(texts_to_array(user->roles, user->role_count));
}

/* get_roles(user_id) -> text[] */
Datum
authfort_get_roles(PG_FUNCTION_ARGS)
{
	return spi_query_run_stable(get_roles, fcinfo);
}

static Datum
user_has_role(PG_FUNCTION_ARGS)
{
	User *user = users_require(argument_uuid(fcinfo, 0, "user_id"));
	char *role = input_asked_role(argument_text(fcinfo, 1, "role"));

	PG_RETURN_BOOL(role != NULL && is_among_roles(role, user->roles, user->role_count));
}

/* user_has_role(user_id, role) -> boolean */
Datum
authfort_user_has_role(PG_FUNCTION_ARGS)
{
	return spi_query_run_stable(user_has_role, fcinfo);
}
