-- Dropping the extension by mistake; the library is preloaded here.
SELECT authfort.create_user('ada@example.com')->>'email';
DROP EXTENSION authfort;
DROP EXTENSION authfort CASCADE;
DROP SCHEMA authfort CASCADE;
ALTER EXTENSION authfort UPDATE;
SELECT count(*) FROM authfort.users;

-- only a superuser says otherwise
CREATE ROLE regress_authfort_owner;
SET ROLE regress_authfort_owner;
SET authfort.allow_drop = on;
RESET ROLE;
DROP ROLE regress_authfort_owner;
SET authfort.allow_drop = on;
SET client_min_messages = warning;
DROP EXTENSION authfort;
SELECT nspname FROM pg_namespace WHERE nspname LIKE 'authfort%';
