-- Signing up, logging in, refreshing, logging out, by SQL.
\pset null '(null)'
CREATE FUNCTION pg_temp.code(result jsonb) RETURNS text LANGUAGE sql AS
	$$ SELECT coalesce(result->>'error' || ' ' || (result->>'status'), 'ok') $$;

-- a user in full
SELECT authfort.signup(' Ada@Example.COM ', 'correct horse', name => '  Ada   <3 ',
	avatar_url => 'https://example.com/a.png', phone => '+49 (30) 123-45',
	user_agent => 'test', ip_address => '192.0.2.7') AS ada \gset
SELECT jsonb_object_keys(:'ada'::jsonb->'user') AS key ORDER BY 1;
SELECT key, value FROM jsonb_each(:'ada'::jsonb->'user')
	WHERE key NOT IN ('id', 'created_at', 'session_id') ORDER BY 1;
SELECT key, jsonb_typeof(value) FROM jsonb_each(:'ada'::jsonb->'tokens') ORDER BY 1;
SELECT user_agent, ip_address, revoked FROM authfort.get_sessions((:'ada'::jsonb#>>'{user,id}')::uuid);

-- refusals
SELECT pg_temp.code(authfort.signup('ADA@example.com', 'correct horse'));
SELECT email, pg_temp.code(authfort.signup(email, 'correct horse')) FROM unnest(ARRAY[
	'', 'nobody', '@example.com', 'a@', 'a@b', 'a b@example.com', 'a..b@example.com', '.a@example.com',
	'a@-example.com', 'a@example..com', 'a@1.2.3.4', 'a@[1.2.3.4]', E'a@example.com\nBcc: b', 'a@b@example.com',
	'"a"@example.com', repeat('a', 65) || '@example.com']) AS email;
SELECT pg_temp.code(authfort.signup(repeat('a', 60) || '@' || repeat(repeat('b', 60) || '.', 4)
	|| 'com', 'correct horse'));
SELECT pg_temp.code(authfort.signup('x@example.com', 'short'));
SELECT pg_temp.code(authfort.signup('x@example.com', repeat('x', 1025)));
SELECT pg_temp.code(authfort.signup('x@example.com', 'correct horse', name => E'a\u0007b'));
SELECT pg_temp.code(authfort.signup('x@example.com', 'correct horse', name => E'a\u0085b'));
SELECT pg_temp.code(authfort.signup('x@example.com', 'correct horse', name => repeat('x', 256)));
SELECT pg_temp.code(authfort.signup('x@example.com', 'correct horse', phone => 'call me'));
SELECT url, pg_temp.code(authfort.signup('x@example.com', 'correct horse', avatar_url => url)) FROM unnest(ARRAY[
	'javascript:alert(1)', 'ftp://example.com', 'https://', 'https:///x', 'http://a/"onload=', 'data:,x']) AS url;
SET authfort.allow_signup = off;
SELECT pg_temp.code(authfort.signup('x@example.com', 'correct horse'));
RESET authfort.allow_signup;
SELECT authfort.signup(NULL, 'correct horse');
SELECT authfort.signup('x@example.com', NULL);
SELECT count(*) FROM authfort.users;

-- international emails come to one form
SELECT authfort.signup('ÄNNE@Müller.Example', 'correct horse')#>>'{user,email}';
SELECT pg_temp.code(authfort.signup('änne@xn--mller-kva.example', 'correct horse'));

-- log in
SELECT authfort.login('ada@EXAMPLE.com', 'correct horse')#>>'{user,email}';
SELECT pg_temp.code(authfort.login('ada@example.com', 'wrong horse'));
SELECT pg_temp.code(authfort.login('nobody@example.com', 'correct horse'));
SELECT pg_temp.code(authfort.login('no email', 'correct horse'));
SELECT pg_temp.code(authfort.login('ada@example.com', repeat('x', 100000)));
SELECT authfort.login('ada@example.com', NULL);
SELECT authfort.create_user('bare@example.com')#>>'{email}';
SELECT pg_temp.code(authfort.login('bare@example.com', ''));
UPDATE authfort.users SET banned = true WHERE email = 'ada@example.com';
SELECT pg_temp.code(authfort.login('ada@example.com', 'correct horse'));
SELECT pg_temp.code(authfort.login('ada@example.com', 'wrong horse'));
SELECT pg_temp.code(authfort.refresh(:'ada'::jsonb#>>'{tokens,refresh_token}'));
UPDATE authfort.users SET banned = false WHERE email = 'ada@example.com';

-- hashes of other systems, Argon2 with four lanes, are taken and replaced
UPDATE authfort.users SET password_hash =
	'$argon2id$v=19$m=256,t=2,p=4$c29tZXNhbHRzb21lc2FsdA$5CZ0y4EFo8aGNnTOqyj0Zv3Ly//FEsr0bPZ6BGnEO9U'
	WHERE email = 'bare@example.com';
SELECT pg_temp.code(authfort.login('bare@example.com', 'wrong')),
	pg_temp.code(authfort.login('bare@example.com', 'password'));
SELECT password_hash ~ '^\$argon2id\$v=19\$m=1024,t=1,p=1\$' FROM authfort.users WHERE email = 'bare@example.com';
SELECT pg_temp.code(authfort.login('bare@example.com', 'password'));
UPDATE authfort.users SET password_hash = 'md5deadbeef' WHERE email = 'bare@example.com';
SELECT pg_temp.code(authfort.login('bare@example.com', 'password'));

-- refresh
SELECT authfort.login('ada@example.com', 'correct horse') AS r1 \gset
SELECT authfort.refresh(:'r1'::jsonb#>>'{tokens,refresh_token}') AS r2 \gset
SELECT pg_temp.code(:'r2'), :'r1'::jsonb#>'{user}' = :'r2'::jsonb#>'{user}' AS same_user_and_session,
	:'r1'::jsonb#>'{tokens,refresh_token}' <> :'r2'::jsonb#>'{tokens,refresh_token}' AS rotated;
-- within the grace the same successor
SELECT authfort.refresh(:'r1'::jsonb#>>'{tokens,refresh_token}')#>'{tokens,refresh_token}'
	= :'r2'::jsonb#>'{tokens,refresh_token}' AS same_successor;
SELECT pg_temp.code(authfort.refresh(NULL)), pg_temp.code(authfort.refresh('')),
	pg_temp.code(authfort.refresh('nonsense')),
	pg_temp.code(authfort.refresh(:'r1'::jsonb#>>'{tokens,access_token}'));
-- a bad MAC is invalid and revokes nothing
SELECT pg_temp.code(authfort.refresh(left(token, -4) || CASE right(token, 4) WHEN 'AAAA' THEN 'BBBB' ELSE 'AAAA' END))
	FROM (SELECT :'r2'::jsonb#>>'{tokens,refresh_token}') AS t(token);
SELECT authfort.refresh(:'r2'::jsonb#>>'{tokens,refresh_token}') AS r3 \gset
SELECT pg_temp.code(:'r3');
-- two generations back, after the grace: theft, and all sessions of the user end (sql/refresh_tokens.sql has the rest)
UPDATE authfort.sessions SET last_used_at = last_used_at - interval '1 min', rotated_at = NULL;
SELECT pg_temp.code(authfort.refresh(:'r1'::jsonb#>>'{tokens,refresh_token}'));
SELECT pg_temp.code(authfort.refresh(:'r3'::jsonb#>>'{tokens,refresh_token}')),
	pg_temp.code(authfort.refresh(:'ada'::jsonb#>>'{tokens,refresh_token}'));
SELECT count(*) FROM authfort.get_sessions((:'ada'::jsonb#>>'{user,id}')::uuid, active_only => true);
-- the access token goes with them
SELECT authfort.authenticate(:'r3'::jsonb#>>'{tokens,access_token}');

-- refresh_reuse_action 'session' leaves the others
SET authfort.refresh_reuse_action = 'session';
SET authfort.refresh_grace = 0;
SELECT authfort.login('ada@example.com', 'correct horse') AS other \gset
SELECT authfort.login('ada@example.com', 'correct horse') AS s1 \gset
SELECT authfort.refresh(:'s1'::jsonb#>>'{tokens,refresh_token}') AS s2 \gset
SELECT pg_temp.code(authfort.refresh(:'s2'::jsonb#>>'{tokens,refresh_token}')),
	pg_temp.code(authfort.refresh(:'s1'::jsonb#>>'{tokens,refresh_token}'));
SELECT pg_temp.code(authfort.refresh(:'other'::jsonb#>>'{tokens,refresh_token}'));
RESET authfort.refresh_reuse_action;
RESET authfort.refresh_grace;

-- an access token of another session or user beside it
SELECT authfort.login('ada@example.com', 'correct horse') AS m1 \gset
SELECT authfort.login('ada@example.com', 'correct horse') AS m2 \gset
SELECT pg_temp.code(authfort.refresh(:'m1'::jsonb#>>'{tokens,refresh_token}', :'m1'::jsonb#>>'{tokens,access_token}')),
	pg_temp.code(authfort.refresh(:'m2'::jsonb#>>'{tokens,refresh_token}', 'unreadable'));
SELECT pg_temp.code(authfort.refresh(:'m1'::jsonb#>>'{tokens,refresh_token}', :'m2'::jsonb#>>'{tokens,access_token}')),
	pg_temp.code(authfort.refresh(:'m1'::jsonb#>>'{tokens,refresh_token}'));

-- lifetimes
SET authfort.session_max_lifetime = '1h';
SELECT authfort.login('ada@example.com', 'correct horse') AS l \gset
SELECT expires_at - created_at FROM authfort.get_sessions((:'ada'::jsonb#>>'{user,id}')::uuid) LIMIT 1;
RESET authfort.session_max_lifetime;
UPDATE authfort.sessions SET expires_at = now() WHERE id = (:'l'::jsonb#>>'{user,session_id}')::uuid;
SELECT pg_temp.code(authfort.refresh(:'l'::jsonb#>>'{tokens,refresh_token}'));

-- log out, silently for an invalid token
SELECT authfort.logout(:'m2'::jsonb#>>'{tokens,refresh_token}'), authfort.logout('nonsense'), authfort.logout(NULL);
SELECT pg_temp.code(authfort.refresh(:'m2'::jsonb#>>'{tokens,refresh_token}'));

-- a refresh that was rolled back after its answer was sent does not end the session
SELECT authfort.login('ada@example.com', 'correct horse') AS b1 \gset
BEGIN;
SELECT authfort.refresh(:'b1'::jsonb#>>'{tokens,refresh_token}') AS b2 \gset
ROLLBACK;
SELECT pg_temp.code(authfort.refresh(:'b2'::jsonb#>>'{tokens,refresh_token}'));

-- a deleted user cannot sign in
UPDATE authfort.users SET deleted_at = now() WHERE email = 'bare@example.com';
SELECT pg_temp.code(authfort.login('bare@example.com', 'password'));

-- refreshing is a HOT update
SELECT pg_stat_force_next_flush();
SELECT n_tup_upd > 0 AS updated, n_tup_hot_upd = n_tup_upd AS all_hot
	FROM pg_stat_user_tables WHERE relid = 'authfort.sessions'::regclass;
