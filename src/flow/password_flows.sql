CREATE FUNCTION authfort.create_password_reset_token(email text) RETURNS text
	LANGUAGE c VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
	AS 'MODULE_PATHNAME', 'authfort_create_password_reset_token';
COMMENT ON FUNCTION authfort.create_password_reset_token(text) IS 'Creates a one-time token that resets the password of an account, or returns NULL for an unknown email.';

CREATE FUNCTION authfort.reset_password(token text, new_password text) RETURNS jsonb
	LANGUAGE c VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
	AS 'MODULE_PATHNAME', 'authfort_reset_password';
COMMENT ON FUNCTION authfort.reset_password(text, text) IS 'Sets a new password with a reset token, and ends all sessions and access tokens of the user.';

CREATE FUNCTION authfort.change_password(user_id uuid, old_password text, new_password text,
										 session_id uuid DEFAULT NULL, user_agent text DEFAULT NULL, ip_address inet DEFAULT NULL)
	RETURNS jsonb
	LANGUAGE c VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
	AS 'MODULE_PATHNAME', 'authfort_change_password';
COMMENT ON FUNCTION authfort.change_password(uuid, text, text, uuid, text, inet) IS 'Changes the password after a check of the old one, and ends all sessions and access tokens of the user.';

CREATE FUNCTION authfort.set_password(user_id uuid, new_password text, session_id uuid DEFAULT NULL) RETURNS jsonb
	LANGUAGE c VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
	AS 'MODULE_PATHNAME', 'authfort_set_password';
COMMENT ON FUNCTION authfort.set_password(uuid, text, uuid) IS 'Sets the first password of a user without one, and ends all sessions and access tokens.';
