/*
 * roles.c
 *		What users may do: table authfort.user_roles.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "utils/builtins.h"

#include "plan.h"
#include "roles.h"

static bool
change(SavedPlan *plan, const pg_uuid_t *user_id, const char *role, int expected)
{
	Datum		values[2] = {UUIDPGetDatum(user_id), CStringGetTextDatum(role)};
	bool		changed;

	plan_open();
	changed = plan_run(plan, values, NULL, expected) > 0;
	plan_close();
	return changed;
}

bool
roles_insert(const pg_uuid_t *user_id, const char *role)
{
	static SavedPlan plan = {
		"INSERT INTO authfort.user_roles (user_id, role) VALUES ($1, $2)"
		" ON CONFLICT (user_id, role) DO NOTHING",
		2, {UUIDOID, TEXTOID}
	};

	return change(&plan, user_id, role, SPI_OK_INSERT);
}

bool
roles_delete(const pg_uuid_t *user_id, const char *role)
{
	static SavedPlan plan = {
		"DELETE FROM authfort.user_roles"
		" WHERE user_id OPERATOR(pg_catalog.=) $1 AND role OPERATOR(pg_catalog.=) $2",
		2, {UUIDOID, TEXTOID}
	};

	return change(&plan, user_id, role, SPI_OK_DELETE);
}

void
roles_delete_all(const pg_uuid_t *user_id)
{
	static SavedPlan plan = {
		"DELETE FROM authfort.user_roles WHERE user_id OPERATOR(pg_catalog.=) $1",
		1, {UUIDOID}
	};

	plan_run_by_id(&plan, user_id, SPI_OK_DELETE);
}
