CREATE FUNCTION authfort.reauthenticate(session_id uuid, method text, secret text, user_agent text DEFAULT NULL,
										ip_address inet DEFAULT NULL)
	RETURNS jsonb
	LANGUAGE c VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
	AS 'MODULE_PATHNAME', 'authfort_reauthenticate';
COMMENT ON FUNCTION authfort.reauthenticate(uuid, text, text, text, inet) IS 'Authenticates the user of a session again, so that the session may change credentials.';

CREATE FUNCTION authfort.create_reauthentication_code(session_id uuid) RETURNS text
	LANGUAGE c VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
	AS 'MODULE_PATHNAME', 'authfort_create_reauthentication_code';
COMMENT ON FUNCTION authfort.create_reauthentication_code(uuid) IS 'Creates a code with which the user of a session can authenticate again, or returns NULL.';
