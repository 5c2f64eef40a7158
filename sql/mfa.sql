-- needs shared_preload_libraries = 'authfort'
-- The second factor: an authenticator app, backup codes, the challenge between the factors, and the lock.
SET client_min_messages = warning;
CREATE EXTENSION pgcrypto;
-- The app of the other side (RFC 6238). The codes of this step and then
-- of the next are right even if a step ends meanwhile; a code that is to be used twice is kept in a variable.
CREATE FUNCTION app(secret text, ahead integer DEFAULT 0) RETURNS text LANGUAGE sql AS $$
	WITH bits AS (SELECT string_agg((strpos('ABCDEFGHIJKLMNOPQRSTUVWXYZ234567', c) - 1)::bit(5)::text, ''
	ORDER BY i) AS b
			FROM regexp_split_to_table(secret, '') WITH ORDINALITY AS s(c, i)),
		key AS (SELECT decode(string_agg(lpad(to_hex(substr(b, 8 * i + 1, 8)::bit(8)::integer), 2, '0'), ''
		ORDER BY i), 'hex') AS k
			FROM bits, generate_series(0, length(b) / 8 - 1) AS i),
		mac AS (SELECT hmac(decode(lpad(to_hex(floor(extract(epoch FROM clock_timestamp()) / 30)::bigint + ahead), 16,
		'0'), 'hex'), k, 'sha1') AS m FROM key),
		place AS (SELECT m, get_byte(m, 19) & 15 AS o FROM mac)
	SELECT lpad((((get_byte(m, o) & 127)::bigint * 16777216 + get_byte(m, o + 1) * 65536 + get_byte(m,
	o + 2) * 256 + get_byte(m, o + 3)) % 1000000)::text, 6, '0') FROM place
$$;
CREATE FUNCTION wrong(secret text) RETURNS text LANGUAGE sql AS $$
	SELECT c FROM (SELECT lpad(i::text, 6, '0') AS c FROM generate_series(0, 9) i) s
	WHERE c <> ALL (ARRAY(SELECT app(secret, a) FROM generate_series(-2, 3) a)) LIMIT 1
$$;
-- Lets the codes of the last steps count again.
CREATE PROCEDURE another_time() LANGUAGE sql AS 'UPDATE authfort.mfa SET totp_last_step = NULL, totp_earlier_steps = 0';
-- What an answer is, without what differs each time.
CREATE FUNCTION outcome(answer jsonb) RETURNS text LANGUAGE sql AS $$
	SELECT CASE WHEN answer ? 'error' THEN concat_ws(' ', answer->>'error', answer->>'status', answer->>'message')
		WHEN answer ? 'mfa_required' THEN 'challenge: ' || (answer->>'methods')
		|| coalesce(' enrol ' || (answer->>'enrol'), '')
		WHEN answer ? 'backup_codes' THEN jsonb_array_length(answer->'backup_codes') || ' codes'
		|| CASE WHEN answer ? 'tokens' THEN ' and tokens' ELSE '' END
		WHEN answer ? 'tokens' THEN 'tokens' ELSE answer::text END
$$;
CREATE VIEW recorded AS SELECT event, payload - 'user_id' - 'timestamp' - 'locked_until' - 'user_agent' AS payload
	FROM authfort.events ORDER BY id;

SELECT authfort.signup('ada@example.com', 'correct horse')->'tokens'->>'access_token' AS token \gset
SELECT authfort.verify_jwt(:'token')->>'sub' AS ada, authfort.verify_jwt(:'token')->>'sid' AS sid \gset
SELECT authfort.mfa_status(:'ada');
SELECT outcome(authfort.mfa_confirm(:'ada', '123456'));
SELECT outcome(authfort.mfa_disable(:'ada', '123456'));
SELECT outcome(authfort.mfa_regenerate_backup_codes(:'ada', '123456'));
SELECT authfort.reset_mfa(:'ada');
SELECT authfort.mfa_init('00000000-0000-0000-0000-000000000000');

-- The secret: 160 bits in base32, sealed in the table; another one replaces it until it is confirmed.
SELECT authfort.mfa_init(:'ada') AS init \gset
SELECT :'init'::jsonb->>'secret' AS first_secret, length(:'init'::jsonb->>'secret'),
	replace(:'init'::jsonb->>'qr_uri', :'init'::jsonb->>'secret', '...') AS qr_uri \gset
\echo :length :qr_uri
SELECT authfort.mfa_init(:'ada')->>'secret' AS secret \gset
SELECT :'secret' <> :'first_secret' AS another, totp_confirmed_at, length(totp_secret),
	strpos(encode(totp_secret, 'escape'), :'secret') FROM authfort.mfa;
SELECT outcome(authfort.mfa_confirm(:'ada', app(:'first_secret')));
SELECT outcome(authfort.mfa_confirm(:'ada', wrong(:'secret')));
SELECT outcome(authfort.mfa_confirm(:'ada', code))
	FROM unnest(ARRAY['', ' ', '12345', '1234567', 'abcdef', '١٢٣٤٥٦', repeat('1', 100000)]) code;
SELECT failed_attempts FROM authfort.mfa;
SELECT outcome(authfort.login('ada@example.com', 'correct horse'));
-- (the issuer and the email are escaped)
SET authfort.mfa_issuer = 'A: & B/ä';
SELECT replace(authfort.mfa_init(id)->>'qr_uri', 'secret=',
	'') ~ '^otpauth://totp/A%3A%20%26%20B%2F%C3%A4:b%2Bob%3F%26x%40example.com\?[A-Z2-7]{32}&issuer=A%3A%20%26%20B%2F%C3%A4$' AS escaped
	FROM (SELECT (authfort.create_user('b+ob?&x@example.com')->>'id')::uuid AS id) u;
RESET authfort.mfa_issuer;
DELETE FROM authfort.mfa WHERE user_id <> :'ada';

-- Confirming raises the token version by one; the session that does it goes on with two factors.
SELECT authfort.mfa_confirm(:'ada', '  ' || overlay(app(:'secret') PLACING ' ' FROM 4 FOR 0)
	|| ' ', :'sid', user_agent => 'psql', ip_address => '192.0.2.1') AS confirmed \gset
SELECT outcome(:'confirmed'), jsonb_object_keys(:'confirmed'::jsonb);
SELECT bool_and(code ~ '^[a-z0-9]{5}-[a-z0-9]{5}$') AS format, count(DISTINCT code)
	FROM jsonb_array_elements_text(:'confirmed'::jsonb->'backup_codes') code;
SELECT c->>'aal' AS aal, c->>'amr' AS amr, c->>'ver' AS ver, c->>'mfa_enabled' AS mfa_enabled,
	c->>'sid' = :'sid' AS same_session
	FROM authfort.verify_jwt(:'confirmed'::jsonb->'tokens'->>'access_token') c;
SELECT authfort.authenticate(:'token');
SELECT authfort.mfa_status(:'ada');
SELECT outcome(authfort.mfa_init(:'ada')), outcome(authfort.mfa_confirm(:'ada', '123456'));
SELECT mac FROM authfort.backup_codes WHERE length(mac) <> 36;
SELECT event, payload FROM recorded WHERE event LIKE 'mfa%' OR event LIKE 'backup%';

-- The challenge.
SELECT authfort.login('ada@example.com', 'correct horse') AS challenge \gset
SELECT outcome(:'challenge'), :'challenge'::jsonb->'expires_in' AS expires_in;
SELECT :'challenge'::jsonb->>'mfa_token' AS mfa \gset
SELECT convert_from(decode(rpad(translate(split_part(:'mfa', '.', 1), '-_', '+/'),
	(length(split_part(:'mfa', '.', 1)) + 3) / 4 * 4, '='), 'base64'), 'UTF8')::jsonb - 'kid' AS header;
SELECT p - 'jti' - 'sub' - 'iat' - 'exp' AS payload, (p->>'exp')::integer - (p->>'iat')::integer AS lives,
	p->>'sub' = :'ada' AS of_ada FROM
	(SELECT convert_from(decode(rpad(translate(split_part(:'mfa', '.', 2), '-_', '+/'),
	(length(split_part(:'mfa', '.', 2)) + 3) / 4 * 4, '='), 'base64'), 'UTF8')::jsonb AS p) s;
-- (it is no access token, and an access token is no challenge)
SELECT authfort.try_verify_jwt(:'mfa');
SELECT outcome(authfort.complete_mfa_login(:'token', app(:'secret', 1)));
SELECT outcome(authfort.complete_mfa_login(token, app(:'secret', 1)))
	FROM unnest(ARRAY[NULL, '', 'x', 'a.b.c', :'mfa' || 'x', overlay(:'mfa' PLACING 'A' FROM 30)]) token;
-- a wrong code does not end it; a code that was used is wrong; one of the next step is right
SELECT outcome(authfort.complete_mfa_login(:'mfa', wrong(:'secret')));
SELECT authfort.rotate_key() IS NOT NULL AS rotated;
SELECT app(:'secret', 1) AS next \gset
SELECT authfort.complete_mfa_login(:'mfa', :'next', 'psql', '192.0.2.1') AS done \gset
SELECT outcome(:'done'), c->>'aal' AS aal, c->>'amr' AS amr
	FROM authfort.verify_jwt(:'done'::jsonb->'tokens'->>'access_token') c;
SELECT outcome(authfort.complete_mfa_login(authfort.login('ada@example.com', 'correct horse')->>'mfa_token',
	:'next')) AS "the same code again";
-- success ends it
CALL another_time();
SELECT outcome(authfort.complete_mfa_login(:'mfa', app(:'secret')));
SELECT totp_last_step IS NULL AS not_used FROM authfort.mfa;
-- an earlier step, after a later one, counts once too
SELECT authfort.login('ada@example.com', 'correct horse')->>'mfa_token' AS mfa \gset
SELECT app(:'secret') AS now, app(:'secret', 1) AS next \gset
SELECT outcome(authfort.complete_mfa_login(authfort.login('ada@example.com', 'correct horse')->>'mfa_token',
	code)) FROM unnest(ARRAY[:'next', :'now', :'now', :'next']) WITH ORDINALITY AS a(code, i) ORDER BY i;
SELECT failed_attempts FROM authfort.mfa;
-- it ends with a change of the token version, so with the password's
SELECT authfort.ban_user(:'ada');
CALL another_time();
SELECT outcome(authfort.complete_mfa_login(:'mfa', app(:'secret')));
SELECT authfort.unban_user(:'ada');
SELECT outcome(authfort.complete_mfa_login(:'mfa', app(:'secret')));
SELECT authfort.login('ada@example.com', 'correct horse')->>'mfa_token' AS mfa \gset
SELECT outcome(authfort.change_password(:'ada', 'correct horse', 'battery staple'));
SELECT outcome(authfort.complete_mfa_login(:'mfa', app(:'secret')));
SET authfort.mfa_challenge_ttl = 1;
SELECT authfort.login('ada@example.com', 'battery staple')->>'mfa_token' AS mfa \gset
RESET authfort.mfa_challenge_ttl;
SELECT pg_sleep(1.1);
SELECT outcome(authfort.complete_mfa_login(:'mfa', app(:'secret')));

-- Backup codes: once each, whatever their case, spaces and dashes.
SELECT :'confirmed'::jsonb->'backup_codes'->>0 AS code, :'confirmed'::jsonb->'backup_codes'->>1 AS other \gset
CREATE FUNCTION by_code(code text) RETURNS text LANGUAGE sql AS $$
	SELECT outcome(authfort.complete_mfa_login(authfort.login('ada@example.com', 'battery staple')->>'mfa_token', code,
	'psql', '192.0.2.1'))
$$;
SELECT by_code(upper(replace(:'code', '-', ' ')) || ' ');
SELECT by_code(:'code');
SELECT by_code(replace(:'other', '-', ''));
SELECT by_code(left(:'confirmed'::jsonb->'backup_codes'->>2, 10));
SELECT authfort.mfa_status(:'ada');
SELECT payload FROM recorded WHERE event = 'backup_code_used';
-- they belong to their user
SELECT authfort.signup('eve@example.com', 'correct horse')->'user'->>'id' AS eve \gset
UPDATE authfort.backup_codes SET user_id = :'eve' WHERE id = (SELECT id FROM authfort.backup_codes LIMIT 1);
UPDATE authfort.users SET mfa_enabled = true WHERE id = :'eve';
SELECT count(*) FROM jsonb_array_elements_text(:'confirmed'::jsonb->'backup_codes') AS c(code)
	WHERE outcome(authfort.complete_mfa_login(authfort.login('eve@example.com', 'correct horse')->>'mfa_token',
	code)) = 'tokens';
UPDATE authfort.users SET mfa_enabled = false WHERE id = :'eve';
DELETE FROM authfort.mfa WHERE user_id = :'eve';
-- new ones replace them; only a code of the app makes them, and the version stays
SELECT token_version AS version FROM authfort.users WHERE id = :'ada' \gset
SELECT outcome(authfort.mfa_regenerate_backup_codes(:'ada', :'confirmed'::jsonb->'backup_codes'->>3));
SELECT authfort.mfa_regenerate_backup_codes(:'ada', app(:'secret')) AS regenerated \gset
SELECT outcome(:'regenerated'), token_version = :version AS same_version FROM authfort.users WHERE id = :'ada';
SELECT by_code(:'confirmed'::jsonb->'backup_codes'->>4);
SELECT by_code(:'regenerated'::jsonb->'backup_codes'->>4);

-- The lock: the fifth wrong code is still 401; then nothing is checked, counted or recorded.
SELECT count(*) AS failures FROM authfort.events WHERE event = 'mfa_failed' \gset
SELECT by_code(wrong(:'secret')) FROM generate_series(1, 6);
SELECT failed_attempts, lock_count, round(extract(epoch FROM locked_until - now()) / 10) * 10 AS seconds
	FROM authfort.mfa;
SELECT (authfort.complete_mfa_login(authfort.login('ada@example.com', 'battery staple')->>'mfa_token',
	app(:'secret', 1))->>'retry_after')::integer BETWEEN 880 AND 900 AS retry_after;
SELECT outcome(authfort.mfa_disable(:'ada', app(:'secret', 1))),
	outcome(authfort.mfa_regenerate_backup_codes(:'ada', app(:'secret', 1)));
SELECT count(*) FILTER (WHERE event = 'mfa_failed') - :failures AS failed FROM authfort.events;
SELECT payload FROM recorded WHERE event = 'mfa_locked' AND payload->>'email' = 'ada@example.com';
-- (shared memory has counted as well: a row that forgets, as after a rollback, gives no more tries)
UPDATE authfort.mfa SET failed_attempts = 0, locked_until = NULL, lock_count = 0;
SELECT by_code(wrong(:'secret'));
SELECT failed_attempts FROM authfort.mfa;
-- each lock doubles, up to a day (with a setting of its own, shared memory refuses only after those)
SET authfort.mfa_lock_attempts = 1000;
UPDATE authfort.mfa SET failed_attempts = 999, locked_until = NULL, lock_count = 3;
SELECT by_code(wrong(:'secret'));
SELECT lock_count, round(extract(epoch FROM locked_until - now()) / 60) AS minutes FROM authfort.mfa;
UPDATE authfort.mfa SET failed_attempts = 999, locked_until = NULL, lock_count = 30;
SELECT by_code(wrong(:'secret'));
SELECT lock_count, round(extract(epoch FROM locked_until - now()) / 60) AS minutes FROM authfort.mfa;
-- a lock that is over: the count begins again; a right code ends the story
UPDATE authfort.mfa SET failed_attempts = 1000, locked_until = now() - interval '1 second';
SELECT by_code(wrong(:'secret'));
SELECT failed_attempts, lock_count FROM authfort.mfa;
SELECT by_code(app(:'secret', 1));
SELECT failed_attempts, locked_until, lock_count FROM authfort.mfa;
RESET authfort.mfa_lock_attempts;
-- 0 is off
SET authfort.mfa_lock_attempts = 0;
SELECT DISTINCT by_code(wrong(:'secret')) FROM generate_series(1, 8);
-- also for a user who is locked already
UPDATE authfort.mfa SET locked_until = now() + interval '1 day' WHERE user_id = :'ada';
SELECT by_code(wrong(:'secret'));
UPDATE authfort.mfa SET locked_until = NULL WHERE user_id = :'ada';
RESET authfort.mfa_lock_attempts;
-- after a lock, shared memory counts anew as well
CALL another_time();
SELECT by_code(app(:'secret'));
SELECT by_code(wrong(:'secret')) FROM generate_series(1, 6) OFFSET 4;
UPDATE authfort.mfa SET locked_until = now() - interval '1 second' WHERE user_id = :'ada';
SELECT by_code(wrong(:'secret'));
CALL another_time();
SELECT by_code(app(:'secret'));

-- Disabling, and an admin's reset. Each raises the version by one; sessions go on.
CALL another_time();
SELECT by_code(app(:'secret'));
SELECT token_version AS version FROM authfort.users WHERE id = :'ada' \gset
SELECT outcome(authfort.mfa_disable(:'ada', wrong(:'secret')));
SELECT authfort.mfa_disable(:'ada', app(:'secret', 1));
SELECT token_version - :version AS raised_by, mfa_enabled FROM authfort.users WHERE id = :'ada';
SELECT authfort.mfa_status(:'ada');
SELECT by_code('123456');
SELECT outcome(authfort.login('ada@example.com', 'battery staple'));
SELECT authfort.mfa_init(:'ada')->>'secret' AS secret \gset
SELECT outcome(authfort.mfa_confirm(:'ada', app(:'secret')));
SELECT outcome(authfort.login('ada@example.com', 'battery staple'));
SELECT authfort.reset_mfa(:'ada');
SELECT token_version - :version AS raised_by, mfa_enabled FROM authfort.users WHERE id = :'ada';
SELECT authfort.mfa_status(:'ada');
SELECT authfort.reset_mfa('00000000-0000-0000-0000-000000000000');
SELECT event, payload FROM recorded WHERE event IN ('mfa_enabled', 'mfa_disabled', 'mfa_login');

-- A session that is not recent adds and removes nothing; nor does another user's.
SELECT authfort.login('ada@example.com', 'battery staple')->'user'->>'session_id' AS sid \gset
SELECT outcome(authfort.mfa_init(:'ada',
	(authfort.login('eve@example.com', 'correct horse')->'user'->>'session_id')::uuid));
UPDATE authfort.sessions SET auth_time = now() - interval '11 minutes' WHERE id = :'sid';
SELECT outcome(authfort.mfa_init(:'ada', :'sid'));
SELECT authfort.mfa_init(:'ada')->>'secret' AS secret \gset
SELECT outcome(authfort.mfa_confirm(:'ada', app(:'secret'), :'sid'));
SELECT outcome(authfort.mfa_confirm(:'ada', app(:'secret')));
CALL another_time();
SELECT outcome(authfort.mfa_disable(:'ada', app(:'secret'), :'sid'));

-- Step-up: the session of a first factor gets the second one.
SELECT aal, amr, auth_time < now() - interval '10 minutes' AS old FROM authfort.sessions WHERE id = :'sid';
SELECT outcome(authfort.mfa_step_up(:'eve', :'sid', app(:'secret'))),
	outcome(authfort.mfa_step_up(:'ada', '00000000-0000-0000-0000-000000000000', app(:'secret')));
-- a session that has ended uses up no code
UPDATE authfort.sessions SET expires_at = now() WHERE id = :'sid';
SELECT outcome(authfort.mfa_step_up(:'ada', :'sid', app(:'secret')));
UPDATE authfort.sessions SET expires_at = now() + interval '1 hour' WHERE id = :'sid';
SELECT outcome(authfort.mfa_step_up(:'ada', :'sid', wrong(:'secret')));
SELECT authfort.mfa_step_up(:'ada', :'sid', app(:'secret')) AS stepped \gset
SELECT outcome(:'stepped'), c->>'aal' AS aal, c->>'amr' AS amr, (c->>'auth_time')::bigint > extract(epoch
	FROM now()) - 60 AS recent
	FROM authfort.verify_jwt(:'stepped'::jsonb->'tokens'->>'access_token') c;
SELECT payload FROM recorded WHERE event = 'reauthenticated';
SELECT outcome(authfort.mfa_disable(:'ada', app(:'secret', 1), :'sid'));

-- Who must have a second factor gets a challenge to set one up, which does nothing else.
SELECT authfort.create_user('root@example.com', 'correct horse', roles => '{admin}')->>'id' AS root \gset
SET authfort.require_mfa = 'admins';
SELECT outcome(authfort.login('ada@example.com', 'battery staple')),
	outcome(authfort.login('root@example.com', 'correct horse'));
SELECT authfort.login('root@example.com', 'correct horse')->>'mfa_token' AS mfa \gset
SELECT outcome(authfort.complete_mfa_login(:'mfa', '123456'));
SELECT outcome(authfort.mfa_init(NULL, mfa_token => 'x'));
SELECT authfort.mfa_init(NULL, mfa_token => :'mfa')->>'secret' AS secret \gset
SELECT outcome(authfort.mfa_confirm(NULL, wrong(:'secret'), mfa_token => :'mfa'));
SELECT authfort.mfa_confirm(NULL, app(:'secret'), mfa_token => :'mfa') AS confirmed \gset
SELECT outcome(:'confirmed'), c->>'aal' AS aal, c->>'amr' AS amr
	FROM authfort.verify_jwt(:'confirmed'::jsonb->'tokens'->>'access_token') c;
SELECT outcome(authfort.mfa_confirm(NULL, app(:'secret', 1), mfa_token => :'mfa')),
	outcome(authfort.mfa_init(NULL, mfa_token => :'mfa'));
SELECT outcome(authfort.login('root@example.com', 'correct horse'));
SET authfort.require_mfa = 'all';
SELECT outcome(authfort.login('ada@example.com', 'battery staple')),
	outcome(authfort.signup('new@example.com', 'correct horse'));
RESET authfort.require_mfa;

-- Whose mailbox is proven elsewhere loses what a stranger may have added.
SELECT authfort.signup('mallory@example.com', 'correct horse')->'user'->>'id' AS mallory \gset
SELECT authfort.mfa_init(:'mallory')->>'secret' AS secret \gset
SELECT outcome(authfort.mfa_confirm(:'mallory', app(:'secret')));
SELECT authfort.reset_password(authfort.create_password_reset_token('mallory@example.com'), 'battery staple');
SELECT mailbox_proven, mfa_enabled FROM authfort.users WHERE id = :'mallory';
-- deleting a user deletes all of it
SELECT authfort.delete_user(:'root');
SELECT authfort.delete_user(:'ada', hard => true);
SELECT (SELECT count(*) FROM authfort.mfa) AS mfa, (SELECT count(*) FROM authfort.backup_codes
	WHERE user_id IN (:'ada', :'root')) AS codes;
