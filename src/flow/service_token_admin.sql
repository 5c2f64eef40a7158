CREATE FUNCTION authfort.create_service_token(name text, scopes text[], secret text DEFAULT NULL) RETURNS text
	LANGUAGE c VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
	AS 'MODULE_PATHNAME', 'authfort_create_service_token';
COMMENT ON FUNCTION authfort.create_service_token(text, text[], text) IS 'Lets a service ask about tokens, and returns its secret.';

CREATE FUNCTION authfort.revoke_service_token(name text) RETURNS boolean
	LANGUAGE c VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
	AS 'MODULE_PATHNAME', 'authfort_revoke_service_token';
COMMENT ON FUNCTION authfort.revoke_service_token(text) IS 'Revokes a service''s secret, and returns whether there was one.';
