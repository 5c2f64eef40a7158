-- Functions that only read: STABLE, in parallel queries too, and as part of statements that write.
SELECT provolatile AS volatility, proparallel AS parallel, string_agg(proname, ' ' ORDER BY proname) AS functions
	FROM pg_proc
	WHERE pronamespace = 'authfort'::regnamespace AND proname IN ('get_user', 'list_users', 'get_user_count',
	'get_roles', 'user_has_role', 'get_sessions',
		'authenticate', 'current_user', 'role_members', 'rate_limits', 'rate_limit_status', 'routes', 'verify_jwt',
		'uid', 'introspect', 'list_identities', 'list_passkeys', 'list_service_tokens', 'master_key_usage',
		'message_template', 'mfa_status', 'oauth_providers', 'provider_tokens')
	GROUP BY 1, 2 ORDER BY 1, 2;
-- jwks() makes the first key
SELECT provolatile FROM pg_proc WHERE oid = 'authfort.jwks()'::regprocedure;

SELECT authfort.signup('ada@example.com', 'correct horse') AS ada \gset
SELECT authfort.create_user('user' || g || '@example.com', roles => '{reader}')->>'email' <> '' AS made
	FROM generate_series(1, 3) g;
SELECT id AS ada FROM authfort.users WHERE email = 'ada@example.com' \gset

-- in workers, also after this transaction has written
SET parallel_setup_cost = 0; SET parallel_tuple_cost = 0; SET min_parallel_table_scan_size = 0; SET max_parallel_workers_per_gather = 2;
CREATE TABLE people AS SELECT id FROM authfort.users;
ALTER TABLE people SET (parallel_workers = 2);
CREATE FUNCTION pg_temp.is_parallel(query text) RETURNS boolean LANGUAGE plpgsql AS $$
DECLARE
	line text;
BEGIN
	FOR line IN EXECUTE 'EXPLAIN (COSTS OFF) ' || query LOOP
		IF line LIKE '%Gather%' THEN RETURN true; END IF;
	END LOOP;
	RETURN false;
END $$;
\set readers 'SELECT count(*) FILTER (WHERE authfort.user_has_role(id, \'reader\')) AS has_role, count(authfort.get_user(id)) AS users, sum(cardinality(authfort.get_roles(id))) AS roles, sum((SELECT count(*) FROM authfort.get_sessions(id))) AS sessions, max(authfort.get_user_count(\'example\')) AS found, max((authfort.list_users(\'user1\')->\'total\')::int) AS listed FROM people'
SELECT pg_temp.is_parallel(:'readers') AS parallel;
BEGIN;
SELECT authfort.add_role(:'ada', 'reader');
UPDATE people SET id = id;
:readers;
ROLLBACK;

-- A statement sees what functions before it in the same statement did, not what it changes itself.
SELECT authfort.authenticate(authfort.login('ada@example.com',
	'correct horse')#>>'{tokens,access_token}')->>'email' AS signed_in;
SELECT authfort.introspect(authfort.login('ada@example.com',
	'correct horse')#>>'{tokens,refresh_token}')->>'email' AS introspected;
SELECT authfort.get_user((authfort.create_user('new@example.com')->>'id')::uuid)->>'email' AS made;
UPDATE authfort.users SET name = 'changed' WHERE id = :'ada' RETURNING name, authfort.get_user(id)->>'name' AS before;
SELECT authfort.get_user(:'ada')->>'name' AS after;
-- after an error in between the others go on writing
DO $$ BEGIN PERFORM authfort.get_user(gen_random_uuid()); EXCEPTION WHEN undefined_object THEN PERFORM authfort.create_user('later@example.com'); END $$;
SELECT count(*) FROM authfort.users WHERE email = 'later@example.com';
-- a repeatable read transaction keeps to its snapshot, and sees what it did
BEGIN ISOLATION LEVEL REPEATABLE READ;
SELECT authfort.get_user_count() AS count;
SELECT authfort.create_user('repeatable@example.com')->>'email' AS made;
SELECT authfort.get_user_count() AS count;
ROLLBACK;
BEGIN READ ONLY;
SELECT authfort.get_user_count() AS count;
SELECT authfort.introspect('x')->'active' AS active, (SELECT count(*) FROM authfort.list_identities(:'ada')) AS identities,
	authfort.provider_tokens(:'ada', 'google') AS tokens, (SELECT count(*) FROM authfort.oauth_providers()) AS providers,
	(SELECT count(*) > 0 FROM authfort.master_key_usage()) AS key_is_used;
ROLLBACK;

-- the client of a logout
SELECT authfort.logout(authfort.login('ada@example.com', 'correct horse')#>>'{tokens,refresh_token}',
	user_agent => 'app', ip_address => '192.0.2.1');
SELECT user_agent, ip_address FROM authfort.events WHERE event = 'logout';

-- One name for the client's address, and pages by the names that they come back with.
SELECT proname, proargnames FROM pg_proc WHERE pronamespace = 'authfort'::regnamespace
	AND proargnames && '{ip,address,remote_addr,max_users,skip,deleted}';
SELECT authfort.list_users(limit_ => 1, offset_ => 1) - 'users' AS page;
SELECT * FROM authfort.cleanup();
DROP TABLE people;
