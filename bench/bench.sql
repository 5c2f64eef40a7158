-- Prints "NAME MICROSECONDS" lines, the best of several rounds; run by bench/run.
CREATE EXTENSION IF NOT EXISTS authfort;
SET jit = off;
SET max_parallel_workers_per_gather = 0;
SELECT authfort.create_user('bench@example.com', 'correct horse') \g /dev/null

\ir time_it.sql

-- more tokens than a backend remembers, so that each is verified anew
CREATE TEMP TABLE tokens (token text);
CREATE PROCEDURE pg_temp.verify_each(algorithm text) LANGUAGE plpgsql AS $$
DECLARE
	r jsonb;
BEGIN
	PERFORM authfort.rotate_key(algorithm);
	r := authfort.login('bench@example.com', 'correct horse');
	TRUNCATE tokens;
	FOR i IN 1 .. 1000 LOOP
		r := authfort.refresh(r->'tokens'->>'refresh_token');
		INSERT INTO tokens VALUES (r->'tokens'->>'access_token');
	END LOOP;
	CALL pg_temp.time_it('verify-' || algorithm, 1000, 'SELECT count(authfort.verify_jwt(token)) FROM tokens');
END $$;
CALL pg_temp.verify_each('ES256');
CALL pg_temp.verify_each('EdDSA');
CALL pg_temp.verify_each('RS256');
SELECT token FROM tokens LIMIT 1 \gset
CALL pg_temp.time_it('verify-remembered', 1000, format('SELECT count(authfort.verify_jwt(%L)) FROM tokens', :'token'));

CALL pg_temp.time_it('authenticate', 1000, format('SELECT count(authfort.authenticate(%L)) FROM tokens', :'token'));

-- a refresh, and the part of it that records the event
CREATE FUNCTION pg_temp.refresh_often(count integer) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
	r jsonb := authfort.login('bench@example.com', 'correct horse');
BEGIN
	FOR i IN 1 .. count LOOP
		r := authfort.refresh(r->'tokens'->>'refresh_token', NULL, 'bench', '192.0.2.7');
	END LOOP;
END $$;
CREATE FUNCTION pg_temp.record_often(count integer) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
	e authfort.events := (SELECT e FROM authfort.events e WHERE event = 'token_refreshed' ORDER BY id DESC LIMIT 1);
	handlers text[];
BEGIN
	FOR i IN 1 .. count LOOP
		INSERT INTO authfort.events (event, created_at, user_id, session_id, ip_address, user_agent, payload)
			VALUES (e.event, clock_timestamp(), e.user_id, e.session_id, e.ip_address, e.user_agent,
				jsonb_build_object('user_id', e.user_id, 'ip_address', e.ip_address, 'user_agent', e.user_agent, 'timestamp', clock_timestamp()))
			RETURNING ARRAY(SELECT h.handler FROM authfort.event_handlers h WHERE h.event IN (e.event, '*') ORDER BY h.id) INTO handlers;
	END LOOP;
END $$;
CALL pg_temp.time_it('refresh', 1000, 'SELECT pg_temp.refresh_often(1000)');
CALL pg_temp.time_it('event', 1000, 'SELECT pg_temp.record_often(1000)');

CALL pg_temp.time_it('login', 1, $$SELECT authfort.login('bench@example.com', 'correct horse')$$, 21);

CREATE TABLE big AS SELECT CASE WHEN g % 2 = 0 THEN authfort.uid() END AS owner, g FROM generate_series(1, 1000000) g LIMIT 0;
INSERT INTO big SELECT CASE WHEN g % 2 = 0 THEN u.id ELSE gen_random_uuid() END, g FROM generate_series(1, 1000000) g, authfort.users u;
ALTER TABLE big ENABLE ROW LEVEL SECURITY;
CREATE ROLE reader;
GRANT SELECT ON big TO reader;
VACUUM ANALYZE big;
SELECT id FROM authfort.users \gset
SELECT format('CREATE POLICY p ON big USING (owner = %L)', :'id') \gexec
SET authfort.jwt = :'token';
SET ROLE reader;
CALL pg_temp.time_it('scan-constant', 1, 'SELECT count(*) FROM big', 15);
RESET ROLE;
DROP POLICY p ON big;
CREATE POLICY p ON big USING (owner = authfort.uid());
SET ROLE reader;
CALL pg_temp.time_it('scan-uid', 1, 'SELECT count(*) FROM big', 15);
RESET ROLE;
