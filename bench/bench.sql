-- Prints "NAME MICROSECONDS" lines; run by bench/run.
CREATE EXTENSION IF NOT EXISTS authfort;
SET jit = off;
SET max_parallel_workers_per_gather = 0;
SELECT authfort.create_user('bench@example.com', 'correct horse', roles => '{bench}') \g /dev/null

\ir time_it.sql
\ir compare.sql

-- more tokens than a backend remembers, so that each is verified anew; ten in a round
CREATE TEMP TABLE tokens (part integer, token text);
CREATE FUNCTION pg_temp.verify_part(round integer) RETURNS double precision LANGUAGE plpgsql AS $$
DECLARE
	part_tokens text[] := ARRAY(SELECT token FROM tokens WHERE part = round % 100);
	start timestamptz := clock_timestamp();
	token text;
	claims jsonb;
BEGIN
	FOREACH token IN ARRAY part_tokens LOOP
		claims := authfort.verify_jwt(token);
	END LOOP;
	RETURN extract(epoch FROM clock_timestamp() - start) * 1e6 / 10;
END $$;
CREATE PROCEDURE pg_temp.verify_each(algorithm text) LANGUAGE plpgsql AS $$
DECLARE
	r jsonb;
BEGIN
	PERFORM authfort.rotate_key(algorithm);
	r := authfort.login('bench@example.com', 'correct horse');
	TRUNCATE tokens;
	FOR i IN 1 .. 1000 LOOP
		r := authfort.refresh(r->'tokens'->>'refresh_token');
		INSERT INTO tokens VALUES (i % 100, r->'tokens'->>'access_token');
	END LOOP;
	CALL pg_temp.compare('verify-' || algorithm, 'SELECT pg_temp.verify_part($1)',
		algorithm, format('SELECT pg_temp.bare_verify(%L, 10)', algorithm), 500);
END $$;
CALL pg_temp.verify_each('ES256');
CALL pg_temp.verify_each('EdDSA');
CALL pg_temp.verify_each('RS256');
SELECT token FROM tokens LIMIT 1 \gset
CALL pg_temp.time_it('verify-remembered', 1000, format('SELECT count(authfort.verify_jwt(%L)) FROM tokens', :'token'));

CALL pg_temp.time_it('authenticate', 1000, format('SELECT count(authfort.authenticate(%L)) FROM tokens', :'token'));

-- a refresh, and the part of it that records the event
CREATE FUNCTION pg_temp.refresh_often(count integer) RETURNS double precision LANGUAGE plpgsql AS $$
DECLARE
	r jsonb := authfort.login('bench@example.com', 'correct horse');
	start timestamptz := clock_timestamp();
BEGIN
	FOR i IN 1 .. count LOOP
		r := authfort.refresh(r->'tokens'->>'refresh_token', NULL, 'bench', '192.0.2.7');
	END LOOP;
	RETURN extract(epoch FROM clock_timestamp() - start) * 1e6 / count;
END $$;
CALL pg_temp.compare('refresh', 'SELECT pg_temp.refresh_often(100)', 'event',
	$$SELECT pg_temp.record_often(pg_temp.last_event('token_refreshed'), 100)$$, 21);

CREATE FUNCTION pg_temp.log_in() RETURNS double precision LANGUAGE plpgsql AS $$
DECLARE
	start timestamptz := clock_timestamp();
BEGIN
	PERFORM authfort.login('bench@example.com', 'correct horse');
	RETURN extract(epoch FROM clock_timestamp() - start) * 1e6;
END $$;
CALL pg_temp.compare('login', 'SELECT pg_temp.log_in()', 'argon2id', 'SELECT pg_temp.bare_hash()', 21);

-- What a policy costs a row.  Each role has a policy of its own, and the rounds
-- take turns, so that what else the machine does falls on all of them.
CREATE TABLE big AS SELECT CASE WHEN g % 2 = 0 THEN u.id ELSE gen_random_uuid() END AS owner, g FROM generate_series(1, 1000000) g, authfort.users u;
ALTER TABLE big ENABLE ROW LEVEL SECURITY;
VACUUM ANALYZE big;
SELECT id FROM authfort.users \gset
CREATE TABLE policies (name text, condition text);
INSERT INTO policies VALUES
	('true', 'true'),
	('constant', format('owner = %L', :'id')),
	('uid', 'owner = authfort.uid()'),
	('aal', 'authfort.aal() = 1'),
	('has-role', $$authfort.has_role('bench')$$),
	('setting', $$owner = (current_setting('request.jwt.claims', true)::jsonb->>'sub')::uuid$$);
SELECT format('CREATE ROLE "reader-%1$s"; GRANT SELECT ON big TO "reader-%1$s"; CREATE POLICY "%1$s" ON big TO "reader-%1$s" USING (%2$s);', name, condition) FROM policies \gexec

CREATE PROCEDURE pg_temp.time_policies(prefix text, rounds integer) LANGUAGE plpgsql AS $$
DECLARE
	policy record;
	start timestamptz;
	best jsonb = '{}';
	took numeric;
BEGIN
	FOR i IN 1 .. rounds LOOP
		FOR policy IN SELECT name FROM policies LOOP
			CONTINUE WHEN policy.name = 'setting' AND i > 3;
			EXECUTE format('SET LOCAL ROLE %I', 'reader-' || policy.name);
			start := clock_timestamp();
			EXECUTE 'SELECT count(*) FROM big';
			took := extract(epoch FROM clock_timestamp() - start) * 1e6;
			RESET ROLE;
			best := jsonb_set(best, ARRAY[policy.name], to_jsonb(least((best->policy.name)::numeric, took)));
		END LOOP;
	END LOOP;
	FOR policy IN SELECT * FROM jsonb_each_text(best) LOOP
		RAISE INFO '%-% %', prefix, policy.key, policy.value;
	END LOOP;
END $$;
SET authfort.jwt = :'token';
SELECT set_config('request.jwt.claims', authfort.claims()::text, false) \g /dev/null
CALL pg_temp.time_policies('scan', 25);
SET max_parallel_workers_per_gather = 2;
CALL pg_temp.time_policies('parallel-scan', 25);
SET max_parallel_workers_per_gather = 0;

-- what PostgREST does before each request: new claims, and the check
SELECT set_config('bench.claims', authfort.claims()::text, false) \g /dev/null
RESET authfort.jwt;
SET authfort.trusted_authenticators = 'bench';
CALL pg_temp.time_it('pre-request', 1000, $query$DO $do$
	BEGIN
		FOR i IN 1 .. 1000 LOOP
			PERFORM set_config('request.jwt.claims', current_setting('bench.claims'), false);
			PERFORM authfort_api.pre_request();
		END LOOP;
	END $do$ $query$);
