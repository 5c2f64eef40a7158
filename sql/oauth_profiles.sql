-- What providers answer in their own ways, and what a callback shows and records.
\set VERBOSITY terse
SET authfort.public_url = 'https://auth.example';
SET authfort.cookies = on;
SET authfort.notices = 'identity_linked';
CREATE ROLE regress_profiles_door IN ROLE authfort_http, authfort_fetch;
SELECT authfort.set_oauth_provider('github', '{"preset": "github", "client_id": "id", "client_secret": "s"}');
SELECT authfort.set_oauth_provider('plain', '{"client_id": "id", "client_secret": "s", "trust_email": true, "response_mode": "form_post", "authorization_endpoint": "https://id.example/a", "token_endpoint": "https://id.example/t", "userinfo_endpoint": "https://id.example/u"}');
SELECT authfort.set_oauth_provider('naming', '{"issuer": "https://id.example", "client_id": "id", "client_secret": "s"}');

-- GitHub: the profile has one address, unverified; the list says which are verified, and the primary one is preferred
CREATE FUNCTION pg_temp.at_github(profile text, emails text, status integer = 200) RETURNS jsonb LANGUAGE plpgsql AS $$
DECLARE
	r jsonb := authfort.oauth_authorize('github');
BEGIN
	r := authfort.oauth_callback('github', jsonb_build_object('code', 'c', 'state', r->>'state'), r->>'cookie');
	r := authfort.oauth_resume(r#>>'{fetch,resume}', 200, '{}', '{"access_token": "a", "token_type": "bearer"}');
	r := authfort.oauth_resume(r#>>'{fetch,resume}', 200, '{}', profile);
	IF r#>>'{fetch,url}' <> 'https://api.github.com/user/emails'
		OR r#>>'{fetch,headers,authorization}' <> 'Bearer a' THEN
		RAISE EXCEPTION 'unexpected %', r;
	END IF;
	RETURN authfort.oauth_resume(r#>>'{fetch,resume}', status, '{}', emails);
END $$;
SELECT n, coalesce(r->>'error', r#>>'{user,email}') AS result, r#>'{user,email_verified}' AS verified,
	r#>>'{user,name}' AS name
	FROM (VALUES (1, '[{"email": "a@example.com", "verified": true}, {"email": "b@example.com", "verified": true, "primary": true}]', 200),
	(2, '[{"email": "c@example.com", "verified": false, "primary": true}, {"email": "d@example.com", "verified": true}]', 200),
	(3, '[{"email": "e@example.com", "verified": false, "primary": true}]', 200),
	(4, '[]', 200), (5, '[]', 404), (6, '{"message": "none"}', 200), (7, 'null', 200), (8, '"x"', 200), (9, '', 200),
	(10, '[1, null, "a", [], {}, {"email": null}, {"email": {"a": "b"}}, {"email": "f@example.com", "verified": "yes"}]', 200),
	(11, '[{"email": "g@example.com", "verified": true}], "x": [{"email": "h@example.com"}]', 200)
	) AS c(n, emails, status),
	LATERAL pg_temp.at_github(jsonb_build_object('id', n, 'login', 'octo', 'email', 'profile' || n
	|| '@example.com')::text, emails, status) r ORDER BY n;
SELECT pg_temp.at_github('{"id": 20, "login": "octo", "email": null}', '[]')->>'error' AS no_email;

-- Apple's name, which comes once and with the form: the post is answered by a redirect to where the cookie is sent
CREATE TABLE visit (state text, name text, cookie text, location text);
GRANT ALL ON visit TO regress_profiles_door;
SET ROLE regress_profiles_door;
CREATE FUNCTION pg_temp.header(headers jsonb, name text) RETURNS text LANGUAGE sql AS
	$$ SELECT h->>name FROM jsonb_array_elements(headers) h WHERE h ? name LIMIT 1 $$;
CREATE FUNCTION pg_temp.visit(query text = '') RETURNS void LANGUAGE sql VOLATILE AS $$
	DELETE FROM visit;
	INSERT INTO visit SELECT substring(pg_temp.header(r.headers, 'Location') FROM 'state=([^&]*)'),
		split_part(pg_temp.header(r.headers, 'Set-Cookie'), '=', 1),
		substring(pg_temp.header(r.headers, 'Set-Cookie') FROM '=([^;]*)'), pg_temp.header(r.headers, 'Set-Cookie')
		FROM authfort.http('GET', '/auth/oauth/plain/authorize', query) r $$;
-- answers the fetches of a callback with a profile
CREATE FUNCTION pg_temp.end(query text, profile text, OUT status integer, OUT headers jsonb, OUT body text)
	LANGUAGE plpgsql AS $$
DECLARE
	r record;
BEGIN
	SELECT x.* INTO r FROM visit, authfort.http('GET', '/auth/oauth/plain/callback', query,
		jsonb_build_object('cookie', name || '=' || cookie)) x;
	IF r.fetch IS NOT NULL THEN
		SELECT * INTO r FROM authfort.http_resume(r.fetch->>'resume', 200, '{}', '{"access_token": "a"}');
		SELECT * INTO r FROM authfort.http_resume(r.fetch->>'resume', 200, '{}', profile);
	END IF;
	status := r.status;
	headers := r.headers;
	body := r.body;
END $$;
CREATE FUNCTION pg_temp.form(body text) RETURNS TABLE (status integer, location text) LANGUAGE sql VOLATILE AS $$
	SELECT r.status, pg_temp.header(r.headers, 'Location') FROM authfort.http('POST', '/auth/oauth/plain/callback', NULL,
		'{"content-type": "application/x-www-form-urlencoded", "origin": "https://id.example"}', body) r $$;
SELECT pg_temp.visit();
SELECT f.status, regexp_replace(f.location, '=[\w-]+$', '=...') AS location, r.status,
	r.body::jsonb#>>'{user,name}' AS name
	FROM visit, pg_temp.form('code=c&state=' || state
	|| '&user=%7B%22name%22%3A%7B%22firstName%22%3A%22Ada%22%2C%22lastName%22%3A%22Lovelace%22%7D%7D') f,
	LATERAL pg_temp.end(substring(f.location FROM '\?(.*)'),
	'{"id": "apple-1", "email": "apple@example.com", "email_verified": "true"}') r;
-- what cannot be sent on: an error, which ends it also at a provider that does not exist, and more than a URL holds
SELECT path, r.status, r.body::jsonb#>>'{detail,error}' AS error
	FROM (VALUES ('plain', 'error=access_denied&code=c&state=s'), ('nothing', 'error=%3Cscript%3E'),
	('nothing', 'code=c&state=s'), ('plain', 'code=' || repeat('c', 5000) || '&state=s')) AS c(path, body),
	LATERAL authfort.http('POST', '/auth/oauth/' || path || '/callback', NULL,
	'{"content-type": "application/x-www-form-urlencoded"}', body) r;
SELECT r.status, r.body::jsonb#>>'{detail,error}' AS error FROM pg_temp.form('code=c') f, visit,
	LATERAL pg_temp.end(substring(f.location FROM '\?(.*)'), '') r;
SELECT r.status, r.body::jsonb#>>'{detail,error}' AS error FROM visit, pg_temp.end('form=made-up&code=c&state=' || state,
	'') r;
-- names of other forms are dropped
CREATE FUNCTION pg_temp.name_by(n integer, user_field text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	target text;
BEGIN
	PERFORM pg_temp.visit();
	SELECT substring(f.location FROM '\?(.*)') INTO target FROM visit, pg_temp.form('code=c&state=' || state || '&user='
		|| user_field) f;
	RETURN (SELECT coalesce(r.body::jsonb#>>'{user,name}', r.status::text) FROM pg_temp.end(target,
		jsonb_build_object('id', n, 'email', 'apple' || n || '@example.com')::text) r);
END $$;
SELECT user_field, pg_temp.name_by(n, user_field) AS name FROM (VALUES (1, 'x'), (2, '%7B%22name%22%3A1%7D'),
	(3, '%7B%22name%22%3A%7B%22lastName%22%3A%22L%22%7D%7D'), (4, '%7B%22name%22%3A%7B%22firstName%22%3A7%7D%7D'))
	AS u(n, user_field);

-- the cookie of a flow is Lax, whatever that of a session is
RESET ROLE;
SET authfort.cookie_samesite = strict;
SELECT regexp_replace(pg_temp.header(r.headers, 'Set-Cookie'), '=[\w-]{100,}', '=...') ~
	'^__Host-authfort_oauth_[\w-]{22}=\.\.\.; Max-Age=600; Path=/; HttpOnly; Secure; SameSite=Lax$' AS lax
	FROM authfort.http('GET', '/auth/oauth/plain/authorize') r;
SET authfort.cookie_samesite = none;
SELECT pg_temp.header(r.headers, 'Set-Cookie') ~ 'SameSite=Lax$' AS lax
	FROM authfort.http('GET', '/auth/oauth/plain/authorize') r;
RESET authfort.cookie_samesite;

-- nothing of a profile can end the script of a popup
SET ROLE regress_profiles_door;
SELECT pg_temp.visit('mode=popup');
SELECT status, regexp_count(body, '<script') AS scripts, regexp_count(body, '</script') AS ends,
	body ~ '\\u003c/script\\u003e\\u003cscript\\u003ealert' AS escaped, regexp_count(body, E'\u2028') AS separators,
	body LIKE '%https://auth.example%' AS other_origin, body LIKE '%, window.location.origin);%' AS own_origin
	FROM visit, pg_temp.end('code=c&state=' || state, jsonb_build_object('id', 'script', 'email', 'script@example.com',
	'name', '</script><script>alert(1)<!--' )::text);

RESET ROLE;
SET authfort.site_url = 'https://app.example';
SET ROLE regress_profiles_door;
SELECT pg_temp.visit('mode=popup&redirect_to=/x');
SELECT status, body LIKE '%, "https://app.example");%' AS site
	FROM visit, pg_temp.end('code=c&state=' || state, '{"id": "script"}');
RESET ROLE;
RESET authfort.site_url;

-- a provider that says that it names itself (RFC 9207) has to
RESET ROLE;
CREATE FUNCTION pg_temp.named(iss text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	r jsonb := authfort.oauth_authorize('naming');
BEGIN
	IF r ? 'fetch' THEN
		r := authfort.oauth_resume(r#>>'{fetch,resume}', 200, '{}', '{"issuer": "https://id.example",
			"authorization_endpoint": "https://id.example/a", "token_endpoint": "https://id.example/t",
			"jwks_uri": "https://id.example/k", "authorization_response_iss_parameter_supported": true}');
	END IF;
	r := authfort.oauth_callback('naming', jsonb_strip_nulls(jsonb_build_object('code', 'c', 'state', r->>'state', 'iss',
		iss)), r->>'cookie');
	RETURN coalesce(r->>'error', r#>>'{fetch,url}');
END $$;
SELECT iss, pg_temp.named(iss) FROM unnest(ARRAY['https://id.example', NULL, 'https://id.example/', 'https://other.example',
	'']) iss;

-- Linking by email: a notice, and whatever a stranger had put into the account is gone.
CREATE FUNCTION pg_temp.sign_in(id text, email text, client inet = NULL) RETURNS jsonb LANGUAGE plpgsql AS $$
DECLARE
	r jsonb := authfort.oauth_authorize('plain');
BEGIN
	r := authfort.oauth_callback('plain', jsonb_build_object('code', 'c', 'state', r->>'state'), r->>'cookie', NULL, client);
	r := authfort.oauth_resume(r#>>'{fetch,resume}', 200, '{}', '{"access_token": "a"}');
	RETURN authfort.oauth_resume(r#>>'{fetch,resume}', 200, '{}',
		jsonb_build_object('id', id, 'email', email, 'email_verified', true)::text);
END $$;
SELECT r#>>'{user,id}' AS kay, r#>>'{tokens,refresh_token}' AS refresh
	FROM authfort.signup('kay@example.com', 'strangers-password') r \gset
INSERT INTO authfort.identities (user_id, provider, provider_user_id, created_at, last_sign_in_at)
	VALUES (:'kay', 'github', 'stranger', now(), now());
INSERT INTO authfort.passkeys (user_id, credential_id, public_key, algorithm, sign_count, aaguid, attestation,
	backup_eligible, backed_up, user_verified, name, created_at)
	VALUES (:'kay', 'x', 'x', -7, 0, gen_random_uuid(), 'none', false, false, true, 'Key', now());
SELECT authfort.mfa_init(:'kay') IS NOT NULL AS factor, authfort.create_magic_link_token('kay@example.com') AS link \gset
DELETE FROM authfort.outbox;
DELETE FROM authfort.events;
SELECT r ? 'tokens' AS signed_in, r#>>'{user,id}' = :'kay' AS same
	FROM pg_temp.sign_in('kay', 'kay@example.com', '192.0.2.1') r;
SELECT event, payload->>'provider' AS provider FROM authfort.events ORDER BY id;
SELECT kind, message->>'email' AS email, message->>'provider' AS provider, message->>'ip_address' AS ip
	FROM authfort.take_messages();
SELECT (SELECT count(*) FROM authfort.identities i WHERE i.user_id = u.id) AS identities,
	(SELECT count(*) FROM authfort.passkeys p WHERE p.user_id = u.id) AS passkeys,
	(SELECT count(*) FROM authfort.mfa m WHERE m.user_id = u.id) AS factors,
	(SELECT count(*) FROM authfort.one_time_tokens t WHERE t.user_id = u.id) AS tokens, password_hash IS NULL AS no_password
	FROM authfort.users u WHERE id = :'kay';
SELECT authfort.refresh(:'refresh')->>'error' AS refresh, authfort.verify_magic_link(:'link')->>'error' AS link;
-- what the refusal of a password says then
SELECT status, body FROM authfort.http('POST', '/auth/login', NULL, '{"content-type": "application/json"}',
	'{"email": "kay@example.com", "password": "strangers-password"}');
SELECT pg_temp.sign_in('kay', 'kay@example.com') ? 'tokens' AS again, (SELECT count(*) FROM authfort.outbox) AS notices;
-- for what is no id_token, no other server is asked
SELECT token, coalesce(r->>'error', r#>>'{fetch,url}') FROM (VALUES (''), ('.'), ('..'), ('a.b.c'),
	('eyJhbGciOiJub25lIn0.e30.AA'), ('eyJhbGciOiJIUzI1NiJ9.e30.AA'), ('e30.e30.AA'), ('eyJhbGciOiJSUzI1NiJ9.e30.'),
	('eyJhbGciOiJSUzI1NiJ9.e30.AA'), ('eyJhbGciOiJQUzUxMiJ9.e30.AA')) AS t(token),
	LATERAL authfort.sign_in_with_id_token('naming', token, 'nonce') r;
DROP TABLE visit;
DROP OWNED BY regress_profiles_door;
DROP ROLE regress_profiles_door;
