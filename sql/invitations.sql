-- Inviting users, and links for admins who deliver them by themselves.
\pset null '(null)'
CREATE FUNCTION pg_temp.send(path text, body jsonb, token text DEFAULT NULL) RETURNS TABLE (status integer, body jsonb)
	LANGUAGE sql AS $$
	SELECT r.status, r.body::jsonb FROM authfort.http('POST', '/auth/' || path, NULL,
		jsonb_strip_nulls(jsonb_build_object('content-type', 'application/json', 'authorization', 'Bearer ' || token)),
		body::text, '192.0.2.7') r $$;
CREATE FUNCTION pg_temp.accept(token text, password text DEFAULT NULL) RETURNS text LANGUAGE sql AS
	$$ SELECT coalesce(r->>'error', CASE WHEN r ? 'tokens' THEN 'roles ' || (r->'user'->>'roles') END, r::text)
	FROM authfort.accept_invitation(token, password) r $$;
CREATE FUNCTION pg_temp.raised(call text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	code text;
	hint text;
	detail text;
BEGIN
	EXECUTE 'SELECT ' || call;
	RETURN 'nothing';
EXCEPTION WHEN OTHERS THEN
	GET STACKED DIAGNOSTICS detail = PG_EXCEPTION_DETAIL, hint = PG_EXCEPTION_HINT;
	RETURN concat_ws(' | ', sqlstate, sqlerrm, nullif(detail, ''), nullif(hint, ''));
END $$;

SELECT authfort.invite_user(' Ada@Example.com', '{editor,author,editor}', 'Ada',
	'{"plan": "pro"}') - '{id,created_at}'::text[] AS invited;
SELECT email, mailbox_proven, invited_at IS NOT NULL AS invited, invited_roles FROM authfort.users;
SELECT kind, message - '{token,expires_at}'::text[] AS message, message->>'token' AS token,
	expires_at - created_at > '6 days 23:59' AS seven_days FROM authfort.take_messages() \gset
SELECT :'kind' AS kind, :'message' AS message, :'seven_days' AS seven_days;
SELECT event, payload - '{timestamp,user_id}'::text[] AS payload FROM authfort.events ORDER BY id;

-- until it is accepted: no login, no roles, no other mail, and whatever else would sign in is refused
SELECT * FROM pg_temp.send('login', '{"email": "ada@example.com", "password": "password-1"}');
SELECT authfort.user_has_role(id, 'editor'), authfort.get_roles(id) FROM authfort.users;
SELECT authfort.create_magic_link_token('ada@example.com') AS link,
	authfort.create_email_otp('ada@example.com') AS code,
	authfort.create_password_reset_token('ada@example.com') AS reset;
SELECT path, r.* FROM unnest(ARRAY['magic-link', 'otp', 'forgot-password']) path,
	pg_temp.send(path, '{"email": "ada@example.com"}') r;
SELECT count(*) FROM authfort.outbox;
SELECT FROM authfort.users, authfort.set_password(id, 'admins-password');
SELECT authfort.login('ada@example.com', 'admins-password')->>'error' AS even_with_a_password;
UPDATE authfort.users SET password_hash = NULL;
SELECT authfort.generate_link('invitation', 'ada@example.com')->>'token' AS token \gset
-- with the token: a password that the rules refuse keeps the invitation
SELECT pg_temp.accept('bogus') AS bogus, pg_temp.accept('bogus', 'password-1') AS bogus_too,
	pg_temp.accept(:'token', 'short') AS short;
SELECT pg_temp.accept(:'token', 'password-1');
SELECT pg_temp.accept(:'token', 'password-2') AS again;
SELECT email_verified, mailbox_proven, invited_at, invited_roles, app_metadata FROM authfort.users;
SELECT authfort.login('ada@example.com', 'password-1') ? 'tokens' AS login,
	(SELECT count(*) FROM authfort.outbox) AS messages, (SELECT count(*) FROM authfort.one_time_tokens) AS tokens;
SELECT event, payload - '{timestamp,user_id,ip_address,user_agent}'::text[] AS payload,
	session_id IS NOT NULL AS session FROM authfort.events
	WHERE event IN ('email_verified', 'role_added', 'invitation_accepted', 'login') ORDER BY id;
-- without a password
SELECT authfort.invite_user('eve@example.com') IS NOT NULL;
SELECT pg_temp.accept(message->>'token') FROM authfort.take_messages();
SELECT password_hash IS NULL AS bare FROM authfort.users WHERE email = 'eve@example.com';

-- refused
SELECT pg_temp.raised(call) FROM unnest(ARRAY['authfort.invite_user(''ada@example.com'')',
	'authfort.invite_user(''no email'')', 'authfort.invite_user(''x@example.com'', ''{""}'')',
	'authfort.invite_user(''x@example.com'', app_metadata => ''[]'')',
	'authfort.invite_user(''x@example.com'', name => repeat(''x'', 256))',
	'authfort.invite_user(''x@example.com'', (SELECT array_agg(''r'' || n) FROM generate_series(1, 65) n))']) call;
SELECT count(*) FROM authfort.users WHERE email = 'x@example.com';
-- a ban keeps the invitation; expired; deleted; another email by an admin; a taken one stays with its owner
SELECT authfort.invite_user('bob@example.com', '{editor}')->>'id' AS bob \gset
SELECT authfort.generate_link('invitation', 'bob@example.com')->>'token' AS token \gset
-- it is what verifies the address: no other message does
DELETE FROM authfort.outbox;
SELECT authfort.create_email_verification_token(:'bob') AS verification;
SELECT r.status FROM pg_temp.send('resend-verification', '{"email": "bob@example.com"}') r;
SELECT kind FROM authfort.take_messages();
SELECT authfort.ban_user(:'bob');
SELECT pg_temp.accept(:'token') AS banned;
SELECT authfort.unban_user(:'bob');
UPDATE authfort.one_time_tokens SET expires_at = now();
SELECT pg_temp.accept(:'token') AS expired;
SELECT authfort.generate_link('invitation', 'bob@example.com')->>'token' AS first \gset
SELECT authfort.generate_link('invitation', 'bob@example.com')->>'token' AS token \gset
SELECT pg_temp.accept(:'first') AS replaced;
SELECT authfort.update_user(:'bob', '{"email": "rob@example.com"}')->>'email';
SELECT pg_temp.accept(:'token') AS of_the_old_address;
-- roles that an admin adds meanwhile count as well
SELECT authfort.add_role(:'bob', 'admin');
SELECT pg_temp.accept(authfort.generate_link('invitation', 'rob@example.com')->>'token');
SELECT authfort.invite_user('fay@example.com')->>'id' AS fay \gset
SELECT authfort.generate_link('invitation', 'fay@example.com')->>'token' AS token \gset
SELECT authfort.delete_user(:'fay');
SELECT pg_temp.accept(:'token') AS deleted;
SELECT invited_at, invited_roles FROM authfort.users WHERE id = :'fay';
-- roles that no longer fit
SELECT authfort.invite_user('ida@example.com', (SELECT array_agg('r' || n)
	FROM generate_series(1, 60) n))->>'id' AS ida \gset
SELECT count(authfort.add_role(:'ida', 's' || n)) FROM generate_series(1, 5) n;
SELECT authfort.generate_link('invitation', 'ida@example.com')->>'token' AS token \gset
SELECT pg_temp.accept(:'token');
SELECT authfort.remove_role(:'ida', 's5');
SELECT pg_temp.accept(:'token') LIKE 'roles %' AS accepted;

-- over HTTP
SELECT authfort.invite_user('boss@example.com', '{admin}') IS NOT NULL;
SELECT r.body#>>'{tokens,access_token}' AS access
	FROM pg_temp.send('accept-invitation',
	jsonb_build_object('token', authfort.generate_link('invitation', 'boss@example.com')->>'token', 'password',
	'password-1')) r \gset
DELETE FROM authfort.outbox;
SELECT r.status, r.body - '{id,created_at}'::text[] AS body
	FROM pg_temp.send('admin/invitations',
	'{"email": "new@example.com", "roles": ["editor"], "name": "New", "app_metadata": {"a": 1}}', :'access') r;
SELECT kind FROM authfort.take_messages();
SELECT sent, r.* FROM unnest(ARRAY['{"email": "new@example.com"}', '{"email": "x"}',
	'{"email": "y@example.com", "roles": [""]}', '{}', '{"email": "y@example.com", "app_metadata": 1}']::jsonb[]) sent,
	pg_temp.send('admin/invitations', sent, :'access') r;
SELECT status FROM pg_temp.send('admin/invitations', '{"email": "z@example.com"}');
SELECT sent, r.* FROM unnest(ARRAY['{"token": "x"}', '{"token": "x", "password": "password-1"}', '{}',
	'{"token": 1}']::jsonb[]) sent, pg_temp.send('accept-invitation', sent) r;

-- links of all kinds, and when they would be of no use
SET authfort.site_url = 'https://app.example.com';
SELECT kind, replace(r->>'link', r->>'token', 'TOKEN') AS link, array(SELECT jsonb_object_keys(r)) AS keys
	FROM unnest(ARRAY['magic_link', 'password_reset']) kind, authfort.generate_link(kind, 'ada@example.com') r;
RESET authfort.site_url;
SELECT authfort.generate_link('magic_link', 'ada@example.com')->'link' AS without_site_url;
SELECT (authfort.create_user('kim@example.com')->>'id') IS NOT NULL;
SELECT authfort.verify_email(authfort.generate_link('email_verification', 'kim@example.com')->>'token') ? 'ok';
SELECT authfort.reset_password(authfort.generate_link('password_reset', 'kim@example.com')->>'token',
	'password-1') ? 'ok';
SELECT authfort.verify_magic_link(authfort.generate_link('magic_link', 'kim@example.com')->>'token') ? 'tokens';
SELECT authfort.ban_user(id) FROM authfort.users WHERE email = 'kim@example.com';
SELECT pg_temp.raised(call) FROM unnest(ARRAY['authfort.generate_link(''email_verification'', ''kim@example.com'')',
	'authfort.generate_link(''magic_link'', ''kim@example.com'')',
	'authfort.generate_link(''invitation'', ''kim@example.com'')',
	'authfort.generate_link(''magic_link'', ''new@example.com'')',
	'authfort.generate_link(''email_change'', ''kim@example.com'')',
	'authfort.generate_link(''magic_link'', ''nobody@example.com'')',
	'authfort.generate_link(''magic_link'', ''no email'')']) call;
