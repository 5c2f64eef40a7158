-- The function that adds claims to access tokens.
SET client_min_messages = warning;
CREATE FUNCTION raised(call text) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
	EXECUTE 'SELECT ' || call;
	RETURN 'nothing';
EXCEPTION WHEN OTHERS THEN
	RETURN concat_ws(' ', sqlstate, sqlerrm);
END $$;
CREATE FUNCTION hook("user" jsonb, session jsonb) RETURNS jsonb LANGUAGE plpgsql AS $$
BEGIN
	RETURN jsonb_build_object('tenant', "user"->'app_metadata'->>'tenant', 'strong', (session->>'aal')::integer > 1,
	'keys', (SELECT jsonb_agg(k ORDER BY k) FROM jsonb_object_keys(session) k));
END $$;
SELECT authfort.signup('ada@example.com', 'correct horse') AS answer \gset
SELECT :'answer'::jsonb->'tokens'->>'refresh_token' AS refresh_token, :'answer'::jsonb->'user'->>'id' AS ada \gset
UPDATE authfort.users SET app_metadata = '{"tenant": "acme"}';
CREATE VIEW own AS SELECT c - 'iss' - 'sub' - 'aud' - 'exp' - 'iat' - 'jti' - 'sid' - 'ver' - 'email' - 'name' - 'role' - 'roles' - 'mfa_enabled' - 'amr' - 'aal' - 'auth_time' AS added
	FROM authfort.verify_jwt(authfort.login('ada@example.com', 'correct horse')->'tokens'->>'access_token') c;
SELECT * FROM own;

-- Registering: one's own function, of the right form.
CREATE FUNCTION one(jsonb) RETURNS jsonb LANGUAGE sql AS 'SELECT $1';
CREATE FUNCTION words(jsonb, jsonb) RETURNS text LANGUAGE sql AS $$ SELECT 'x' $$;
CREATE FUNCTION sets(jsonb, jsonb) RETURNS SETOF jsonb LANGUAGE sql AS 'SELECT $1';
CREATE FUNCTION pg_temp.soon_gone(jsonb, jsonb) RETURNS jsonb LANGUAGE sql AS 'SELECT $1';
SELECT regexp_replace(raised(format('authfort.set_claims_hook(%L)', f)), 'pg_temp_\d+', 'pg_temp')
	FROM unnest(ARRAY['one(jsonb)', 'words(jsonb, jsonb)', 'sets(jsonb, jsonb)', 'pg_temp.soon_gone(jsonb, jsonb)',
	'0']) f;
CREATE ROLE regress_hook IN ROLE authfort_admin;
GRANT CREATE ON SCHEMA public TO regress_hook;
SET ROLE regress_hook;
SELECT raised($$authfort.set_claims_hook('hook(jsonb, jsonb)')$$);
RESET ROLE;
SELECT authfort.set_claims_hook('hook(jsonb, jsonb)');
TABLE own;
SELECT hook FROM authfort.claims_hook;
-- at a refresh as well, and for policies
SELECT authfort.refresh(:'refresh_token') AS answer \gset
SELECT :'answer'::jsonb->'tokens'->>'refresh_token' AS refresh_token,
	:'answer'::jsonb->'tokens'->>'access_token' AS token \gset
SET authfort.jwt = :'token';
SELECT authfort.claim('tenant'), authfort.claim('strong'), authfort.claim('keys');
RESET authfort.jwt;

-- It is kept in memory, but not past a change of the table, also in one transaction.
BEGIN;
SAVEPOINT before;
SELECT authfort.set_claims_hook(NULL);
TABLE own;
ROLLBACK TO before;
TABLE own;
TRUNCATE authfort.claims_hook;
TABLE own;
ROLLBACK;
TABLE own;
SELECT tgname, tgenabled FROM pg_trigger WHERE tgrelid = 'authfort.claims_hook'::regclass AND NOT tgisinternal ORDER BY tgname;

-- It runs as its owner, confined, and only while that is the same.
SET ROLE regress_hook;
CREATE FUNCTION theirs(jsonb, jsonb) RETURNS jsonb LANGUAGE plpgsql AS $$
BEGIN
	PERFORM set_config('authfort.jwt', 'x', false);
	RETURN jsonb_build_object('as', current_user, 'may_read_users', has_table_privilege('authfort.users', 'SELECT'));
END $$;
SELECT authfort.set_claims_hook('theirs(jsonb, jsonb)');
RESET ROLE;
TABLE own;
SELECT current_setting('authfort.jwt');
CREATE OR REPLACE FUNCTION public.makes_temp(jsonb, jsonb) RETURNS jsonb LANGUAGE plpgsql
	AS $$ BEGIN CREATE TEMP TABLE hidden (); RETURN '{}'; END $$;
SELECT authfort.set_claims_hook('makes_temp(jsonb, jsonb)');
SELECT raised($$authfort.login('ada@example.com', 'correct horse')$$);
SET ROLE regress_hook;
SELECT authfort.set_claims_hook('theirs(jsonb, jsonb)');
RESET ROLE;
ALTER FUNCTION theirs(jsonb, jsonb) OWNER TO CURRENT_USER;
SELECT raised($$authfort.login('ada@example.com', 'correct horse')$$);
DROP FUNCTION theirs(jsonb, jsonb);
SELECT raised($$authfort.login('ada@example.com', 'correct horse')$$);

-- Nor may its owner put a function of another form in its place.
SET ROLE regress_hook;
CREATE FUNCTION theirs(jsonb, jsonb) RETURNS jsonb LANGUAGE sql AS 'SELECT $1';
SELECT authfort.set_claims_hook('theirs(jsonb, jsonb)');
RESET ROLE;
CREATE FUNCTION replaced_by(definition text) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
	DROP ROUTINE theirs(jsonb, jsonb);
	SET LOCAL ROLE regress_hook;
	EXECUTE 'CREATE ' || replace(definition, '()', ' public.theirs(jsonb, jsonb)');
	RESET ROLE;
	RETURN raised($call$authfort.login('ada@example.com', 'correct horse')$call$);
END $$;
SELECT definition, replaced_by(definition) FROM unnest(ARRAY[
	'FUNCTION () RETURNS bigint LANGUAGE sql AS ''SELECT 4711::bigint''',
	'FUNCTION () RETURNS text LANGUAGE sql AS ''SELECT $1::text''',
	'FUNCTION () RETURNS SETOF jsonb LANGUAGE sql AS ''SELECT $1''',
	'PROCEDURE () LANGUAGE sql AS ''SELECT $1''']) definition;
DROP ROUTINE theirs(jsonb, jsonb);

-- What it may return.
CREATE TABLE returned (claims jsonb);
INSERT INTO returned VALUES ('{}');
CREATE FUNCTION what(jsonb, jsonb) RETURNS jsonb LANGUAGE sql AS 'SELECT claims FROM public.returned';
SELECT authfort.set_claims_hook('what(jsonb, jsonb)');
CREATE FUNCTION with_claims(claims jsonb) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
	UPDATE returned SET claims = with_claims.claims;
	RETURN left((SELECT added::text FROM own), 60);
EXCEPTION WHEN OTHERS THEN
	RETURN concat_ws(' ', sqlstate, sqlerrm);
END $$;
SELECT c, with_claims(c) FROM unnest(ARRAY[NULL, '{}', 'null', '[]', '1', '{"Role": "x", "a": [1, {"b": null}]}',
	'{"": 1}']::jsonb[]) c;
SELECT name, with_claims(jsonb_build_object('tenant', 1, name, 'x'))
	FROM unnest(ARRAY['iss', 'sub', 'aud', 'exp', 'nbf', 'iat', 'jti', 'sid', 'ver', 'email', 'name', 'role', 'roles',
	'mfa_enabled', 'amr', 'aal', 'auth_time', 'purpose', 'scope']) name;
SELECT with_claims(jsonb_build_object('a', repeat('x', 2048 - 9))),
	with_claims(jsonb_build_object('a', repeat('x', 2048 - 8)));
SELECT name, with_claims(jsonb_build_object('a', claim::jsonb))
	FROM (VALUES ('31 arrays', repeat('[', 31) || repeat(']', 31)), ('32 arrays', repeat('[', 32) || repeat(']', 32)),
	('long number', '1e400')) AS v(name, claim);

-- A hook that fails changes nothing; its SQLSTATE does not speak to the client.
CREATE FUNCTION fails(jsonb, jsonb) RETURNS jsonb LANGUAGE plpgsql
	AS $$ BEGIN RAISE SQLSTATE 'PT403' USING MESSAGE = 'no'; END $$;
SELECT authfort.set_claims_hook('fails(jsonb, jsonb)');
SELECT authfort.login('ada@example.com', 'correct horse');
SELECT generation AS before FROM authfort.sessions WHERE parent IS NOT NULL \gset
SELECT raised(format('authfort.refresh(%L)', :'refresh_token'));
SELECT generation = :before AS same_generation FROM authfort.sessions WHERE parent IS NOT NULL;
SELECT authfort.set_claims_hook(NULL);
SELECT authfort.refresh(:'refresh_token') ? 'tokens' AS works_again;
TABLE own;

-- With cookies, a token that no browser would keep is refused.
SET authfort.cookies = on;
SELECT authfort.update_user(:'ada', jsonb_build_object('name', repeat('ä', 255))) IS NOT NULL AS long_name;
SELECT authfort.add_role(:'ada', repeat(chr(96 + i), 50)) FROM generate_series(1, 20) i;
UPDATE returned SET claims = jsonb_build_object('a', repeat('x', 2000));
SELECT authfort.set_claims_hook('what(jsonb, jsonb)');
SELECT raised($$authfort.http('POST', '/auth/login', NULL, '{"content-type": "application/json"}',
	'{"email": "ada@example.com", "password": "correct horse"}', NULL)$$);
RESET authfort.cookies;
SELECT (authfort.http('POST', '/auth/login', NULL, '{"content-type": "application/json"}',
	'{"email": "ada@example.com", "password": "correct horse"}', NULL)).status;

SELECT authfort.set_claims_hook(NULL);
DROP OWNED BY regress_hook;
DROP ROLE regress_hook;
