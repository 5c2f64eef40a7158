-- Cleaning up by hand.  What expires here does so in the transaction that counts
-- it: on a server with the library preloaded a worker might be faster otherwise.
SELECT authfort.create_user('a@example.com', 'correct horse')->>'id' AS id \gset
CREATE FUNCTION pg_temp.sign_in() RETURNS uuid LANGUAGE sql AS
	$$ SELECT (authfort.login('a@example.com', 'correct horse')#>>'{user,session_id}')::uuid $$;
SELECT * FROM authfort.cleanup();

-- sessions, revoked or expired
SELECT pg_temp.sign_in() AS live, pg_temp.sign_in() AS revoked, pg_temp.sign_in() AS expired \gset
BEGIN;
SELECT authfort.revoke_session(:'revoked');
UPDATE authfort.sessions SET expires_at = now() - interval '1 second' WHERE id = :'expired';
SET authfort.session_retention = '1h';
SELECT authfort.cleanup_expired_sessions();
RESET authfort.session_retention;
SELECT authfort.cleanup_expired_sessions();
COMMIT;
SELECT id = :'live' AS live FROM authfort.sessions;
SELECT authfort.cleanup_expired_sessions();

-- more than a batch, over several pieces of the table
BEGIN;
INSERT INTO authfort.sessions (user_id, salt, generation, created_at, last_used_at, expires_at, user_agent)
	SELECT :'id', '\x000102030405060708090a0b0c0d0e0f', 1, now(), now(),
	now() - (i % 2) * interval '2 days' + interval '1 day', repeat('x', 300)
	FROM generate_series(1, 7000) i;
SELECT pg_relation_size('authfort.sessions') / current_setting('block_size')::int > 256 AS several;
SELECT authfort.cleanup_expired_sessions(), (SELECT count(*) FROM authfort.sessions) AS before;
COMMIT;
SELECT count(*), min(expires_at) > now() AS live FROM authfort.sessions;

-- keys: what still verifies stays
SET authfort.key_rotation_ttl = '1h';
SELECT authfort.rotate_key('ES256') IS NOT NULL, authfort.cleanup_expired_keys();
SET authfort.key_rotation_ttl = 0;
BEGIN;
SELECT authfort.rotate_key('ES256') AS kid \gset
SELECT authfort.cleanup_expired_keys();
COMMIT;
SELECT count(*), bool_or(kid = :'kid') AS signs FROM authfort.signing_keys;

-- one-time tokens, their messages, and events
SELECT authfort.create_password_reset_token('a@example.com') IS NOT NULL AS made;
SELECT authfort.cleanup_expired_tokens();
BEGIN;
UPDATE authfort.one_time_tokens SET expires_at = now() - interval '1 second';
SELECT authfort.cleanup_expired_tokens();
COMMIT;
BEGIN;
TRUNCATE authfort.events;
INSERT INTO authfort.events (event, created_at, payload) VALUES ('login', now() - interval '366 days', '{}'),
	('login', now(), '{}');
UPDATE authfort.signing_keys SET expires_at = now() WHERE expires_at > now();
INSERT INTO authfort.spent_ids (id, purpose, expires_at)
	SELECT gen_random_uuid(), 'test', now() + i * interval '1 hour' FROM unnest('{-1,0,1}'::int[]) i;
SELECT * FROM authfort.cleanup();
COMMIT;
SELECT * FROM authfort.cleanup();

CREATE ROLE regress_authfort_cleanup;
GRANT authfort_admin TO regress_authfort_cleanup;
SET ROLE regress_authfort_cleanup;
SELECT authfort.cleanup_expired_sessions();
RESET ROLE;
DROP ROLE regress_authfort_cleanup;

-- foreign keys of the application that neither cascade nor set NULL: the rows that they refer to stay, all others go,
-- and each constraint is reported once
CREATE TABLE visit (session uuid CONSTRAINT visit_session REFERENCES authfort.sessions);
CREATE TABLE ticket (event uuid CONSTRAINT ticket_event REFERENCES authfort.events ON DELETE RESTRICT,
	token uuid REFERENCES authfort.one_time_tokens,
	message uuid REFERENCES authfort.outbox, key text REFERENCES authfort.signing_keys,
	spent uuid REFERENCES authfort.spent_ids);
BEGIN;
DELETE FROM authfort.sessions;
INSERT INTO authfort.sessions (user_id, salt, generation, created_at, last_used_at, expires_at)
	SELECT :'id', '\x000102030405060708090a0b0c0d0e0f', 1, now(), now(), now() - interval '1 day'
	FROM generate_series(1, 2500) i;
INSERT INTO visit SELECT id FROM authfort.sessions ORDER BY id LIMIT 3;
SELECT authfort.rotate_key('ES256') IS NOT NULL, authfort.rotate_key('ES256') IS NOT NULL,
	authfort.create_password_reset_token('a@example.com') IS NOT NULL, authfort.send_message(:'id', 'x', '{}') IS NOT NULL;
DELETE FROM authfort.spent_ids;
INSERT INTO authfort.spent_ids (id, purpose, expires_at)
	SELECT gen_random_uuid(), 'test', now() - interval '1 hour' FROM generate_series(1, 3);
UPDATE authfort.signing_keys SET expires_at = now() - interval '1 hour' WHERE expires_at IS NOT NULL;
UPDATE authfort.one_time_tokens SET expires_at = now() - interval '1 hour';
UPDATE authfort.outbox SET expires_at = now() - interval '1 hour';
UPDATE authfort.events SET created_at = now() - interval '400 days' WHERE event <> 'user_created';
SELECT (SELECT count(*) FROM authfort.signing_keys WHERE expires_at < now()) AS keys,
	(SELECT count(*) FROM authfort.events WHERE created_at < now() - interval '365 days') AS events;
INSERT INTO ticket SELECT (SELECT min(id::text)::uuid FROM authfort.events WHERE created_at < now() - interval
	'365 days'), (SELECT id FROM authfort.one_time_tokens LIMIT 1), (SELECT id FROM authfort.outbox LIMIT 1),
	(SELECT min(kid) FROM authfort.signing_keys WHERE expires_at < now()), (SELECT id FROM authfort.spent_ids LIMIT 1);
SELECT * FROM authfort.cleanup();
SELECT count(*) FROM authfort.sessions;
-- once it has been mended, they go as well
DROP TABLE visit, ticket;
SELECT * FROM authfort.cleanup();
COMMIT;
-- a pass gives up after a thousand of them, and begins the next one elsewhere
BEGIN;
CREATE TABLE visit (session uuid CONSTRAINT visit_session REFERENCES authfort.sessions);
INSERT INTO authfort.sessions (user_id, salt, generation, created_at, last_used_at, expires_at)
	SELECT :'id', '\x000102030405060708090a0b0c0d0e0f', 1, now(), now(), now() - interval '1 day'
	FROM generate_series(1, 1500) i;
INSERT INTO visit SELECT id FROM authfort.sessions;
SELECT authfort.cleanup_expired_sessions();
SELECT count(*) FROM authfort.sessions;
DROP TABLE visit;
SELECT authfort.cleanup_expired_sessions();
COMMIT;

-- a user whose session is referred to cannot be deleted, not even softly; the refusal says so
CREATE TABLE visit (session uuid CONSTRAINT visit_session REFERENCES authfort.sessions);
INSERT INTO visit SELECT pg_temp.sign_in();
SELECT authfort.delete_user(:'id');
SELECT authfort.delete_user(:'id', true);
SELECT status, body::jsonb#>>'{detail,error}' AS error FROM authfort.http('DELETE', '/auth/me', headers =>
	jsonb_build_object('authorization', 'Bearer ' || (authfort.login('a@example.com', 'correct horse')
		#>>'{tokens,access_token}')));
-- nor does an unclaimed account stop the others
SET authfort.allow_passwordless_signup = on;
SELECT count(authfort.create_magic_link_token(n || '@example.com')) FROM generate_series(1, 3) n;
BEGIN;
UPDATE authfort.users SET unclaimed_until = now() - interval '1 hour' WHERE unclaimed_until IS NOT NULL;
INSERT INTO authfort.sessions (user_id, salt, generation, created_at, last_used_at, expires_at)
	SELECT id, '\x000102030405060708090a0b0c0d0e0f', 1, now(), now(), now() + interval '1 day'
	FROM authfort.users WHERE email = '1@example.com';
INSERT INTO visit SELECT s.id FROM authfort.sessions s JOIN authfort.users u ON u.id = s.user_id
	WHERE email = '1@example.com';
SELECT accounts FROM authfort.cleanup();
COMMIT;
SELECT email, unclaimed_until > now() AS later FROM authfort.users WHERE unclaimed_until IS NOT NULL;
SELECT accounts FROM authfort.cleanup();
