-- Signing in with others by SQL: whose account it is, where the visitor is sent, and answers that are none.
CREATE FUNCTION pg_temp.code(result jsonb) RETURNS text LANGUAGE sql AS
	$$ SELECT coalesce(result->>'error' || ' ' || (result->>'status'),
	CASE WHEN result ? 'tokens' THEN 'signed in' WHEN result ? 'fetch' THEN 'fetch' ELSE 'ok' END) $$;
SELECT authfort.set_oauth_provider(name,
	format('{"client_id": "id", "client_secret": "s", "redirect_uri": "https://auth.example/%s", "trust_email": %s, "keep_tokens": true,
	"endpoints": {"authorization": "https://id.example/a?x=y", "token": "https://id.example/t",
	"userinfo": "https://id.example/u"}, "mapping": {"id": "user.id", "email": "user.email",
	"email_verified": "user.verified", "name": "user.name", "avatar_url": "user.picture.0.url"}}', name, trust)::jsonb)
	FROM (VALUES ('trusted', 'true'), ('untrusted', 'false')) AS p(name, trust);

-- Takes a flow up to the profile.
CREATE FUNCTION pg_temp.ask_profile(provider text, user_id uuid = NULL, OUT state text, OUT cookie text,
	OUT resume text) LANGUAGE plpgsql AS $$
DECLARE
	answer jsonb := authfort.oauth_authorize(provider, '/x', user_id => user_id);
BEGIN
	state := answer->>'state';
	cookie := answer->>'cookie';
	answer := authfort.oauth_callback(provider, jsonb_build_object('code', 'c', 'state', state), cookie);
	answer := authfort.oauth_resume(answer#>>'{fetch,resume}', 200, '{}',
	'{"access_token": "planted-at", "token_type": "Bearer", "refresh_token": "planted-rt", "expires_in": "3600"}');
	resume := answer#>>'{fetch,resume}';
END $$;
CREATE FUNCTION pg_temp.sign_in(provider text, profile jsonb, user_id uuid = NULL) RETURNS jsonb
	LANGUAGE sql VOLATILE AS
	$$ SELECT authfort.oauth_resume(f.resume, 200, '{}', jsonb_build_object('user', profile)::text)
	FROM pg_temp.ask_profile(provider, user_id) f $$;
CREATE FUNCTION pg_temp.events() RETURNS SETOF text LANGUAGE sql VOLATILE AS $$
	WITH gone AS (DELETE FROM authfort.events RETURNING *)
	SELECT concat_ws(' ', event, payload->>'provider', payload->>'reason', payload->>'email') FROM gone ORDER BY id $$;

-- a first sign-in
SELECT pg_temp.sign_in('trusted', '{"id": 1234567890123, "email": "Ada@Example.com", "verified": true, "name": "  Ada  ", "picture": [{"url": "https://example.com/a.png"}]}') AS ada \gset
SELECT key, value FROM jsonb_each(:'ada'::jsonb->'user') WHERE key IN ('email', 'name', 'avatar_url', 'email_verified',
	'roles') ORDER BY key;
SELECT provider, provider_user_id, email FROM authfort.list_identities((:'ada'::jsonb#>>'{user,id}')::uuid);
SELECT pg_temp.events();
-- tokens are sealed, and handed out to admins
SELECT key, CASE key WHEN 'expires_at' THEN (value#>>'{}')::timestamptz > now() + interval '55 min' END AS later,
	CASE WHEN key <> 'expires_at' THEN value END AS value
	FROM jsonb_each(authfort.provider_tokens((:'ada'::jsonb#>>'{user,id}')::uuid, 'trusted'));
SELECT to_jsonb(i)::text ~ 'planted' AS readable, position('planted'::bytea IN tokens) > 0 AS in_bytes
	FROM authfort.identities i;
SELECT authfort.provider_tokens((:'ada'::jsonb#>>'{user,id}')::uuid, 'untrusted');
-- then by the id alone: another email changes nothing, and what is there stays
SELECT u->>'id' = :'ada'::jsonb#>>'{user,id}' AS same, u->>'email' AS email, u->>'name' AS name
	FROM pg_temp.sign_in('trusted', '{"id": "1234567890123", "email": "new@example.com", "name": "Other"}') r,
	LATERAL (SELECT r->'user') AS x(u);
SELECT pg_temp.code(pg_temp.sign_in('trusted', '{"id": "1234567890123"}'));
-- names and pictures that would be refused are dropped
SELECT u->>'name' AS name, u->>'avatar_url' AS avatar
	FROM pg_temp.sign_in('trusted', jsonb_build_object('id', 'b', 'email', 'bob@example.com', 'name', E'B\u0007b',
	'picture', '[{"url": "javascript:alert(1)"}]'::jsonb)) r, LATERAL (SELECT r->'user') AS x(u);
SELECT u->>'name' AS name FROM pg_temp.sign_in('trusted', '{"id": "b", "email": "bob@example.com", "name": "Bob"}') r,
	LATERAL (SELECT r->'user') AS x(u);

-- the email of another account
SELECT authfort.signup('carol@example.com', 'correct horse')#>>'{user,email_verified}' AS verified;
SELECT count(*) > 0 AS forgotten FROM pg_temp.events();
SELECT pg_temp.code(pg_temp.sign_in('untrusted',
	'{"id": "c", "email": "carol@example.com", "verified": true}')) AS untrusted,
	pg_temp.code(pg_temp.sign_in('trusted',
	'{"id": "c", "email": "carol@example.com", "verified": false}')) AS unverified,
	pg_temp.code(pg_temp.sign_in('trusted', '{"id": "c", "email": "carol@example.com", "verified": "yes"}')) AS odd,
	pg_temp.code(pg_temp.sign_in('trusted', '{"id": "c", "email": "carol@example.com"}')) AS unstated;
SELECT pg_temp.events();
SELECT authfort.login('carol@example.com', 'correct horse') ? 'tokens' AS untouched;
SET authfort.hide_accounts = on;
SELECT pg_temp.code(pg_temp.sign_in('untrusted', '{"id": "c", "email": "carol@example.com"}')) AS taken,
	pg_temp.code(pg_temp.sign_in('untrusted', '{"id": "c", "email": "nobody@example.com"}')) AS not_taken;
RESET authfort.hide_accounts;
SELECT count(*) > 0 AS forgotten FROM pg_temp.events();
SELECT pg_temp.code(pg_temp.sign_in('trusted',
	'{"id": "c", "email": "CAROL@example.com", "verified": "true"}')) AS trusted;
SELECT pg_temp.events();
SELECT authfort.login('carol@example.com', 'correct horse') - 'message';
SELECT email_verified, password_hash IS NULL AS no_password, (SELECT count(*) FROM authfort.sessions s
	WHERE s.user_id = u.id AND revoked_at IS NULL) AS sessions FROM authfort.users u WHERE email = 'carol@example.com';
-- one that an administrator made keeps its password
SELECT authfort.create_user('dan@example.com', 'correct horse')->>'email_verified' AS verified;
SELECT pg_temp.code(pg_temp.sign_in('trusted', '{"id": "d", "email": "dan@example.com", "verified": true}'));
SELECT authfort.login('dan@example.com', 'correct horse') ? 'tokens' AS kept, email_verified FROM authfort.users
	WHERE email = 'dan@example.com';
-- one that was invited accepts that first
SELECT authfort.invite_user('ida@example.com', '{editor}')->>'email' AS invited;
SELECT pg_temp.code(pg_temp.sign_in('trusted', '{"id": "ida", "email": "ida@example.com", "verified": true}')),
	(SELECT count(*) FROM authfort.identities WHERE provider_user_id = 'ida') AS linked,
	(SELECT count(*) FROM authfort.one_time_tokens t JOIN authfort.users u ON u.id = t.user_id
	WHERE u.email = 'ida@example.com') AS invitations;

-- what ends without an account
SELECT name, pg_temp.code(pg_temp.sign_in('trusted', profile))
	FROM (VALUES ('no id', '{"email": "e@example.com"}'::jsonb), ('empty id', '{"id": "", "email": "e@example.com"}'),
	('null id', '{"id": null, "email": "e@example.com"}'), ('odd id', '{"id": {"id": 1}, "email": "e@example.com"}'),
	('long id', jsonb_build_object('id', repeat('x', 256), 'email', 'e@example.com')),
	('no email', '{"id": "e"}'), ('odd email', '{"id": "e", "email": ["e@example.com"]}'),
	('invalid email', '{"id": "e", "email": "e@"}'),
	('email with a line', '{"id": "e", "email": "e@example.com\nBcc: f@example.com"}')) AS p(name, profile);
-- only one without an email may be without one, if that is allowed (no_email.sql)
BEGIN;
SET LOCAL authfort.email_optional = on;
SELECT name, pg_temp.code(r) AS code, r#>'{user,email}' AS email
	FROM (VALUES ('no email', '{"id": "e"}'::jsonb), ('odd email', '{"id": "f", "email": ["e@example.com"]}'),
	('invalid email', '{"id": "g", "email": "e@"}')) AS p(name, profile), LATERAL pg_temp.sign_in('untrusted',
	profile) r;
ROLLBACK;
SET authfort.allow_signup = off;
SELECT pg_temp.code(pg_temp.sign_in('trusted', '{"id": "e", "email": "e@example.com", "verified": true}'));
RESET authfort.allow_signup;
SELECT authfort.ban_user((:'ada'::jsonb#>>'{user,id}')::uuid);
SELECT pg_temp.code(pg_temp.sign_in('trusted', '{"id": "1234567890123"}')) AS by_id,
	pg_temp.code(pg_temp.sign_in('untrusted', '{"id": "x", "email": "ada@example.com"}')) AS by_email;
SELECT authfort.unban_user((:'ada'::jsonb#>>'{user,id}')::uuid);
SELECT count(*) FROM authfort.users;

-- linking and unlinking
SELECT id AS bob FROM authfort.users WHERE email = 'bob@example.com' \gset
SELECT pg_temp.sign_in('untrusted', '{"id": "bob-2", "email": "other@example.com"}', :'bob') AS linked,
	pg_temp.code(pg_temp.sign_in('trusted', '{"id": "1234567890123"}', :'bob')) AS taken;
SELECT provider, provider_user_id FROM authfort.list_identities(:'bob');
SELECT authfort.oauth_authorize('trusted', user_id => '00000000-0000-0000-0000-000000000000');
SELECT authfort.unlink_identity(:'bob', 'Untrusted'), authfort.unlink_identity(:'bob', 'untrusted')->>'error' AS again,
	authfort.unlink_identity(:'bob', 'trusted')->>'error' AS last,
	authfort.unlink_identity('00000000-0000-0000-0000-000000000000', 'trusted')->>'error' AS nobody;
SELECT authfort.login('bob@example.com', 'x') - 'message', authfort.change_password(:'bob', 'x', 'y') - 'message';
UPDATE authfort.users SET email_verified = true WHERE id = :'bob';
SELECT authfort.unlink_identity(:'bob', 'trusted'), authfort.login('bob@example.com', 'x')->>'error' AS login;
-- deleted users leave no identity behind
SELECT authfort.delete_user((:'ada'::jsonb#>>'{user,id}')::uuid);
SELECT count(*) FROM authfort.list_identities((:'ada'::jsonb#>>'{user,id}')::uuid);

-- where the visitor is sent
SET authfort.site_url = 'https://app.example';
SET authfort.redirect_allowlist = 'https://app.example/in, https://b.example, com.example:/cb, http://127.0.0.1/cb, http://[::1]:80/cb';
SELECT left(target, 50) AS target, authfort.oauth_authorize('trusted', target)->>'error' AS refused
	FROM unnest(ARRAY['/', '/a?b=/../c#d', '/..a/b.', 'https://app.example/in', 'https://APP.example:443/in/x?y',
	'https://b.example', 'https://b.example/x',
	'', 'x', '//x', '/\x', E'/\tx', '/ x', '/é', '/a/..', '/./a', '/a/%2e%2e', '/%2F/x', '/x%5c',
	'http://app.example/in', 'https://app.example', 'https://app.example/inn', 'https://app.example:444/in',
	'https://app.example.evil/in',
	'https://app.example@evil/in', 'https://evil/https://app.example/in', 'https://app.example/in/../out',
	'https:app.example/in', 'https:///in', 'com.example:/cb', 'javascript:alert(1)', '/'
	|| repeat('x', 2048)]) AS target;
SELECT target, authfort.oauth_authorize('trusted', target, 'code', code_challenge => repeat('A', 43),
	code_challenge_method => 'S256')->>'error' AS refused FROM unnest(ARRAY['com.example:/cb', 'https://b.example',
	'http://127.0.0.1:9/cb', 'http://[::1]:9/cb', 'https://b.example/x', 'com.example:/cb2', 'http://127.0.0.1:9/cb2',
	'http://127.0.0.2/cb', 'http://localhost/cb', 'https://127.0.0.1/cb', 'com.example:/cb#x', '/x', NULL,
	'javascript:alert(1)']) AS target;
SELECT challenge, method, authfort.oauth_authorize('trusted', 'com.example:/cb', 'code', code_challenge => challenge,
	code_challenge_method => method)->>'error' AS refused
	FROM (VALUES (repeat('A', 43), 'plain'), (repeat('A', 43), NULL), (repeat('A', 42), 'S256'),
	(repeat('=', 43), 'S256'), (NULL, 'S256')) AS c(challenge, method);
SELECT mode, authfort.oauth_authorize('trusted', '/', mode)->>'error' AS refused
	FROM unnest('{redirect,popup,json,POPUP,x,""}'::text[]) AS mode;

-- params that are none
SELECT params, pg_temp.code(authfort.oauth_callback('trusted', params, 'x'))
	FROM unnest(ARRAY['{}', '{"code": 1, "state": 2}', '{"code": "a"}', '{"state": "a"}',
	'{"code": "a", "state": "b"}', '{"error": ""}',
	'{"code": "a", "state": "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"}']::jsonb[]) AS params;
SELECT authfort.oauth_callback('trusted', '[]', NULL);

-- Answers at random: fixed changes of good ones, which never raise, and never sign in as somebody else.
CREATE FUNCTION pg_temp.mutate(text text, seed integer) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	pieces text[] := ARRAY['"', '\', '{', '}', '[', ']', ',', ':', 'null', '1e999', repeat('9', 400), '\u0000',
	'\ud800', '[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[', '"id":', '"user":{', repeat('x', 5000), '', ' ', 'true',
	'-0', E'\t', '<html>'];
	place integer;
BEGIN
	FOR round IN 1 .. 1 + seed % 3 LOOP
		place := hashtext(seed || ':' || round) & 1023;
		text := overlay(text PLACING pieces[1 + (hashtext('p' || seed || round) & 1023) % array_length(pieces, 1)]
		FROM 1 + place % (length(text) + 1) FOR (hashtext('l' || seed || round) & 3));
	END LOOP;
	RETURN text;
END $$;
SELECT resume FROM pg_temp.ask_profile('trusted') \gset
SELECT authfort.oauth_callback('trusted', jsonb_build_object('code', 'c', 'state', a->>'state'),
	a->>'cookie')#>>'{fetch,resume}' AS tokens FROM authfort.oauth_authorize('trusted') a \gset
SELECT count(*) > 1500 AS many, count(*) FILTER (WHERE code = 'signed in') <= 1 AS at_most_once,
	array_agg(DISTINCT code ORDER BY code) FILTER (WHERE code <> 'signed in') AS codes
	FROM generate_series(1, 2000) seed,
	pg_temp.code(authfort.oauth_resume(:'resume', 200, '{}',
	pg_temp.mutate('{"user": {"id": "fuzz", "email": "fuzz@example.com", "verified": false, "name": "F", "picture": [{"url": "https://x/y"}]}}', seed))) AS code;
SELECT count(*) > 900 AS many, array_agg(DISTINCT code ORDER BY code) AS codes FROM generate_series(1, 1000) seed,
	pg_temp.code(authfort.oauth_resume(:'tokens', 200, '{}',
	pg_temp.mutate('{"access_token": "a", "token_type": "bearer", "expires_in": 3600, "refresh_token": "r"}',
	seed))) AS code;
SELECT authfort.set_oauth_provider('openid',
	'{"issuer": "https://id.example", "client_id": "id", "client_secret": "s", "redirect_uri": "https://auth.example/o"}');
SELECT authfort.oauth_authorize('openid')#>>'{fetch,resume}' AS discovery \gset
SELECT array_agg(DISTINCT code ORDER BY code) AS codes FROM generate_series(1, 1000) seed,
	pg_temp.code(authfort.oauth_resume(:'discovery', 200, '{}',
	pg_temp.mutate('{"issuer": "https://id.example", "authorization_endpoint": "https://id.example/a", "token_endpoint": "https://id.example/t", "jwks_uri": "https://id.example/k"}', seed))) AS code;
SELECT authfort.refresh_oauth_provider('openid');
SELECT status, pg_temp.code(authfort.oauth_resume(:'discovery', status, '{}', '{}'))
	FROM unnest(ARRAY[NULL, 0, 99, 200, 302, 404, 500, 600]) AS status;
SELECT pg_temp.code(authfort.oauth_resume(:'tokens', 200, '{}', repeat(' ', 300000)
	|| '{"access_token": "a"}')) AS too_large, pg_temp.code(authfort.oauth_resume('x', 200, '{}', '{}')) AS no_flow;
SELECT count(*) FROM authfort.users WHERE email LIKE 'fuzz%';
