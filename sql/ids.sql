-- Ids of our own making, which database this is, and which key signs next.
\pset null '(null)'

-- no sequence decides anything
SELECT c.oid::regclass AS "sequence" FROM pg_class c
	WHERE c.relkind = 'S' AND c.relnamespace IN ('authfort'::regnamespace, 'authfort_api'::regnamespace);
SELECT unnest(extconfig)::regclass AS "dumped, but no table" FROM pg_extension WHERE extname = 'authfort'
	EXCEPT SELECT oid::regclass FROM pg_class WHERE relkind = 'r';
SELECT attrelid::regclass AS "table", format_type(atttypid, atttypmod) AS type FROM pg_attribute
	WHERE attname = 'id' AND attrelid IN ('authfort.events'::regclass, 'authfort.outbox'::regclass,
		'authfort.event_handlers'::regclass, 'authfort.password_history'::regclass)
		ORDER BY attrelid::regclass::text COLLATE "C";
SELECT pg_get_function_arguments(p) AS takes, pg_get_function_result(p) LIKE 'TABLE(id uuid,%' AS gives_uuid
	FROM (VALUES ('authfort.take_messages'::regproc), ('authfort.message_sent')) AS v(p);

-- version 7, and each greater than the one before: a hundred thousand take far fewer milliseconds
CREATE TEMP TABLE ids AS SELECT n, authfort.uuid_v7() AS id, clock_timestamp() AS at FROM generate_series(1, 100000) n;
SELECT count(*) FILTER (WHERE id <= before) AS "not greater",
	count(DISTINCT left(id::text, 13)) < count(*) / 10 AS "many in a millisecond"
	FROM (SELECT id, lag(id) OVER (ORDER BY n) AS before FROM ids) AS i;
SELECT count(*) AS odd FROM ids WHERE id::text !~ '^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$';
SELECT count(DISTINCT right(id::text, 16)) AS random FROM ids;
SELECT bool_and(abs(extract(epoch FROM at) * 1000 - ('x'
	|| translate(left(id::text, 13), '-', ''))::bit(48)::bigint) < 60000) AS "in its time" FROM ids;

-- an event says which transaction recorded it, and where
BEGIN;
SELECT authfort.create_user('ada@example.com', 'correct horse')->>'id' AS ada \gset
SELECT xid = pg_current_xact_id() AS this_transaction, cluster = authfort.cluster_id() AS this_cluster
	FROM authfort.events;
SELECT authfort.cluster_id() = system_identifier AS "as the server says" FROM pg_control_system();
COMMIT;
BEGIN;
SAVEPOINT s;
SELECT authfort.add_role(:'ada', 'editor');
RELEASE s;
SELECT event, xid = pg_current_xact_id() AS "not the subtransaction's" FROM authfort.events ORDER BY id DESC LIMIT 1;
COMMIT;

-- handlers are called in the order in which they were registered
CREATE FUNCTION one(event jsonb) RETURNS void LANGUAGE plpgsql AS $$ BEGIN RAISE NOTICE 'one'; END $$;
CREATE FUNCTION two(event jsonb) RETURNS void LANGUAGE plpgsql AS $$ BEGIN RAISE NOTICE 'two'; END $$;
CREATE FUNCTION a_third(event jsonb) RETURNS void LANGUAGE plpgsql
	AS $$ BEGIN RAISE NOTICE 'three, with a text as id: %', jsonb_typeof(event->'id'); END $$;
SELECT authfort.on('role_added', 'one(jsonb)'), authfort.on('role_added', 'two(jsonb)'),
	authfort.on('role_added', 'a_third(jsonb)');
SELECT authfort.add_role(:'ada', 'writer');
SELECT authfort.off('role_added', 'one(jsonb)'), authfort.off('role_added', 'two(jsonb)'),
	authfort.off('role_added', 'a_third(jsonb)');

-- messages: by their id, once
SELECT status FROM authfort.http('POST', '/auth/forgot-password', NULL, '{"content-type": "application/json"}',
	'{"email": "ada@example.com"}');
SELECT id, kind, message->>'token' AS token FROM authfort.take_messages() \gset
SELECT authfort.message_sent('00000000-0000-7000-8000-000000000000') AS unknown, authfort.message_sent(:'id') AS sent,
	authfort.message_sent(:'id') AS again;
SELECT authfort.message_sent(1);
SELECT authfort.message_sent('1');

-- cleanup locks no event unless it deletes it
SELECT count(*) > 3 AS events, (authfort.cleanup()).events AS removed FROM authfort.events;
SELECT count(*) AS locked FROM authfort.events WHERE xmax <> 0;
UPDATE authfort.events SET created_at = now() - interval '2 years' WHERE id IN (SELECT id FROM authfort.events
	ORDER BY id LIMIT 2);
SELECT (authfort.cleanup()).events AS removed;
SELECT count(*) AS locked FROM authfort.events WHERE xmax <> 0;

-- the key that was prepared is the next to sign, whatever its algorithm
SELECT authfort.prepare_key('EdDSA') AS eddsa \gset
SELECT authfort.prepare_key('EdDSA') = :'eddsa' AS the_same;
SELECT authfort.rotate_key() = :'eddsa' AS taken;
SELECT authfort.prepare_key('ES256') AS es256, pg_sleep(0.01) \gset
SELECT authfort.prepare_key('RS256') AS rs256 \gset
SELECT authfort.rotate_key('EdDSA') NOT IN (:'eddsa', :'es256', :'rs256') AS "a new one, as it was named";
SELECT authfort.rotate_key() = :'rs256' AS "the last prepared", authfort.rotate_key() = :'es256' AS "then the other";
SELECT authfort.rotate_key() NOT IN (:'eddsa', :'es256', :'rs256') AS "then a new one";
SELECT algorithm FROM authfort.signing_keys WHERE activated_at IS NOT NULL AND expires_at IS NULL;
SELECT authfort.prepare_key('EdDSA') AS eddsa \gset
SELECT authfort.add_role(:'ada', 'admin');
SELECT authfort.login('ada@example.com', 'correct horse')#>>'{tokens,access_token}' AS access \gset
SELECT status, body::jsonb->>'kid' = :'eddsa' AS taken FROM authfort.http('POST', '/auth/admin/keys/rotate', NULL,
	jsonb_build_object('content-type', 'application/json', 'authorization', 'Bearer ' || :'access'), '{}');

-- a database that becomes a stranger to itself
SELECT authfort.login('ada@example.com', 'correct horse')#>>'{tokens,refresh_token}' AS refresh,
	authfort.login('ada@example.com', 'correct horse')#>>'{tokens,access_token}' AS access,
	authfort.create_password_reset_token('ada@example.com') AS reset \gset
SELECT status FROM authfort.http('POST', '/auth/forgot-password', NULL, '{"content-type": "application/json"}',
	'{"email": "ada@example.com"}');
SELECT id AS before, (SELECT kid FROM authfort.signing_keys WHERE activated_at IS NOT NULL
	AND expires_at IS NULL) AS kid FROM authfort.database_identity \gset
SELECT authfort.prepare_key() IS NOT NULL AS prepared;
BEGIN ISOLATION LEVEL REPEATABLE READ;
SELECT authfort.reset_database_identity();
ROLLBACK;
BEGIN READ ONLY;
SELECT authfort.reset_database_identity();
ROLLBACK;
CREATE ROLE regress_ids IN ROLE authfort_admin, authfort_http;
SET ROLE regress_ids;
SELECT authfort.reset_database_identity();
SELECT authfort.uuid_v7();
SELECT authfort.cluster_id() IS NOT NULL AS for_followers;
DELETE FROM authfort.database_identity;
RESET ROLE;
DROP ROLE regress_ids;
-- undone, nothing has happened
BEGIN;
SELECT authfort.reset_database_identity() <> :'before' AS another;
SELECT authfort.refresh(:'refresh')->>'error' AS error;
ROLLBACK;
SELECT authfort.refresh(:'refresh') ? 'tokens' AS good, authfort.try_verify_jwt(:'access') IS NOT NULL AS verifies;
-- done, nothing of before counts, and all that comes after does
SELECT authfort.reset_database_identity() AS after \gset
SELECT id = :'after' AS stored, id <> :'before' AS another FROM authfort.database_identity;
SELECT count(*), bool_and(kid <> :'kid') AS others FROM authfort.signing_keys;
SELECT authfort.refresh(:'refresh')->>'error' AS refresh, authfort.try_verify_jwt(:'access') AS access,
	authfort.reset_password(:'reset', 'battery staple')->>'error' AS reset;
SELECT count(*) FILTER (WHERE revoked_at IS NULL) AS live FROM authfort.sessions;
SELECT (SELECT count(*) FROM authfort.outbox) AS messages, (SELECT count(*) FROM authfort.one_time_tokens) AS tokens,
	(SELECT count(*) FROM authfort.users) AS users;
SELECT event, payload->>'database_id' <> :'before' AS another, payload->>'sessions_revoked' AS revoked
	FROM authfort.events ORDER BY id DESC LIMIT 2;
SELECT authfort.login('ada@example.com', 'correct horse')#>>'{tokens,refresh_token}' AS refresh \gset
SELECT authfort.refresh(:'refresh') ? 'tokens' AS good;
-- a session that comes back is worth nothing: its tokens were another database's
UPDATE authfort.sessions SET revoked_at = NULL;
SELECT id AS now_id FROM authfort.database_identity \gset
UPDATE authfort.database_identity SET id = :'before';
SELECT authfort.refresh(:'refresh')->>'error' AS error;
UPDATE authfort.database_identity SET id = :'now_id';
SELECT authfort.refresh(:'refresh') ? 'tokens' AS good;
-- there is at most one, and it is created on first use
INSERT INTO authfort.database_identity DEFAULT VALUES;
TRUNCATE authfort.database_identity;
SELECT authfort.refresh(:'refresh')->>'error' AS error;
SELECT count(*) FROM authfort.database_identity;
