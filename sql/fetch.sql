-- Who is given fetches, and what becomes of continuations that were made up.
CREATE ROLE regress_fetch_door IN ROLE authfort_http;
CREATE ROLE regress_fetch_fetcher IN ROLE authfort_http, authfort_fetch;
CREATE ROLE regress_fetch_alone IN ROLE authfort_fetch;
CREATE FUNCTION pg_temp.resumed(resume text, status integer, headers jsonb, body text) RETURNS TABLE (status integer, error text, "fetch" boolean)
	LANGUAGE sql AS $$
	SELECT r.status, r.body::jsonb #>> '{detail,error}', r.fetch IS NOT NULL FROM authfort.http_resume($1, $2, $3, $4) r $$;

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
