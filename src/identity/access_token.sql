-- A token is a secret: the process that logs the client's message has to know
-- that it received one.
CREATE FUNCTION authfort.verify_jwt(token text) RETURNS jsonb
	LANGUAGE c STABLE PARALLEL RESTRICTED AS 'MODULE_PATHNAME', 'authfort_verify_jwt';
COMMENT ON FUNCTION authfort.verify_jwt(text) IS 'Claims of an access token (RFC 7519, RFC 7515) after checking signature, expiry, issuer and audience; reads no table. Raises invalid_authorization_specification (28000), its DETAIL being token_missing, token_invalid or token_expired.';

CREATE FUNCTION authfort.try_verify_jwt(token text) RETURNS jsonb
	LANGUAGE c STABLE PARALLEL RESTRICTED AS 'MODULE_PATHNAME', 'authfort_try_verify_jwt';
COMMENT ON FUNCTION authfort.try_verify_jwt(text) IS 'As authfort.verify_jwt(), but NULL for a token that does not verify.';

CREATE FUNCTION authfort.authenticate(token text) RETURNS jsonb
	LANGUAGE c STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
	AS 'MODULE_PATHNAME', 'authfort_authenticate';
COMMENT ON FUNCTION authfort.authenticate(text) IS 'The user of an access token, after verifying it and asking the tables: the user exists and is not banned, the token version is current, the session is live. Raises invalid_authorization_specification (28000), its DETAIL naming the code.';
