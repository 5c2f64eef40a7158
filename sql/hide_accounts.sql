-- needs shared_preload_libraries = 'authfort'
-- With authfort.hide_accounts no answer reveals which emails have an account.
\pset null '(null)'
CREATE FUNCTION pg_temp.send(path text, body jsonb, OUT status integer, OUT headers jsonb, OUT body text)
	LANGUAGE sql AS
	$$ SELECT status, headers, body FROM authfort.http('POST', '/auth/'
	|| path, NULL, '{"content-type": "application/json"}', body::text, '192.0.2.7') $$;
-- accounts of all kinds, one unknown email, and one of a deleted account
SELECT FROM authfort.create_user('usual@example.com', 'correct horse', name => 'Ursula');
SELECT FROM authfort.create_user('bare@example.com');
SELECT authfort.ban_user((authfort.create_user('banned@example.com', 'correct horse')->>'id')::uuid);
SELECT authfort.delete_user((authfort.create_user('gone@example.com', 'correct horse')->>'id')::uuid);
SELECT authfort.delete_user((authfort.create_user('removed@example.com', 'correct horse')->>'id')::uuid, hard => true);
CREATE TABLE kinds AS SELECT * FROM unnest(ARRAY['usual', 'bare', 'banned', 'gone', 'removed', 'unknown'])
	WITH ORDINALITY AS k(kind, n);

-- off, as the contract has it
SHOW authfort.hide_accounts;
SELECT kind, r.status, r.body FROM kinds, pg_temp.send('login', jsonb_build_object('email', kind || '@example.com',
	'password', 'wrong horse')) r ORDER BY n;
SELECT r.status, r.body FROM pg_temp.send('signup', '{"email": "usual@example.com", "password": "correct horse"}') r;
SELECT count(*) FROM authfort.outbox;

SET authfort.hide_accounts = on;

-- login: a ban is revealed only with the right password
SELECT kind, r.* FROM kinds, pg_temp.send('login', jsonb_build_object('email', kind || '@example.com', 'password',
	'wrong horse')) r ORDER BY n;
SELECT kind, authfort.login(kind || '@example.com', '') FROM kinds ORDER BY n;
SELECT authfort.login('banned@example.com', 'correct horse'),
	authfort.login('usual@example.com', 'correct horse') ? 'tokens' AS signed_in;
-- the log does tell
SELECT payload->>'email' AS email, payload->>'reason' AS reason FROM authfort.events WHERE event = 'login_failed'
	ORDER BY id DESC LIMIT 8;

-- forgot-password, where the transaction of each writes something
SELECT r.*, count(*) FROM kinds, pg_temp.send('forgot-password', jsonb_build_object('email', kind || '@example.com')) r
	GROUP BY 1, 2, 3;
SELECT string_agg(message->>'email', ' ' ORDER BY id) FROM authfort.take_messages(100);
DELETE FROM authfort.outbox;
BEGIN;
SELECT authfort.create_password_reset_token('unknown@example.com');
SELECT pg_current_xact_id_if_assigned() IS NOT NULL AS writes;
COMMIT;
BEGIN;
SELECT status FROM pg_temp.send('forgot-password', '{"email": "unknown@example.com"}');
SELECT pg_current_xact_id_if_assigned() IS NOT NULL AS writes;
COMMIT;

-- sign-up: one response, without signing in; owners get a message
SET authfort.cookies = on;
SELECT kind, r.* FROM kinds, pg_temp.send('signup', jsonb_build_object('email', kind || '@example.com', 'password',
	'battery staple')) r ORDER BY n;
RESET authfort.cookies;
SELECT authfort.signup(' Usual@Example.com', 'battery staple'), authfort.signup('new@example.com', 'battery staple');
SELECT kind, user_id = (SELECT id FROM authfort.users WHERE email = message->>'email') AS owner,
	message - '{expires_at,token}'::text[] AS message, expires_at - created_at > '23 h'
	AND expires_at - created_at <= '1 day' AS for_a_day, attempts
	FROM authfort.take_messages(100) ORDER BY id;
SELECT event, payload->>'email' AS email, ip_address FROM authfort.events
	WHERE event = 'signup_attempt' OR event = 'user_created'
	AND payload->>'email' IN ('gone@example.com', 'removed@example.com', 'unknown@example.com', 'new@example.com')
	ORDER BY id DESC LIMIT 8;
SELECT count(*) AS sessions FROM authfort.sessions s JOIN authfort.users u ON u.id = s.user_id
	WHERE u.email <> 'usual@example.com';
-- an account that is new is one, one that was there is what it was
SELECT kind, coalesce(r->>'error', 'ok') FROM kinds, authfort.login(kind || '@example.com', 'battery staple') r
	ORDER BY n;
SELECT name, authfort.login(email, 'correct horse') ? 'tokens' AS signed_in FROM authfort.users
	WHERE email = 'usual@example.com';

-- errors in the form are reported as usual, and equally for all
SELECT email, r.status, r.body FROM unnest(ARRAY['usual@example.com', 'nobody@example.com', 'usual@', 'nobody@'])
	WITH ORDINALITY AS e(email, n),
	pg_temp.send('signup', jsonb_build_object('email', email, 'password', 'short')) r ORDER BY n;
SET authfort.allow_signup = off;
SELECT kind, r.status, r.body FROM kinds, pg_temp.send('signup', jsonb_build_object('email', kind || '@example.com',
	'password', 'battery staple')) r ORDER BY n;
RESET authfort.allow_signup;

-- limits: over that of the email, only its owner gets in, and only with the password
SET authfort.rate_limit = on;
SET authfort.rate_limit_login = '1/day';
SELECT authfort.login('usual@example.com', 'correct horse', ip_address => '192.0.2.20') ? 'tokens' AS from_home;
CREATE FUNCTION pg_temp.over(email text, password text, ip inet) RETURNS text LANGUAGE sql AS
	$$ SELECT authfort.reset_rate_limits(ip_address => ip); SELECT coalesce(r->>'error', 'ok')
	FROM authfort.login(email, password, ip_address => ip) r $$;
SELECT pg_temp.over('nobody@example.com', 'wrong horse', '192.0.2.20');
SELECT id AS last FROM authfort.events ORDER BY id DESC LIMIT 1 \gset
SELECT email, pg_temp.over(email, 'wrong horse', '192.0.2.20') AS at_home,
	pg_temp.over(email, 'wrong horse', '192.0.2.21') AS elsewhere
	FROM unnest(ARRAY['usual@example.com', 'nobody@example.com']) email;
SELECT pg_temp.over('usual@example.com', 'correct horse', '192.0.2.20') AS at_home,
	pg_temp.over('usual@example.com', 'correct horse', '192.0.2.21') AS elsewhere;
SELECT event, payload->>'email' AS email FROM authfort.events WHERE id > :'last' ORDER BY id;
SET authfort.hide_accounts = off;
SELECT pg_temp.over('usual@example.com', 'wrong horse', '192.0.2.20') AS at_home;
-- the other limits know no home
SET authfort.hide_accounts = on;
SET authfort.rate_limit_signup = '1/day';
SET authfort.rate_limit_password_reset = '1/day';
CREATE FUNCTION pg_temp.status(path text, email text) RETURNS integer LANGUAGE sql AS $$
	SELECT authfort.reset_rate_limits(ip_address => '192.0.2.7');
	SELECT status FROM pg_temp.send(path, jsonb_build_object('email', email, 'password', 'battery staple')) $$;
UPDATE authfort.sessions SET ip_address = '192.0.2.7';
SELECT path, email, pg_temp.status(path, email) AS first, pg_temp.status(path, email) AS second
	FROM unnest(ARRAY['signup', 'forgot-password']) path, unnest(ARRAY['usual@example.com', 'none@example.com']) email;
DROP TABLE kinds;
