-- Accounts without an email (authfort.email_optional): made by a provider that gives none.
\pset null '(null)'
\set VERBOSITY terse
SELECT authfort.set_oauth_provider('plain',
	'{"client_id": "id", "client_secret": "s", "redirect_uri": "https://auth.example/cb", "trust_email": true,
	"endpoints": {"authorization": "https://id.example/a", "token": "https://id.example/t",
	"userinfo": "https://id.example/u"},
	"mapping": {"id": "id", "email": "email", "email_verified": "verified", "name": "name"}}');
CREATE FUNCTION pg_temp.sign_in(profile jsonb, who uuid = NULL) RETURNS jsonb LANGUAGE plpgsql AS $$
DECLARE
	answer jsonb := authfort.oauth_authorize('plain', '/x', user_id => who);
BEGIN
	answer := authfort.oauth_callback('plain', jsonb_build_object('code', 'c', 'state', answer->>'state'),
	answer->>'cookie');
	answer := authfort.oauth_resume(answer#>>'{fetch,resume}', 200, '{}',
	'{"access_token": "at", "token_type": "Bearer"}');
	RETURN authfort.oauth_resume(answer#>>'{fetch,resume}', 200, '{}', profile::text);
END $$;
CREATE FUNCTION pg_temp.events() RETURNS TABLE (event text, payload jsonb) LANGUAGE sql VOLATILE AS $$
	WITH gone AS (DELETE FROM authfort.events RETURNING *)
	SELECT event, payload - '{timestamp,user_id,session_id,ip_address,user_agent,email_change_id}'::text[] FROM gone
	ORDER BY id $$;
CREATE FUNCTION pg_temp.mail() RETURNS TABLE (kind text, email text) LANGUAGE plpgsql AS $$
	BEGIN
		RETURN QUERY SELECT m.kind, m.message->>'email' FROM authfort.take_messages(100) m;
		DELETE FROM authfort.outbox;
	END $$;
CREATE FUNCTION pg_temp.claims(token text) RETURNS jsonb LANGUAGE sql AS $$
	SELECT convert_from(decode(rpad(p, (length(p) + 3) / 4 * 4, '='), 'base64'), 'UTF8')::jsonb
	FROM translate(split_part(token, '.', 2), '-_', '+/') p $$;

-- off by default, and of no use where only verified emails sign in
SHOW authfort.email_optional;
SELECT pg_temp.sign_in('{"id": "1", "name": "Ada"}')->>'error' AS off;
SET authfort.email_optional = on;
SET authfort.require_verified_email = on;
SELECT pg_temp.sign_in('{"id": "1", "name": "Ada"}')->>'error' AS must_be_verified;
RESET authfort.require_verified_email;
SET authfort.allow_signup = off;
SELECT pg_temp.sign_in('{"id": "1", "name": "Ada"}')->>'error' AS no_signup;
RESET authfort.allow_signup;
SELECT pg_temp.sign_in('{"id": "1", "email": "ada@"}')->>'error' AS invalid;
SELECT count(*) FROM authfort.users;

-- the account; "verified" says nothing without an email
SELECT count(*) >= 0 AS forgotten FROM pg_temp.events();
SET authfort.hide_accounts = on;
SELECT pg_temp.sign_in('{"id": "1", "name": "Ada", "verified": true}') AS ada \gset
RESET authfort.hide_accounts;
SELECT :'ada'::jsonb#>>'{user,id}' AS id, :'ada'::jsonb#>>'{user,session_id}' AS session,
	:'ada'::jsonb#>>'{tokens,access_token}' AS access, :'ada'::jsonb#>>'{tokens,refresh_token}' AS refresh \gset
SELECT key, value FROM jsonb_each(:'ada'::jsonb->'user') WHERE key IN ('email', 'email_verified', 'name') ORDER BY key;
SELECT * FROM pg_temp.events();
SELECT * FROM pg_temp.mail();
-- found again, another one beside it
SELECT pg_temp.sign_in('{"id": "1", "email": "later@example.com", "verified": true}')#>>'{user,id}' = :'id' AS same,
	pg_temp.sign_in('{"id": "1"}')#>>'{user,id}' = :'id' AS again;
SELECT pg_temp.sign_in('{"id": "2"}')#>>'{user,id}' AS bob \gset
SELECT authfort.create_user('carol@example.com', 'correct horse', name => 'Carol')->>'id' AS carol \gset
SELECT count(*), count(email) FROM authfort.users;
SET authfort.email_optional = off;
SELECT pg_temp.sign_in('{"id": "1"}')#>>'{user,id}' = :'id' AS still, pg_temp.sign_in('{"id": "3"}')->>'error' AS new;
SET authfort.email_optional = on;
SELECT count(*) > 0 AS forgotten FROM pg_temp.events();

-- claims, refreshing, introspection, views
SELECT pg_temp.claims(:'access')->'email' AS claim, authfort.try_verify_jwt(:'access')->'email' AS verified,
	authfort.authenticate(:'access')->'email' AS authenticated;
SELECT pg_temp.claims(r#>>'{tokens,access_token}')->'email' AS claim, r#>'{user,email}' AS email,
	r#>>'{tokens,access_token}' AS access FROM authfort.refresh(:'refresh') r \gset r_
\echo :r_claim :r_email
SELECT i->'active' AS active, i->'email' AS email FROM authfort.introspect(:'r_access') i;
SELECT status, body::jsonb->'email' AS email
	FROM authfort.http('GET', '/auth/me', NULL, jsonb_build_object('authorization', 'Bearer ' || :'r_access'));
SELECT email, name FROM authfort.user_info ORDER BY email, name;
SELECT authfort.add_role(:'id', 'editor'), authfort.add_role(:'carol', 'editor');
SELECT role, email FROM authfort.role_members('editor');

-- search and order
SELECT o AS "order", (SELECT jsonb_agg(u->'email')
	FROM jsonb_array_elements(authfort.list_users(sort_by => 'email', sort_order => o)->'users') u) AS users
	FROM unnest('{asc,desc}'::text[]) o;
SELECT q AS query, authfort.get_user_count(q) AS users FROM unnest('{ada,carol@,"null",a,""}'::text[]) q;

SELECT authfort.create_user('dora@example.com')->>'email' AS second;
SELECT jsonb_path_query_array(authfort.list_users(sort_by => 'email', sort_order => 'desc'),
	'$.users[*].email') AS descending;

-- labels of authenticators
SET authfort.webauthn_rp_id = 'example.org';
SET authfort.webauthn_origins = 'https://example.org';
SELECT replace(authfort.mfa_init(who)->>'qr_uri', who::text, 'ID') ~ ('^otpauth://totp/[^:]*:' || label
	|| '\?') AS qr_uri,
	replace(o#>>'{user,name}', who::text, 'ID') AS name, replace(o#>>'{user,displayName}', who::text,
	'ID') AS "displayName"
	FROM (VALUES (:'id'::uuid, 'Ada'), (:'bob', 'ID')) AS w(who, label),
	LATERAL authfort.passkey_register_begin(who) o;

-- notices and messages: none is put into the outbox
SET authfort.notices = 'password_changed,email_changed,new_sign_in,mfa_changed,mfa_locked,passkey_added,identity_linked';
SELECT pg_temp.sign_in('{"id": "1"}') ? 'tokens' AS signed_in,
	authfort.set_password(:'id', 'correct horse')->>'ok' AS set, authfort.change_password(:'id', 'correct horse',
	'battery staple')->>'ok' AS changed;
SELECT authfort.send_message(:'id', 'hello', '{}');
SELECT authfort.create_email_verification_token(:'id'), authfort.create_reauthentication_code(:'session');
SELECT authfort.update_user(:'id', '{"email_verified": true}');
SELECT authfort.update_user(:'id', '{"name": "Ada L", "email_verified": false}')->>'name' AS name;
UPDATE authfort.users SET email_verified = true WHERE id = :'id';
SELECT s#>>'{user,session_id}' AS session, s#>>'{tokens,access_token}' AS access
	FROM pg_temp.sign_in('{"id": "1"}') s \gset
SELECT authfort.reauthenticate(:'session', 'email_otp', '123456')->>'error' AS by_mail,
	authfort.reauthenticate(:'session', 'password', 'battery staple') ? 'tokens' AS by_password;
SELECT path, status, body FROM (VALUES ('/auth/reauthenticate/code', '{}'), ('/auth/resend-verification', '{}'),
	('/auth/forgot-password', '{"email": ""}')) AS p(path, sent),
	LATERAL authfort.http('POST', path, NULL, jsonb_build_object('authorization', 'Bearer '
	|| :'access', 'content-type', 'application/json'), sent);
SELECT * FROM pg_temp.mail();
SELECT event, payload - 'provider' AS payload FROM pg_temp.events()
	WHERE event NOT IN ('login', 'token_refreshed', 'role_added');

-- a breached password has no email to name its user by
SELECT authfort.load_breached_passwords(ARRAY['CBFDAC6008F9CAB4083784CBD1874F76618D2A97']);
SELECT authfort.change_password(:'id', 'battery staple', 'password123')->>'error' AS breached;
SELECT * FROM pg_temp.events();

-- limits count by the account
SET authfort.rate_limit = on;
SET authfort.rate_limit_login = '2/day';
SELECT count(*) >= 0 AS forgotten FROM (SELECT authfort.reset_rate_limits()) r;
SELECT n, authfort.change_password(who, 'wrong', 'new password')->>'error' AS error
	FROM (VALUES (1, :'id'::uuid), (2, :'id'), (3, :'id'), (4, :'carol')) AS t(n, who) ORDER BY n;
RESET authfort.rate_limit;
SELECT payload->'email' AS email, payload->>'key_type' AS key_type FROM pg_temp.events()
	WHERE event = 'rate_limit_exceeded';
-- an account without an email is named by its id, and others are as well
SELECT who, endpoint, key_type, requests, max_requests, retry_after > 0 AS waits FROM (VALUES ('without', :'id'::uuid),
	('with', :'carol'), ('unknown', gen_random_uuid())) AS t(who, id),
	authfort.rate_limit_status(user_id => id) ORDER BY 1;
SELECT authfort.reset_rate_limits(user_id => gen_random_uuid()) AS unknown, authfort.reset_rate_limits(user_id => :'id')
	AS without, authfort.reset_rate_limits(user_id => :'carol') AS "with";
SELECT count(*) FROM authfort.rate_limit_status(user_id => :'id');

-- the last way in
SELECT authfort.unlink_identity(:'bob', 'plain')->>'error' AS only_this,
	authfort.unlink_identity(:'id', 'plain')->>'ok' AS with_a_password;
SELECT authfort.oauth_authorize('plain', '/x', user_id => :'id') ? 'state' AS asked,
	pg_temp.sign_in('{"id": "1"}', :'id') AS linked_again;
SELECT count(*) > 0 AS forgotten FROM pg_temp.events();
SELECT * FROM pg_temp.mail();

-- a first address: confirmed at the new one, and nothing goes to an old one
SET authfort.secure_email_change = on;
SELECT authfort.request_email_change(:'id', 'carol@example.com')->>'ok' AS taken;
SELECT * FROM pg_temp.mail();
UPDATE authfort.events SET created_at = created_at - interval '2 days';
SELECT authfort.request_email_change(:'id', 'Ada@example.com')->>'ok' AS requested;
SELECT message->>'email' AS email, message->>'token' AS token FROM authfort.take_messages(100) \gset
\echo :email
DELETE FROM authfort.outbox;
SELECT authfort.confirm_email_change(:'token', :'session');
SELECT email, email_verified, mailbox_proven FROM authfort.users WHERE id = :'id';
SELECT old_email, new_email FROM authfort.email_changes WHERE changed_at IS NOT NULL;
SELECT count(*) FROM authfort.one_time_tokens;
SELECT * FROM pg_temp.mail();
SELECT * FROM pg_temp.events();
SELECT authfort.login('ada@example.com', 'battery staple') ? 'tokens' AS by_email;
-- from then on as everybody's
SELECT authfort.request_email_change(:'id', 'ada2@example.com')->>'ok' AS requested;
UPDATE authfort.events SET created_at = created_at - interval '2 days';
SELECT authfort.request_email_change(:'id', 'ada@example.com')->>'error' AS unchanged;
SELECT * FROM pg_temp.mail();
-- by an administrator
SELECT authfort.update_user(:'bob', '{"email": "bob@example.com"}')->>'email' AS email;
SELECT * FROM pg_temp.mail();
SELECT count(*) > 0 AS forgotten FROM pg_temp.events();

-- deletion
SELECT s#>>'{user,id}' AS eve FROM pg_temp.sign_in('{"id": "5"}') s \gset
SELECT authfort.delete_user(:'eve');
SELECT email = 'deleted+' || id || '@deleted.invalid' AS placeholder,
	(SELECT count(*) FROM authfort.list_identities(:'eve')) AS identities FROM authfort.users WHERE id = :'eve';
SELECT s#>>'{user,id}' AS eve FROM pg_temp.sign_in('{"id": "5"}') s \gset
SELECT authfort.delete_user(:'eve', hard => true);
SELECT event, payload->'email' AS email FROM pg_temp.events() WHERE event = 'user_deleted';
