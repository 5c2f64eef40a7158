-- needs shared_preload_libraries = 'authfort'
-- Dropping the extension by mistake; the library is preloaded here.
SELECT authfort.create_user('ada@example.com')->>'email';
DROP EXTENSION authfort;
DROP EXTENSION authfort CASCADE;
DROP EXTENSION IF EXISTS authfort CASCADE;
DROP SCHEMA authfort CASCADE;
DROP SCHEMA authfort_api CASCADE;
DROP TABLE authfort.users CASCADE;
DROP FUNCTION authfort.uid() CASCADE;
DROP FUNCTION authfort.uuid_v7() CASCADE;
-- its functions in PL/pgSQL take the whole extension with them
DROP EXTENSION plpgsql CASCADE;
\set VERBOSITY terse
DROP ROLE authfort_http;
\set VERBOSITY default
ALTER EXTENSION authfort UPDATE;
ALTER EXTENSION authfort SET SCHEMA public;
DO $$ BEGIN EXECUTE 'DROP EXTENSION authfort CASCADE'; END $$;
-- nor does a caught error leave half of it dropped
DO $$ BEGIN EXECUTE 'DROP EXTENSION authfort CASCADE'; EXCEPTION WHEN dependent_objects_still_exist THEN RAISE NOTICE 'refused'; END $$;
CREATE FUNCTION drop_it() RETURNS void LANGUAGE sql AS 'DROP EXTENSION authfort CASCADE';
SELECT drop_it();
DROP FUNCTION drop_it();
-- other extensions and tables are not our business
CREATE TABLE users (id integer);
DROP TABLE users;
SELECT count(*) FROM authfort.users;

-- only a superuser says otherwise, be it that another role owns the extension
CREATE ROLE regress_authfort_owner SUPERUSER;
SET authfort.allow_drop = on;
SET client_min_messages = warning;
DROP EXTENSION authfort;
SELECT nspname FROM pg_namespace WHERE nspname LIKE 'authfort%';
RESET authfort.allow_drop;
SET SESSION AUTHORIZATION regress_authfort_owner;
CREATE EXTENSION authfort;
SELECT authfort.create_user('ada@example.com')->>'email';
RESET SESSION AUTHORIZATION;
ALTER ROLE regress_authfort_owner NOSUPERUSER;
SET SESSION AUTHORIZATION regress_authfort_owner;
SET authfort.allow_drop = on;
ALTER ROLE regress_authfort_owner SET authfort.allow_drop = on;
DROP EXTENSION authfort CASCADE;
DROP OWNED BY regress_authfort_owner CASCADE;
RESET SESSION AUTHORIZATION;
DROP OWNED BY regress_authfort_owner;
\set VERBOSITY terse
DROP ROLE regress_authfort_owner;
\set VERBOSITY default
SELECT count(*) FROM authfort.users;

-- taken out of the extension the objects stay as they are
ALTER EXTENSION authfort DROP TABLE authfort.password_history;
SELECT count(*) FROM authfort.password_history;
ALTER EXTENSION authfort ADD TABLE authfort.password_history;

-- a rollback brings all back
BEGIN;
SET LOCAL authfort.allow_drop = on;
DROP EXTENSION authfort;
ROLLBACK;
SELECT count(*) FROM authfort.users;
DROP EXTENSION authfort;
SET authfort.allow_drop = on;
DROP EXTENSION authfort;
DROP ROLE regress_authfort_owner;
