CREATE FUNCTION authfort.signup(email text, password text, name text DEFAULT NULL,
								avatar_url text DEFAULT NULL, phone text DEFAULT NULL,
								user_agent text DEFAULT NULL, ip_address inet DEFAULT NULL)
	RETURNS jsonb
	LANGUAGE c VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
	AS 'MODULE_PATHNAME', 'authfort_signup';
COMMENT ON FUNCTION authfort.signup(text, text, text, text, text, text, inet) IS 'Creates an account and signs its user in.';

CREATE FUNCTION authfort.create_user(email text, password text DEFAULT NULL, name text DEFAULT NULL,
									 avatar_url text DEFAULT NULL, phone text DEFAULT NULL,
									 email_verified boolean DEFAULT false, roles text[] DEFAULT '{}')
	RETURNS jsonb
	LANGUAGE c VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
	AS 'MODULE_PATHNAME', 'authfort_create_user';
COMMENT ON FUNCTION authfort.create_user(text, text, text, text, text, boolean, text[]) IS 'Creates an account for another person and returns the user.';

CREATE FUNCTION authfort.login(email text, password text, user_agent text DEFAULT NULL, ip_address inet DEFAULT NULL)
	RETURNS jsonb
	LANGUAGE c VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
	AS 'MODULE_PATHNAME', 'authfort_login';
COMMENT ON FUNCTION authfort.login(text, text, text, inet) IS 'Signs in with email and password.';

CREATE FUNCTION authfort.refresh(refresh_token text, access_token text DEFAULT NULL,
								 user_agent text DEFAULT NULL, ip_address inet DEFAULT NULL)
	RETURNS jsonb
	LANGUAGE c VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
	AS 'MODULE_PATHNAME', 'authfort_refresh';
COMMENT ON FUNCTION authfort.refresh(text, text, text, inet) IS 'Exchanges a refresh token for its successor and a new access token.';

CREATE FUNCTION authfort.logout(refresh_token text, user_agent text DEFAULT NULL, ip_address inet DEFAULT NULL)
	RETURNS void
	LANGUAGE c VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
	AS 'MODULE_PATHNAME', 'authfort_logout';
COMMENT ON FUNCTION authfort.logout(text, text, inet) IS 'Ends the session of a refresh token.';
