-- needs shared_preload_libraries = 'authfort'
-- Signing in by a code of six digits that was mailed.
\pset null '(null)'
CREATE FUNCTION pg_temp.send(path text, body jsonb, token text DEFAULT NULL) RETURNS TABLE (status integer, body jsonb)
	LANGUAGE sql AS $$
	SELECT r.status, r.body::jsonb FROM authfort.http('POST', '/auth/' || path, NULL,
		jsonb_strip_nulls(jsonb_build_object('content-type', 'application/json', 'authorization', 'Bearer ' || token)),
		body::text, '192.0.2.7') r $$;
CREATE FUNCTION pg_temp.outcome(r jsonb) RETURNS text LANGUAGE sql AS $$
	SELECT coalesce(r->>'error', CASE WHEN r ? 'tokens' THEN 'tokens' ELSE r::text END) $$;
CREATE FUNCTION pg_temp.verify(email text, code text) RETURNS text LANGUAGE sql AS $$
	SELECT pg_temp.outcome(authfort.verify_email_otp(email, code)) $$;
-- a wrong code
CREATE FUNCTION pg_temp.other(code text) RETURNS text LANGUAGE sql AS $$
	SELECT lpad(((code::integer + 1) % 1000000)::text, 6, '0') $$;
CREATE FUNCTION pg_temp.counts(email text) RETURNS TABLE (live boolean, tries integer, today integer) LANGUAGE sql AS
	$$ SELECT code_mac IS NOT NULL, wrong_tries, wrong_in_day FROM authfort.email_codes c
	JOIN authfort.users u ON u.id = c.user_id WHERE u.email = $1 $$;

SELECT authfort.create_user('ada@example.com', 'password-1')->>'id' AS ada, authfort.create_user('bob@example.com',
	'password-1')->>'id' AS bob \gset
SELECT authfort.create_email_otp(' ADA@example.com') AS code \gset
SELECT :'code' ~ '^\d{6}$' AS six_digits;
SELECT count(*), bool_and(code ~ '^\d{6}$') AS six_digits, count(DISTINCT code) > 90 AS random
	FROM (SELECT authfort.create_email_otp('bob@example.com') AS code FROM generate_series(1, 100)) c;
SELECT pg_temp.verify('bob@example.com', :'code') AS of_another, pg_temp.verify('nobody@example.com',
	:'code') AS unknown, pg_temp.verify('no email', :'code') AS malformed;
SELECT r->'user'->>'email' AS email, r->'user'->>'email_verified' AS verified,
	authfort.try_verify_jwt(r->'tokens'->>'access_token')->'amr' AS amr
	FROM authfort.verify_email_otp('ada@example.com', :'code', 'test', '192.0.2.7') r;
SELECT pg_temp.verify('ada@example.com', :'code') AS again;
SELECT event, payload - '{timestamp,user_id}'::text[] AS payload FROM authfort.events WHERE user_id = :'ada'
	ORDER BY id;
-- the latest counts; expired
SELECT authfort.create_email_otp('ada@example.com') AS first \gset
SELECT authfort.create_email_otp('ada@example.com') AS second \gset
SELECT CASE WHEN :'first' = :'second' THEN 'invalid_otp' ELSE pg_temp.verify('ada@example.com', :'first') END AS first;
SELECT pg_temp.verify('ada@example.com', :'second') AS second;
SELECT authfort.create_email_otp('ada@example.com') AS code \gset
UPDATE authfort.email_codes SET expires_at = now();
SELECT pg_temp.verify('ada@example.com', :'code') AS expired;
-- white space that came along when it was copied
SELECT authfort.create_email_otp('ada@example.com') AS code \gset
SELECT pg_temp.verify('ada@example.com', E' \t' || left(:'code', 3) || ' ' || right(:'code', 3) || E'\r\n') AS copied;
-- a code is bound to its user and purpose: neither another's row nor another purpose's takes it
SELECT authfort.create_email_otp('ada@example.com') AS code,
	authfort.create_email_otp('bob@example.com') IS NOT NULL AS bobs \gset
UPDATE authfort.email_codes b SET code_mac = a.code_mac FROM authfort.email_codes a WHERE a.user_id = :'ada'
	AND b.user_id = :'bob';
SELECT pg_temp.verify('bob@example.com', :'code') AS moved;
UPDATE authfort.email_codes SET purpose = 'reauthentication' WHERE user_id = :'ada';
SELECT pg_temp.verify('ada@example.com', :'code') AS of_another_purpose;
DELETE FROM authfort.email_codes;

-- it dies of five wrong tries, of any form
SELECT authfort.create_email_otp('ada@example.com') AS code \gset
SELECT n, pg_temp.verify('ada@example.com', t)
	FROM unnest(ARRAY[pg_temp.other(:'code'), '', :'code' || ' 0', '-' || :'code']) WITH ORDINALITY AS w(t, n);
SELECT * FROM pg_temp.counts('ada@example.com');
SELECT pg_temp.verify('ada@example.com', :'code') AS fifth_is_right;
SELECT authfort.create_email_otp('ada@example.com') AS code \gset
SELECT count(pg_temp.verify('ada@example.com', pg_temp.other(:'code'))) FROM generate_series(1, 5);
SELECT * FROM pg_temp.counts('ada@example.com');
SELECT pg_temp.verify('ada@example.com', :'code') AS sixth_is_right;
-- a rollback forgets nothing
SELECT authfort.create_email_otp('ada@example.com') AS code \gset
BEGIN;
SELECT count(pg_temp.verify('ada@example.com', pg_temp.other(:'code'))) FROM generate_series(1, 5);
ROLLBACK;
SELECT * FROM pg_temp.counts('ada@example.com');
SELECT pg_temp.verify('ada@example.com', :'code') AS after_rollback;
-- fifty a day, and then there is no code; the day passes
UPDATE authfort.email_codes SET wrong_in_day = 49;
SELECT authfort.create_email_otp('ada@example.com') AS code \gset
SELECT pg_temp.verify('ada@example.com', pg_temp.other(:'code')) AS fiftieth;
SELECT pg_temp.verify('ada@example.com', :'code') AS right_one;
SELECT authfort.create_email_otp('ada@example.com') AS none,
	authfort.create_magic_link_token('ada@example.com') IS NOT NULL AS but_a_link;
DELETE FROM authfort.outbox;
SELECT * FROM pg_temp.send('otp', '{"email": "ada@example.com"}');
SELECT count(*) FROM authfort.outbox;
UPDATE authfort.email_codes SET day_began = day_began - interval '1 day';
SELECT authfort.create_email_otp('ada@example.com') AS code \gset
SELECT pg_temp.verify('ada@example.com', pg_temp.other(:'code')) AS wrong;
SELECT * FROM pg_temp.counts('ada@example.com');
SELECT pg_temp.verify('ada@example.com', :'code') AS next_day;
-- cleanup keeps the tries of the day
UPDATE authfort.email_codes SET expires_at = now();
SELECT tokens FROM authfort.cleanup();
UPDATE authfort.email_codes SET day_began = day_began - interval '1 day';
SELECT tokens FROM authfort.cleanup();
SELECT count(*) FROM authfort.email_codes;

-- no code for banned and deleted users; the right one answers a ban, a wrong one does not
SELECT authfort.create_email_otp('bob@example.com') AS code \gset
SELECT authfort.ban_user(:'bob');
SELECT authfort.create_email_otp('bob@example.com') AS banned,
	authfort.create_email_otp('nobody@example.com') AS unknown;
SELECT pg_temp.verify('bob@example.com', pg_temp.other(:'code')) AS wrong,
	pg_temp.verify('bob@example.com', :'code') AS right_one;
SELECT authfort.unban_user(:'bob');
SELECT pg_temp.verify('bob@example.com', :'code') AS unbanned;
SELECT authfort.create_email_otp('bob@example.com') AS code \gset
SELECT authfort.delete_user(:'bob');
SELECT pg_temp.verify('bob@example.com', :'code') AS deleted, authfort.create_email_otp('bob@example.com') AS none,
	(SELECT count(*) FROM authfort.email_codes);
SELECT authfort.create_email_otp('no email');

-- over HTTP
DELETE FROM authfort.events WHERE event = 'email_otp_requested';
SELECT email, r.* FROM unnest(ARRAY['ada@example.com', 'nobody@example.com', 'bob@example.com', 'no email', '']) email,
	pg_temp.send('otp', jsonb_build_object('email', email)) r;
SELECT kind, message - '{code,expires_at}'::text[] AS message, message->>'code' AS code,
	expires_at - created_at > '00:04:59' AND expires_at - created_at <= '5 min' AS five_minutes
	FROM authfort.take_messages() \gset
SELECT :'kind' AS kind, :'message' AS message, :'five_minutes' AS five_minutes, :'code' ~ '^\d{6}$' AS six_digits;
SELECT sent, r.* FROM unnest(ARRAY['{"email": "ada@example.com", "code": 123456}',
	'{"email": "ada@example.com", "code": null}', '{"email": "nobody@example.com", "code": ["x"]}',
	'{"email": "nobody@example.com", "code": {}}',
	'{"email": "no email", "code": "x"}', '{"email": "ada@example.com"}', '{"code": "x"}']::jsonb[]) sent,
	pg_temp.send('otp/verify', sent) r;
SELECT r.status, r.body->'user'->>'email' AS email, array(SELECT jsonb_object_keys(r.body->'tokens')) AS tokens
	FROM pg_temp.send('otp/verify', jsonb_build_object('email', 'Ada@example.com', 'code', :'code')) r;
SELECT count(*) FROM authfort.outbox;
SELECT count(*) FROM (SELECT pg_temp.send('otp', '{"email": "ada@example.com"}'), authfort.take_messages()
	FROM generate_series(1, 12)) s;
SELECT count(*) FROM authfort.outbox;
DELETE FROM authfort.events WHERE event = 'email_otp_requested';
SELECT count(*) FROM (SELECT pg_temp.send('otp', '{"email": "ada@example.com"}') FROM generate_series(1, 12)) s;
SELECT count(*), (SELECT count(*) FROM authfort.events WHERE event = 'email_otp_requested') AS requested
	FROM authfort.outbox;

-- passwordless sign-up
SET authfort.allow_passwordless_signup = on;
SELECT authfort.create_email_otp('new@example.com') AS code \gset
SELECT event, payload->>'provider' AS provider FROM authfort.events WHERE payload->>'email' = 'new@example.com'
	ORDER BY id;
SELECT pg_temp.verify('new@example.com', :'code');
SELECT email_verified, mailbox_proven, unclaimed_until FROM authfort.users WHERE email = 'new@example.com';
RESET authfort.allow_passwordless_signup;
-- what a stranger has left in the account goes
SELECT r#>>'{tokens,refresh_token}' AS refresh FROM authfort.signup('kay@example.com', 'strangers-password') r \gset
SELECT pg_temp.verify('kay@example.com', authfort.create_email_otp('kay@example.com'));
SELECT authfort.login('kay@example.com', 'strangers-password')->>'error' AS password,
	authfort.refresh(:'refresh')->>'error' AS refresh;
-- another password ends a code, and no try of it
SELECT authfort.create_email_otp('ada@example.com') AS code \gset
SELECT pg_temp.verify('ada@example.com', pg_temp.other(:'code'));
SELECT authfort.change_password(:'ada', 'password-1', 'password-2') ? 'ok';
SELECT pg_temp.verify('ada@example.com', :'code'), c.* FROM pg_temp.counts('ada@example.com') c;
