/*
 * roles.c
 *		What users may do: table authfort.user_roles.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "utils/builtins.h"

#include "base/spi_query.h"
#include "domain/roles.h"
#include "domain/user_rows.h"
#include "domain/users.h"

char **
roles_of(const pg_uuid_t *user_id, int *count)
{
	static SpiQuery query = {"SELECT " ROLES_OF_USER("$1"), 1, {UUIDOID}};
	Datum value = UUIDPGetDatum(user_id);

	return spi_query_run_for_texts(&query, &value, count);
}

const Refusal *
roles_check_total(char *const *roles, int count)
{
	size_t bytes = 0;

	if (count > USER_ROLES_MAX)
		return &refusal_too_many_roles;
	for (int i = 0; i < count; i++)
		bytes += strlen(roles[i]);
	return (bytes > USER_ROLES_MAX_BYTES) ? &refusal_too_many_roles : NULL;
}

static bool
change_user_role(SpiQuery *query, const pg_uuid_t *user_id, const char *role, int expected)
{
	Datum values[2] = {UUIDPGetDatum(user_id), CStringGetTextDatum(role)};

	return spi_query_run_alone(query, values, NULL, expected) > 0;
}

bool
roles_insert(const pg_uuid_t *user_id, const char *role)
{
	static SpiQuery query = {
		"INSERT INTO authfort.user_roles (user_id, role) SELECT u.id, $2" FROM_USER("$1") " ON CONFLICT (user_id, role) DO NOTHING", 2, {UUIDOID, TEXTOID},
	};

	return change_user_role(&query, user_id, role, SPI_OK_INSERT);
}

bool
roles_delete(const pg_uuid_t *user_id, const char *role)
{
	static SpiQuery query = {
		"DELETE FROM authfort.user_roles"
		" WHERE user_id OPERATOR(pg_catalog.=) $1 AND role OPERATOR(pg_catalog.=) $2",
		2,
		{UUIDOID, TEXTOID},
	};

	return change_user_role(&query, user_id, role, SPI_OK_DELETE);
}

void
roles_delete_all(const pg_uuid_t *user_id)
{
	static UserRows rows = {"authfort.user_roles"};

	user_rows_delete(&rows, user_id);
}
