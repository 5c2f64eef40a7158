CREATE FUNCTION authfort.routes() RETURNS TABLE (name text, method text, path text, access text)
	LANGUAGE c STABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'authfort_routes';
COMMENT ON FUNCTION authfort.routes() IS 'Returns the routes that authfort.http() serves.';
