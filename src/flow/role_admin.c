/*
 * role_admin.c
 *		Giving roles to users, and taking them: what an admin does.
 */
#include "postgres.h"

#include "fmgr.h"

#include "base/arguments.h"
#include "base/json.h"
#include "domain/events.h"
#include "domain/input.h"
#include "domain/roles.h"
#include "domain/users.h"
#include "flow/role_admin.h"

PG_FUNCTION_INFO_V1(authfort_add_role);
PG_FUNCTION_INFO_V1(authfort_remove_role);
PG_FUNCTION_INFO_V1(authfort_get_roles);
PG_FUNCTION_INFO_V1(authfort_user_has_role);

const Refusal *
role_admin_change(const pg_uuid_t *user_id, const char *role, bool grant, bool immediate)
{
	Event		event;

	if (users_lock(user_id) == NULL)
		return &refusal_user_not_found;
	if (!(grant ? roles_insert(user_id, role) : roles_delete(user_id, role)))
		return NULL;
	if (immediate)
		users_raise_token_version(user_id);
	event_begin(&event, grant ? EVENT_ROLE_ADDED : EVENT_ROLE_REMOVED, user_id, NULL, NULL);
	json_write_string(&event.payload, "role", role);
	event_record(&event);
	return NULL;
}

/* What add_role() and remove_role() have in common. */
static void
change_role(FunctionCallInfo fcinfo, bool grant)
{
	pg_uuid_t  *user_id = argument_uuid(fcinfo, 0, "user_id");
	char	   *role = argument_text(fcinfo, 1, "role");
	bool		immediate = argument_bool(fcinfo, 2, "immediate");

	input_require_role(role);
	if (role_admin_change(user_id, role, grant, immediate) != NULL)
		users_raise_unknown(user_id);
}

/* add_role(user_id, role, immediate) -> void */
Datum
authfort_add_role(PG_FUNCTION_ARGS)
{
	change_role(fcinfo, true);
	PG_RETURN_VOID();
}

/* remove_role(user_id, role, immediate) -> void */
Datum
authfort_remove_role(PG_FUNCTION_ARGS)
{
	change_role(fcinfo, false);
	PG_RETURN_VOID();
}

/* get_roles(user_id) -> text[] */
Datum
authfort_get_roles(PG_FUNCTION_ARGS)
{
	User	   *user = users_require(argument_uuid(fcinfo, 0, "user_id"));

	PG_RETURN_DATUM(texts_to_array(user->roles, user->role_count));
}

/* user_has_role(user_id, role) -> boolean */
Datum
authfort_user_has_role(PG_FUNCTION_ARGS)
{
	User	   *user = users_require(argument_uuid(fcinfo, 0, "user_id"));
	char	   *role = argument_text(fcinfo, 1, "role");

	for (int i = 0; i < user->role_count; i++)
	{
		if (strcmp(user->roles[i], role) == 0)
			PG_RETURN_BOOL(true);
	}
	PG_RETURN_BOOL(false);
}
