-- Verifying the address of an account.
\pset null '(null)'
CREATE FUNCTION pg_temp.send(path text, body jsonb, token text DEFAULT NULL) RETURNS TABLE (status integer, body jsonb)
	LANGUAGE sql AS $$
	SELECT r.status, r.body::jsonb FROM authfort.http('POST', '/auth/' || path, NULL,
		jsonb_strip_nulls(jsonb_build_object('content-type', 'application/json', 'authorization', 'Bearer ' || token)),
		body::text, '192.0.2.7') r $$;
-- the only token that was mailed since the last time
CREATE FUNCTION pg_temp.mailed(kind text) RETURNS text LANGUAGE sql AS $$
	SELECT message->>'token' FROM authfort.take_messages(100) t WHERE t.kind = mailed.kind $$;
CREATE FUNCTION pg_temp.state(email text) RETURNS TABLE (verified boolean, proven boolean, tokens bigint,
	messages bigint, events text) LANGUAGE sql AS $$
	SELECT email_verified, mailbox_proven, (SELECT count(*) FROM authfort.one_time_tokens WHERE user_id = u.id),
		(SELECT count(*) FROM authfort.outbox WHERE user_id = u.id), (SELECT string_agg(event, ' ' ORDER BY id)
		FROM authfort.events WHERE user_id = u.id)
	FROM authfort.users u WHERE u.email = state.email $$;

-- a sign-up mails a token, which the session that signed up confirms: the mailbox is the account's
SELECT r#>>'{tokens,access_token}' AS access, r#>>'{user,id}' AS ada
	FROM authfort.signup('ada@example.com', 'password-1') r \gset
SELECT * FROM pg_temp.state('ada@example.com');
SELECT kind, message - '{token,expires_at}'::text[] AS message, length(message->>'token') AS token,
	expires_at - created_at > '23:59' AS for_a_day FROM authfort.take_messages();
UPDATE authfort.outbox SET taken_at = NULL;
SELECT pg_temp.mailed('email_verification') AS token \gset
SELECT authfort.verify_email('bogus'), authfort.verify_email(''), authfort.verify_email(repeat('A', 43));
SELECT * FROM pg_temp.send('verify-email', jsonb_build_object('token', :'token'), :'access');
SELECT * FROM pg_temp.state('ada@example.com');
-- once
SELECT * FROM pg_temp.send('verify-email', jsonb_build_object('token', :'token'), :'access');
SELECT authfort.create_email_verification_token(:'ada') AS verified_already;

-- from elsewhere it verifies only: without a session, with that of another account, with a bad token, with a cookie
-- of a page elsewhere
SELECT r#>>'{tokens,access_token}' AS eve_access, r#>>'{user,id}' AS eve, r#>>'{user,session_id}' AS eve_session
	FROM authfort.signup('eve@example.com', 'password-1') r \gset
SELECT pg_temp.mailed('email_verification') AS mailed \gset
SELECT authfort.create_email_verification_token(:'eve') AS first \gset
SELECT authfort.create_email_verification_token(:'eve') AS second \gset
SELECT authfort.verify_email(:'first')->>'error' AS replaced;
SELECT authfort.verify_email(:'mailed')->>'error' AS mailed_is_replaced_too;
SELECT status, body FROM pg_temp.send('verify-email', jsonb_build_object('token', :'second'), :'access');
SELECT verified, proven FROM pg_temp.state('eve@example.com');
UPDATE authfort.users SET email_verified = false WHERE id = :'eve';
SELECT authfort.create_email_verification_token(:'eve') AS third \gset
SELECT status FROM pg_temp.send('verify-email', jsonb_build_object('token', :'third'), 'not a token');
SELECT verified, proven FROM pg_temp.state('eve@example.com');
UPDATE authfort.users SET email_verified = false WHERE id = :'eve';
SELECT authfort.create_email_verification_token(:'eve') AS fourth \gset
SET authfort.cookies = on;
SELECT status FROM authfort.http('POST', '/auth/verify-email', NULL,
	jsonb_build_object('content-type', 'application/json', 'host', 'app.example.com',
	'origin', 'https://other.example.com', 'cookie', 'access_token=' || :'eve_access'),
	jsonb_build_object('token', :'fourth')::text);
SELECT verified, proven FROM pg_temp.state('eve@example.com');
UPDATE authfort.users SET email_verified = false WHERE id = :'eve';
SELECT authfort.create_email_verification_token(:'eve') AS fifth \gset
SELECT status FROM authfort.http('POST', '/auth/verify-email', NULL,
	jsonb_build_object('content-type', 'application/json', 'host', 'app.example.com',
	'origin', 'https://app.example.com', 'cookie', 'access_token=' || :'eve_access'),
	jsonb_build_object('token', :'fifth')::text);
SELECT verified, proven FROM pg_temp.state('eve@example.com');
RESET authfort.cookies;

-- by SQL: a session of the account, not a session that has ended, nor any other
SELECT authfort.create_user('fay@example.com', 'password-1')->>'id' AS fay \gset
UPDATE authfort.users SET mailbox_proven = false WHERE id = :'fay';
SELECT r#>>'{user,session_id}' AS fay_session FROM authfort.login('fay@example.com', 'password-1') r \gset
SELECT authfort.verify_email(authfort.create_email_verification_token(:'fay'),
	:'eve_session')->'user'->>'email_verified' AS verified, (pg_temp.state('fay@example.com')).proven;
UPDATE authfort.users SET email_verified = false WHERE id = :'fay';
SELECT authfort.verify_email(authfort.create_email_verification_token(:'fay'),
	:'fay_session')->'user'->>'email_verified' AS verified;
SELECT proven FROM pg_temp.state('fay@example.com');
UPDATE authfort.users SET email_verified = false, mailbox_proven = false WHERE id = :'fay';
SELECT authfort.revoke_session(:'fay_session');
SELECT authfort.verify_email(authfort.create_email_verification_token(:'fay'), :'fay_session') ? 'ok' AS verified;
SELECT proven FROM pg_temp.state('fay@example.com');

-- unknown, deleted, expired; a token of another kind
SELECT authfort.create_email_verification_token(gen_random_uuid()) AS unknown;
SELECT authfort.create_user('gone@example.com')->>'id' AS gone \gset
SELECT authfort.create_email_verification_token(:'gone') AS token \gset
SELECT authfort.delete_user(:'gone');
SELECT authfort.verify_email(:'token')->>'error' AS deleted, authfort.create_email_verification_token(:'gone') AS none;
SELECT authfort.create_user('bob@example.com', 'password-1')->>'id' AS bob \gset
SELECT authfort.create_email_verification_token(:'bob') AS token \gset
SELECT authfort.reset_password(:'token', 'password-2')->>'error' AS as_reset;
SELECT authfort.verify_email(authfort.create_password_reset_token('bob@example.com'))->>'error' AS reset_as_verification;
UPDATE authfort.one_time_tokens SET expires_at = now();
SELECT authfort.verify_email(:'token')->>'error' AS expired;
-- an address that an admin changes takes its tokens along
SELECT authfort.create_email_verification_token(:'bob') AS token \gset
SELECT authfort.update_user(:'bob', '{"email": "rob@example.com"}')->>'email';
SELECT authfort.verify_email(:'token')->>'error' AS of_the_old_address;

-- again: one answer for all, and five messages an hour
DELETE FROM authfort.outbox;
SELECT email, r.* FROM unnest(ARRAY['rob@example.com', 'ada@example.com', 'nobody@example.com', 'no email',
	'gone@example.com']) email,
	pg_temp.send('resend-verification', jsonb_build_object('email', email)) r;
SELECT kind, message->>'email' AS email FROM authfort.take_messages();
SELECT count(*) FROM (SELECT pg_temp.send('resend-verification', '{"email": "rob@example.com"}'),
	authfort.take_messages() FROM generate_series(1, 10)) s;
SELECT payload->>'email' AS email, count(*) FROM authfort.events WHERE event = 'email_verification_requested'
	AND user_id = :'bob' GROUP BY 1 ORDER BY 1;
SELECT * FROM pg_temp.send('resend-verification', '{}');
SELECT * FROM pg_temp.send('resend-verification', '{}', :'access');
SELECT * FROM pg_temp.send('verify-email', '{}');
SELECT * FROM pg_temp.send('verify-email', '{"token": 1}');
SELECT * FROM pg_temp.send('verify-email', '{"token": "x"}');

-- links are built from the setting, whatever the request says
SET authfort.site_url = 'https://app.example.com';
SELECT FROM authfort.signup('ida@example.com', 'password-1');
SELECT replace(message->>'link', message->>'token', 'TOKEN') FROM authfort.take_messages(100)
	WHERE message->>'email' = 'ida@example.com';
RESET authfort.site_url;

-- required: sign-up signs nobody in and answers the same for a taken address; login says so after the right password
-- only
SET authfort.require_verified_email = on;
DELETE FROM authfort.outbox;
SELECT email, r.* FROM unnest(ARRAY['new@example.com', 'ada@example.com']) email,
	pg_temp.send('signup', jsonb_build_object('email', email, 'password', 'password-1')) r;
SELECT kind, message->>'email' AS email FROM authfort.take_messages();
SELECT authfort.signup('newer@example.com', 'short')->>'error';
SELECT * FROM pg_temp.send('login', '{"email": "new@example.com", "password": "password-1"}');
SELECT r.body->'detail'->>'error' FROM pg_temp.send('login',
	'{"email": "new@example.com", "password": "password-2"}') r;
SELECT payload->>'reason' FROM authfort.events WHERE event = 'login_failed' AND payload->>'email' = 'new@example.com'
	ORDER BY id;
SELECT authfort.verify_email(authfort.create_email_verification_token(id)) ? 'ok' FROM authfort.users
	WHERE email = 'new@example.com';
SELECT status FROM pg_temp.send('login', '{"email": "new@example.com", "password": "password-1"}');
RESET authfort.require_verified_email;

-- a reset proves the mailbox
SELECT FROM authfort.signup('kay@example.com', 'password-1');
SELECT authfort.reset_password(authfort.create_password_reset_token('kay@example.com'), 'password-2');
SELECT verified, proven, events FROM pg_temp.state('kay@example.com');
