-- Signing in by a link that was mailed.
\pset null '(null)'
CREATE FUNCTION pg_temp.send(path text, body jsonb, token text DEFAULT NULL) RETURNS TABLE (status integer, body jsonb)
	LANGUAGE sql AS $$
	SELECT r.status, r.body::jsonb FROM authfort.http('POST', '/auth/' || path, NULL,
		jsonb_strip_nulls(jsonb_build_object('content-type', 'application/json', 'authorization', 'Bearer '
		|| token, 'user-agent', 'test')), body::text, '192.0.2.7') r $$;
CREATE FUNCTION pg_temp.outcome(r jsonb) RETURNS text LANGUAGE sql AS $$
	SELECT coalesce(r->>'error', CASE WHEN r ? 'tokens' THEN 'tokens' ELSE r::text END) $$;
CREATE FUNCTION pg_temp.verify(token text) RETURNS text LANGUAGE sql AS $$
	SELECT pg_temp.outcome(authfort.verify_magic_link(token)) $$;
CREATE FUNCTION pg_temp.wait(passed interval) RETURNS void LANGUAGE sql AS
	$$ UPDATE authfort.events SET created_at = created_at - passed $$;

SELECT authfort.create_user('ada@example.com', 'password-1', name => 'Ada')->>'id' AS ada \gset
SELECT authfort.create_magic_link_token(' Ada@Example.com') AS token \gset
SELECT length(:'token');
SELECT r->'user'->>'email' AS email, r->'user'->>'email_verified' AS verified,
	r->'user'->>'session_id' IS NOT NULL AS session,
	authfort.try_verify_jwt(r->'tokens'->>'access_token')->'amr' AS amr,
	authfort.try_verify_jwt(r->'tokens'->>'access_token')->'aal' AS aal
	FROM authfort.verify_magic_link(:'token', 'test', '192.0.2.7') r;
SELECT pg_temp.verify(:'token') AS again, pg_temp.verify('bogus') AS bogus, pg_temp.verify('') AS empty;
SELECT event, payload - '{timestamp,user_id}'::text[] AS payload, session_id IS NOT NULL AS session
	FROM authfort.events WHERE user_id = :'ada' ORDER BY id;

-- a new one replaces the old
SELECT authfort.create_magic_link_token('ada@example.com') AS first \gset
SELECT authfort.create_magic_link_token('ada@example.com') AS second \gset
SELECT pg_temp.verify(:'first') AS first, pg_temp.verify(:'second') AS second;
-- of another kind, expired
SELECT pg_temp.verify(authfort.create_password_reset_token('ada@example.com')) AS reset,
	authfort.verify_email(authfort.create_magic_link_token('ada@example.com'))->>'error' AS link;
SELECT authfort.create_magic_link_token('ada@example.com') AS token \gset
UPDATE authfort.one_time_tokens SET expires_at = now();
SELECT pg_temp.verify(:'token') AS expired;

-- no token for unknown, banned and deleted users; what was sent before a ban answers it, and is good again after it
SELECT authfort.create_user('eve@example.com', 'password-1')->>'id' AS eve \gset
SELECT authfort.create_magic_link_token('eve@example.com') AS token \gset
SELECT authfort.ban_user(:'eve');
SELECT authfort.create_magic_link_token('eve@example.com') AS banned,
	authfort.create_magic_link_token('nobody@example.com') AS unknown;
SELECT authfort.verify_magic_link(:'token');
SELECT authfort.unban_user(:'eve');
SELECT pg_temp.verify(:'token') AS unbanned;
SELECT authfort.create_magic_link_token('eve@example.com') AS token \gset
SELECT authfort.delete_user(:'eve');
SELECT pg_temp.verify(:'token') AS deleted, authfort.create_magic_link_token('eve@example.com') AS none;
SELECT authfort.create_magic_link_token('no email');

-- over HTTP
SELECT pg_temp.wait('61 min');
DELETE FROM authfort.outbox;
SELECT email, r.* FROM unnest(ARRAY['ada@example.com', 'nobody@example.com', 'eve@example.com', 'no email', '']) email,
	pg_temp.send('magic-link', jsonb_build_object('email', email)) r;
SELECT kind, message - '{token,expires_at}'::text[] AS message, message->>'token' AS token,
	expires_at - created_at > '00:09:59' AND expires_at - created_at <= '10 min' AS ten_minutes
	FROM authfort.take_messages() \gset
SELECT :'kind' AS kind, :'message' AS message, :'ten_minutes' AS ten_minutes;
SELECT r.status, r.body->'user'->>'email' AS email, array(SELECT jsonb_object_keys(r.body->'tokens')) AS tokens
	FROM pg_temp.send('magic-link/verify', jsonb_build_object('token', :'token')) r;
SELECT * FROM pg_temp.send('magic-link/verify', jsonb_build_object('token', :'token'));
-- the message is withdrawn with the token
SELECT count(*) FROM authfort.outbox;
SELECT sent, r.* FROM unnest(ARRAY['{}', '{"token": null}', '{"token": 1}',
	'{"email": "ada@example.com"}']::jsonb[]) sent, pg_temp.send('magic-link/verify', sent) r;
SELECT * FROM pg_temp.send('magic-link', '{}');
SELECT status FROM authfort.http('GET', '/auth/magic-link/verify', 'token=x');
SET authfort.cookies = on;
SELECT status, regexp_count(headers::text, 'Set-Cookie') AS cookies
	FROM authfort.http('POST', '/auth/magic-link/verify', NULL, '{"content-type": "application/json"}',
	jsonb_build_object('token', authfort.create_magic_link_token('ada@example.com'))::text);
RESET authfort.cookies;

-- five messages an hour, however many are asked for; past that the last one stays good
SELECT pg_temp.wait('61 min');
CREATE TABLE mailed (n integer GENERATED ALWAYS AS IDENTITY, token text);
DO $$ BEGIN FOR i IN 1 .. 12 LOOP PERFORM pg_temp.send('magic-link',
	'{"email": "ada@example.com"}'); INSERT INTO mailed (token) SELECT message->>'token'
	FROM authfort.take_messages(); END LOOP; END $$;
SELECT count(*) FROM mailed;
SELECT string_agg(pg_temp.verify(token), ' ' ORDER BY n) FROM mailed;

-- passwordless sign-up: independent of sign-up with a password; nothing is proven until the token is used
SET authfort.allow_signup = off;
SELECT authfort.create_magic_link_token('new@example.com') AS off;
SET authfort.allow_passwordless_signup = on;
SELECT * FROM pg_temp.send('magic-link', '{"email": "New@Example.com"}');
SELECT email, email_verified, mailbox_proven, password_hash IS NULL AS bare,
	unclaimed_until - now() > '23 h' AS unclaimed FROM authfort.users WHERE email = 'new@example.com';
SELECT event, payload->>'provider' AS provider, user_agent FROM authfort.events
	WHERE payload->>'email' = 'new@example.com' ORDER BY id;
SELECT message->>'token' AS token FROM authfort.take_messages() \gset
SELECT pg_temp.verify(:'token');
SELECT email_verified, mailbox_proven, unclaimed_until FROM authfort.users WHERE email = 'new@example.com';
-- cleanup removes what was not used: but neither what a later request keeps, nor what an admin has verified, banned
-- or given a password
SELECT count(authfort.create_magic_link_token(e || '@example.com'))
	FROM unnest(ARRAY['unused', 'kept', 'verified', 'password', 'banned', 'referred']) e;
UPDATE authfort.users SET unclaimed_until = now() WHERE unclaimed_until IS NOT NULL;
SELECT authfort.create_magic_link_token('kept@example.com') IS NOT NULL,
	authfort.update_user(id, '{"email_verified": true}') IS NOT NULL FROM authfort.users
	WHERE email = 'verified@example.com';
SELECT authfort.set_password(id, 'password-1') FROM authfort.users WHERE email = 'password@example.com';
SELECT authfort.ban_user(id) FROM authfort.users WHERE email = 'banned@example.com';
CREATE TABLE note (owner uuid REFERENCES authfort.users);
INSERT INTO note SELECT id FROM authfort.users WHERE email = 'referred@example.com';
SELECT accounts FROM authfort.cleanup();
SELECT accounts FROM authfort.cleanup();
SELECT email, unclaimed_until IS NOT NULL AS unclaimed, deleted_at IS NOT NULL AS deleted
	FROM (SELECT CASE WHEN deleted_at IS NULL THEN email END AS email, unclaimed_until, deleted_at, created_at
	FROM authfort.users) u ORDER BY created_at, email;
SELECT count(*) FROM authfort.one_time_tokens t WHERE NOT EXISTS (SELECT FROM authfort.users u WHERE u.id = t.user_id
	AND deleted_at IS NULL);
DROP TABLE note;
RESET authfort.allow_passwordless_signup;
RESET authfort.allow_signup;

-- whose address was registered by a stranger: the first link deletes what the stranger left, except in the session
-- that signed up
SELECT r#>>'{tokens,access_token}' AS access, r#>>'{tokens,refresh_token}' AS refresh
	FROM authfort.signup('kay@example.com', 'strangers-password') r \gset
SELECT r#>>'{tokens,access_token}' AS own
	FROM authfort.verify_magic_link(authfort.create_magic_link_token('kay@example.com')) r \gset
SELECT authfort.login('kay@example.com', 'strangers-password')->>'error' AS password,
	authfort.refresh(:'refresh')->>'error' AS refresh,
	(SELECT status FROM authfort.http('GET', '/auth/me', NULL, jsonb_build_object('authorization', 'Bearer '
	|| :'access'))) AS access,
	(SELECT status FROM authfort.http('GET', '/auth/me', NULL, jsonb_build_object('authorization', 'Bearer '
	|| :'own'))) AS own;
SELECT r#>>'{tokens,access_token}' AS access FROM authfort.signup('ida@example.com', 'own-password') r \gset
SELECT status FROM pg_temp.send('magic-link/verify',
	jsonb_build_object('token', authfort.create_magic_link_token('ida@example.com')), :'access');
SELECT pg_temp.outcome(authfort.login('ida@example.com', 'own-password')) AS password, mailbox_proven
	FROM authfort.users WHERE email = 'ida@example.com';

-- verified by it, so that this setting admits the user
SET authfort.require_verified_email = on;
SELECT authfort.signup('liz@example.com', 'password-1')->>'error';
SELECT pg_temp.verify(authfort.create_magic_link_token('liz@example.com'));
RESET authfort.require_verified_email;
SELECT count(*) FROM authfort.events e, mailed m WHERE position(m.token IN e::text) > 0;
