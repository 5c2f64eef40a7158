CREATE FUNCTION authfort.get_user(user_id uuid, include_deleted boolean DEFAULT false) RETURNS jsonb
	LANGUAGE c STABLE PARALLEL SAFE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
	AS 'MODULE_PATHNAME', 'authfort_get_user';
COMMENT ON FUNCTION authfort.get_user(uuid, boolean) IS 'Returns a user.';

CREATE FUNCTION authfort.list_users(query text DEFAULT NULL, banned boolean DEFAULT NULL, role text DEFAULT NULL,
									include_deleted boolean DEFAULT false, sort_by text DEFAULT 'created_at',
									sort_order text DEFAULT 'desc', limit_ integer DEFAULT 50,
									offset_ integer DEFAULT 0)
	RETURNS jsonb
	LANGUAGE c STABLE PARALLEL SAFE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
	AS 'MODULE_PATHNAME', 'authfort_list_users';
COMMENT ON FUNCTION authfort.list_users(text, boolean, text, boolean, text, text, integer, integer) IS 'Returns a page of users, as {users, total, limit, offset}.';

CREATE FUNCTION authfort.get_user_count(query text DEFAULT NULL, banned boolean DEFAULT NULL, role text DEFAULT NULL,
										include_deleted boolean DEFAULT false)
	RETURNS bigint
	LANGUAGE c STABLE PARALLEL SAFE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
	AS 'MODULE_PATHNAME', 'authfort_get_user_count';
COMMENT ON FUNCTION authfort.get_user_count(text, boolean, text, boolean) IS 'Returns the number of users that authfort.list_users() finds.';

CREATE FUNCTION authfort.update_user(user_id uuid, changes jsonb) RETURNS jsonb
	LANGUAGE c VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
	AS 'MODULE_PATHNAME', 'authfort_update_user';
COMMENT ON FUNCTION authfort.update_user(uuid, jsonb) IS 'Changes a user and returns it.';

CREATE FUNCTION authfort.delete_user(user_id uuid, hard boolean DEFAULT false) RETURNS void
	LANGUAGE c VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
	AS 'MODULE_PATHNAME', 'authfort_delete_user';
COMMENT ON FUNCTION authfort.delete_user(uuid, boolean) IS 'Deletes an account.';

CREATE FUNCTION authfort.ban_user(user_id uuid) RETURNS void
	LANGUAGE c VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
	AS 'MODULE_PATHNAME', 'authfort_ban_user';
COMMENT ON FUNCTION authfort.ban_user(uuid) IS 'Bans a user from signing in, and ends all sessions and access tokens.';

CREATE FUNCTION authfort.unban_user(user_id uuid) RETURNS void
	LANGUAGE c VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
	AS 'MODULE_PATHNAME', 'authfort_unban_user';
COMMENT ON FUNCTION authfort.unban_user(uuid) IS 'Lets a banned user sign in again.';
