-- Who the caller is: authfort.jwt, and the functions that read it.
\pset null '(null)'
SELECT authfort.create_user('root@example.com', 'correct horse', roles => '{admin,editor}')->>'id' AS id \gset
SELECT authfort.login('root@example.com', 'correct horse')#>>'{tokens,access_token}' AS token \gset

-- nobody
SELECT authfort.uid(), authfort.session_id(), authfort.roles(), authfort.claims(), authfort.has_role('admin');
SELECT authfort.current_user();
SELECT authfort.require_role('admin');
SET authfort.jwt = 'nonsense';
SELECT authfort.uid(), authfort.has_role('admin');
RESET authfort.jwt;

-- somebody, for a transaction
BEGIN;
SELECT authfort.set_jwt(:'token')->>'email';
SELECT authfort.uid() = :'id', authfort.roles(), authfort.has_role('admin'), authfort.has_role('x', 'editor'), authfort.has_role('x');
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
SELECT count(*) FROM pg_settings WHERE name = 'authfort.jwt' AND setting LIKE '%.%';

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
RESET authfort.jwt;
SELECT count(*) FROM notes WHERE owner = authfort.uid();

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
SELECT authfort.revoke_session((:'one'::jsonb#>>'{user,session_id}')::uuid), authfort.revoke_session((:'one'::jsonb#>>'{user,session_id}')::uuid);
SELECT authfort.authenticate(:'one'::jsonb#>>'{tokens,access_token}');
UPDATE authfort.users SET banned = true;
SELECT authfort.authenticate(:'one'::jsonb#>>'{tokens,access_token}');
UPDATE authfort.users SET deleted_at = now();
SELECT authfort.authenticate(:'one'::jsonb#>>'{tokens,access_token}');
SELECT authfort.authenticate(NULL);
RESET authfort.jwt;
DROP TABLE notes;
DROP FUNCTION anonymous_uid();
DROP ROLE regress_authfort_app;
