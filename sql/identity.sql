-- Who the caller is: authfort.jwt, and the functions that read it.
\pset null '(null)'
SELECT authfort.create_user('root@example.com', 'correct horse', roles => '{admin,editor}')->>'id' AS id \gset
SELECT authfort.login('root@example.com', 'correct horse')#>>'{tokens,access_token}' AS token \gset

-- without an identity
SELECT authfort.uid(), authfort.session_id(), authfort.roles(), authfort.claims(), authfort.has_role('admin');
SELECT authfort.current_user();
SELECT authfort.require_role('admin');
SET authfort.jwt = 'nonsense';
SELECT authfort.uid(), authfort.has_role('admin');
RESET authfort.jwt;

-- an identity for one transaction
BEGIN;
SELECT authfort.set_jwt(:'token')->>'email';
SELECT authfort.uid() = :'id', authfort.roles(), authfort.has_role('admin'), authfort.has_role('x', 'editor'),
	authfort.has_role('x');
SELECT authfort.current_user()->>'email', authfort.require_role('editor') = :'id';
SHOW authfort.jwt;
SELECT array_agg(k ORDER BY k) FROM jsonb_object_keys(authfort.claims()) k;
SAVEPOINT s;
SET LOCAL authfort.jwt = '';
SELECT authfort.uid();
ROLLBACK TO s;
SELECT authfort.uid() = :'id';
COMMIT;
SELECT authfort.uid();
SELECT authfort.set_jwt(NULL);
SELECT authfort.set_jwt('a.b.c');
SET authfort.jwt = 'a.b.c';
SELECT setting, reset_val, context, source FROM pg_settings WHERE name = 'authfort.jwt';
RESET authfort.jwt;

-- a policy, asked as the user and as a stranger
CREATE TABLE notes (owner uuid DEFAULT authfort.uid(), body text);
ALTER TABLE notes ENABLE ROW LEVEL SECURITY;
CREATE POLICY own ON notes USING (owner = authfort.uid());
CREATE ROLE regress_authfort_app;
GRANT SELECT, INSERT ON notes TO regress_authfort_app;
SET ROLE regress_authfort_app;
BEGIN;
SELECT set_config('authfort.jwt', :'token', true) <> '' AS set;
INSERT INTO notes (body) VALUES ('mine');
SELECT body FROM notes;
COMMIT;
SELECT body FROM notes;
INSERT INTO notes (owner, body) VALUES (:'id', 'forged');
RESET ROLE;

-- in parallel workers
INSERT INTO notes SELECT :'id', 'more' FROM generate_series(1, 2000);
ALTER TABLE notes SET (parallel_workers = 2);
ANALYZE notes;
SET parallel_setup_cost = 0;
SET parallel_tuple_cost = 0;
SET min_parallel_table_scan_size = 0;
SET parallel_leader_participation = off;
SET authfort.jwt = :'token';
EXPLAIN (COSTS OFF) SELECT count(*) FROM notes WHERE owner = authfort.uid();
SELECT count(*) FROM notes WHERE owner = authfort.uid();
SELECT count(*) FILTER (WHERE authfort.has_role('admin')) AS admin, count(*) FILTER (WHERE authfort.has_role('x')) AS x
	FROM notes;
RESET authfort.jwt;
SELECT count(*) FROM notes WHERE owner = authfort.uid();

-- by an index
CREATE INDEX notes_owner ON notes (owner);
INSERT INTO notes SELECT gen_random_uuid(), 'other' FROM generate_series(1, 5000);
ANALYZE notes;
SET max_parallel_workers_per_gather = 0;
SET ROLE regress_authfort_app;
EXPLAIN (COSTS OFF) SELECT body FROM notes;
RESET ROLE;

-- in prepared statements and cached plans
PREPARE mine AS SELECT count(*), bool_and(authfort.has_role('admin')) FROM notes WHERE owner = authfort.uid();
SET plan_cache_mode = force_generic_plan;
EXECUTE mine;
SET authfort.jwt = :'token';
EXECUTE mine;
SET authfort.jwt = '';
EXECUTE mine;

-- in one expression of PL/pgSQL, many times, while the setting changes
CREATE FUNCTION who(token text) RETURNS TABLE (step text, known boolean, admin boolean, "of" boolean)
	LANGUAGE plpgsql AS $$
DECLARE
	wanted text[];
BEGIN
	FOR i IN 1 .. 600 LOOP
		IF i = 300 THEN
			SET LOCAL authfort.jwt = '';
			step := 'cleared';
		ELSIF i = 400 THEN
			BEGIN
				PERFORM set_config('authfort.jwt', token, true);
				step := 'set in a block';
				known := authfort.uid() IS NOT NULL;
				admin := authfort.has_role('admin');
				RETURN NEXT;
				RAISE 'back';
			EXCEPTION WHEN raise_exception THEN
				step := 'rolled back';
			END;
		ELSIF i = 500 THEN
			step := set_config('authfort.jwt', token, true);
			step := 'set by an expression';
		ELSE
			step := NULL;
		END IF;
		wanted := CASE WHEN i % 2 = 0 THEN '{admin}' ELSE '{x}' END::text[];
		known := authfort.uid() IS NOT NULL;
		admin := authfort.has_role('admin');
		of := authfort.has_role(VARIADIC wanted);
		IF step <> '' OR i IN (1, 2, 299, 600) THEN
			RETURN NEXT;
		END IF;
	END LOOP;
END $$;
SET authfort.jwt = :'token';
SELECT * FROM who(:'token');

-- a token ends when it says, in the middle of a transaction and of a function
SET authfort.access_token_ttl = 5;
SELECT authfort.login('root@example.com', 'correct horse')#>>'{tokens,access_token}' AS short \gset
RESET authfort.access_token_ttl;
CREATE FUNCTION outlive() RETURNS text LANGUAGE plpgsql AS $$
BEGIN
	IF authfort.uid() IS NULL OR NOT authfort.has_role('admin') THEN
		RETURN 'not known to begin with';
	END IF;
	WHILE authfort.uid() IS NOT NULL AND clock_timestamp() < statement_timestamp() + interval '30 s' LOOP
		PERFORM pg_sleep(0.05);
	END LOOP;
	RETURN CASE WHEN authfort.has_role('admin') THEN 'still admin'
		WHEN EXISTS (SELECT FROM notes WHERE owner = authfort.uid()) THEN 'still an owner' ELSE 'ended' END;
END $$;
BEGIN;
SET LOCAL authfort.jwt = :'short';
SELECT outlive();
SELECT authfort.uid(), authfort.session_id(), authfort.roles(), authfort.claims(), authfort.has_role('admin');
COMMIT;
SELECT authfort.uid() IS NOT NULL AS "the one before";
RESET max_parallel_workers_per_gather;
RESET plan_cache_mode;

-- another setting inside a function, and back
SET authfort.jwt = :'token';
CREATE FUNCTION anonymous_uid() RETURNS uuid LANGUAGE sql SET authfort.jwt = '' AS 'SELECT authfort.uid()';
SELECT authfort.uid() = :'id', anonymous_uid(), authfort.uid() = :'id';

-- roles, and what immediate means
SELECT authfort.get_roles(:'id'), authfort.user_has_role(:'id', 'admin'), authfort.user_has_role(:'id', 'x');
SELECT authfort.add_role(:'id', 'admin'), authfort.remove_role(:'id', 'x');
SELECT authfort.current_user()->'roles';
SELECT authfort.add_role(:'id', 'viewer', immediate => false);
SELECT authfort.current_user()->'roles', authfort.roles();
SELECT authfort.remove_role(:'id', 'viewer');
SELECT authfort.current_user();
SELECT authfort.uid() = :'id';
SELECT authfort.add_role(:'id', '');
SELECT authfort.add_role(:'id', repeat('x', 51));
SELECT authfort.add_role(:'id', E'a\nb');
SELECT authfort.add_role(:'id', NULL);
SELECT authfort.add_role('00000000-0000-0000-0000-000000000000', 'x');
SELECT authfort.get_roles('00000000-0000-0000-0000-000000000000');
SELECT authfort.revoke_sessions('00000000-0000-0000-0000-000000000000');
SELECT authfort.has_role(VARIADIC ARRAY['a', NULL]);

-- signing out other devices leaves this one
SELECT authfort.login('root@example.com', 'correct horse') AS one \gset
SELECT authfort.login('root@example.com', 'correct horse') AS two \gset
SELECT authfort.revoke_sessions(:'id', exclude => (:'one'::jsonb#>>'{user,session_id}')::uuid);
SELECT authfort.authenticate(:'one'::jsonb#>>'{tokens,access_token}')->>'email';
SELECT authfort.authenticate(:'two'::jsonb#>>'{tokens,access_token}');
SELECT authfort.revoke_session((:'one'::jsonb#>>'{user,session_id}')::uuid),
	authfort.revoke_session((:'one'::jsonb#>>'{user,session_id}')::uuid);
SELECT authfort.authenticate(:'one'::jsonb#>>'{tokens,access_token}');
UPDATE authfort.users SET banned = true;
SELECT authfort.authenticate(:'one'::jsonb#>>'{tokens,access_token}');
UPDATE authfort.users SET deleted_at = now();
SELECT authfort.authenticate(:'one'::jsonb#>>'{tokens,access_token}');
SELECT authfort.authenticate(NULL);
RESET authfort.jwt;
DROP TABLE notes;
DROP FUNCTION anonymous_uid(), who(text), outlive();
DEALLOCATE mine;
DROP ROLE regress_authfort_app;
