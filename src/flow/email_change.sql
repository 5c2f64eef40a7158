CREATE FUNCTION authfort.request_email_change(user_id uuid, new_email text, user_agent text DEFAULT NULL,
											  ip_address inet DEFAULT NULL)
	RETURNS jsonb
	LANGUAGE c VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
	AS 'MODULE_PATHNAME', 'authfort_request_email_change';
COMMENT ON FUNCTION authfort.request_email_change(uuid, text, text, inet) IS 'Sends a token that changes the email of a user to the new address.';

CREATE FUNCTION authfort.confirm_email_change(token text, session_id uuid DEFAULT NULL, user_agent text DEFAULT NULL,
											  ip_address inet DEFAULT NULL)
	RETURNS jsonb
	LANGUAGE c VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
	AS 'MODULE_PATHNAME', 'authfort_confirm_email_change';
COMMENT ON FUNCTION authfort.confirm_email_change(text, uuid, text, inet) IS 'Changes the email of a user with a token that was sent to the new address.';

CREATE FUNCTION authfort.undo_email_change(token text, user_agent text DEFAULT NULL, ip_address inet DEFAULT NULL)
	RETURNS jsonb
	LANGUAGE c VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
	AS 'MODULE_PATHNAME', 'authfort_undo_email_change';
COMMENT ON FUNCTION authfort.undo_email_change(text, text, inet) IS 'Restores a user''s previous email with a token that was sent to it.';
