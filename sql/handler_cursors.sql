-- A handler runs in the transaction of the one that caused the event, and so
-- beside the cursors that are open in it.  It must neither read them nor put
-- another in their place, for the next FETCH runs with the rights of its caller.
\set VERBOSITY terse
SET client_min_messages = warning;
CREATE ROLE regress_cursors_handler NOLOGIN;
GRANT authfort_admin TO regress_cursors_handler;
CREATE SCHEMA regress_cursors AUTHORIZATION regress_cursors_handler;
SET ROLE regress_cursors_handler;
CREATE TABLE regress_cursors.seen (what text);
CREATE FUNCTION regress_cursors.evil() RETURNS text LANGUAGE plpgsql AS $$
BEGIN
	RETURN 'ran as a ' || CASE WHEN pg_catalog.current_setting('is_superuser') = 'on'
		THEN 'superuser' ELSE 'plain role' END;
END $$;
CREATE FUNCTION regress_cursors.try(statement text) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
	row_read record;
BEGIN
	EXECUTE statement INTO row_read;
	INSERT INTO regress_cursors.seen VALUES (statement || ': ' || coalesce(row_read::text, 'done'));
EXCEPTION WHEN OTHERS THEN
	INSERT INTO regress_cursors.seen VALUES (statement || ': ' || SQLERRM);
END $$;
CREATE FUNCTION regress_cursors.handler(event jsonb) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
	taken refcursor := 'hers';
	left_open refcursor := 'left_open';
	own CURSOR FOR SELECT 'read from its own' AS what;
	row_read record;
BEGIN
	PERFORM regress_cursors.try('FETCH hers');
	PERFORM regress_cursors.try('MOVE hers');
	PERFORM regress_cursors.try('CLOSE hers');
	PERFORM regress_cursors.try('CLOSE held');
	BEGIN
		FETCH taken INTO row_read;
		INSERT INTO regress_cursors.seen VALUES ('fetched ' || row_read::text);
	EXCEPTION WHEN OTHERS THEN
		INSERT INTO regress_cursors.seen VALUES ('fetch: ' || SQLERRM);
	END;
	BEGIN
		CLOSE taken;
		INSERT INTO regress_cursors.seen VALUES ('closed');
		OPEN taken FOR SELECT regress_cursors.evil();
		INSERT INTO regress_cursors.seen VALUES ('replaced');
	EXCEPTION WHEN OTHERS THEN
		INSERT INTO regress_cursors.seen VALUES ('close: ' || SQLERRM);
	END;
	OPEN own;
	FETCH own INTO row_read;
	INSERT INTO regress_cursors.seen VALUES (row_read.what);
	OPEN left_open FOR SELECT regress_cursors.evil();
	EXECUTE 'DECLARE declared CURSOR FOR SELECT regress_cursors.evil()';
	IF pg_catalog.current_setting('regress.fail', true) = 'on' THEN
		RAISE EXCEPTION 'refused by the handler';
	END IF;
END $$;
SELECT authfort."on"('user_updated', 'regress_cursors.handler(jsonb)');
RESET ROLE;

SELECT count(authfort.create_user(email)) FROM unnest(ARRAY['a@example.org', 'b@example.org', 'c@example.org']) email;
DECLARE held CURSOR WITH HOLD FOR SELECT 'held'::text;
BEGIN;
DECLARE hers CURSOR FOR SELECT 'row ' || i FROM pg_catalog.generate_series(1, 3) i;
FETCH hers;
SELECT authfort.update_user(id, '{"name": "A"}') ->> 'name' FROM authfort.users WHERE email = 'a@example.org';
FETCH hers;
FETCH held;
SELECT name FROM pg_catalog.pg_cursors WHERE name NOT LIKE '<%' AND name <> '' ORDER BY name;

-- a handler that fails leaves them as they were
SAVEPOINT before;
SET LOCAL regress.fail = on;
SELECT authfort.update_user(id, '{"name": "B"}') ->> 'name' FROM authfort.users WHERE email = 'b@example.org';
ROLLBACK TO before;
FETCH hers;
CLOSE hers;
COMMIT;
SELECT name FROM pg_catalog.pg_cursors WHERE name NOT LIKE '<%' AND name <> '' ORDER BY name;
CLOSE held;
SELECT what FROM regress_cursors.seen;

-- in a loop over users, which is a cursor
DO $$
DECLARE
	one record;
BEGIN
	FOR one IN SELECT id FROM authfort.users LOOP
		PERFORM authfort.update_user(one.id, '{"name": "C"}');
	END LOOP;
END $$;
SELECT count(*) FROM authfort.users WHERE name = 'C';

-- and where the whole transaction fails
BEGIN;
DECLARE hers CURSOR FOR SELECT 1;
SET LOCAL regress.fail = on;
SELECT authfort.update_user(id, '{"name": "D"}') ->> 'name' FROM authfort.users WHERE email = 'a@example.org';
ROLLBACK;
SELECT name FROM pg_catalog.pg_cursors WHERE name NOT LIKE '<%' AND name <> '' ORDER BY name;

-- a trigger of the owner's that leaves cursors open: the INSERT gets the id of its row all the same
CREATE FUNCTION regress_cursors.open_three() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
	one refcursor;
BEGIN
	FOR i IN 1..3 LOOP
		one := NULL;
		OPEN one FOR SELECT i;
	END LOOP;
	RETURN NULL;
END $$;
CREATE TRIGGER regress_cursors AFTER INSERT ON authfort.users FOR EACH ROW EXECUTE FUNCTION regress_cursors.open_three();
BEGIN;
SELECT authfort.create_user('d@example.org') ->> 'email' AS email;
SELECT count(*) FROM pg_catalog.pg_cursors WHERE name LIKE '<%';
COMMIT;

DROP SCHEMA regress_cursors CASCADE;
DELETE FROM authfort.event_handlers;
DROP OWNED BY regress_cursors_handler;
DROP ROLE regress_cursors_handler;
