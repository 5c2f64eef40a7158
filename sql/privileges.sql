-- The comment of each object, and what a gateway's role can do. All privileges are in catalog.sql.
SELECT p.oid::regprocedure AS "function without comment" FROM pg_proc p
	WHERE pronamespace IN ('authfort'::regnamespace, 'authfort_api'::regnamespace, 'authfort_internal'::regnamespace)
	AND obj_description(p.oid, 'pg_proc') IS NULL;
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
