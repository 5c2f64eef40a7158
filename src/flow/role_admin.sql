CREATE FUNCTION authfort.add_role(user_id uuid, role text, immediate boolean DEFAULT true) RETURNS void
	LANGUAGE c VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
	AS 'MODULE_PATHNAME', 'authfort_add_role';
COMMENT ON FUNCTION authfort.add_role(uuid, text, boolean) IS 'Gives a user a role.';

CREATE FUNCTION authfort.remove_role(user_id uuid, role text, immediate boolean DEFAULT true) RETURNS void
	LANGUAGE c VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
	AS 'MODULE_PATHNAME', 'authfort_remove_role';
COMMENT ON FUNCTION authfort.remove_role(uuid, text, boolean) IS 'Removes a role from a user.';

CREATE FUNCTION authfort.get_roles(user_id uuid) RETURNS text[]
	LANGUAGE c STABLE PARALLEL SAFE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
	AS 'MODULE_PATHNAME', 'authfort_get_roles';
COMMENT ON FUNCTION authfort.get_roles(uuid) IS 'Returns the roles of a user, in order.';

CREATE FUNCTION authfort.user_has_role(user_id uuid, role text) RETURNS boolean
	LANGUAGE c STABLE PARALLEL SAFE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
	AS 'MODULE_PATHNAME', 'authfort_user_has_role';
COMMENT ON FUNCTION authfort.user_has_role(uuid, text) IS 'Returns whether a user has a role now.';

CREATE FUNCTION authfort.role_members(of_role text DEFAULT NULL)
	RETURNS TABLE (role text, user_id uuid, email text, granted_at timestamptz)
	LANGUAGE sql STABLE PARALLEL SAFE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
	SELECT r.role, r.user_id, u.email, r.granted_at
	FROM authfort.user_roles r JOIN authfort.users u ON u.id OPERATOR(pg_catalog.=) r.user_id
	WHERE of_role IS NULL OR r.role OPERATOR(pg_catalog.=) pg_catalog.normalize(of_role)
	ORDER BY r.role, u.email
$$;
COMMENT ON FUNCTION authfort.role_members(text) IS 'Returns the users who have a role, or all roles with their users.';
