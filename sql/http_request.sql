-- authfort.http_request(): what authfort.http() answers, with headers as an array.
SELECT FROM authfort.create_user('a@example.com', 'correct horse');
CREATE FUNCTION pg_temp.login(headers text[]) RETURNS TABLE (status integer, headers text[], error text)
	LANGUAGE sql AS $$
	SELECT r.status, r.headers, r.body::jsonb #>> '{detail,error}'
	FROM authfort.http_request('POST', '/auth/login', NULL, $1,
							   '{"email": "a@example.com", "password": "correct horse"}', '192.0.2.1') r $$;
SELECT status, error FROM pg_temp.login('{Content-Type,application/json}');
SELECT status, error FROM pg_temp.login('{content-type,text/plain}');
SELECT status, error FROM pg_temp.login('{}');
SELECT status, error FROM pg_temp.login(NULL);
-- the first of a name counts; of proxies' addresses all count
SELECT status FROM pg_temp.login('{content-type,application/json,CONTENT-TYPE,text/plain}');
SET authfort.trusted_proxies = '192.0.2.0/24';
SELECT FROM pg_temp.login('{content-type,application/json,x-forwarded-for,203.0.113.9,X-Forwarded-For,192.0.2.7}');
SELECT ip_address FROM authfort.sessions ORDER BY created_at DESC LIMIT 1;
RESET authfort.trusted_proxies;
-- the same headers as the other function, in their order
SET authfort.cookies = on;
SELECT array_agg(h.key || ': ' || regexp_replace(h.value, '=[\w.-]{40,}', '=TOKEN') ORDER BY e.n, h.key) AS headers
	FROM authfort.http('POST', '/auth/login', NULL, '{"content-type": "application/json"}',
					   '{"email": "a@example.com", "password": "correct horse"}') r,
		jsonb_array_elements(r.headers) WITH ORDINALITY e(header, n), jsonb_each_text(e.header) h \gset
SELECT array_agg(r.headers[n] || ': ' || regexp_replace(r.headers[n + 1], '=[\w.-]{40,}', '=TOKEN') ORDER BY n)
	= :'headers' AS equal, bool_or(r.headers[n] = 'Set-Cookie') AS cookies
	FROM pg_temp.login('{content-type,application/json}') r, generate_series(1, cardinality(r.headers), 2) n;
RESET authfort.cookies;
SELECT * FROM authfort.http_request('GET', '/auth/me', NULL, '{}', NULL, NULL);
SELECT * FROM authfort.http_request('HEAD', '/auth/me', NULL, '{}', NULL, NULL);
-- misuse
\set VERBOSITY terse
SELECT authfort.http_request('GET', '/', NULL, '{host}', NULL, NULL);
SELECT authfort.http_request('GET', '/', NULL, '{host,NULL}', NULL, NULL);
SELECT authfort.http_request('GET', '/', NULL, '{{host,a}}', NULL, NULL);
SELECT authfort.http_request(NULL, '/', NULL, NULL, NULL, NULL);
