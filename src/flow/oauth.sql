CREATE FUNCTION authfort.oauth_authorize(provider text, redirect_to text DEFAULT NULL, mode text DEFAULT NULL,
										 user_id uuid DEFAULT NULL, code_challenge text DEFAULT NULL,
										 code_challenge_method text DEFAULT NULL,
										 user_agent text DEFAULT NULL, ip_address inet DEFAULT NULL) RETURNS jsonb
	LANGUAGE c VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
	AS 'MODULE_PATHNAME', 'authfort_oauth_authorize';
COMMENT ON FUNCTION authfort.oauth_authorize(text, text, text, uuid, text, text, text, inet) IS 'Begins a sign-in at an OAuth provider, or linking an account there to a user.';

CREATE FUNCTION authfort.oauth_callback(provider text, params jsonb, cookie text,
										user_agent text DEFAULT NULL, ip_address inet DEFAULT NULL) RETURNS jsonb
	LANGUAGE c VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
	AS 'MODULE_PATHNAME', 'authfort_oauth_callback';
COMMENT ON FUNCTION authfort.oauth_callback(text, jsonb, text, text, inet) IS 'Continues a sign-in with the parameters that an OAuth provider passed on by the browser.';

CREATE FUNCTION authfort.oauth_resume(resume text, status integer, headers jsonb, body text) RETURNS jsonb
	LANGUAGE c VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
	AS 'MODULE_PATHNAME', 'authfort_oauth_resume';
COMMENT ON FUNCTION authfort.oauth_resume(text, integer, jsonb, text) IS 'Continues a sign-in at an OAuth provider with the answer to its fetch.';

CREATE FUNCTION authfort.sign_in_with_id_token(provider text, id_token text, nonce text,
											   user_agent text DEFAULT NULL, ip_address inet DEFAULT NULL) RETURNS jsonb
	LANGUAGE c VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
	AS 'MODULE_PATHNAME', 'authfort_sign_in_with_id_token';
COMMENT ON FUNCTION authfort.sign_in_with_id_token(text, text, text, text, inet) IS 'Signs in with an id_token that an app got from an OpenID provider.';

CREATE FUNCTION authfort.exchange_oauth_code(code text, code_verifier text,
											 user_agent text DEFAULT NULL, ip_address inet DEFAULT NULL) RETURNS jsonb
	LANGUAGE c VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
	AS 'MODULE_PATHNAME', 'authfort_exchange_oauth_code';
COMMENT ON FUNCTION authfort.exchange_oauth_code(text, text, text, inet) IS 'Signs in with the one-time code that an app got by a redirect.';

CREATE FUNCTION authfort.unlink_identity(user_id uuid, provider text) RETURNS jsonb
	LANGUAGE c VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
	AS 'MODULE_PATHNAME', 'authfort_unlink_identity';
COMMENT ON FUNCTION authfort.unlink_identity(uuid, text) IS 'Unlinks the accounts that a user has at an OAuth provider.';
