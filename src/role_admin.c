/*
 * role_admin.c
 *		Giving roles to users, and taking them: what an admin does.
 */
#include "postgres.h"

#include "fmgr.h"

#include "arguments.h"
#include "events.h"
#include "input.h"
#include "json.h"
#include "roles.h"
#include "users.h"

PG_FUNCTION_INFO_V1(authfort_add_role);
PG_FUNCTION_INFO_V1(authfort_remove_role);
PG_FUNCTION_INFO_V1(authfort_get_roles);
PG_FUNCTION_INFO_V1(authfort_user_has_role);

/*
 * add_role() and remove_role(): with "immediate", access tokens that were
 * issued with the other roles stop being current.
 */
static void
change_role(FunctionCallInfo fcinfo, bool (*change) (const pg_uuid_t *, const char *), EventType type)
{
	pg_uuid_t  *user_id = argument_uuid(fcinfo, 0, "user_id");
	char	   *role = argument_text(fcinfo, 1, "role");
	bool		immediate = argument_bool(fcinfo, 2, "immediate");
	Event		event;

	input_require_role(role);
	users_require_lock(user_id);
	if (!change(user_id, role))
		return;
	if (immediate)
		users_raise_token_version(user_id);
	event_begin(&event, type, user_id, NULL, NULL);
	json_write_string(&event.payload, "role", role);
	event_record(&event);
}

Datum
authfort_add_role(PG_FUNCTION_ARGS)
{
	change_role(fcinfo, roles_insert, EVENT_ROLE_ADDED);
	PG_RETURN_VOID();
}

Datum
authfort_remove_role(PG_FUNCTION_ARGS)
{
	change_role(fcinfo, roles_delete, EVENT_ROLE_REMOVED);
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
