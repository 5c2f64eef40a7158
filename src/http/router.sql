CREATE FUNCTION authfort.routes() RETURNS TABLE (name text, method text, path text, access text)
	LANGUAGE c STABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'authfort_routes';
COMMENT ON FUNCTION authfort.routes() IS 'Returns the routes that authfort.http() serves.';

CREATE FUNCTION authfort.http(method text, path text, query text DEFAULT NULL, headers jsonb DEFAULT NULL,
							  body text DEFAULT NULL, ip_address inet DEFAULT NULL,
							  OUT status integer, OUT headers jsonb, OUT body text)
	LANGUAGE c VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
	AS 'MODULE_PATHNAME', 'authfort_http';
COMMENT ON FUNCTION authfort.http(text, text, text, jsonb, text, inet) IS 'Answers an HTTP request.';

CREATE FUNCTION authfort.http_request(method text, path text, query text, headers text[], body text, ip_address inet,
									  OUT status integer, OUT headers text[], OUT body text)
	LANGUAGE c VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
	AS 'MODULE_PATHNAME', 'authfort_http_request';
COMMENT ON FUNCTION authfort.http_request(text, text, text, text[], text, inet) IS 'Answers an HTTP request whose headers are an array of names and values.';
