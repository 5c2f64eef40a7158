-- What is open to whom.
SELECT p.oid::regprocedure AS "open to all" FROM pg_proc p
	WHERE pronamespace IN ('authfort'::regnamespace, 'authfort_api'::regnamespace) AND has_function_privilege('public', p.oid, 'EXECUTE') ORDER BY p.oid::regprocedure::text COLLATE "C";
SELECT c.oid::regclass FROM pg_class c WHERE relnamespace = 'authfort'::regnamespace AND relkind IN ('r', 'v', 'S')
	AND has_table_privilege('public', c.oid, 'SELECT, INSERT, UPDATE, DELETE, TRUNCATE, REFERENCES, TRIGGER');
-- (schema authfort_api is the same routes for PostgREST)
SELECT p.oid::regprocedure AS "open to the gateway" FROM pg_proc p
	WHERE pronamespace = 'authfort'::regnamespace AND has_function_privilege('authfort_http', p.oid, 'EXECUTE')
	AND NOT has_function_privilege('public', p.oid, 'EXECUTE');
SELECT has_schema_privilege('public', 'authfort', 'CREATE') AS create_in_schema;
SELECT p.oid::regprocedure AS "definer without search_path" FROM pg_proc p
	WHERE pronamespace IN ('authfort'::regnamespace, 'authfort_api'::regnamespace) AND prosecdef AND proconfig IS DISTINCT FROM '{"search_path=pg_catalog, pg_temp"}';
SELECT p.oid::regprocedure AS "function without comment" FROM pg_proc p
	WHERE pronamespace IN ('authfort'::regnamespace, 'authfort_api'::regnamespace) AND obj_description(p.oid, 'pg_proc') IS NULL;
SELECT c.oid::regclass AS "table without comment, or not dumped" FROM pg_class c, pg_extension e
	WHERE relnamespace = 'authfort'::regnamespace AND relkind = 'r' AND extname = 'authfort'
	AND (obj_description(c.oid, 'pg_class') IS NULL OR NOT c.oid = ANY (extconfig));

-- a role that holds only authfort_http
CREATE ROLE regress_authfort_gateway IN ROLE authfort_http;
SET ROLE regress_authfort_gateway;
SELECT status FROM authfort.http('GET', '/.well-known/jwks.json');
SELECT authfort.login('a@example.com', 'x');
SELECT authfort.rotate_key();
SELECT FROM authfort.users;
SELECT FROM authfort.signing_keys;
SET authfort.jwt_issuer = 'mine';
SET authfort.jwt_unknown = 'x';
RESET ROLE;
DROP ROLE regress_authfort_gateway;
