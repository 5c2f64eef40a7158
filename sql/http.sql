-- The router: routes, bodies, codes and cookies of the contract.
\pset null '(null)'
CREATE FUNCTION pg_temp.request(method text, path text, body text DEFAULT NULL,
	headers jsonb DEFAULT '{"Content-Type": "application/json"}')
	RETURNS TABLE (status integer, headers jsonb, body jsonb) LANGUAGE sql AS $$
	SELECT r.status, r.headers, r.body::jsonb FROM authfort.http(request.method, request.path, NULL, request.headers,
	request.body, '192.0.2.1') r $$;
-- what is the same at each run
CREATE FUNCTION pg_temp.plain(headers jsonb) RETURNS text LANGUAGE sql AS $$
	SELECT string_agg(key || ': ' || regexp_replace(value, '=[A-Za-z0-9_.-]{20,}', '=TOKEN'), E'\n' ORDER BY n)
	FROM jsonb_array_elements(headers) WITH ORDINALITY AS h(header, n), jsonb_each_text(header) $$;

-- bearer mode
SELECT status, pg_temp.plain(headers), body->'detail' AS detail, (SELECT array_agg(k ORDER BY k)
	FROM jsonb_object_keys(body->'tokens') k) AS tokens
	FROM pg_temp.request('POST', '/auth/signup',
	'{"email": "Grace@example.com", "password": "nanosecond", "name": "Grace"}');
SELECT status, body FROM pg_temp.request('POST', '/auth/signup',
	'{"email": "grace@example.com", "password": "nanosecond"}');
SELECT status, body FROM pg_temp.request('POST', '/auth/login',
	'{"email": "grace@example.com", "password": "microsecond"}');
SELECT body AS login FROM pg_temp.request('POST', '/auth/login',
	'{"email": "grace@example.com", "password": "nanosecond"}') \gset
SELECT array_agg(k ORDER BY k) FROM jsonb_object_keys(:'login'::jsonb->'user') k;
SELECT status, pg_temp.plain(headers), body->>'email',
	body->'session_id' = :'login'::jsonb#>'{user,session_id}' AS session
	FROM pg_temp.request('GET', '/auth/me', NULL, jsonb_build_object('Authorization', 'Bearer '
	|| (:'login'::jsonb#>>'{tokens,access_token}')));
SELECT status, pg_temp.plain(headers), body FROM pg_temp.request('GET', '/auth/me', NULL, NULL);
SELECT status, pg_temp.plain(headers), body
	FROM pg_temp.request('GET', '/auth/me', NULL, '[{"authorization": "Bearer x.y.z"}]');
SELECT status, body FROM pg_temp.request('POST', '/auth/refresh');
SELECT status, body FROM pg_temp.request('POST', '/auth/refresh', '{"refresh_token": "x"}');
SELECT status, body#>'{user,session_id}' = :'login'::jsonb#>'{user,session_id}' AS same_session
	FROM pg_temp.request('POST', '/auth/refresh',
	jsonb_build_object('refresh_token', :'login'::jsonb#>'{tokens,refresh_token}')::text);
SELECT status, pg_temp.plain(headers), body
	FROM pg_temp.request('POST', '/auth/logout',
	jsonb_build_object('refresh_token', :'login'::jsonb#>'{tokens,refresh_token}')::text);
SELECT status, body FROM pg_temp.request('POST', '/auth/refresh',
	jsonb_build_object('refresh_token', :'login'::jsonb#>'{tokens,refresh_token}')::text);
SELECT status, body FROM pg_temp.request('GET', '/auth/me', NULL, jsonb_build_object('authorization', 'Bearer '
	|| (:'login'::jsonb#>>'{tokens,access_token}')));
SELECT sent, status, body FROM unnest(ARRAY[NULL, '{', '{"refresh_token": 1}', '{"refresh_token": "x"}']) AS sent,
	LATERAL pg_temp.request('POST', '/auth/logout', sent, NULL);
SELECT status, pg_temp.plain(headers), body#>>'{keys,0,alg}', jsonb_array_length(body->'keys')
	FROM pg_temp.request('GET', '/.well-known/jwks.json', NULL, NULL);

-- what is not a request for us
SELECT path, (pg_temp.request('GET', path, NULL, NULL)).*
	FROM unnest(ARRAY['/', '', '/auth', '/auth/', '/auth/nothing', '/auth/me/', '/auth/me//', '/auth//me',
	'/.well-known/jwks.json//', '/me', '/auth/.well-known/jwks.json']) AS path;
SELECT status, pg_temp.plain(headers), body FROM pg_temp.request('GET', '/auth/login', NULL, NULL);
SELECT status, pg_temp.plain(headers), body FROM pg_temp.request('PUT', '/auth/me', NULL, NULL);
SELECT status, pg_temp.plain(headers), body FROM pg_temp.request('HEAD', '/.well-known/jwks.json', NULL, NULL);
SELECT type, status, body FROM unnest(ARRAY['text/plain', 'application/x-www-form-urlencoded', 'application/jsonp',
	'application/+json', 'application/a/b+json',
	'application/json,text/plain', 'application/json, text/plain', 'text/plain;application/json', 'text/x+json',
	NULL]) AS type,
	LATERAL pg_temp.request('POST', '/auth/login', '{"email": "a", "password": "b"}',
	jsonb_build_object('content-type', type));
SELECT type, status FROM unnest(ARRAY['Application/JSON; charset=utf-8', 'application/json;charset=utf-8',
	'application/vnd.api+json', 'application/problem+JSON ;a=b']) AS type,
	LATERAL pg_temp.request('POST', '/auth/login', '{"email": "a", "password": "b"}',
	jsonb_build_object('content-type', type));
-- null is no body
SELECT path, sent, r.status, r.body FROM unnest(ARRAY['refresh', 'logout']) path,
	unnest(ARRAY['null', E' null\r\n', 'nul', 'null null', '{}']) sent,
	LATERAL pg_temp.request('POST', '/auth/' || path, sent) r;
SELECT sent, status, body FROM unnest(ARRAY[NULL, '', '{', 'null', '[]', '"x"', '{}', '{"email": 1, "password": null}',
	'{"email": {"a": 1}, "password": ["b"]}', '{"email": "a", "email": "b", "password": "c"}',
	'{"email": "a", "password": "\u0000"}',
	'{"email": "a", "password": "b", "n": 1e999999}', repeat('[', 100)]) AS sent,
	LATERAL pg_temp.request('POST', '/auth/login', sent);
SELECT status FROM pg_temp.request('POST', '/auth/login', repeat('[', 60000));
SELECT status, body FROM pg_temp.request('POST', '/auth/login', repeat(' ', 65537));
SELECT authfort.http(NULL, '/');
SELECT authfort.http('GET', NULL);

-- the prefix
SET authfort.http_prefix = '';
SELECT status FROM pg_temp.request('GET', '/me', NULL, NULL);
SELECT status FROM pg_temp.request('GET', '/.well-known/jwks.json', NULL, NULL);
SET authfort.http_prefix = '/auth/';
SET authfort.http_prefix = 'auth';
RESET authfort.http_prefix;

-- cookie mode
SET authfort.cookies = on;
SELECT status, pg_temp.plain(headers), headers AS login_headers, body AS login
	FROM pg_temp.request('POST', '/auth/login', '{"email": "grace@example.com", "password": "nanosecond"}') \gset
\echo :plain
CREATE FUNCTION pg_temp.cookies(login jsonb, access jsonb) RETURNS jsonb LANGUAGE sql AS $$
	SELECT jsonb_build_object('content-type', 'application/json', 'cookie', 'a=b; refresh_token='
	|| (login#>>'{tokens,refresh_token}') || '; access_token=' || (access#>>'{tokens,access_token}')) $$;
SELECT status, body->>'email' FROM pg_temp.request('GET', '/auth/me', NULL, pg_temp.cookies(:'login', :'login'));
SELECT status, pg_temp.plain(headers)
	FROM pg_temp.request('POST', '/auth/refresh', NULL, pg_temp.cookies(:'login', :'login'));
-- bearer goes first
SELECT status, body FROM pg_temp.request('GET', '/auth/me', NULL, pg_temp.cookies(:'login', :'login')
	|| '{"authorization": "Bearer x"}');
-- another's access cookie
SELECT body AS other FROM pg_temp.request('POST', '/auth/login',
	'{"email": "grace@example.com", "password": "nanosecond"}') \gset
SELECT status, pg_temp.plain(headers), body
	FROM pg_temp.request('POST', '/auth/refresh', NULL, pg_temp.cookies(:'login', :'other'));
SELECT status, pg_temp.plain(headers), body
	FROM pg_temp.request('POST', '/auth/logout', NULL, pg_temp.cookies(:'other', :'other'));
SELECT status, pg_temp.plain(headers), body
	FROM pg_temp.request('POST', '/auth/refresh', NULL, pg_temp.cookies(:'other', :'other'));
SET authfort.cookie_domain = 'example.com';
SET authfort.cookie_samesite = 'strict';
SET authfort.cookie_secure = off;
SET authfort.cookie_path = '/app';
SET authfort.access_cookie_name = 'a';
SET authfort.refresh_cookie_name = '__Host-r';
SELECT pg_temp.plain(headers) FROM pg_temp.request('POST', '/auth/logout', NULL, NULL);
SET authfort.cookie_domain = 'example.com; Secure';
SET authfort.cookie_path = E'/\r\nX: y';
SET authfort.access_cookie_name = 'a=b';
