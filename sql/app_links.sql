-- A magic link that an app has asked for signs in there, and not where it is opened.
\set VERBOSITY terse
SET authfort.site_url = 'https://app.example';
SET authfort.redirect_allowlist = 'https://app.example/done, com.example.app:/cb?x=y, http://127.0.0.1/cb';
SET authfort.cookies = on;
-- the verifier and the challenge of RFC 7636, appendix B
\set verifier dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk
\set challenge E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM
CREATE FUNCTION pg_temp.post(path text, body jsonb, token text DEFAULT NULL, OUT status integer, OUT body jsonb,
	OUT cookies bigint) LANGUAGE sql AS $$
	SELECT r.status, r.body::jsonb, (SELECT count(*) FROM jsonb_array_elements(r.headers) h WHERE h ? 'Set-Cookie')
	FROM authfort.http('POST', '/auth/' || path, NULL, jsonb_strip_nulls(jsonb_build_object('content-type',
	'application/json', 'authorization', 'Bearer ' || token)), body::text, '192.0.2.7') r $$;
CREATE FUNCTION pg_temp.outcome(r jsonb) RETURNS text LANGUAGE sql AS $$
	SELECT coalesce(r#>>'{detail,error}', r->>'error', CASE WHEN r ? 'tokens' THEN 'tokens'
	WHEN r ? 'mfa_required' THEN 'challenge' ELSE r::text END) $$;
CREATE FUNCTION pg_temp.code(link text) RETURNS text LANGUAGE sql VOLATILE AS $$
	SELECT authfort.verify_magic_link(link)->>'code' $$;
CREATE FUNCTION pg_temp.link(email text) RETURNS text LANGUAGE sql VOLATILE AS $$
	SELECT authfort.create_magic_link_token(email, 'com.example.app:/cb?x=y',
	'E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM', 'S256') $$;
CREATE FUNCTION pg_temp.exchange(code text) RETURNS text LANGUAGE sql VOLATILE AS $$
	SELECT pg_temp.outcome(authfort.exchange_oauth_code(code, 'dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk')) $$;
SELECT authfort.create_user('ada@example.com', 'password-1')->>'id' AS ada \gset

-- what is asked is checked alike for every address, before anything is sent
SELECT sent, email, r.status, pg_temp.outcome(r.body) FROM (VALUES
	(1, '{"mode": "code"}'::jsonb), (2, '{"mode": "popup"}'), (3, '{"redirect_to": "https://app.example/done"}'),
	(4, '{"code_challenge": "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"}'),
	(5, '{"code_challenge_method": "S256"}'),
	(6, '{"code_challenge": "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM", "code_challenge_method": "plain", "redirect_to": "https://app.example/done"}'),
	(7, '{"code_challenge": "short", "code_challenge_method": "S256", "redirect_to": "https://app.example/done"}'),
	(8, '{"code_challenge": "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM", "code_challenge_method": "S256"}'),
	(9, '{"code_challenge": "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM", "code_challenge_method": "S256", "redirect_to": "https://app.example/done/x"}'),
	(10, '{"code_challenge": "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM", "code_challenge_method": "S256", "redirect_to": "/done"}'),
	(11, '{"code_challenge": "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM", "code_challenge_method": "S256", "redirect_to": "javascript:alert(1)"}'),
	(12, '{"code_challenge": 1, "code_challenge_method": "S256", "redirect_to": "https://app.example/done"}')
	) AS s(n, sent), unnest('{ada@example.com,nobody@example.com}'::text[]) email,
	LATERAL pg_temp.post('magic-link', sent || jsonb_build_object('email', email)) r ORDER BY n, email;
SELECT count(*) FROM authfort.outbox;
SELECT authfort.create_magic_link_token('ada@example.com', 'com.example.app:/cb?x=y');
SELECT authfort.create_magic_link_token('ada@example.com', 'com.other:/cb', :'challenge', 'S256');

-- a link is mailed; opening it uses up nothing, and posting its token gives a code to the app
SELECT email, r.* FROM unnest('{ada@example.com,nobody@example.com}'::text[]) email,
	LATERAL pg_temp.post('magic-link', jsonb_build_object('email', email, 'mode', 'code', 'redirect_to',
	'http://127.0.0.1:49152/cb', 'code_challenge', :'challenge', 'code_challenge_method', 'S256')) r;
SELECT message->>'link' ~ '^https://app.example/magic-link#token=' AS link, message->>'token' AS token
	FROM authfort.take_messages() \gset
SELECT :'link' AS link;
SELECT status FROM authfort.http('GET', '/auth/magic-link/verify', 'token=' || :'token');
SELECT r.body->>'redirect_to' AS redirect_to, r.status, r.cookies, (SELECT count(*) FROM authfort.sessions) AS sessions
	FROM pg_temp.post('magic-link/verify', jsonb_build_object('token', :'token')) r \gset
SELECT regexp_replace(:'redirect_to', '=[\w-]{43}$', '=...') AS redirect_to, :status AS status, :cookies AS cookies,
	:sessions AS sessions;
SELECT * FROM pg_temp.post('magic-link/verify', jsonb_build_object('token', :'token'));
-- which only the holder of the verifier exchanges, once
SELECT substring(:'redirect_to' FROM 'code=(.*)') AS code \gset
SELECT r.status, pg_temp.outcome(r.body), r.cookies, r.body#>>'{user,email}' AS email,
	authfort.try_verify_jwt(r.body#>>'{tokens,access_token}')->'amr' AS amr
	FROM pg_temp.post('oauth/token', jsonb_build_object('code', :'code', 'code_verifier', :'verifier')) r;
SELECT r.status, r.body FROM pg_temp.post('oauth/token', jsonb_build_object('code', :'code', 'code_verifier',
	:'verifier')) r;
SELECT event, payload->>'provider' AS provider, payload->>'reason' AS reason, session_id IS NOT NULL AS session
	FROM authfort.events WHERE event NOT LIKE 'user%' ORDER BY id;
-- by SQL; a wrong verifier ends the code
SELECT r - 'code' AS result FROM authfort.verify_magic_link(pg_temp.link('ada@example.com')) r;
SELECT pg_temp.code(pg_temp.link('ada@example.com')) AS code \gset
SELECT pg_temp.outcome(authfort.exchange_oauth_code(:'code', repeat('w', 43))) AS wrong,
	pg_temp.exchange(:'code') AS gone;
-- a code is not a link, nor a link a code, and a later code ends an earlier one
SELECT pg_temp.link('ada@example.com') AS link \gset
SELECT pg_temp.exchange(:'link') AS link, pg_temp.outcome(authfort.verify_magic_link(pg_temp.code(:'link'))) AS code;
SELECT pg_temp.code(pg_temp.link('ada@example.com')) AS first \gset
SELECT pg_temp.code(pg_temp.link('ada@example.com')) AS second \gset
SELECT pg_temp.exchange(:'first') AS first, pg_temp.exchange(:'second') AS second;
-- a minute
SELECT pg_temp.code(pg_temp.link('ada@example.com')) AS code \gset
SELECT purpose, detail, expires_at - created_at AS lifetime FROM authfort.one_time_tokens;
UPDATE authfort.one_time_tokens SET expires_at = now();
SELECT pg_temp.exchange(:'code') AS expired;
-- a ban keeps the link, and ends the code
SELECT pg_temp.link('ada@example.com') AS link \gset
SELECT authfort.ban_user(:'ada');
SELECT pg_temp.outcome(authfort.verify_magic_link(:'link')) AS banned;
SELECT authfort.unban_user(:'ada');
SELECT pg_temp.code(:'link') AS code \gset
SELECT authfort.ban_user(:'ada');
SELECT pg_temp.exchange(:'code') AS banned;
SELECT authfort.unban_user(:'ada');
SELECT pg_temp.exchange(:'code') AS gone;
-- what ends everything else ends a code as well
SELECT pg_temp.code(pg_temp.link('ada@example.com')) AS code \gset
SELECT authfort.reset_password(authfort.create_password_reset_token('ada@example.com'), 'password-2');
SELECT pg_temp.exchange(:'code') AS after_reset;
-- a second factor follows the exchange
SELECT authfort.mfa_init(:'ada') IS NOT NULL AS begun;
UPDATE authfort.users SET mfa_enabled = true WHERE id = :'ada';
SELECT pg_temp.code(pg_temp.link('ada@example.com')) AS code \gset
SELECT r.status, r.cookies, r.body->'mfa_required' AS mfa_required, r.body ? 'mfa_token' AS mfa_token,
	r.body ? 'tokens' AS tokens
	FROM pg_temp.post('oauth/token', jsonb_build_object('code', :'code', 'code_verifier', :'verifier')) r;
SELECT authfort.reset_mfa(:'ada');

-- Whose mailbox it is, is proven by the exchange: what a stranger left in the account goes then, except in the
-- session that signed up.
SELECT authfort.signup('kay@example.com', 'strangers-password') ? 'tokens' AS registered;
SELECT pg_temp.code(pg_temp.link('kay@example.com')) AS code \gset
SELECT email_verified, mailbox_proven FROM authfort.users WHERE email = 'kay@example.com';
SELECT pg_temp.exchange(:'code');
SELECT email_verified, mailbox_proven, password_hash IS NULL AS no_password FROM authfort.users
	WHERE email = 'kay@example.com';
SELECT r#>>'{tokens,access_token}' AS access FROM authfort.signup('ida@example.com', 'own-password') r \gset
SELECT pg_temp.code(pg_temp.link('ida@example.com')) AS code \gset
SELECT pg_temp.outcome(r.body) FROM pg_temp.post('oauth/token', jsonb_build_object('code', :'code', 'code_verifier',
	:'verifier'), :'access') r;
SELECT pg_temp.outcome(authfort.login('ida@example.com', 'own-password')) AS kept, mailbox_proven
	FROM authfort.users WHERE email = 'ida@example.com';
-- an account that the request makes stays only if the code is exchanged
SET authfort.allow_passwordless_signup = on;
SELECT pg_temp.code(pg_temp.link('new@example.com')) AS code \gset
SELECT unclaimed_until IS NOT NULL AS unclaimed FROM authfort.users WHERE email = 'new@example.com';
SELECT pg_temp.exchange(:'code');
SELECT unclaimed_until, email_verified FROM authfort.users WHERE email = 'new@example.com';
RESET authfort.allow_passwordless_signup;
-- an OAuth provider of that name has codes of its own
SELECT authfort.set_oauth_provider('magic_link', '{"client_id": "id", "client_secret": "s", "redirect_uri": "https://auth.example/cb", "trust_email": true, "authorization_endpoint": "https://id.example/a", "token_endpoint": "https://id.example/t", "userinfo_endpoint": "https://id.example/u"}');
SELECT a->>'state' AS state, a->>'cookie' AS cookie FROM authfort.oauth_authorize('magic_link', 'com.example.app:/cb?x=y',
	'code', code_challenge => :'challenge', code_challenge_method => 'S256') a \gset
SELECT authfort.oauth_callback('magic_link', jsonb_build_object('code', 'c', 'state', :'state'),
	:'cookie')#>>'{fetch,resume}' AS resume \gset
SELECT authfort.oauth_resume(:'resume', 200, '{}', '{"access_token": "a"}')#>>'{fetch,resume}' AS resume \gset
SELECT authfort.oauth_resume(:'resume', 200, '{}',
	'{"sub": "1", "email": "ada@example.com", "email_verified": true}')->>'code' AS code \gset
SELECT authfort.try_verify_jwt(authfort.exchange_oauth_code(:'code', :'verifier')#>>'{tokens,access_token}')->'amr' AS amr;
