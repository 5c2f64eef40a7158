\echo Use "CREATE EXTENSION authfort" to load this file. \quit

-- Everything is named with its schema: the search_path of whoever runs this
-- script is pg_catalog, and stays out of what the script makes.

DO $$
BEGIN
	IF pg_catalog.current_setting('server_encoding') <> 'UTF8' THEN
		RAISE EXCEPTION 'authfort needs a database with encoding UTF8'
			USING ERRCODE = 'feature_not_supported',
				  HINT = 'Tokens are UTF-8 JSON. Create the database with ENCODING ''UTF8''.';
	END IF;
END
$$;

-- Roles belong to the cluster, so they may be there from another database.
DO $$
BEGIN
	IF NOT EXISTS (SELECT FROM pg_catalog.pg_roles WHERE rolname = 'authfort_http') THEN
		CREATE ROLE authfort_http NOLOGIN;
	END IF;
	IF NOT EXISTS (SELECT FROM pg_catalog.pg_roles WHERE rolname = 'authfort_admin') THEN
		CREATE ROLE authfort_admin NOLOGIN;
	END IF;
END
$$;

CREATE SCHEMA authfort;
COMMENT ON SCHEMA authfort IS 'Authentication: users, sessions, roles, signing keys and the caller''s identity';

CREATE FUNCTION authfort.version() RETURNS text
	LANGUAGE c IMMUTABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'authfort_version';
COMMENT ON FUNCTION authfort.version() IS 'Version of the authfort library that is loaded.';
