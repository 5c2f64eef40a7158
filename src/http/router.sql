CREATE FUNCTION authfort.routes() RETURNS TABLE (name text, method text, path text, access text)
	LANGUAGE c STABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'authfort_routes';
COMMENT ON FUNCTION authfort.routes() IS 'The routes that authfort.http() serves: the name of the function in schema authfort_api that serves each through PostgREST, its method, its path, in which a segment {name} stands for any one segment, and who may use it: open, signed_in or admin.';

CREATE FUNCTION authfort.http(method text, path text, query text DEFAULT NULL, headers jsonb DEFAULT NULL,
							  body text DEFAULT NULL, ip_address inet DEFAULT NULL,
							  OUT status integer, OUT headers jsonb, OUT body text)
	LANGUAGE c VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
	AS 'MODULE_PATHNAME', 'authfort_http';
COMMENT ON FUNCTION authfort.http(text, text, text, jsonb, text, inet) IS 'Answers an HTTP request. headers is an object, or an array of objects so that names can repeat; the path is as sent, without the query. Returns the status, the headers as an array of single-key objects, and the body, NULL for none. Refusals are answers; only misuse and failures raise.';

CREATE FUNCTION authfort.http_request(method text, path text, query text, headers text[], body text, ip_address inet,
									  OUT status integer, OUT headers text[], OUT body text)
	LANGUAGE c VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
	AS 'MODULE_PATHNAME', 'authfort_http_request';
COMMENT ON FUNCTION authfort.http_request(text, text, text, text[], text, inet) IS 'Answers an HTTP request as authfort.http() does, for gateways that need no JSON: headers are an array, in which each name is followed by its value, in both directions.';
