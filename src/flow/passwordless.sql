CREATE FUNCTION authfort.create_magic_link_token(email text, redirect_to text DEFAULT NULL, code_challenge text DEFAULT NULL,
												 code_challenge_method text DEFAULT NULL) RETURNS text
	LANGUAGE c VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
	AS 'MODULE_PATHNAME', 'authfort_create_magic_link_token';
COMMENT ON FUNCTION authfort.create_magic_link_token(text, text, text, text) IS 'Creates a one-time token that signs in the user of an email, or returns NULL for an unknown email.';

CREATE FUNCTION authfort.verify_magic_link(token text, user_agent text DEFAULT NULL, ip_address inet DEFAULT NULL)
	RETURNS jsonb
	LANGUAGE c VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
	AS 'MODULE_PATHNAME', 'authfort_verify_magic_link';
COMMENT ON FUNCTION authfort.verify_magic_link(text, text, inet) IS 'Signs in with the token of a magic link.';

CREATE FUNCTION authfort.create_email_otp(email text) RETURNS text
	LANGUAGE c VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
	AS 'MODULE_PATHNAME', 'authfort_create_email_otp';
COMMENT ON FUNCTION authfort.create_email_otp(text) IS 'Creates a one-time code of six digits for the user of an email, or returns NULL for an unknown email.';

CREATE FUNCTION authfort.verify_email_otp(email text, code text, user_agent text DEFAULT NULL, ip_address inet DEFAULT NULL)
	RETURNS jsonb
	LANGUAGE c VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
	AS 'MODULE_PATHNAME', 'authfort_verify_email_otp';
COMMENT ON FUNCTION authfort.verify_email_otp(text, text, text, inet) IS 'Signs in with a code that was mailed.';
