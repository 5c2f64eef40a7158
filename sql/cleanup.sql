-- Cleaning up by hand.
SELECT authfort.create_user('a@example.com', 'correct horse')->>'id' AS id \gset
CREATE FUNCTION pg_temp.sign_in() RETURNS uuid LANGUAGE sql AS
	$$ SELECT (authfort.login('a@example.com', 'correct horse')#>>'{user,session_id}')::uuid $$;
SELECT * FROM authfort.cleanup();

-- sessions, revoked or expired
SELECT pg_temp.sign_in() AS live, pg_temp.sign_in() AS revoked, pg_temp.sign_in() AS expired \gset
SELECT authfort.revoke_session(:'revoked');
UPDATE authfort.sessions SET expires_at = now() - interval '1 second' WHERE id = :'expired';
SET authfort.session_retention = '1h';
SELECT authfort.cleanup_expired_sessions();
RESET authfort.session_retention;
SELECT authfort.cleanup_expired_sessions();
SELECT id = :'live' AS live FROM authfort.sessions;
SELECT authfort.cleanup_expired_sessions();

-- more than a batch, over several pieces of the table
INSERT INTO authfort.sessions (user_id, salt, generation, created_at, last_used_at, expires_at, user_agent)
	SELECT :'id', '\x000102030405060708090a0b0c0d0e0f', 1, now(), now(),
	now() - (i % 2) * interval '2 days' + interval '1 day', repeat('x', 300)
	FROM generate_series(1, 7000) i;
SELECT pg_relation_size('authfort.sessions') / current_setting('block_size')::int > 256 AS several;
SELECT authfort.cleanup_expired_sessions(), (SELECT count(*) FROM authfort.sessions) AS before;
SELECT count(*), min(expires_at) > now() AS live FROM authfort.sessions;

-- keys: what still verifies stays
SET authfort.key_rotation_ttl = '1h';
SELECT authfort.rotate_key('ES256') IS NOT NULL, authfort.cleanup_expired_keys();
SET authfort.key_rotation_ttl = 0;
SELECT authfort.rotate_key('ES256') AS kid \gset
SELECT authfort.cleanup_expired_keys();
SELECT count(*), bool_or(kid = :'kid') AS signs FROM authfort.signing_keys;

-- one-time tokens, their messages, and events
SELECT authfort.create_password_reset_token('a@example.com') IS NOT NULL AS made;
SELECT authfort.cleanup_expired_tokens();
UPDATE authfort.one_time_tokens SET expires_at = now() - interval '1 second';
SELECT authfort.cleanup_expired_tokens();
TRUNCATE authfort.events;
INSERT INTO authfort.events (event, created_at, payload) VALUES ('login', now() - interval '366 days', '{}'),
	('login', now(), '{}');
UPDATE authfort.signing_keys SET expires_at = now() WHERE expires_at > now();
INSERT INTO authfort.spent_ids (id, purpose, expires_at)
	SELECT gen_random_uuid(), 'test', now() + i * interval '1 hour' FROM unnest('{-1,0,1}'::int[]) i;
SELECT * FROM authfort.cleanup();
SELECT * FROM authfort.cleanup();

CREATE ROLE regress_authfort_upkeep;
GRANT authfort_admin TO regress_authfort_upkeep;
SET ROLE regress_authfort_upkeep;
SELECT authfort.cleanup_expired_sessions();
RESET ROLE;
DROP ROLE regress_authfort_upkeep;
