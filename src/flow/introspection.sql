CREATE FUNCTION authfort.introspect(token text) RETURNS jsonb
	LANGUAGE c STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
	AS 'MODULE_PATHNAME', 'authfort_introspect';
COMMENT ON FUNCTION authfort.introspect(text) IS 'Returns whether an access or refresh token is valid now, and whose it is.';
