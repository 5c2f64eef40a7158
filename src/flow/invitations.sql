CREATE FUNCTION authfort.invite_user(email text, roles text[] DEFAULT '{}', name text DEFAULT NULL, app_metadata jsonb DEFAULT NULL)
	RETURNS jsonb
	LANGUAGE c VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
	AS 'MODULE_PATHNAME', 'authfort_invite_user';
COMMENT ON FUNCTION authfort.invite_user(text, text[], text, jsonb) IS 'Creates an account that its user activates through a message, and returns the user.';

CREATE FUNCTION authfort.accept_invitation(token text, password text DEFAULT NULL, user_agent text DEFAULT NULL, ip_address inet DEFAULT NULL)
	RETURNS jsonb
	LANGUAGE c VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
	AS 'MODULE_PATHNAME', 'authfort_accept_invitation';
COMMENT ON FUNCTION authfort.accept_invitation(text, text, text, inet) IS 'Activates an account with the token of an invitation, and signs its user in.';

CREATE FUNCTION authfort.generate_link(kind text, email text) RETURNS jsonb
	LANGUAGE c VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
	AS 'MODULE_PATHNAME', 'authfort_generate_link';
COMMENT ON FUNCTION authfort.generate_link(text, text) IS 'Creates the link of a message, for an admin who delivers it by other means.';
