-- A stranger signs up with another person's address, and waits.
\pset null '(null)'
CREATE FUNCTION pg_temp.state(email text) RETURNS TABLE (verified boolean, proven boolean, password boolean,
	live bigint, tokens bigint, unproven_deleted bigint) LANGUAGE sql AS $$
	SELECT email_verified, mailbox_proven, password_hash IS NOT NULL, (SELECT count(*) FROM authfort.sessions
	WHERE user_id = u.id AND revoked_at IS NULL),
		(SELECT count(*) FROM authfort.one_time_tokens WHERE user_id = u.id), (SELECT count(*) FROM authfort.events
		WHERE event = 'unproven_deleted' AND user_id = u.id)
	FROM authfort.users u WHERE u.email = state.email $$;
-- what the stranger has: a password, an access token and a refresh token
CREATE TABLE stranger (email text, access text, refresh text);
CREATE FUNCTION pg_temp.register(email text) RETURNS void LANGUAGE sql AS $$
	INSERT INTO stranger SELECT $1, r#>>'{tokens,access_token}', r#>>'{tokens,refresh_token}'
	FROM authfort.signup($1, 'strangers-password') r $$;
CREATE FUNCTION pg_temp.has(email text) RETURNS TABLE (login text, refresh text, access boolean) LANGUAGE sql AS $$
	SELECT coalesce(authfort.login(s.email, 'strangers-password')->>'error', 'tokens'),
	coalesce(authfort.refresh(s.refresh)->>'error', 'tokens'),
		(SELECT status = 200 FROM authfort.http('GET', '/auth/me', NULL, jsonb_build_object('authorization', 'Bearer '
		|| s.access)))
	FROM stranger s WHERE s.email = $1 $$;

-- the owner verifies the address from elsewhere, by mistake or not: nothing changes hands
SELECT pg_temp.register('a@example.com');
SELECT authfort.verify_email(message->>'token') ? 'ok' FROM authfort.take_messages();
SELECT * FROM pg_temp.state('a@example.com');
SELECT * FROM pg_temp.has('a@example.com');
-- the owner resets the password
SELECT authfort.reset_password(authfort.create_password_reset_token('a@example.com'), 'owners-password');
SELECT * FROM pg_temp.state('a@example.com');
SELECT * FROM pg_temp.has('a@example.com');
SELECT authfort.login('a@example.com', 'owners-password') ? 'tokens' AS owner;
-- it is the owner's from now on: another reset deletes nothing unproven
SELECT authfort.reset_password(authfort.create_password_reset_token('a@example.com'), 'owners-password-2');
SELECT * FROM pg_temp.state('a@example.com');

-- a person who signs up with the own address keeps what is there: confirmed in that session, and then reset
SELECT pg_temp.register('c@example.com');
SELECT status FROM authfort.take_messages(), stranger, authfort.http('POST', '/auth/verify-email', NULL,
	jsonb_build_object('content-type', 'application/json', 'authorization', 'Bearer ' || access),
	jsonb_build_object('token', message->>'token')::text)
	WHERE email = 'c@example.com' AND message->>'email' = email;
SELECT * FROM pg_temp.state('c@example.com');
SELECT * FROM pg_temp.has('c@example.com');

-- accounts made by an admin are the users' own
SELECT authfort.create_user('admin-made@example.com', 'password-1') IS NOT NULL;
SELECT * FROM pg_temp.state('admin-made@example.com');

-- a stranger who moves on to another address: the one left is reserved, and its owner, whatever is asked for there,
-- gets the way back, and so the account
CREATE FUNCTION pg_temp.ask(route text, email text) RETURNS text LANGUAGE sql AS
	$$ SELECT status::text FROM authfort.http('POST', '/auth/' || route, NULL, '{"content-type": "application/json"}',
		jsonb_build_object('email', email)::text) $$;
SELECT pg_temp.register('left@example.com');
DELETE FROM authfort.outbox;
SELECT authfort.request_email_change(u.id, 'stranger@example.com') FROM authfort.users u
	WHERE email = 'left@example.com';
SELECT authfort.confirm_email_change(m.message->>'token', s.id) FROM authfort.take_messages() m
	JOIN authfort.sessions s ON s.user_id = m.user_id WHERE m.kind = 'email_change';
DELETE FROM authfort.outbox;
SELECT authfort.signup('left@example.com', 'owners-password')->>'error' AS reserved;
SELECT route, pg_temp.ask(route, 'left@example.com') FROM unnest(ARRAY['forgot-password', 'magic-link', 'otp',
	'resend-verification']) route;
SET authfort.allow_passwordless_signup = on;
SELECT pg_temp.ask('magic-link', 'left@example.com');
RESET authfort.allow_passwordless_signup;
SET authfort.hide_accounts = on;
SELECT authfort.signup('left@example.com', 'owners-password')->>'error';
RESET authfort.hide_accounts;
SELECT event, payload->>'email' AS email, count(*) FROM authfort.events WHERE event ~ 'undo|signup_attempt' GROUP BY 1, 2;
CREATE TEMP TABLE way_back AS SELECT kind, message FROM authfort.take_messages();
SELECT kind, message->>'email' AS email, message ? 'token' AS has_token, message->>'ip_address' AS ip_address,
	count(*) FROM way_back GROUP BY 1, 2, 3, 4;
-- they expire with the first one
SELECT DISTINCT date_trunc('minute', c.expires_at - t.expires_at) AS later FROM authfort.one_time_tokens t
	JOIN authfort.email_changes c ON c.user_id = t.user_id WHERE t.purpose = 'email_change_undo';
SELECT authfort.message_deferred(id, 0) FROM authfort.outbox;
SELECT authfort.undo_email_change(message->>'token') FROM way_back LIMIT 1;
SELECT authfort.undo_email_change(message->>'token')->>'error' AS another FROM way_back OFFSET 1 LIMIT 1;
SELECT count(*) AS tokens, (SELECT count(*) FROM authfort.take_messages()) AS sent FROM authfort.one_time_tokens;
SELECT authfort.reset_password(authfort.create_password_reset_token('left@example.com'), 'owners-password');
SELECT authfort.login('left@example.com', 'owners-password') ? 'tokens' AS owner,
	authfort.login('left@example.com', 'strangers-password')->>'error' AS stranger;
DELETE FROM authfort.outbox;
-- an address that the account has again, or that no account has left, has none
SELECT pg_temp.ask('magic-link', 'stranger@example.com');
SELECT count(*) FROM authfort.outbox;
