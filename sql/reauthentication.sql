-- needs shared_preload_libraries = 'authfort'
-- Proving again, in a session, who its user is.
\pset null '(null)'
CREATE FUNCTION pg_temp.send(method text, path text, token text DEFAULT NULL, body text DEFAULT NULL,
							 OUT status integer, OUT body text) LANGUAGE sql AS
	$$ SELECT s.status, s.body FROM authfort.http(method, path, NULL,
		jsonb_strip_nulls(jsonb_build_object('content-type', 'application/json', 'authorization', 'Bearer ' || token)),
		body, '192.0.2.7') s $$;
-- the outcome of an attempt in an old session, and whether it made the session recent
CREATE FUNCTION pg_temp.try(session_id uuid, method text, secret text) RETURNS text LANGUAGE plpgsql AS $$
	DECLARE answer text;
	BEGIN
		UPDATE authfort.sessions s SET auth_time = now() - interval '1 hour' WHERE s.id = session_id;
		answer := (SELECT coalesce(r->>'error', 'ok') FROM authfort.reauthenticate(session_id, method, secret, 'test',
		'192.0.2.7') r);
		answer := answer || coalesce((SELECT ' recent ' || aal || ' ' || amr::text FROM authfort.sessions s
		WHERE s.id = session_id AND auth_time > now() - interval '1 min'), '');
		RETURN answer;
	END $$;
CREATE FUNCTION pg_temp.code(session_id uuid) RETURNS text LANGUAGE sql AS $$
	SELECT authfort.create_reauthentication_code(session_id) $$;
CREATE FUNCTION pg_temp.other(code text) RETURNS text LANGUAGE sql AS $$
	SELECT lpad(((code::integer + 1) % 1000000)::text, 6, '0') $$;
SELECT r#>>'{user,id}' AS ada, r#>>'{user,session_id}' AS session, r#>>'{tokens,access_token}' AS access
	FROM authfort.signup('ada@example.com', 'password-1', 'Ada') r \gset
SELECT r#>>'{user,id}' AS eve, r#>>'{user,session_id}' AS eves
	FROM authfort.signup('eve@example.com', 'password-1') r \gset
UPDATE authfort.sessions SET auth_time = now() - interval '1 hour';
DELETE FROM authfort.outbox;

-- a password
SELECT pg_temp.try(:'session', 'password', 'wrong'), pg_temp.try(:'session', 'password', ''),
	pg_temp.try(:'session', 'password', 'password-1');
SELECT event, session_id = :'session' AS session, ip_address, payload->>'reason' AS reason,
	payload->>'method' AS method FROM authfort.events WHERE event IN ('login_failed', 'reauthenticated') ORDER BY id;
-- the tokens say it
SELECT (SELECT array_agg(k ORDER BY k) FROM jsonb_object_keys(r) k) AS members,
	to_timestamp((c->>'auth_time')::bigint) > now() - interval '1 min' AS recent, c->>'sid' = :'session' AS session,
	c->'amr' AS amr, c->'aal' AS aal,
	coalesce(authfort.refresh(r#>>'{tokens,refresh_token}')->>'error', 'ok') AS refresh
	FROM authfort.reauthenticate(:'session', 'password', 'password-1') r,
	authfort.verify_jwt(r#>>'{tokens,access_token}') c;
UPDATE authfort.users SET password_hash = NULL WHERE id = :'eve';
SELECT pg_temp.try(:'eves', 'password', 'password-1');

-- a code, which is bound to its user and purpose and counts once
SELECT pg_temp.code(:'session') AS code, pg_temp.code(:'eves') AS eves_code \gset
SELECT length(:'code'), pg_temp.try(:'session', 'email_otp', pg_temp.other(:'code')),
	pg_temp.try(:'eves', 'email_otp', 'x'), coalesce(authfort.verify_email_otp('ada@example.com', :'code')->>'error',
	'ok') AS sign_in;
SELECT mailbox_proven FROM authfort.users WHERE id = :'ada';
SELECT pg_temp.try(:'session', 'email_otp', :'code'), pg_temp.try(:'session', 'email_otp', :'code');
-- it came back in the session, so the mailbox is its user's
SELECT mailbox_proven, email_verified FROM authfort.users WHERE id = :'ada';
SELECT pg_temp.code(:'session') AS first, pg_temp.code(:'session') AS second \gset
SELECT CASE WHEN :'first' <> :'second' THEN pg_temp.try(:'session', 'email_otp',
	:'first') ELSE 'invalid_otp' END AS replaced, pg_temp.try(:'session', 'email_otp', :'second');
SELECT authfort.create_email_otp('ada@example.com') AS sign_in \gset
SELECT pg_temp.try(:'session', 'email_otp', :'sign_in') AS other_purpose;
-- five tries
SELECT pg_temp.code(:'session') AS code \gset
SELECT array_agg(pg_temp.try(:'session', 'email_otp', pg_temp.other(:'code'))) FROM generate_series(1, 5);
SELECT pg_temp.try(:'session', 'email_otp', :'code');
SELECT secret, pg_temp.try(:'session', 'email_otp', secret)
	FROM unnest(ARRAY['', ' ', '12345', '1234567', 'abcdef', repeat('1', 100000)]) secret WHERE length(secret) < 100;

-- sessions that are not live, methods that are none
SELECT pg_temp.try('00000000-0000-0000-0000-000000000000', 'password', 'password-1'),
	pg_temp.code('00000000-0000-0000-0000-000000000000');
SELECT authfort.reauthenticate(:'session', 'PASSWORD', 'password-1');
SELECT pg_temp.try(:'session', 'totp', '123456'), pg_temp.try(:'session', 'backup_code', 'aaaaa-aaaaa');
SELECT authfort.login('ada@example.com', 'password-1')#>>'{user,session_id}' AS ended \gset
SELECT authfort.revoke_session(:'ended'), pg_temp.try(:'ended', 'password', 'password-1'), pg_temp.code(:'ended');
UPDATE authfort.sessions SET expires_at = now() WHERE id = :'eves';
SELECT pg_temp.try(:'eves', 'password', 'password-1');

-- over HTTP
SELECT status, body FROM pg_temp.send('POST', '/auth/reauthenticate', NULL, '{"password": "password-1"}');
SELECT sent, status, s.body::jsonb->'detail' AS detail
	FROM unnest(ARRAY['{}', '{"method": "password"}', '{"secret": "x"}', '{"method": "magic", "secret": "x"}',
	'{"password": 1}', '{"password": "wrong"}', '{"code": "x"}', '{"password": null, "code": null}'])
	WITH ORDINALITY AS b(sent, n),
	pg_temp.send('POST', '/auth/reauthenticate', :'access', sent) s ORDER BY n;
SELECT status, b->>'message' AS message, b#>>'{user,session_id}' = :'session' AS session,
	b#>'{tokens,expires_in}' AS expires_in FROM pg_temp.send('POST', '/auth/reauthenticate', :'access',
	'{"password": "password-1"}') s, jsonb(s.body) b;
UPDATE authfort.sessions SET auth_time = now() - interval '1 hour' WHERE id = :'session';
SELECT status, body FROM pg_temp.send('POST', '/auth/set-password', :'access', '{"password": "password-9"}');
DELETE FROM authfort.outbox;
SELECT status, body FROM pg_temp.send('POST', '/auth/reauthenticate/code', :'access');
SELECT kind, message - 'code' - 'expires_at' AS message, message->>'code' AS code
	FROM authfort.take_messages() \gset mailed_
SELECT :'mailed_kind' AS kind, :'mailed_message' AS message;
SELECT status FROM pg_temp.send('POST', '/auth/reauthenticate', :'access',
	jsonb_build_object('code', :'mailed_code')::text);
SELECT status, body FROM pg_temp.send('POST', '/auth/set-password', :'access', '{"password": "password-9"}');
-- five codes an hour are mailed
UPDATE authfort.events SET created_at = created_at - interval '61 min';
DELETE FROM authfort.outbox;
DO $$ BEGIN FOR i IN 1 .. 7 LOOP PERFORM authfort.http('POST', '/auth/reauthenticate/code', NULL,
	jsonb_build_object('authorization', 'Bearer '
	|| (authfort.login('ada@example.com',
	'password-1')#>>'{tokens,access_token}'))); PERFORM authfort.take_messages(); END LOOP; END $$;
SELECT (SELECT count(*) FROM authfort.outbox) AS messages, (SELECT count(*) FROM authfort.events
	WHERE event = 'reauthentication_requested' AND created_at > now() - interval '1 hour') AS events;

-- with a second factor, only that one
UPDATE authfort.users SET mfa_enabled = true WHERE id = :'ada';
SELECT pg_temp.try(:'session', 'password', 'password-1'), pg_temp.try(:'session', 'email_otp', '123456'),
	pg_temp.code(:'session');
SELECT status, body FROM pg_temp.send('POST', '/auth/reauthenticate/code', :'access');
SELECT status, s.body::jsonb#>>'{detail,error}' AS error FROM pg_temp.send('POST', '/auth/reauthenticate', :'access',
	'{"code": "123456"}') s;
UPDATE authfort.sessions SET auth_time = now() WHERE id = :'session';
SELECT status, body FROM pg_temp.send('POST', '/auth/change-email', :'access', '{"new_email": "new@example.com"}');
UPDATE authfort.users SET mfa_enabled = false WHERE id = :'ada';

-- the app of the other side (RFC 6238)
SET client_min_messages = warning;
CREATE EXTENSION pgcrypto;
CREATE FUNCTION pg_temp.app(secret text) RETURNS text LANGUAGE sql AS $$
	WITH bits AS (SELECT string_agg((strpos('ABCDEFGHIJKLMNOPQRSTUVWXYZ234567', c) - 1)::bit(5)::text, ''
	ORDER BY i) AS b
			FROM regexp_split_to_table(secret, '') WITH ORDINALITY AS s(c, i)),
		key AS (SELECT decode(string_agg(lpad(to_hex(substr(b, 8 * i + 1, 8)::bit(8)::integer), 2, '0'), ''
		ORDER BY i), 'hex') AS k
			FROM bits, generate_series(0, length(b) / 8 - 1) AS i),
		mac AS (SELECT hmac(decode(lpad(to_hex(floor(extract(epoch FROM clock_timestamp()) / 30)::bigint), 16, '0'),
		'hex'), k, 'sha1') AS m FROM key),
		place AS (SELECT m, get_byte(m, 19) & 15 AS o FROM mac)
	SELECT lpad((((get_byte(m, o) & 127)::bigint * 16777216 + get_byte(m, o + 1) * 65536 + get_byte(m,
	o + 2) * 256 + get_byte(m, o + 3)) % 1000000)::text, 6, '0') FROM place
$$;
SELECT authfort.mfa_init(:'ada')->>'secret' AS secret \gset
SELECT authfort.mfa_confirm(:'ada', pg_temp.app(:'secret'), :'session')#>>'{backup_codes,0}' AS backup_code \gset
UPDATE authfort.mfa SET totp_last_step = NULL, totp_earlier_steps = 0;
SELECT authfort.login('ada@example.com', 'password-1') ? 'mfa_token' AS challenge;
SELECT pg_temp.try(:'session', 'password', 'password-1'), pg_temp.try(:'session', 'totp', 'x'),
	pg_temp.try(:'session', 'backup_code', pg_temp.app(:'secret')), pg_temp.try(:'session', 'totp', :'backup_code');
SELECT pg_temp.app(:'secret') AS code \gset
SELECT pg_temp.try(:'session', 'totp', :'code'), pg_temp.try(:'session', 'totp', :'code') AS again;
SELECT pg_temp.try(:'session', 'backup_code', :'backup_code'), pg_temp.try(:'session', 'backup_code',
	:'backup_code') AS again;
-- undoing a change of the email removes an app and backup codes that were added since it was requested, and no others
SELECT authfort.request_email_change(:'ada', 'new@example.com')->'ok' AS ok;
SELECT message->>'token' AS confirm FROM authfort.take_messages() WHERE kind = 'email_change' \gset
SELECT authfort.confirm_email_change(:'confirm', :'session')->'ok' AS ok;
SELECT message->>'token' AS undo FROM authfort.take_messages() WHERE kind = 'email_changed' \gset
SELECT authfort.undo_email_change(:'undo')->'ok' AS ok;
SELECT mfa_enabled, (SELECT count(*) FROM authfort.backup_codes), (SELECT totp_secret IS NOT NULL
	FROM authfort.mfa) AS app FROM authfort.users WHERE id = :'ada';
UPDATE authfort.mfa SET totp_last_step = NULL, totp_earlier_steps = 0;
SELECT authfort.login('ada@example.com', 'password-1')->>'mfa_token' AS mfa_token \gset
SELECT authfort.complete_mfa_login(:'mfa_token', pg_temp.app(:'secret'))#>>'{user,session_id}' AS session \gset
SELECT authfort.request_email_change(:'ada', 'newer@example.com')->'ok' AS ok;
SELECT message->>'token' AS confirm FROM authfort.take_messages() WHERE kind = 'email_change' \gset
SELECT authfort.confirm_email_change(:'confirm', :'session')->'ok' AS ok;
SELECT message->>'token' AS undo FROM authfort.take_messages() WHERE kind = 'email_changed' \gset
UPDATE authfort.mfa SET totp_last_step = NULL, totp_earlier_steps = 0, totp_confirmed_at = clock_timestamp();
SELECT authfort.undo_email_change(:'undo')->'ok' AS ok;
SELECT mfa_enabled, (SELECT count(*) FROM authfort.backup_codes), (SELECT totp_secret IS NOT NULL
	FROM authfort.mfa) AS app FROM authfort.users WHERE id = :'ada';
SELECT authfort.login('ada@example.com', 'password-1') ? 'tokens' AS one_factor;

-- a ban, and a deletion
SELECT authfort.ban_user(:'ada');
UPDATE authfort.sessions SET revoked_at = NULL WHERE id = :'session';
SELECT pg_temp.try(:'session', 'password', 'password-1');
SELECT authfort.unban_user(:'ada'), authfort.delete_user(:'ada');
SELECT pg_temp.try(:'session', 'password', 'password-1');
SELECT authfort.reauthenticate(NULL, 'password', 'x');
SELECT authfort.reauthenticate(:'session', 'password', NULL);
