-- These run as their caller, who is given fetches only as a member of
-- authfort_fetch, and take the privileges of their owner themselves.
CREATE FUNCTION authfort.http(method text, path text, query text DEFAULT NULL, headers jsonb DEFAULT NULL,
							  body text DEFAULT NULL, ip_address inet DEFAULT NULL,
							  OUT status integer, OUT headers jsonb, OUT body text, OUT "fetch" jsonb)
	LANGUAGE c VOLATILE SET search_path = pg_catalog, pg_temp
	AS 'MODULE_PATHNAME', 'authfort_http';
COMMENT ON FUNCTION authfort.http(text, text, text, jsonb, text, inet) IS 'Answers an HTTP request.';

CREATE FUNCTION authfort.http_request(method text, path text, query text, headers text[], body text, ip_address inet,
									  OUT status integer, OUT headers text[], OUT body text, OUT "fetch" text[])
	LANGUAGE c VOLATILE SET search_path = pg_catalog, pg_temp
	AS 'MODULE_PATHNAME', 'authfort_http_request';
COMMENT ON FUNCTION authfort.http_request(text, text, text, text[], text, inet) IS 'Answers an HTTP request whose headers are an array of names and values.';

CREATE FUNCTION authfort.http_resume(resume text, status integer, headers jsonb, body text,
									 OUT status integer, OUT headers jsonb, OUT body text, OUT "fetch" jsonb)
	LANGUAGE c VOLATILE SET search_path = pg_catalog, pg_temp
	AS 'MODULE_PATHNAME', 'authfort_http_resume';
COMMENT ON FUNCTION authfort.http_resume(text, integer, jsonb, text) IS 'Continues an HTTP request with the answer to its fetch.';

CREATE FUNCTION authfort.http_resume_request(resume text, status integer, headers text[], body text,
											 OUT status integer, OUT headers text[], OUT body text, OUT "fetch" text[])
	LANGUAGE c VOLATILE SET search_path = pg_catalog, pg_temp
	AS 'MODULE_PATHNAME', 'authfort_http_resume_request';
COMMENT ON FUNCTION authfort.http_resume_request(text, integer, text[], text) IS 'Continues an HTTP request with the answer to its fetch, whose headers are an array of names and values.';
