\echo Use "CREATE EXTENSION authfort" to load this file. \quit

-- Everything is named with its schema: the search_path of this script is
-- pg_catalog, and objects of the script do not depend on it.

DO $$
BEGIN
	IF pg_catalog.current_setting('server_encoding') <> 'UTF8' THEN
		RAISE EXCEPTION 'authfort requires a database with encoding UTF8'
			USING ERRCODE = 'feature_not_supported',
				  HINT = 'Tokens are UTF-8 JSON. Create the database with ENCODING ''UTF8''.';
	END IF;
END
$$;

-- Roles belong to the cluster, so another database may have created them, and
-- they may have members, who get privileges in this database too: a warning
-- reports these.  A role that has attributes of its own, such as SUPERUSER, is
-- refused, because its members could use them after SET ROLE.
DO $$
DECLARE
	name text;
	role record;
	known text;
BEGIN
	FOREACH name IN ARRAY ARRAY['authfort_http', 'authfort_fetch', 'authfort_courier', 'authfort_admin'] LOOP
		SELECT r.oid, r.rolcanlogin, pg_catalog.concat_ws(', ',
				CASE WHEN r.rolsuper THEN 'SUPERUSER' END, CASE WHEN r.rolcreaterole THEN 'CREATEROLE' END,
				CASE WHEN r.rolcreatedb THEN 'CREATEDB' END, CASE WHEN r.rolreplication THEN 'REPLICATION' END,
				CASE WHEN r.rolbypassrls THEN 'BYPASSRLS' END) AS powers
			INTO role FROM pg_catalog.pg_roles r WHERE r.rolname OPERATOR(pg_catalog.=) name;
		IF NOT FOUND THEN
			EXECUTE pg_catalog.format('CREATE ROLE %I NOLOGIN', name);
			CONTINUE;
		END IF;
		IF role.powers OPERATOR(pg_catalog.<>) '' THEN
			RAISE EXCEPTION 'role "%" already exists and has attributes that authfort does not allow', name
				USING ERRCODE = 'object_not_in_prerequisite_state', DETAIL = pg_catalog.format('It has %s.', role.powers),
					  HINT = 'Remove these attributes with ALTER ROLE, or rename the role.';
		END IF;
		SELECT pg_catalog.concat_ws(' ', CASE WHEN role.rolcanlogin THEN 'It can log in.' END,
				'Its members are: ' OPERATOR(pg_catalog.||) pg_catalog.string_agg(m.member::regrole::text, ', ' ORDER BY m.member) FILTER (WHERE m.roleid OPERATOR(pg_catalog.=) role.oid) OPERATOR(pg_catalog.||) '.',
				'It is a member of: ' OPERATOR(pg_catalog.||) pg_catalog.string_agg(m.roleid::regrole::text, ', ' ORDER BY m.roleid) FILTER (WHERE m.member OPERATOR(pg_catalog.=) role.oid) OPERATOR(pg_catalog.||) '.')
			INTO known FROM pg_catalog.pg_auth_members m;
		IF known OPERATOR(pg_catalog.<>) '' THEN
			RAISE WARNING 'role "%" already exists, and its members get its privileges in this database', name
				USING DETAIL = known;
		END IF;
	END LOOP;
END
$$;

CREATE SCHEMA authfort;
COMMENT ON SCHEMA authfort IS 'Authentication: users, sessions, roles, signing keys and the caller''s identity';

-- Functions that triggers, indexes and event triggers call; ordinary roles have no USAGE.
CREATE SCHEMA authfort_internal;
COMMENT ON SCHEMA authfort_internal IS 'Functions of authfort''s own indexes and triggers; not to be called';

CREATE FUNCTION authfort.version() RETURNS text
	LANGUAGE c IMMUTABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'authfort_version';
COMMENT ON FUNCTION authfort.version() IS 'Returns the version of the loaded library.';
