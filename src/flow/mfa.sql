CREATE FUNCTION authfort.mfa_init(user_id uuid, session_id uuid DEFAULT NULL, mfa_token text DEFAULT NULL) RETURNS jsonb
	LANGUAGE c VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
	AS 'MODULE_PATHNAME', 'authfort_mfa_init';
COMMENT ON FUNCTION authfort.mfa_init(uuid, uuid, text) IS 'Creates a secret for an authenticator app (RFC 6238), which the user then confirms.';

CREATE FUNCTION authfort.mfa_confirm(user_id uuid, code text, session_id uuid DEFAULT NULL, mfa_token text DEFAULT NULL,
									 user_agent text DEFAULT NULL, ip_address inet DEFAULT NULL) RETURNS jsonb
	LANGUAGE c VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
	AS 'MODULE_PATHNAME', 'authfort_mfa_confirm';
COMMENT ON FUNCTION authfort.mfa_confirm(uuid, text, uuid, text, text, inet) IS 'Activates an authenticator app with its first code, and returns ten backup codes.';

CREATE FUNCTION authfort.complete_mfa_login(mfa_token text, code text, user_agent text DEFAULT NULL, ip_address inet DEFAULT NULL)
	RETURNS jsonb
	LANGUAGE c VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
	AS 'MODULE_PATHNAME', 'authfort_complete_mfa_login';
COMMENT ON FUNCTION authfort.complete_mfa_login(text, text, text, inet) IS 'Completes a challenged sign-in with a code of the authenticator app or a backup code.';

CREATE FUNCTION authfort.mfa_disable(user_id uuid, code text, session_id uuid DEFAULT NULL,
									 user_agent text DEFAULT NULL, ip_address inet DEFAULT NULL) RETURNS jsonb
	LANGUAGE c VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
	AS 'MODULE_PATHNAME', 'authfort_mfa_disable';
COMMENT ON FUNCTION authfort.mfa_disable(uuid, text, uuid, text, inet) IS 'Deactivates the authenticator app with one of its codes or a backup code.';

CREATE FUNCTION authfort.mfa_regenerate_backup_codes(user_id uuid, code text DEFAULT NULL, session_id uuid DEFAULT NULL,
													 user_agent text DEFAULT NULL, ip_address inet DEFAULT NULL)
	RETURNS jsonb
	LANGUAGE c VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
	AS 'MODULE_PATHNAME', 'authfort_mfa_regenerate_backup_codes';
COMMENT ON FUNCTION authfort.mfa_regenerate_backup_codes(uuid, text, uuid, text, inet) IS 'Replaces a user''s backup codes with ten new ones, given a code of the app or a passkey''s session.';

CREATE FUNCTION authfort.mfa_status(user_id uuid) RETURNS jsonb
	LANGUAGE c STABLE PARALLEL SAFE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
	AS 'MODULE_PATHNAME', 'authfort_mfa_status';
COMMENT ON FUNCTION authfort.mfa_status(uuid) IS 'Returns which second factors a user has, and how many backup codes are left.';

CREATE FUNCTION authfort.mfa_step_up(user_id uuid, session_id uuid, code text,
									 user_agent text DEFAULT NULL, ip_address inet DEFAULT NULL) RETURNS jsonb
	LANGUAGE c VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
	AS 'MODULE_PATHNAME', 'authfort_mfa_step_up';
COMMENT ON FUNCTION authfort.mfa_step_up(uuid, uuid, text, text, inet) IS 'Raises the assurance of a session with a code, and returns new tokens.';

CREATE FUNCTION authfort.reset_mfa(user_id uuid) RETURNS void
	LANGUAGE c VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
	AS 'MODULE_PATHNAME', 'authfort_reset_mfa';
COMMENT ON FUNCTION authfort.reset_mfa(uuid) IS 'Removes all second factors of a user who has lost them.';
