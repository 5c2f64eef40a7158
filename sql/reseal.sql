-- Another master key: what was sealed with the one before is sealed again, and what needs which key can be seen.
\pset null '(null)'
SET authfort.master_key_command = 'printf "%064d\n" 1';
SELECT id AS ada FROM (SELECT authfort.create_user('ada@example.com', 'correct horse')->>'id' AS id) u \gset
SELECT authfort.mfa_init(:'ada')->>'secret' AS secret \gset
UPDATE authfort.mfa SET totp_confirmed_at = now();
UPDATE authfort.users SET mfa_enabled = true;
SELECT authfort.prepare_key('ES256') IS NOT NULL AS prepared;
SELECT authfort.set_oauth_provider('example', '{"preset": "google", "client_id": "us", "client_secret": "planted"}');
SELECT authfort.create_user('bob@example.com', 'correct horse')->>'id' AS bob \gset
SELECT count(authfort.send_message(:'bob', 'note', jsonb_build_object('number', n))) FROM generate_series(1, 5) n;
SELECT authfort.login('bob@example.com', 'correct horse')#>>'{tokens,refresh_token}' AS refresh \gset
SELECT authfort.create_service_token('api', '{introspect}') IS NOT NULL AS service;
SELECT authfort.create_email_otp('bob@example.com') IS NOT NULL AS code;
SELECT secrets, is_current, is_held, entries FROM authfort.master_key_usage();
SELECT authfort.reseal();

-- the new key on the first line
SET authfort.master_key_command = 'printf "%064d\n%064d\n" 2 1';
SELECT secrets, is_current, is_held, entries FROM authfort.master_key_usage();
SELECT authfort.reseal(0);
SELECT authfort.reseal(100001);
SELECT authfort.reseal(NULL);
-- in batches, of what is not locked; a value that does not open is left, with a warning, and stops no other
SELECT authfort.reseal(3), authfort.reseal(3);
INSERT INTO authfort.identities (id, user_id, provider, provider_user_id, tokens, created_at, last_sign_in_at)
	SELECT '00000000-0000-0000-0000-000000000001', :'bob', 'example', '1', message, now(), now() FROM authfort.outbox
	ORDER BY id DESC LIMIT 1;
SELECT authfort.reseal();
SELECT authfort.reseal();
DELETE FROM authfort.identities;
-- so do more of these than a call may seal; the first ten of a call are named
SET authfort.master_key_command = 'printf "%064d\n%064d\n" 1 2';
SELECT count(authfort.send_message(:'bob', 'note', jsonb_build_object('number', n))) FROM generate_series(6, 8) n;
CREATE TEMPORARY TABLE copy AS SELECT * FROM authfort.outbox ORDER BY id DESC LIMIT 1;
INSERT INTO authfort.outbox SELECT (c).* FROM generate_series(1, 12) n,
	LATERAL (SELECT jsonb_populate_record(copy, jsonb_build_object('id', '00000000-0000-0000-0000-' || lpad(n::text, 12, '0'))) AS c FROM copy) s;
SET authfort.master_key_command = 'printf "%064d\n%064d\n" 2 1';
\set VERBOSITY terse
SELECT authfort.reseal(2);
\set VERBOSITY default
SET client_min_messages = error;
SELECT authfort.reseal(2), authfort.reseal(2);
RESET client_min_messages;
DELETE FROM authfort.outbox WHERE id < '00000000-0000-0000-0001-000000000000';
SELECT secrets, is_current, is_held, entries FROM authfort.master_key_usage();
SELECT authfort.reseal();

-- the old line is no longer needed for what was sealed
SET authfort.master_key_command = 'printf "%064d\n" 2';
SELECT secrets, is_current, is_held, entries FROM authfort.master_key_usage() WHERE NOT is_current;
SELECT count(*), min(message->>'number'), max(message->>'number') FROM authfort.take_messages(10) WHERE kind = 'note';
SELECT authfort.login('ada@example.com', 'correct horse')->>'mfa_token' AS challenge \gset
SELECT authfort.complete_mfa_login(:'challenge', '000000')->>'error' AS wrong;
SELECT authfort.rotate_key() IS NOT NULL AS rotated;
SELECT authfort.login('bob@example.com', 'correct horse') ? 'tokens' AS signs;
SET authfort.public_url = 'https://app.example.com';
SELECT authfort.oauth_authorize('example', '/') IS NOT NULL AS begins;
-- but for tokens that were issued with it
SELECT authfort.refresh(:'refresh')->>'error' AS without;
SET authfort.master_key_command = 'printf "%064d\n%064d\n" 2 1';
SELECT authfort.refresh(:'refresh')#>>'{tokens,refresh_token}' AS refresh \gset
SET authfort.master_key_command = 'printf "%064d\n" 2';
SELECT authfort.refresh(:'refresh') ? 'tokens' AS renewed;

-- a key that never sealed anything here is refused, and nothing changes
\set VERBOSITY sqlstate
SET authfort.master_key_command = 'printf "%064d\n" 3';
SELECT authfort.reseal();
SET authfort.master_key_command = 'printf "%064d\n%064d\n" 3 2';
BEGIN READ ONLY;
SELECT authfort.reseal();
ROLLBACK;
\set VERBOSITY terse
CREATE ROLE regress_authfort_stranger;
SET ROLE regress_authfort_stranger;
SELECT authfort.reseal();
SELECT * FROM authfort.master_key_usage();
RESET ROLE;
DROP ROLE regress_authfort_stranger;
