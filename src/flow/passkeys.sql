CREATE FUNCTION authfort.passkey_register_begin(user_id uuid, session_id uuid DEFAULT NULL, mfa_token text DEFAULT NULL)
	RETURNS jsonb
	LANGUAGE c VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
	AS 'MODULE_PATHNAME', 'authfort_passkey_register_begin';
COMMENT ON FUNCTION authfort.passkey_register_begin(uuid, uuid, text) IS 'Returns the options with which a browser creates a passkey for a user.';

CREATE FUNCTION authfort.passkey_register_finish(user_id uuid, credential jsonb, name text DEFAULT NULL,
												 session_id uuid DEFAULT NULL, mfa_token text DEFAULT NULL,
												 user_agent text DEFAULT NULL, ip_address inet DEFAULT NULL)
	RETURNS jsonb
	LANGUAGE c VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
	AS 'MODULE_PATHNAME', 'authfort_passkey_register_finish';
COMMENT ON FUNCTION authfort.passkey_register_finish(uuid, jsonb, text, uuid, text, text, inet) IS 'Adds a passkey that a browser has created, and returns it.';

CREATE FUNCTION authfort.passkey_login_begin(email text DEFAULT NULL) RETURNS jsonb
	LANGUAGE c VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
	AS 'MODULE_PATHNAME', 'authfort_passkey_login_begin';
COMMENT ON FUNCTION authfort.passkey_login_begin(text) IS 'Returns the options with which a browser signs in with any passkey of its user.';

CREATE FUNCTION authfort.passkey_login_finish(credential jsonb, user_agent text DEFAULT NULL,
											  ip_address inet DEFAULT NULL) RETURNS jsonb
	LANGUAGE c VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
	AS 'MODULE_PATHNAME', 'authfort_passkey_login_finish';
COMMENT ON FUNCTION authfort.passkey_login_finish(jsonb, text, inet) IS 'Signs in with the response of a browser to a passkey challenge.';

CREATE FUNCTION authfort.passkey_mfa_begin(mfa_token text) RETURNS jsonb
	LANGUAGE c VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
	AS 'MODULE_PATHNAME', 'authfort_passkey_mfa_begin';
COMMENT ON FUNCTION authfort.passkey_mfa_begin(text) IS 'Returns the options with which a browser completes a sign-in with a passkey.';

CREATE FUNCTION authfort.passkey_mfa_finish(mfa_token text, credential jsonb, user_agent text DEFAULT NULL,
											ip_address inet DEFAULT NULL) RETURNS jsonb
	LANGUAGE c VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
	AS 'MODULE_PATHNAME', 'authfort_passkey_mfa_finish';
COMMENT ON FUNCTION authfort.passkey_mfa_finish(text, jsonb, text, inet) IS 'Completes a sign-in with the response of a browser to a passkey challenge.';

CREATE FUNCTION authfort.passkey_step_up_begin(session_id uuid) RETURNS jsonb
	LANGUAGE c VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
	AS 'MODULE_PATHNAME', 'authfort_passkey_step_up_begin';
COMMENT ON FUNCTION authfort.passkey_step_up_begin(uuid) IS 'Returns the options with which a browser raises the assurance of a session with a passkey.';

CREATE FUNCTION authfort.passkey_step_up_finish(session_id uuid, credential jsonb, user_agent text DEFAULT NULL,
											ip_address inet DEFAULT NULL) RETURNS jsonb
	LANGUAGE c VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
	AS 'MODULE_PATHNAME', 'authfort_passkey_step_up_finish';
COMMENT ON FUNCTION authfort.passkey_step_up_finish(uuid, jsonb, text, inet) IS 'Raises the assurance of a session with a passkey, and returns new tokens.';

CREATE FUNCTION authfort.passkey_reauthenticate_begin(session_id uuid) RETURNS jsonb
	LANGUAGE c VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
	AS 'MODULE_PATHNAME', 'authfort_passkey_reauthenticate_begin';
COMMENT ON FUNCTION authfort.passkey_reauthenticate_begin(uuid) IS 'Returns the options with which the user of a session authenticates again with a passkey.';

CREATE FUNCTION authfort.passkey_reauthenticate_finish(session_id uuid, credential jsonb, user_agent text DEFAULT NULL,
											ip_address inet DEFAULT NULL) RETURNS jsonb
	LANGUAGE c VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
	AS 'MODULE_PATHNAME', 'authfort_passkey_reauthenticate_finish';
COMMENT ON FUNCTION authfort.passkey_reauthenticate_finish(uuid, jsonb, text, inet) IS 'Authenticates the user of a session again with a passkey, so that it may change credentials.';

CREATE FUNCTION authfort.rename_passkey(user_id uuid, id bytea, name text) RETURNS boolean
	LANGUAGE c VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
	AS 'MODULE_PATHNAME', 'authfort_rename_passkey';
COMMENT ON FUNCTION authfort.rename_passkey(uuid, bytea, text) IS 'Renames a passkey of a user, and returns whether it exists.';

CREATE FUNCTION authfort.delete_passkey(user_id uuid, id bytea) RETURNS boolean
	LANGUAGE c VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
	AS 'MODULE_PATHNAME', 'authfort_delete_passkey';
COMMENT ON FUNCTION authfort.delete_passkey(uuid, bytea) IS 'Removes a passkey of a user, and returns whether it existed.';
