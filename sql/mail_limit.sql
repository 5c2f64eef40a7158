-- What a stranger can make us write and send: messages to an account, and events.
\pset null '(null)'
CREATE FUNCTION pg_temp.forgot(email text) RETURNS text LANGUAGE sql AS
	$$ SELECT status || ' ' || body FROM authfort.http('POST', '/auth/forgot-password', NULL,
	'{"content-type": "application/json"}',
		jsonb_build_object('email', email)::text, '192.0.2.7') $$;
CREATE FUNCTION pg_temp.reset(token text, password text) RETURNS text LANGUAGE sql AS
	$$ SELECT coalesce(r->>'error', 'ok') FROM authfort.reset_password(token, password) r $$;
CREATE TEMP TABLE taken (n integer GENERATED ALWAYS AS IDENTITY, id uuid, token text);
CREATE FUNCTION pg_temp.take() RETURNS bigint LANGUAGE sql AS $$
	WITH t AS (INSERT INTO taken (id, token) SELECT id, message->>'token' FROM authfort.take_messages() RETURNING 1)
	SELECT count(*) FROM t $$;
CREATE FUNCTION pg_temp.wait(passed interval) RETURNS void LANGUAGE sql AS
	$$ UPDATE authfort.events SET created_at = created_at - passed $$;
SELECT authfort.signup('ada@example.com', 'password-1')#>>'{user,id}' AS ada \gset
DELETE FROM authfort.outbox;
DELETE FROM authfort.one_time_tokens;

-- no mailer takes the messages: each request replaces the previous one, until there were five in the hour
SELECT count(DISTINCT pg_temp.forgot('ada@example.com')) FROM generate_series(1, 3);
SELECT (SELECT count(*) FROM authfort.outbox) AS messages, (SELECT count(*) FROM authfort.one_time_tokens) AS tokens;
SELECT pg_temp.take();
-- one that was taken stays, and so does its token
SELECT pg_temp.forgot('ada@example.com') = pg_temp.forgot('nobody@example.com') AS same_answer;
SELECT (SELECT count(*) FROM authfort.outbox) AS messages, (SELECT count(*) FROM authfort.one_time_tokens) AS tokens;
SELECT authfort.message_sent(id) FROM taken;
SELECT count(DISTINCT pg_temp.forgot('ada@example.com')) FROM generate_series(1, 100);
SELECT (SELECT count(*) FROM authfort.outbox) AS messages, (SELECT count(*) FROM authfort.one_time_tokens) AS tokens,
	(SELECT count(*) FROM authfort.events WHERE event = 'password_reset_requested') AS events;
SELECT pg_temp.take(), pg_temp.forgot('ada@example.com') = pg_temp.forgot('nobody@example.com') AS same_answer,
	pg_temp.take();
-- the delivered ones both work; the first use ends the others
SELECT pg_temp.reset((SELECT token FROM taken WHERE n = 1), 'short'),
	pg_temp.reset((SELECT token FROM taken WHERE n = 2), 'short');
SELECT pg_temp.reset((SELECT token FROM taken WHERE n = 1), 'password-2'),
	pg_temp.reset((SELECT token FROM taken WHERE n = 2), 'password-3');
SELECT (SELECT count(*) FROM authfort.outbox) AS messages, (SELECT count(*) FROM authfort.one_time_tokens) AS tokens;

-- using one does not begin the hour anew; it passes
SELECT pg_temp.forgot('ada@example.com') IS NULL, pg_temp.take(), pg_temp.wait('61 min');
TRUNCATE taken RESTART IDENTITY;
-- a mailer that takes each at once gets five
SELECT sum(pg_temp.take()) FROM (SELECT pg_temp.forgot('ada@example.com') FROM generate_series(1, 12) OFFSET 0) f;
TRUNCATE taken RESTART IDENTITY;
SELECT pg_temp.wait('61 min');
DO $$ BEGIN FOR i IN 1 .. 12 LOOP PERFORM pg_temp.forgot('ada@example.com'); PERFORM pg_temp.take(); END LOOP; END $$;
SELECT count(*) AS mailed, array_agg(DISTINCT pg_temp.reset(token, 'short')) AS outcome FROM taken;
-- each account has its own five
SELECT FROM authfort.signup('eve@example.com', 'password-1');
DELETE FROM authfort.outbox WHERE kind = 'email_verification';
SELECT pg_temp.forgot('eve@example.com') IS NOT NULL, pg_temp.take();

-- a token by SQL replaces the one before it, and none that was mailed; nor does a stranger's request end it
SELECT authfort.create_password_reset_token('ada@example.com') AS first \gset
SELECT authfort.create_password_reset_token('ada@example.com') AS second \gset
SELECT pg_temp.wait('61 min');
SELECT pg_temp.forgot('ada@example.com') IS NOT NULL;
SELECT pg_temp.reset(:'first', 'short') AS first, pg_temp.reset(:'second', 'short') AS second,
	(SELECT pg_temp.reset(token, 'short') FROM taken WHERE n = 5) AS mailed;
-- what has expired goes with the next one
UPDATE authfort.one_time_tokens SET expires_at = now() WHERE user_id = :'ada';
SELECT authfort.create_password_reset_token('ada@example.com') IS NOT NULL;
SELECT count(*) FROM authfort.one_time_tokens WHERE user_id = :'ada';

-- the same for sign-ups with a taken email, where that is hidden
SET authfort.hide_accounts = on;
DELETE FROM authfort.outbox;
SELECT count(DISTINCT authfort.signup('ada@example.com', 'password-4')) FROM generate_series(1, 3);
SELECT count(*), min(kind) FROM authfort.outbox;
DO $$ BEGIN FOR i IN 1 .. 7 LOOP PERFORM authfort.signup('ada@example.com',
	'password-4'); PERFORM authfort.take_messages(); END LOOP; END $$;
SELECT (SELECT count(*) FROM authfort.outbox) AS messages, (SELECT count(*) FROM authfort.events
	WHERE event = 'signup_attempt') AS events;
-- which does not use up the resets
SELECT pg_temp.forgot('ada@example.com') IS NOT NULL;
SELECT count(*) FROM authfort.outbox WHERE kind = 'password_reset';
RESET authfort.hide_accounts;

-- an address gets five, also where accounts with it come and go
CREATE FUNCTION pg_temp.come_and_go(email text) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
	id uuid := authfort.signup(come_and_go.email, 'password-1')#>>'{user,id}';
BEGIN
	INSERT INTO taken (id, token) SELECT m.id, message->>'token' FROM authfort.take_messages() m
		WHERE message->>'email' = come_and_go.email;
	PERFORM authfort.delete_user(id, hard => id::text < '8');
END $$;
TRUNCATE taken RESTART IDENTITY;
SELECT count(pg_temp.come_and_go('victim@example.com')) FROM generate_series(1, 8);
SELECT count(*) FROM taken;
-- so do those that want to change to it
CREATE FUNCTION pg_temp.want(email text, n integer) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
	id uuid := authfort.signup('wants' || n || '@example.com', 'password-1')#>>'{user,id}';
BEGIN
	PERFORM authfort.request_email_change(id, want.email);
	INSERT INTO taken (id, token) SELECT m.id, message->>'token' FROM authfort.take_messages(100) m
		WHERE message->>'email' = want.email;
	PERFORM authfort.delete_user(id);
END $$;
TRUNCATE taken RESTART IDENTITY;
SELECT count(pg_temp.want('victim@example.com', n)) FROM generate_series(1, 8) n;
SELECT count(*) FROM taken;
-- and one account sends no more than five to whichever addresses
SELECT authfort.signup('sends@example.com', 'password-1')#>>'{user,id}' AS sends \gset
TRUNCATE taken RESTART IDENTITY;
DO $$ BEGIN FOR i IN 1 .. 8 LOOP
	PERFORM authfort.request_email_change((SELECT id FROM authfort.users WHERE email = 'sends@example.com'), i || '@example.com');
	INSERT INTO taken (id) SELECT id FROM authfort.take_messages(100) WHERE kind = 'email_change';
END LOOP; END $$;
SELECT count(*) FROM taken;
DELETE FROM authfort.outbox;

-- refused sign-ups: a thousand events an hour, none of them large
SELECT authfort.load_breached_passwords(ARRAY['CBFDAC6008F9CAB4083784CBD1874F76618D2A97']);
SELECT r->>'error' AS error, count(*) FROM generate_series(1, 2000) g,
	authfort.signup('s' || g || '@example.com', 'password123', user_agent => repeat('x', 100000),
	ip_address => '192.0.2.1'::inet + g) r GROUP BY 1;
SELECT count(*), max(pg_column_size(e.*)) < 800 AS small, max(length(user_agent)), max(length(payload->>'user_agent'))
	FROM authfort.events e WHERE event = 'password_pwned_rejected';
-- those of an account are not counted among them
SELECT authfort.change_password(:'ada', 'password-2', 'password123')->>'error';
SELECT count(*) FROM authfort.events WHERE event = 'password_pwned_rejected' AND user_id IS NOT NULL;
SELECT pg_temp.wait('61 min');
SELECT authfort.signup('s@example.com', 'password123')->>'error';
SELECT count(*) FROM authfort.events WHERE event = 'password_pwned_rejected' AND user_id IS NULL;

-- they are counted in an index of their own
ANALYZE authfort.events;
SET enable_seqscan = off;
EXPLAIN (COSTS off) SELECT FROM authfort.events WHERE event = 'rate_limit_exceeded' AND user_id IS NULL
	AND created_at > now() OFFSET 999 LIMIT 1;
EXPLAIN (COSTS off) SELECT FROM authfort.events WHERE event = 'magic_link_requested'
	AND COALESCE(payload->>'new_email', payload->>'email') COLLATE "C" = 'a@example.com' AND created_at > now() OFFSET 4 LIMIT 1;
