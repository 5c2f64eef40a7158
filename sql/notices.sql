-- Notices to users, and messages of the application.
\pset null '(null)'
SELECT r#>>'{user,id}' AS ada FROM authfort.signup('ada@example.com', 'password-1', 'Ada', user_agent => 'Firefox',
	ip_address => '192.0.2.1') r \gset
UPDATE authfort.users SET locale = 'de' WHERE id = :'ada';
CREATE FUNCTION pg_temp.login(user_agent text, ip inet) RETURNS boolean LANGUAGE sql AS
	$$ SELECT authfort.login('ada@example.com', 'password-1', user_agent, ip) ? 'tokens' $$;
-- kinds of waiting messages; takes and deletes them, and lets more be sent
CREATE FUNCTION pg_temp.mail() RETURNS TABLE (kind text, message jsonb) LANGUAGE plpgsql AS $$
	BEGIN
		RETURN QUERY SELECT m.kind, m.message - 'expires_at' - 'time' FROM authfort.take_messages(100) m;
		DELETE FROM authfort.outbox;
		DELETE FROM authfort.events WHERE event = 'notice_sent';
	END $$;

-- none by default
SHOW authfort.notices;
SELECT pg_temp.login('Safari', '198.51.100.1'), authfort.change_password(:'ada', 'password-1', 'password-2')->'ok',
	authfort.change_password(:'ada', 'password-2', 'password-1')->'ok';
SELECT * FROM pg_temp.mail();

-- the setting
SET authfort.notices = 'new_sign_in, nonsense';
SET authfort.notices = 'new_sign_in password_changed';
SET authfort.notices = 'New_Sign_In, "password_changed"';
SHOW authfort.notices;

-- a sign-in is new if no session began at this address with this user agent
SELECT pg_temp.login('Firefox', '192.0.2.1');
SELECT * FROM pg_temp.mail();
SELECT pg_temp.login('Firefox', '192.0.2.2'), pg_temp.login('Safari', '192.0.2.1'),
	pg_temp.login('Firefox', '192.0.2.2');
SELECT * FROM pg_temp.mail();
SELECT pg_temp.login('Firefox', '2001:db8::1'), pg_temp.login('Firefox', '2001:db8::2'),
	pg_temp.login('Firefox', '2001:db8:0:1::1');
SELECT message->>'ip_address' AS ip FROM pg_temp.mail();
SELECT pg_temp.login(NULL, NULL), pg_temp.login(NULL, NULL), pg_temp.login('', '192.0.2.1'),
	pg_temp.login(NULL, '192.0.2.1');
SELECT message->'ip_address' AS ip, message->'user_agent' AS user_agent FROM pg_temp.mail();
SELECT pg_temp.login(repeat('x', 100000), '192.0.2.1'), pg_temp.login(repeat('x', 100001), '192.0.2.1');
SELECT length(message->>'user_agent') FROM pg_temp.mail();
-- a wrong password is no sign-in, and a sign-up is no news
SELECT authfort.login('ada@example.com', 'wrong', 'Edge', '192.0.2.9')->>'error';
SELECT authfort.signup('eve@example.com', 'password-1', user_agent => 'Edge', ip_address => '192.0.2.9') ? 'tokens';
SELECT kind FROM pg_temp.mail();
-- a session that ended counts until it is cleaned up
SELECT authfort.revoke_sessions(:'ada') > 0, pg_temp.login('Safari', '192.0.2.1');
SELECT * FROM pg_temp.mail();
-- it is delivered for a week
SELECT pg_temp.login('Chrome', '192.0.2.1');
SELECT round(extract(epoch FROM expires_at - created_at) / 3600) AS hours FROM authfort.outbox;
DELETE FROM authfort.outbox;

-- an address gets five of a kind an hour, with limits on or off; others are not affected
DELETE FROM authfort.events WHERE event = 'notice_sent';
SELECT count(pg_temp.login('agent ' || n, '192.0.2.1')) FROM generate_series(1, 7) n;
SELECT authfort.change_password(:'ada', 'password-1', 'password-2')->'ok',
	authfort.change_password(:'ada', 'password-2', 'password-1')->'ok';
SELECT authfort.login('eve@example.com', 'password-1', 'agent 1', '192.0.2.1') ? 'tokens';
SELECT u.email, o.kind, count(*) FROM authfort.outbox o JOIN authfort.users u ON u.id = o.user_id
	GROUP BY 1, 2 ORDER BY 1, 2;
SELECT u.email, e.payload->>'kind' AS kind, count(*) FROM authfort.events e JOIN authfort.users u ON u.id = e.user_id
	WHERE event = 'notice_sent' GROUP BY 1, 2 ORDER BY 1, 2;
UPDATE authfort.events SET created_at = created_at - interval '61 minutes' WHERE event = 'notice_sent';
SELECT pg_temp.login('agent 8', '192.0.2.1');
SELECT u.email, o.kind, count(*) FROM authfort.outbox o JOIN authfort.users u ON u.id = o.user_id
	GROUP BY 1, 2 ORDER BY 1, 2;
DELETE FROM authfort.outbox;

-- passwords, however they are set
SELECT authfort.change_password(:'ada', 'password-1', 'password-2', user_agent => 'Firefox',
	ip_address => '192.0.2.1')->'ok';
SELECT * FROM pg_temp.mail();
SELECT authfort.change_password(:'ada', 'wrong', 'password-2')->>'error';
SELECT authfort.create_password_reset_token('ada@example.com') AS token \gset
SELECT authfort.reset_password(:'token', 'password-1')->'ok';
SELECT * FROM pg_temp.mail();
UPDATE authfort.users SET password_hash = NULL WHERE id = :'ada';
SELECT authfort.set_password(:'ada', 'password-1')->'ok';
SELECT * FROM pg_temp.mail();
-- a rolled back change is no news
BEGIN;
SELECT authfort.change_password(:'ada', 'password-1', 'password-2')->'ok';
ROLLBACK;
SELECT * FROM pg_temp.mail();
-- a change of the password withdraws links to reset it, and no notice
SELECT status FROM authfort.http('POST', '/auth/forgot-password', NULL, '{"content-type": "application/json"}',
	'{"email": "ada@example.com"}', '192.0.2.7');
SELECT pg_temp.login('Opera', '192.0.2.1');
SELECT kind FROM authfort.outbox ORDER BY id;
SELECT authfort.change_password(:'ada', 'password-1', 'password-2')->'ok';
SELECT kind FROM authfort.outbox ORDER BY id;
-- a passkey that is removed, whether it was the last factor or not
INSERT INTO authfort.passkeys (user_id, credential_id, public_key, algorithm, sign_count, aaguid, attestation,
	backup_eligible, backed_up, user_verified, name, created_at)
	SELECT :'ada', id, 'x', -7, 0, gen_random_uuid(), 'none', false, false, true, 'Key', now()
	FROM unnest(ARRAY['one', 'two']::bytea[]) id;
UPDATE authfort.users SET mfa_enabled = true WHERE id = :'ada';
SET authfort.notices = 'mfa_changed';
DELETE FROM authfort.outbox;
SELECT authfort.delete_passkey(:'ada', 'one');
SELECT kind, message->>'change' AS change FROM pg_temp.mail();
SELECT authfort.delete_passkey(:'ada', 'two');
SELECT kind, message->>'change' AS change FROM pg_temp.mail();
SET authfort.notices = 'new_sign_in, password_changed';
SELECT authfort.login('ada@example.com', 'password-2', 'Lynx', '192.0.2.1') ? 'tokens';
-- they go with the user
SELECT authfort.delete_user(:'ada');
SELECT count(*) FROM authfort.outbox;

-- messages of the application
SELECT authfort.create_user('bob@example.com', name => 'Bob "B" Builder')->>'id' AS bob \gset
SELECT authfort.send_message(:'bob', 'order_shipped',
	'{"order": 7, "lines": [{"what": "a <b>"}], "from": "ü"}') IS NOT NULL;
SELECT authfort.send_message(:'bob', 'welcome') IS NOT NULL;
SELECT * FROM pg_temp.mail();
SELECT authfort.send_message(:'bob', 'x', lifetime => '1 hour') IS NOT NULL;
SELECT round(extract(epoch FROM expires_at - created_at) / 3600) AS hours FROM authfort.outbox;
SELECT authfort.send_message(:'bob', 'late', lifetime => '-1 hour');
SELECT authfort.send_message(:'bob', 'never', lifetime => '1000000 years');
SELECT authfort.send_message(:'bob', 'x', lifetime => NULL);
-- nothing that looks like authfort's own
CREATE FUNCTION pg_temp.refused(user_id uuid, kind text, payload jsonb) RETURNS text LANGUAGE plpgsql AS $$
	BEGIN PERFORM authfort.send_message(user_id, kind,
	payload); RETURN 'sent'; EXCEPTION WHEN OTHERS THEN RETURN sqlstate || ' ' || sqlerrm; END $$;
SELECT kind, pg_temp.refused(:'bob', kind, '{}')
	FROM unnest(ARRAY['', 'Upper', 'with space', 'ünicode', repeat('x', 51), repeat('x', 50), NULL,
	'password_reset', 'email_changed', 'magic_link', 'email_otp', 'reauthentication', 'signup_attempt', 'new_sign_in',
	'invitation', 'email_verification']) kind;
SELECT left(payload::text, 40) AS payload, pg_temp.refused(:'bob', 'x', payload)
	FROM unnest(ARRAY['[]', '"x"', '1', 'null', '{"email": "eve@example.com"}', '{"token": 1}', '{"link": null}',
	'{"code": ""}',
	'{"expires_at": ""}', '{"name": "x"}', '{"locale": "x"}', '{"a": {"token": 1}}', NULL,
	jsonb_build_object('x', repeat('x', 16375)), jsonb_build_object('x', repeat('x', 16376)), (repeat('{"a":', 32) || 1
	|| repeat('}', 32))::jsonb,
	(repeat('{"a":', 33) || 1 || repeat('}', 33))::jsonb, '{"a": 1e63}', '{"a": 1e64}']::jsonb[]) payload;
SELECT pg_temp.refused('00000000-0000-0000-0000-000000000000', 'x', '{}'), pg_temp.refused(NULL, 'x', '{}'),
	pg_temp.refused(:'ada', 'x', '{}') ~ '^42704' AS deleted;
-- each can be taken
SELECT count(*) FROM authfort.take_messages(100);
