-- CORS: pages of listed origins may call the routes, and read what they answer.
\pset null '(null)'
CREATE FUNCTION pg_temp.send(method text, path text, headers jsonb, query text DEFAULT NULL) RETURNS text
	LANGUAGE sql AS $$
	SELECT status || E'\n' || string_agg(key || ': ' || value, E'\n' ORDER BY n)
	FROM authfort.http(method, path, query, headers) r,
		jsonb_array_elements(r.headers) WITH ORDINALITY AS h(header, n), jsonb_each_text(header) GROUP BY status $$;
-- off: as if there were no such thing
SELECT pg_temp.send('GET', '/auth/me', '{"origin": "https://a.example"}');
SELECT pg_temp.send('OPTIONS', '/auth/me', '{"origin": "https://a.example", "access-control-request-method": "GET"}');

SET authfort.cors_origins = 'https://a.example, http://localhost:5173';
-- preflight
SELECT pg_temp.send('OPTIONS', path,
	'{"origin": "https://a.example", "access-control-request-method": "GET", "access-control-request-headers": "authorization,x-other"}')
	FROM unnest(ARRAY['/auth/me', '/auth/login', '/auth/sessions', '/auth/sessions/1', '/auth/admin/users/1/ban',
	'/.well-known/jwks.json', '/auth/me/', '/nothing']) path;
SELECT pg_temp.send('OPTIONS', '/auth/login', headers) FROM unnest(ARRAY[
	'{"origin": "http://localhost:5173", "access-control-request-method": "POST"}',
	'{"origin": "https://evil.example", "access-control-request-method": "POST"}',
	'{"origin": "null", "access-control-request-method": "POST"}',
	'{"origin": "https://a.example, http://localhost:5173", "access-control-request-method": "POST"}',
	'{"origin": "https://a.example"}',
	'{"access-control-request-method": "POST"}']::jsonb[]) headers;
-- what is answered, refusals and unknown paths too; nothing for others but Vary
SELECT pg_temp.send(method, path, jsonb_build_object('origin', 'https://a.example', 'content-type',
	'application/json')) FROM (VALUES ('GET', '/auth/me'), ('GET', '/.well-known/jwks.json'),
	('HEAD', '/.well-known/jwks.json'),
	('POST', '/auth/login'), ('POST', '/auth/logout'), ('PUT', '/auth/me'), ('GET', '/nothing')) r(method, path);
SELECT pg_temp.send('GET', '/.well-known/jwks.json', headers)
	FROM unnest(ARRAY[NULL, '{}', '{"origin": "https://evil.example"}', '{"origin": "null"}', '{"origin": ""}',
	'{"origin": ","}', '{"origin": "https://a.example,"}',
	'{"origin": "http://a.example"}', '{"origin": "https://a.example:443"}',
	'{"origin": "https://a.example.evil.example"}', '{"origin": 7}',
	'[{"origin": "https://a.example"}, {"origin": "https://evil.example"}]']::jsonb[]) headers;
-- the number of sessions can be read
SELECT authfort.signup('ada@example.com', 'correct horse')#>>'{tokens,access_token}' AS token \gset
SELECT pg_temp.send('GET', '/auth/sessions', jsonb_build_object('origin', 'https://a.example', 'authorization',
	'Bearer ' || :'token'));
-- a limit
SET authfort.rate_limit = on;
SET authfort.rate_limit_refresh = '1/day';
SELECT (authfort.http('POST', '/auth/refresh', NULL, '{}', NULL, '192.0.2.9')).status;
SELECT key FROM authfort.http('POST', '/auth/refresh', NULL, '{"origin": "https://a.example"}', NULL, '192.0.2.9') r,
	jsonb_array_elements(r.headers) h, jsonb_object_keys(h) key;
RESET authfort.rate_limit;
-- cookies: a listed page may use them, and a preflight needs none
SET authfort.cookies = on;
SELECT pg_temp.send('POST', '/auth/logout',
	'{"host": "api.example", "origin": "https://a.example", "cookie": "refresh_token=x"}');
SELECT pg_temp.send('POST', '/auth/logout',
	'{"host": "api.example", "origin": "https://evil.example", "cookie": "refresh_token=x"}');

-- what others raise goes through to the door as it is
CREATE FUNCTION refuse(event jsonb) RETURNS void LANGUAGE plpgsql AS $$
	BEGIN RAISE EXCEPTION 'only by invitation' USING ERRCODE = event->>'name'; END $$;
SELECT authfort.on('user_created', 'refuse(jsonb)');
CREATE FUNCTION pg_temp.raised(state text) RETURNS text LANGUAGE plpgsql AS $$
	BEGIN RETURN (authfort.http('POST', '/auth/signup', NULL, '{"content-type": "application/json"}',
	jsonb_build_object('email', 'bob@example.com', 'password', 'correct horse', 'name', state)::text)).status;
	EXCEPTION WHEN OTHERS THEN RETURN SQLSTATE || ' ' || SQLERRM; END $$;
SELECT pg_temp.raised(state) FROM unnest(ARRAY['P0001', 'PT409', '23505', '25006', '53100', '57P01', '40001']) state;
SELECT authfort.off('user_created', 'refuse(jsonb)');
DROP FUNCTION refuse(jsonb);
-- nor does a transaction that may not write answer anything else
BEGIN READ ONLY;
SELECT pg_temp.send('GET', '/.well-known/jwks.json', '{}');
SELECT status, body::jsonb->>'email' AS email
	FROM authfort.http('GET', '/auth/me', NULL, jsonb_build_object('authorization', 'Bearer ' || :'token'));
SELECT pg_temp.raised('x') ~ '^25006 ' AS read_only;
ROLLBACK;
