-- A token is a secret: the process that logs the client's message has to know
-- that it received one.
CREATE FUNCTION authfort.verify_jwt(token text) RETURNS jsonb
	LANGUAGE c STABLE PARALLEL RESTRICTED AS 'MODULE_PATHNAME', 'authfort_verify_jwt';
COMMENT ON FUNCTION authfort.verify_jwt(text) IS 'Verifies an access token (RFC 7519, RFC 7515) and returns its claims.';

CREATE FUNCTION authfort.try_verify_jwt(token text) RETURNS jsonb
	LANGUAGE c STABLE PARALLEL RESTRICTED AS 'MODULE_PATHNAME', 'authfort_try_verify_jwt';
COMMENT ON FUNCTION authfort.try_verify_jwt(text) IS 'Returns the claims of an access token, or NULL if it is invalid.';

CREATE FUNCTION authfort.authenticate(token text) RETURNS jsonb
	LANGUAGE c STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
	AS 'MODULE_PATHNAME', 'authfort_authenticate';
COMMENT ON FUNCTION authfort.authenticate(text) IS 'Verifies an access token, also against the tables, and returns its user.';
