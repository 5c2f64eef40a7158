-- needs shared_preload_libraries = 'authfort'
-- The whole catalog: what of the extension is whose, and that no function can be fooled.
CREATE TEMP VIEW members AS
	SELECT classid, objid, pg_describe_object(classid, objid, 0) AS object FROM pg_depend
	WHERE refclassid = 'pg_extension'::regclass AND deptype = 'e'
		AND refobjid = (SELECT oid FROM pg_extension WHERE extname = 'authfort');
CREATE TEMP VIEW functions AS
	SELECT p.*, p.oid::regprocedure::text COLLATE "C" AS signature FROM pg_proc p
	JOIN members m ON m.classid = 'pg_proc'::regclass AND m.objid = p.oid;
-- (since PostgreSQL 18 the types of tables are members by themselves)
SELECT DISTINCT classid::regclass AS "kinds of members" FROM members WHERE classid <> 'pg_type'::regclass ORDER BY 1;
SELECT p.oid::regprocedure AS "in our schemas, but not ours" FROM pg_proc p
	WHERE pronamespace IN ('authfort'::regnamespace, 'authfort_api'::regnamespace, 'authfort_internal'::regnamespace)
	AND oid NOT IN (SELECT oid FROM functions);
SELECT c.oid::regclass AS "in our schemas, but not ours" FROM pg_class c
	WHERE relnamespace IN ('authfort'::regnamespace, 'authfort_api'::regnamespace, 'authfort_internal'::regnamespace)
	AND relkind NOT IN ('i', 't')
	AND NOT EXISTS (SELECT FROM members WHERE classid = 'pg_class'::regclass AND objid = c.oid);
SELECT t.oid::regtype AS "types that are no rows of tables" FROM pg_type t
	WHERE typnamespace IN ('authfort'::regnamespace, 'authfort_api'::regnamespace, 'authfort_internal'::regnamespace)
	AND typrelid = 0 AND typelem = 0;
SELECT oprname AS "operators" FROM pg_operator
	WHERE oprnamespace IN ('authfort'::regnamespace, 'authfort_api'::regnamespace, 'authfort_internal'::regnamespace);

-- Everything that anybody but the owner may do. The routes in authfort_api are one line.
WITH objects (object, owner, acl) AS (
	SELECT object, relowner, coalesce(relacl, acldefault(CASE relkind WHEN 'S' THEN 's' ELSE 'r' END::"char",
	relowner))
		FROM members JOIN pg_class c ON classid = 'pg_class'::regclass AND objid = c.oid
	UNION ALL
	SELECT object || ' column ' || attname, 0, attacl FROM members JOIN pg_attribute ON classid = 'pg_class'::regclass
	AND objid = attrelid
	UNION ALL
	SELECT 'type ' || t.oid::regtype, typowner, typacl FROM members JOIN pg_type t ON classid = 'pg_class'::regclass
	AND objid = typrelid
	UNION ALL
	SELECT object, nspowner, coalesce(nspacl, acldefault('n', nspowner)) FROM members
	JOIN pg_namespace n ON classid = 'pg_namespace'::regclass AND objid = n.oid
	UNION ALL
	SELECT CASE WHEN object ~ '^function authfort_api\.' THEN 'functions of authfort_api' ELSE object END, proowner,
	coalesce(proacl, acldefault('f', proowner))
		FROM members JOIN pg_proc p ON classid = 'pg_proc'::regclass AND objid = p.oid
)
SELECT CASE grantee WHEN 0 THEN 'PUBLIC' ELSE grantee::regrole::text END COLLATE "C" AS who,
	privilege_type AS may, object COLLATE "C", is_grantable AS "and give on"
FROM objects, aclexplode(acl) WHERE grantee <> owner GROUP BY 1, 2, 3, 4 ORDER BY 1, 2, 3;
SELECT count(*) > 40 AS many, bool_and(has_function_privilege('authfort_http', oid, 'EXECUTE')) AS all_of_them
	FROM functions WHERE pronamespace = 'authfort_api'::regnamespace;

CREATE TEMP VIEW our_roles AS SELECT unnest('{authfort_admin,authfort_courier,authfort_fetch,authfort_http}'::name[]) AS name;
-- Our roles have that and nothing else: no object of any kind in this database or the cluster, no role, no power.
SELECT r.rolname, d.classid::regclass AS "holds rights on", count(*) FROM pg_shdepend d
	JOIN pg_roles r ON r.oid = d.refobjid
	WHERE d.refclassid = 'pg_authid'::regclass AND d.deptype = 'a' AND r.rolname IN (SELECT name FROM our_roles)
	AND (d.dbid IN (0, (SELECT oid FROM pg_database WHERE datname = current_database()))) GROUP BY 1, 2 ORDER BY 1, 2;
SELECT d.deptype, d.objid FROM pg_shdepend d JOIN pg_roles r ON r.oid = d.refobjid
	WHERE r.rolname IN (SELECT name FROM our_roles) AND d.deptype NOT IN ('a', 'i');
SELECT r.rolname, o.rolname AS "can become" FROM pg_roles r, pg_roles o
	WHERE r.rolname IN (SELECT name FROM our_roles) AND o.oid <> r.oid AND pg_has_role(r.oid, o.oid, 'MEMBER');
SELECT rolname, rolsuper OR rolcreaterole OR rolcreatedb OR rolcanlogin OR rolreplication OR rolbypassrls AS power,
	rolconfig
	FROM pg_roles WHERE rolname IN (SELECT name FROM our_roles) ORDER BY 1;
SELECT * FROM pg_parameter_acl WHERE parname LIKE 'authfort.%';

-- As one who holds authfort_http: no setting except the token, no table, column or sequence, no schema to put something into.
CREATE ROLE regress_catalog_gateway IN ROLE authfort_http;
CREATE FUNCTION pg_temp.settable_by(who text, OUT settable text, OUT refused bigint) LANGUAGE plpgsql AS $$
DECLARE
	setting text;
BEGIN
	refused := 0;
	EXECUTE format('SET ROLE %I', who);
	FOR setting IN SELECT name FROM pg_settings WHERE name LIKE 'authfort.%' ORDER BY name COLLATE "C" LOOP
		BEGIN
			PERFORM set_config(setting, current_setting(setting), true);
			settable := concat_ws(', ', settable, setting);
		EXCEPTION WHEN insufficient_privilege OR cant_change_runtime_param THEN
			refused := refused + 1;
		END;
	END LOOP;
	RESET ROLE;
END $$;
SELECT settable, refused > 40 AS others_refused FROM pg_temp.settable_by('regress_catalog_gateway');
SELECT c.oid::regclass FROM pg_class c JOIN members m ON m.objid = c.oid WHERE relkind IN ('r', 'v', 'm', 'p', 'f')
	AND (has_table_privilege('regress_catalog_gateway', c.oid,
	'SELECT, INSERT, UPDATE, DELETE, TRUNCATE, REFERENCES, TRIGGER')
		OR has_any_column_privilege('regress_catalog_gateway', c.oid, 'SELECT, INSERT, UPDATE, REFERENCES'));
SELECT c.oid::regclass FROM pg_class c JOIN members m ON m.objid = c.oid
	WHERE CASE WHEN relkind = 'S' THEN has_sequence_privilege('regress_catalog_gateway', c.oid,
	'USAGE, SELECT, UPDATE') END;
SELECT nspname FROM pg_namespace WHERE has_schema_privilege('regress_catalog_gateway', oid, 'CREATE')
	AND nspname NOT LIKE 'pg\_temp\_%';
SELECT signature FROM functions WHERE pronamespace = 'authfort'::regnamespace
	AND has_function_privilege('regress_catalog_gateway', oid, 'EXECUTE') ORDER BY 1;
DROP ROLE regress_catalog_gateway;

-- Whose search_path is not pinned: these run as their caller and run no SQL.
SELECT signature AS "not pinned", l.lanname, prosecdef FROM functions JOIN pg_language l ON l.oid = prolang
	WHERE proconfig IS NULL OR NOT proconfig @> '{"search_path=pg_catalog, pg_temp"}' ORDER BY 1;
-- Those that set more than that, or look at their caller before they take their owner's rights.
SELECT signature, proconfig, prosecdef FROM functions WHERE pronamespace <> 'authfort_api'::regnamespace
	AND (proconfig <> '{"search_path=pg_catalog, pg_temp"}' OR (proconfig IS NOT NULL AND NOT prosecdef)) ORDER BY 1;
SELECT proconfig, prosecdef, CASE WHEN bool_and(proname = 'pre_request') THEN 'pre_request' ELSE 'routes' END AS of
	FROM functions
	WHERE pronamespace = 'authfort_api'::regnamespace GROUP BY 1, 2 ORDER BY 2;

-- NULLs. Each function with NULL for all arguments, and for one at a time beside those it needs; what it does is
-- undone.
CREATE TEMP TABLE samples AS SELECT * FROM (VALUES
	('text'::regtype, 'bob@example.com'), ('uuid', authfort.create_user('ada@example.com')->>'id'), ('boolean', 'f'),
	('integer', '1'), ('bigint', '1'), ('interval', '1 day'),
	('jsonb', '{}'), ('json', '{}'), ('inet', '192.0.2.1'), ('bytea', '\x00'), ('text[]', '{}'),
	('name', 'regress_catalog'), ('regprocedure', 'pg_catalog.jsonb_typeof(jsonb)')) AS s(type, value);
CREATE FUNCTION pg_temp.call_with_null(f functions, nulls integer[]) RETURNS text LANGUAGE sql AS $$
	SELECT format('%s.%I(%s)', f.pronamespace::regnamespace, f.proname, string_agg(
		CASE WHEN f.provariadic <> 0 AND i = f.pronargs THEN 'VARIADIC ' ELSE '' END
		|| coalesce(quote_ident(f.proargnames[i]) || ' => ', '') ||
		CASE WHEN i = ANY (nulls) THEN 'NULL' ELSE quote_literal(value) END || '::' || s.type, ', ' ORDER BY i))
	FROM unnest(f.proargtypes) WITH ORDINALITY AS a(oid, i) JOIN samples s ON s.type = a.oid
	WHERE i = ANY (nulls) OR i <= f.pronargs - f.pronargdefaults
$$;
CREATE FUNCTION pg_temp.outcome(call text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	answer text;
BEGIN
	EXECUTE 'SELECT (' || call || ')::text LIMIT 1' INTO answer;
	RAISE EXCEPTION SQLSTATE 'ZZZZZ' USING MESSAGE = coalesce((regexp_match(answer, '"error": "(\w+)"'))[1],
	CASE WHEN answer IS NULL THEN 'NULL' ELSE 'an answer' END);
EXCEPTION WHEN SQLSTATE 'ZZZZZ' THEN
	RETURN sqlerrm;
WHEN OTHERS THEN
	RETURN sqlstate;
END $$;
SELECT signature AS "argument without a sample" FROM functions, unnest(proargtypes) t
	WHERE t NOT IN (SELECT type FROM samples);
-- all NULL: 22004 is null_value_not_allowed; the others say in their comment what they do
SELECT outcome, CASE WHEN outcome = '22004' THEN 'most' ELSE string_agg(signature, E'\n'
	ORDER BY signature) END AS functions
FROM functions f, LATERAL (SELECT pg_temp.outcome(pg_temp.call_with_null(f,
	ARRAY(SELECT generate_series(1, pronargs)))) COLLATE "C") AS o(outcome)
WHERE pronargs > 0 AND pronamespace = 'authfort'::regnamespace GROUP BY 1 ORDER BY 1;
-- one NULL: every argument that may be, and what comes of it
SELECT f.signature, string_agg(f.proargnames[i] || ': ' || outcome, E'\n' ORDER BY i) AS "may be NULL"
FROM functions f, generate_series(1, pronargs) i, pg_temp.outcome(pg_temp.call_with_null(f, ARRAY[i])) outcome
WHERE pronamespace = 'authfort'::regnamespace AND outcome <> '22004' GROUP BY 1 ORDER BY 1;
-- the routes answer requests without a body
SELECT DISTINCT outcome COLLATE "C" FROM functions f, pg_temp.outcome(pg_temp.call_with_null(f, '{1}')) outcome
	WHERE pronargs > 0 AND pronamespace = 'authfort_api'::regnamespace ORDER BY 1;
-- triggers that are called
SELECT authfort_internal.invalidate_keys();
SELECT authfort_internal.invalidate_caches();
SELECT authfort_internal.publish_keys();
SELECT authfort_internal.delete_belongings();
SELECT authfort_internal.refuse_triggers();
SELECT authfort_internal.check_message_template();
SELECT signature AS "another trigger" FROM functions WHERE prorettype = 'trigger'::regtype
	AND proname NOT IN ('invalidate_keys', 'invalidate_caches', 'publish_keys', 'delete_belongings',
	'check_message_template');

-- Dynamic SQL: all of it comes from format(), with identifiers and literals only.
SELECT signature, n AS statements FROM functions, LATERAL (SELECT count(*)
	FROM regexp_matches(prosrc, '(?<!GRANT )\mEXECUTE\M', 'gi')) AS c(n)
	WHERE prosrc ~* '\mEXECUTE\M' ORDER BY 1;
SELECT signature AS "not quoted" FROM functions
	WHERE prosrc ~* '(?<!GRANT )\mEXECUTE\M(?!\s+pg_catalog\.format\(''([^''%]|%[IL])*'',)';

-- Names that are meant to break out.
CREATE TABLE x (y integer);
CREATE ROLE regress_catalog_x;
SELECT '"; DROP TABLE x; --' AS "door", $$regress ' || 'x %I %L$$ AS "anon", E'regress "line"\nbreak\\' AS "user" \gset
SELECT authfort.setup_postgrest(:'door', :'anon', :'user');
SELECT authfort.publish_jwks(:'door');
SELECT rolname, rolcanlogin, pg_has_role(:'door', oid, 'MEMBER') FROM pg_roles
	WHERE rolname IN (:'door', :'anon', :'user') ORDER BY rolname COLLATE "C";
SELECT split_part(s, '=', 1) AS setting, CASE WHEN s NOT LIKE 'pgrst%' THEN s END AS value FROM pg_db_role_setting,
	unnest(setconfig) s
	WHERE s NOT LIKE 'authfort.argon2\_%' AND setdatabase = (SELECT oid FROM pg_database
	WHERE datname = current_database()) ORDER BY 1;
\set VERBOSITY terse
SELECT authfort.setup_postgrest('public');
SELECT authfort.setup_postgrest('regress_catalog_x', 'none');
SELECT authfort.setup_postgrest('');
\set VERBOSITY default
SELECT authfort.nginx_locations(:'door') LIKE '%proxy_pass "; DROP TABLE x; --;%' AS as_it_is;
CREATE SCHEMA ".';";
CREATE FUNCTION ".';"."""; DROP TABLE x; --"(event jsonb) RETURNS void LANGUAGE sql
	AS $$ INSERT INTO public.x VALUES (1) $$;
SELECT authfort.on('user_created', '".'';"."""; DROP TABLE x; --"(jsonb)');
SET quote_all_identifiers = on;
SELECT authfort.on('user_created', '".'';"."""; DROP TABLE x; --"(jsonb)');
RESET quote_all_identifiers;
SELECT event, handler FROM authfort.event_handlers;
SELECT authfort.create_user('bob@example.com')->>'email';
SET quote_all_identifiers = on;
SELECT authfort.off('user_created', '".'';"."""; DROP TABLE x; --"(jsonb)');
RESET quote_all_identifiers;
SELECT authfort.create_user($$'; DROP TABLE x; --@example.com$$);
SELECT authfort.list_users($$'; DROP TABLE x; --$$, role => $$'; DROP TABLE x; --$$)->'total';
SELECT authfort.list_users(sort_by => 'id; DROP TABLE x');
SELECT authfort.on($$login'; DROP TABLE x; --$$, '".'';"."""; DROP TABLE x; --"(jsonb)');
TABLE x;
TABLE authfort.event_handlers;

DROP SCHEMA ".';" CASCADE;
DROP TABLE x;
TRUNCATE authfort.jwks_subscribers;
SELECT format('ALTER DATABASE %I RESET ALL', current_database()) \gexec
DROP OWNED BY :"door", :"anon", :"user";
DROP ROLE :"door", :"anon", :"user", regress_catalog_x;
