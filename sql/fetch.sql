-- Who is given fetches, and what becomes of continuations that were made up.
CREATE ROLE regress_fetch_door IN ROLE authfort_http;
CREATE ROLE regress_fetch_fetcher IN ROLE authfort_http, authfort_fetch;
CREATE ROLE regress_fetch_alone IN ROLE authfort_fetch;
CREATE FUNCTION pg_temp.resumed(resume text, status integer, headers jsonb, body text) RETURNS TABLE (status integer,
	error text, "fetch" boolean)
	LANGUAGE sql AS $$
	SELECT r.status, r.body::jsonb #>> '{detail,error}', r.fetch IS NOT NULL
	FROM authfort.http_resume($1, $2, $3, $4) r $$;

-- authfort_http alone does what it did, and cannot resume
SET ROLE regress_fetch_door;
SELECT r.status, r.fetch IS NULL AS no_fetch FROM authfort.http('GET', '/auth/me') r;
SELECT FROM authfort.http_resume('x', 200, '{}', '');
SELECT FROM authfort.http_resume_request('x', 200, '{}', '');
RESET ROLE;
-- authfort_fetch alone resumes only
SET ROLE regress_fetch_alone;
SELECT FROM authfort.http('GET', '/auth/me');
SELECT * FROM pg_temp.resumed('x', 200, '{}', '');
RESET ROLE;

-- nothing that was made up is resumed, and nothing raises for it
SET ROLE regress_fetch_fetcher;
SELECT * FROM authfort.http_resume('', 200, '{}', '');
SELECT * FROM pg_temp.resumed(repeat('A', 500), 200, '{"content-type": "application/json"}', '{}');
SELECT * FROM pg_temp.resumed('AQ' || repeat('A', 500), 200, '[{"a": "b"}, 1, null]', NULL);
SELECT * FROM pg_temp.resumed(repeat('A', 16385), NULL, NULL, NULL);
SELECT * FROM pg_temp.resumed(repeat('ä', 1000000), -1, '{}', repeat('x', 1000000));
SELECT * FROM authfort.http_resume_request('x', NULL, NULL, NULL);
-- misuse
\set VERBOSITY terse
SELECT FROM authfort.http_resume(NULL, 200, '{}', '');
SELECT FROM authfort.http_resume_request('x', 200, '{a}', '');
\set VERBOSITY default
RESET ROLE;

-- A flow that has something to fetch: the provider's discovery document.
SET authfort.public_url = 'https://id.example.com';
SET authfort.cors_origins = 'https://app.example.com';
SELECT authfort.set_oauth_provider('corp',
	'{"issuer": "https://op.example.net", "client_id": "c", "client_secret": "not-a-real-secret"}');
CREATE FUNCTION pg_temp.begin(OUT status integer, OUT headers jsonb, OUT body text, OUT "fetch" jsonb)
	LANGUAGE sql AS $$
	SELECT * FROM authfort.http('GET', '/auth/oauth/corp/authorize', NULL,
		'{"user-agent": "Browser", "origin": "https://app.example.com", "cookie": "a=b"}', NULL, '192.0.2.1') $$;
-- the status and body beside it are for doors that ignore it; nothing is set yet
SELECT status, body, r.fetch - 'resume' AS fetch, (SELECT count(*) FROM jsonb_array_elements(headers) h
	WHERE h ? 'Set-Cookie') AS cookies FROM pg_temp.begin() r;
SELECT r.fetch->>'resume' AS resume, length(r.fetch->>'resume') < 16384 AS short FROM pg_temp.begin() r \gset
SELECT :'short' AS short, :'resume' ~ '^[A-Za-z0-9_-]+$' AS plain;
-- a role that is given none, and PostgREST
SET ROLE regress_fetch_door;
SELECT r.status, r.body::jsonb #>> '{detail,error}' AS error, r.fetch
	FROM authfort.http('GET', '/auth/oauth/corp/authorize') r;
SELECT r.status, r.fetch FROM authfort.http_request('GET', '/auth/oauth/corp/authorize', NULL, NULL, NULL, NULL) r;
SELECT set_config('request.method', 'GET', false),
	set_config('request.headers', '{"x-original-uri": "/auth/oauth/corp/authorize"}', false);
SELECT authfort_api.oauth_authorize()->'detail'->>'error' AS error;
SELECT set_config('request.headers', '', false);
SET ROLE regress_fetch_fetcher;
-- the same as an array
SELECT r.fetch[:array_length(r.fetch, 1) - 1] AS members, length(r.fetch[array_length(r.fetch, 1)]) > 100 AS resume
	FROM authfort.http_request('GET', '/auth/oauth/corp/authorize', NULL, '{}', NULL, '192.0.2.1') r;
-- a continuation that was changed anywhere, and one that was cut
SELECT DISTINCT t.* FROM generate_series(1, length(:'resume'), 7) i,
	pg_temp.resumed(overlay(:'resume' PLACING CASE substr(:'resume', i, 1) WHEN 'A' THEN 'B' ELSE 'A' END FROM i), 200,
	'{}', '{}') t;
SELECT DISTINCT t.* FROM generate_series(0, length(:'resume') - 1, 11) i, pg_temp.resumed(left(:'resume', i), 200,
	'{}', '{}') t;
-- no answer: failed, an impossible status, too large a body
SELECT DISTINCT r.* FROM (VALUES (NULL::integer, '{}'), (0, '{}'), (99, '{}'), (600, '{}'), (-200, '{}'),
	(2147483647, '{}'),
	(200, repeat(' ', 262144) || '{}')) a(status, body), pg_temp.resumed(:'resume', a.status, '{}', a.body) r;
-- an answer, with which the flow goes on as the request that began it: CORS headers are of its origin
SELECT r.status, r.fetch IS NOT NULL AS fetch, (SELECT count(*) FROM jsonb_array_elements(r.headers) h
	WHERE h ? 'Set-Cookie') AS cookies,
	(SELECT string_agg(h->>'Access-Control-Allow-Origin', ', ') FROM jsonb_array_elements(r.headers) h) AS origin
FROM authfort.http_resume(:'resume', 200, '{"Content-Type": "application/json"}', '{"issuer": "https://op.example.net",
	"authorization_endpoint": "https://op.example.net/authorize", "token_endpoint": "https://op.example.net/token",
	"jwks_uri": "https://op.example.net/keys"}') r;
RESET ROLE;
-- in a copy that became another database
SELECT authfort.reset_database_identity() IS NOT NULL AS reset;
SELECT * FROM pg_temp.resumed(:'resume', 200, '{}', '{}');
RESET authfort.public_url;
RESET authfort.cors_origins;

-- the caller is the role that calls, also within a function of another role
CREATE SCHEMA wrappers;
CREATE FUNCTION wrappers.door() RETURNS integer LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
	AS $$SELECT status FROM authfort.http_resume('x', 200, '{}', '')$$;
GRANT USAGE, CREATE ON SCHEMA wrappers TO regress_fetch_door, regress_fetch_fetcher;
ALTER FUNCTION wrappers.door() OWNER TO regress_fetch_door;
SET ROLE regress_fetch_fetcher;
SELECT wrappers.door();
-- and has its own privileges afterwards
SELECT current_user FROM authfort.http('GET', '/auth/me');
SELECT FROM authfort.users;
RESET ROLE;
DROP SCHEMA wrappers CASCADE;
DROP ROLE regress_fetch_door, regress_fetch_fetcher, regress_fetch_alone;
