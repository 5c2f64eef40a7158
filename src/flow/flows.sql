CREATE FUNCTION authfort.signup(email text, password text, name text DEFAULT NULL,
								avatar_url text DEFAULT NULL, phone text DEFAULT NULL,
								user_agent text DEFAULT NULL, ip_address inet DEFAULT NULL)
	RETURNS jsonb
	LANGUAGE c VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
	AS 'MODULE_PATHNAME', 'authfort_signup';
COMMENT ON FUNCTION authfort.signup(text, text, text, text, text, text, inet) IS 'Makes an account and signs it in. Returns {user, tokens}, or a refusal {error, message, status}: signup_disabled, user_exists, rate_limit_exceeded, server_busy, password_pwned, invalid_email, invalid_name, invalid_avatar_url, invalid_phone, password_too_short, password_too_long (over 1024 bytes). With authfort.hide_accounts on it signs nobody in, and returns the refusal email_not_verified for a new email, whose account is made, and, in the same time, for a taken one, whose owner gets a message signup_attempt. Raises null_value_not_allowed.';

CREATE FUNCTION authfort.create_user(email text, password text DEFAULT NULL, name text DEFAULT NULL,
									 avatar_url text DEFAULT NULL, phone text DEFAULT NULL,
									 email_verified boolean DEFAULT false, roles text[] DEFAULT '{}')
	RETURNS jsonb
	LANGUAGE c VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
	AS 'MODULE_PATHNAME', 'authfort_create_user';
COMMENT ON FUNCTION authfort.create_user(text, text, text, text, text, boolean, text[]) IS 'Makes an account, also with signup off, and returns the user. Without a password it cannot log in with one. Raises, with the code as DETAIL, unique_violation for a taken email, insufficient_resources where it was not one''s turn to hash in time (server_busy), and invalid_parameter_value for what else authfort.signup() refuses, and for roles that authfort.add_role() would refuse.';

CREATE FUNCTION authfort.login(email text, password text, user_agent text DEFAULT NULL, ip_address inet DEFAULT NULL)
	RETURNS jsonb
	LANGUAGE c VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
	AS 'MODULE_PATHNAME', 'authfort_login';
COMMENT ON FUNCTION authfort.login(text, text, text, inet) IS 'Signs in with a password. Returns {user, tokens}, or a refusal {error, message, status}: invalid_credentials, no_password (with authfort.hide_accounts on, invalid_credentials), user_banned (only with the right password), rate_limit_exceeded, server_busy. An unknown email, an account without a password and a wrong password take the same time.';

CREATE FUNCTION authfort.refresh(refresh_token text, access_token text DEFAULT NULL,
								 user_agent text DEFAULT NULL, ip_address inet DEFAULT NULL)
	RETURNS jsonb
	LANGUAGE c VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
	AS 'MODULE_PATHNAME', 'authfort_refresh';
COMMENT ON FUNCTION authfort.refresh(text, text, text, inet) IS 'Exchanges a refresh token for its successor and a new access token. One that was replaced within authfort.refresh_grace gives the current token again. The one that was exchanged for the current token may come back at any time, as after a lost answer: it gets another successor, and the one before is dead. Any other old token is proof of theft and revokes what authfort.refresh_reuse_action says. An access token, if given, has to be of the same session. Returns {user, tokens}, or a refusal: refresh_token_missing, refresh_token_invalid, refresh_token_expired, refresh_token_revoked, refresh_token_mismatch, user_banned.';

CREATE FUNCTION authfort.logout(refresh_token text, user_agent text DEFAULT NULL, ip_address inet DEFAULT NULL)
	RETURNS void
	LANGUAGE c VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
	AS 'MODULE_PATHNAME', 'authfort_logout';
COMMENT ON FUNCTION authfort.logout(text, text, inet) IS 'Ends the session of a refresh token; silent for one that is unknown.';
