-- needs shared_preload_libraries = 'authfort'
-- Attempts of an ordinary role to impersonate a user with plain SQL.  All of them fail.
\pset null '(null)'
\set VERBOSITY terse
SELECT current_user AS super \gset
SELECT authfort.create_user('ada@example.com', 'correct horse', roles => '{admin}')->>'id' AS ada \gset
SELECT authfort.create_user('eve@example.com', 'correct horse')->>'id' AS eve \gset
SELECT authfort.login('ada@example.com', 'correct horse')#>>'{tokens,access_token}' AS ada_token \gset
SELECT authfort.login('eve@example.com', 'correct horse')#>>'{tokens,access_token}' AS eve_token \gset
SELECT json_build_object('sub', :'ada', 'roles', '{admin}'::text[], 'role', 'admin', 'iss', 'authfort', 'exp',
	4102444800) AS claims \gset
CREATE ROLE regress_authfort_eve LOGIN;
CREATE ROLE regress_authfort_door LOGIN;
CREATE TABLE notes (owner uuid DEFAULT authfort.uid() REFERENCES authfort.users, body text);
ALTER TABLE notes ENABLE ROW LEVEL SECURITY;
CREATE POLICY own ON notes USING (owner = authfort.uid() OR authfort.has_role('admin'));
INSERT INTO notes VALUES (:'ada', 'of ada'), (:'eve', 'of eve');
CREATE VIEW notes_invoker WITH (security_invoker) AS SELECT * FROM notes;
GRANT SELECT, INSERT, UPDATE ON notes TO regress_authfort_eve, regress_authfort_door;
GRANT SELECT ON notes_invoker TO regress_authfort_eve;
CREATE SCHEMA eve AUTHORIZATION regress_authfort_eve;
CREATE FUNCTION who() RETURNS text LANGUAGE plpgsql AS $$
BEGIN
	RETURN format('uid %s, session %s, roles %s, admin %s, notes %s',
		CASE authfort.uid() WHEN (SELECT owner FROM notes
		WHERE body = 'of eve') THEN 'eve' ELSE coalesce(authfort.uid()::text, 'none') END,
		coalesce(authfort.session_id()::text, 'none'), coalesce(authfort.roles()::text, 'none'),
		authfort.has_role('admin'),
		coalesce((SELECT string_agg(body, ',' ORDER BY body) FROM notes), 'none'));
END $$;
GRANT EXECUTE ON FUNCTION who() TO PUBLIC;

\c - regress_authfort_eve
SELECT who();

-- settings that other code trusts
SET request.jwt.claims = :'claims';
SET request.jwt.claim.sub = :'ada';
SET request.jwt.claim.role = 'admin';
SELECT who();
SELECT authfort.current_user();
SELECT authfort.require_role('admin');
BEGIN;
SELECT set_config('request.jwt.claims', :'claims', true) <> '' AS set;
SELECT who();
COMMIT;
SET authfort.trusted_authenticators = 'regress_authfort_eve';
SET LOCAL authfort.trusted_authenticators = 'regress_authfort_eve';
SELECT set_config('authfort.trusted_authenticators', 'regress_authfort_eve', false);
ALTER ROLE regress_authfort_eve SET authfort.trusted_authenticators = 'regress_authfort_eve';
ALTER ROLE regress_authfort_eve IN DATABASE regress_forgery SET authfort.trusted_authenticators = 'regress_authfort_eve';
ALTER DATABASE regress_forgery SET authfort.trusted_authenticators = 'regress_authfort_eve';
ALTER SYSTEM SET authfort.trusted_authenticators = 'regress_authfort_eve';
CREATE FUNCTION eve.trusted() RETURNS text
	LANGUAGE sql SET authfort.trusted_authenticators = 'regress_authfort_eve' AS 'SELECT who()';
UPDATE pg_settings SET setting = 'regress_authfort_eve' WHERE name = 'authfort.trusted_authenticators';
SET authfort.jwt_issuer = 'eve';
SET authfort.jwt_audience = 'eve';
SET authfort.master_key_file = '/tmp/eve';
\set VERBOSITY sqlstate
SHOW authfort.master_key_file;
\set VERBOSITY terse
SELECT who();

-- tokens that are nearly right
SELECT set_config('authfort.jwt', split_part(:'eve_token', '.', 1) || '.' || split_part(:'ada_token', '.', 2) || '.'
	|| split_part(:'eve_token', '.', 3), false) <> '' AS set;
SELECT who();
SELECT set_config('authfort.jwt', translate(encode('{"alg":"none","typ":"JWT"}', 'base64'), '+/=' || chr(10), '-_')
	|| '.' || split_part(:'ada_token', '.', 2) || '.', false) <> '' AS set;
SELECT who();
SELECT set_config('authfort.jwt', :'claims', false) <> '' AS set;
SELECT who();
SELECT authfort.set_jwt(split_part(:'ada_token', '.', 1) || '.' || split_part(:'ada_token', '.', 2) || '.');
RESET authfort.jwt;

-- other roles
SET ROLE regress_authfort_door;
SET ROLE authfort_admin;
SET ROLE authfort_http;
\set VERBOSITY sqlstate
SET SESSION AUTHORIZATION regress_authfort_door;
\set VERBOSITY terse
SET row_security = off;
SELECT count(*) FROM notes;
RESET row_security;

-- look-alikes, on the search_path and in the temporary schema
SET search_path = eve, pg_catalog, public;
CREATE FUNCTION eve.uid() RETURNS uuid LANGUAGE sql AS $$ SELECT owner FROM notes WHERE body = 'of ada' $$;
CREATE FUNCTION eve.yes(uuid, uuid) RETURNS boolean LANGUAGE sql IMMUTABLE AS 'SELECT true';
CREATE OPERATOR eve.= (LEFTARG = uuid, RIGHTARG = uuid, FUNCTION = eve.yes);
CREATE FUNCTION eve.yes(text, text) RETURNS boolean LANGUAGE sql IMMUTABLE AS 'SELECT true';
CREATE OPERATOR eve.= (LEFTARG = text, RIGHTARG = text, FUNCTION = eve.yes);
CREATE FUNCTION eve.has_role(VARIADIC text[]) RETURNS boolean LANGUAGE sql AS 'SELECT true';
CREATE TEMP TABLE users AS SELECT :'ada'::uuid AS id, 'ada@example.com' AS email;
CREATE TEMP TABLE signing_keys (kid text);
CREATE DOMAIN eve.uuid AS text;
SELECT count(*) FROM notes;
SELECT authfort.uid(), authfort.has_role('admin');
CREATE FUNCTION authfort.uid(boolean) RETURNS uuid LANGUAGE sql AS 'SELECT NULL::uuid';
CREATE OR REPLACE FUNCTION authfort.uid() RETURNS uuid LANGUAGE sql AS 'SELECT NULL::uuid';
ALTER FUNCTION authfort.uid() RENAME TO other;
ALTER FUNCTION authfort.uid() OWNER TO regress_authfort_eve;
DROP FUNCTION authfort.uid();
DROP EXTENSION authfort;
CREATE CAST (text AS uuid) WITH INOUT AS IMPLICIT;
RESET search_path;

-- tables
SELECT * FROM authfort.users;
SELECT * FROM authfort.signing_keys;
INSERT INTO authfort.signing_keys SELECT 'eve', 'EdDSA', '', '', now(), now();
UPDATE authfort.users SET id = id;
DELETE FROM authfort.sessions;
TRUNCATE authfort.users CASCADE;
COPY authfort.users TO STDOUT;
CREATE TRIGGER t BEFORE UPDATE ON authfort.users FOR EACH ROW EXECUTE FUNCTION suppress_redundant_updates_trigger();
CREATE POLICY all_of_it ON notes USING (true);
ALTER TABLE notes DISABLE ROW LEVEL SECURITY;
INSERT INTO notes VALUES (:'ada', 'forged');

-- views
CREATE VIEW eve.definer AS SELECT * FROM notes;
CREATE VIEW eve.invoker WITH (security_invoker) AS SELECT * FROM notes;
SELECT (SELECT count(*) FROM eve.definer) AS definer, (SELECT count(*) FROM eve.invoker) AS invoker,
	(SELECT count(*) FROM notes_invoker) AS of_owner;

-- functions that tell what they see, and run before the policy if they can
CREATE FUNCTION eve.leak(text) RETURNS boolean LANGUAGE plpgsql IMMUTABLE COST 0.0000001
	AS $$ BEGIN RAISE NOTICE 'seen: %', $1; RETURN true; END $$;
SET authfort.jwt = :'eve_token';
SELECT body FROM notes WHERE eve.leak(body);
SELECT body FROM notes WHERE 1 / (body <> 'of ada')::integer = 1;
UPDATE notes SET body = body || '!' WHERE eve.leak(body) RETURNING body;
UPDATE notes SET owner = :'ada';
UPDATE notes SET body = 'of eve';
CREATE FUNCTION eve.leak(uuid, uuid) RETURNS boolean LANGUAGE plpgsql IMMUTABLE LEAKPROOF
	AS $$ BEGIN RETURN true; END $$;
RESET authfort.jwt;

-- internals
SELECT count(*) AS "open to all that should not be" FROM pg_proc
WHERE pronamespace = 'authfort'::regnamespace AND has_function_privilege(oid, 'EXECUTE')
	AND oid::regprocedure::text NOT IN
	('authfort.uid()', 'authfort.session_id()', 'authfort.roles()', 'authfort.claims()', 'authfort.has_role(text[])',
	 'authfort.require_role(text[])', 'authfort."current_user"()', 'authfort.set_jwt(text,boolean)',
	'authfort.claim(text)', 'authfort.aal()', 'authfort.amr()', 'authfort.auth_time()',
	'authfort.require_aal(integer,interval)', 'authfort.version()');
SELECT authfort_internal.invalidate_keys();
SELECT authfort.rotate_key();
SELECT authfort.login('ada@example.com', 'wrong');
SELECT * FROM authfort.http('GET', '/auth/me');
CREATE FUNCTION eve.uid_c() RETURNS uuid LANGUAGE c AS '$libdir/authfort', 'authfort_uid';
CREATE FUNCTION eve.internal() RETURNS uuid LANGUAGE internal AS 'uuid_in';
LOAD 'authfort';
LOAD '$libdir/plugins/authfort';

-- the token does not show
SET authfort.jwt = :'eve_token';
SELECT who() LIKE 'uid eve%' AS eve;
SHOW authfort.jwt;
SELECT current_setting('authfort.jwt');
SELECT setting, boot_val, reset_val FROM pg_settings WHERE name = 'authfort.jwt';
SELECT count(*) FROM pg_settings s WHERE strpos(s::text, :'eve_token') > 0;
SELECT count(*) FROM pg_file_settings;

-- those who are trusted
\c - :super
ALTER ROLE regress_authfort_door SET authfort.trusted_authenticators = 'other, regress_authfort_door';
GRANT regress_authfort_eve TO regress_authfort_door;
\c - regress_authfort_door
-- before anybody has set it, and in one function that does
SELECT authfort.uid();
CREATE FUNCTION pg_temp.as_it_changes(claims text, token text) RETURNS SETOF text LANGUAGE plpgsql AS $$
DECLARE
	step text;
BEGIN
	FOR i IN 1 .. 300 LOOP
		IF authfort.uid() IS NOT NULL THEN
			RETURN NEXT 'somebody, though nobody was named';
		END IF;
	END LOOP;
	step := set_config('request.jwt.claims', claims, true);
	step := coalesce(authfort.uid()::text, 'none');
	RETURN NEXT 'claims: ' || authfort.has_role('admin')::text;
	BEGIN
		step := set_config('request.jwt.claims', '{"role": "anon"}', true);
		step := coalesce(authfort.uid()::text, 'none');
		RETURN NEXT 'anonymous: ' || step;
		RAISE 'back';
	EXCEPTION WHEN raise_exception THEN
		step := authfort.has_role('admin')::text;
		RETURN NEXT 'rolled back: ' || step;
	END;
	SET LOCAL request.jwt.claims = '';
	step := authfort.has_role('admin')::text;
	RETURN NEXT 'empty: ' || step;
	SET LOCAL request.jwt.claims = '{"sub": "11111111-1111-1111-1111-111111111111"}';
	step := authfort.uid();
	RETURN NEXT 'sub alone: ' || step || ', roles ' || authfort.roles()::text;
	SET LOCAL authfort.jwt = 'nonsense';
	step := coalesce(authfort.uid()::text, 'none');
	RETURN NEXT 'a token wins, though it is none: ' || step;
	PERFORM set_config('authfort.jwt', token, true);
	step := authfort.claims()->>'email';
	RETURN NEXT 'a token wins: ' || step;
END $$;
SELECT pg_temp.as_it_changes(:'claims', :'eve_token');
SELECT authfort.uid();

-- as PostgREST has it: another role, the claims for one transaction
BEGIN;
SELECT set_config('role', 'regress_authfort_eve', true), set_config('request.jwt.claims', :'claims',
	true) <> '' AS set;
SELECT authfort.uid() = :'ada' AS ada, authfort.session_id(), authfort.roles(), authfort.claims()->>'role' AS role,
	(SELECT count(*) FROM notes) AS notes;
SELECT authfort.current_user();
ROLLBACK;
SELECT authfort.uid();

-- invalid claims
CREATE FUNCTION pg_temp.take(claims text) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
	PERFORM set_config('request.jwt.claims', claims, true);
	RETURN coalesce(authfort.uid()::text, 'none');
END $$;
SELECT what, pg_temp.take(claims) FROM (VALUES
	('not JSON', 'x'), ('not an object', '[]'), ('cut', '{"sub": "'),
	('twice', '{"sub": "11111111-1111-1111-1111-111111111111", "sub": "11111111-1111-1111-1111-111111111111"}'),
	('no sub', '{"role": "anon"}'), ('sub not a uuid', '{"sub": "1"}'), ('sub a number', '{"sub": 1}'),
	('expired', '{"sub": "11111111-1111-1111-1111-111111111111", "exp": 1}'),
	('expiry a string', '{"sub": "11111111-1111-1111-1111-111111111111", "exp": "4102444800"}'),
	('not yet', '{"sub": "11111111-1111-1111-1111-111111111111", "nbf": 4102444800}'),
	('another issuer', '{"sub": "11111111-1111-1111-1111-111111111111", "iss": "eve"}'),
	('another audience', '{"sub": "11111111-1111-1111-1111-111111111111", "aud": "eve"}'),
	('a challenge', '{"sub": "11111111-1111-1111-1111-111111111111", "purpose": "mfa_challenge"}'),
	('roles not a list', '{"sub": "11111111-1111-1111-1111-111111111111", "roles": "admin"}'),
	('good', '{"sub": "11111111-1111-1111-1111-111111111111", "exp": 4102444800, "iss": "authfort", "roles": ["admin"]}')) AS t(what, claims);

-- a session that logged in as another role is not trusted, whatever its current role
\c - :super
REVOKE regress_authfort_eve FROM regress_authfort_door;
GRANT regress_authfort_door TO regress_authfort_eve;
\c - regress_authfort_eve
SET ROLE regress_authfort_door;
SET request.jwt.claims = :'claims';
SELECT authfort.uid(), session_user, current_user;
RESET ROLE;

\c - :super
-- an invalid list
SET authfort.trusted_authenticators = '"un"balanced';
DROP VIEW notes_invoker;
DROP SCHEMA eve CASCADE;
DROP TABLE notes;
DROP FUNCTION who();
DROP ROLE regress_authfort_eve, regress_authfort_door;
TRUNCATE authfort.users CASCADE;
