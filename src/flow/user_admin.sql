CREATE FUNCTION authfort.get_user(user_id uuid, include_deleted boolean DEFAULT false) RETURNS jsonb
	LANGUAGE c STABLE PARALLEL SAFE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
	AS 'MODULE_PATHNAME', 'authfort_get_user';
COMMENT ON FUNCTION authfort.get_user(uuid, boolean) IS 'A user, and with deleted also one that was deleted. Raises undefined_object for an unknown user.';

CREATE FUNCTION authfort.list_users(query text DEFAULT NULL, banned boolean DEFAULT NULL, role text DEFAULT NULL,
									include_deleted boolean DEFAULT false, sort_by text DEFAULT 'created_at',
									sort_order text DEFAULT 'desc', limit_ integer DEFAULT 50,
									offset_ integer DEFAULT 0)
	RETURNS jsonb
	LANGUAGE c STABLE PARALLEL SAFE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
	AS 'MODULE_PATHNAME', 'authfort_list_users';
COMMENT ON FUNCTION authfort.list_users(text, boolean, text, boolean, text, text, integer, integer) IS 'Users whose email or name has "query" in it, whatever the case, and who are banned, have the role; with deleted also those that were deleted. sort_by is created_at, email or name, sort_order asc or desc, max_users 1 to 1000. Returns {users, total, limit, offset}, total being the number over all pages. Raises invalid_parameter_value for other values.';

CREATE FUNCTION authfort.get_user_count(query text DEFAULT NULL, banned boolean DEFAULT NULL, role text DEFAULT NULL,
										include_deleted boolean DEFAULT false)
	RETURNS bigint
	LANGUAGE c STABLE PARALLEL SAFE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
	AS 'MODULE_PATHNAME', 'authfort_get_user_count';
COMMENT ON FUNCTION authfort.get_user_count(text, boolean, text, boolean) IS 'The number of users that authfort.list_users() would find.';

CREATE FUNCTION authfort.update_user(user_id uuid, changes jsonb) RETURNS jsonb
	LANGUAGE c VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
	AS 'MODULE_PATHNAME', 'authfort_update_user';
COMMENT ON FUNCTION authfort.update_user(uuid, jsonb) IS 'Changes the named members, of email, name, avatar_url, phone and email_verified, and returns the user; null clears name, avatar_url and phone. A new email is not verified unless email_verified says so. Raises undefined_object for an unknown user, unique_violation for a taken email, invalid_parameter_value, with the code as DETAIL, for no member, another member, or a value that is refused.';

CREATE FUNCTION authfort.delete_user(user_id uuid, hard boolean DEFAULT false) RETURNS void
	LANGUAGE c VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
	AS 'MODULE_PATHNAME', 'authfort_delete_user';
COMMENT ON FUNCTION authfort.delete_user(uuid, boolean) IS 'Deletes an account: row and id stay for foreign keys, but what identifies the person, the password, roles and sessions go, and the email is free again; silent if it was done before. With hard the row goes, and what foreign keys with ON DELETE CASCADE refer to it with. Raises foreign_key_violation with DETAIL user_in_use where another foreign key forbids a hard delete. Events stay as they were until authfort.event_retention. Raises undefined_object for an unknown user.';

CREATE FUNCTION authfort.ban_user(user_id uuid) RETURNS void
	LANGUAGE c VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
	AS 'MODULE_PATHNAME', 'authfort_ban_user';
COMMENT ON FUNCTION authfort.ban_user(uuid) IS 'Keeps a user from signing in, and ends all sessions and access tokens; silent if it was done before. Raises undefined_object for an unknown user.';

CREATE FUNCTION authfort.unban_user(user_id uuid) RETURNS void
	LANGUAGE c VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
	AS 'MODULE_PATHNAME', 'authfort_unban_user';
COMMENT ON FUNCTION authfort.unban_user(uuid) IS 'Lets a user sign in again; silent if the user was not banned. Raises undefined_object for an unknown user.';
