CREATE FUNCTION authfort.create_password_reset_token(email text) RETURNS text
	LANGUAGE c VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
	AS 'MODULE_PATHNAME', 'authfort_create_password_reset_token';
COMMENT ON FUNCTION authfort.create_password_reset_token(text) IS 'Makes a token that resets the password of the account with that email, once, within authfort.password_reset_ttl, in place of an earlier one of this function; the caller sends it, and limits how often. NULL if there is no such account, in the same time. (POST /auth/forgot-password puts the token into authfort.outbox instead.)';

CREATE FUNCTION authfort.reset_password(token text, new_password text) RETURNS jsonb
	LANGUAGE c VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
	AS 'MODULE_PATHNAME', 'authfort_reset_password';
COMMENT ON FUNCTION authfort.reset_password(text, text) IS 'Sets a new password by a token of authfort.create_password_reset_token(), and ends all sessions and access tokens of the user. Returns {"ok": true}, or a refusal {error, message, status}: invalid_reset_token, password_too_short, password_too_long, password_pwned, password_unchanged, password_reused; the token then still counts, unless it did not.';

CREATE FUNCTION authfort.change_password(user_id uuid, old_password text, new_password text,
										 session_id uuid DEFAULT NULL, user_agent text DEFAULT NULL, ip_address inet DEFAULT NULL)
	RETURNS jsonb
	LANGUAGE c VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
	AS 'MODULE_PATHNAME', 'authfort_change_password';
COMMENT ON FUNCTION authfort.change_password(uuid, text, text, uuid, text, inet) IS 'Sets a new password by the old one, and ends all sessions and access tokens of the user, except the session session_id if given, which goes on with new tokens. Returns {"ok": true}, with user and tokens for a session that goes on, or a refusal {error, message, status}: rate_limit_exceeded, no_password, invalid_password, server_busy, password_too_short, password_too_long, password_pwned, password_unchanged, password_reused. Raises undefined_object for an unknown user.';

CREATE FUNCTION authfort.set_password(user_id uuid, new_password text, session_id uuid DEFAULT NULL) RETURNS jsonb
	LANGUAGE c VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
	AS 'MODULE_PATHNAME', 'authfort_set_password';
COMMENT ON FUNCTION authfort.set_password(uuid, text, uuid) IS 'Sets the first password of a user who has none, and ends all sessions and access tokens, except the session session_id if given, which goes on with new tokens. Returns {"ok": true}, with user and tokens for a session that goes on, or a refusal {error, message, status}: password_already_set, server_busy, password_too_short, password_too_long, password_pwned, password_reused. Raises undefined_object for an unknown user.';
