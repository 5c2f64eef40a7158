CREATE FUNCTION authfort.create_email_verification_token(user_id uuid) RETURNS text
	LANGUAGE c VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
	AS 'MODULE_PATHNAME', 'authfort_create_email_verification_token';
COMMENT ON FUNCTION authfort.create_email_verification_token(uuid) IS 'Creates a one-time token that verifies a user''s address, or returns NULL if the address is verified.';

CREATE FUNCTION authfort.verify_email(token text, session_id uuid DEFAULT NULL) RETURNS jsonb
	LANGUAGE c VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
	AS 'MODULE_PATHNAME', 'authfort_verify_email';
COMMENT ON FUNCTION authfort.verify_email(text, uuid) IS 'Verifies the address of a user with a token.';
