-- Sessions that a factor raised, once it is removed: they have one factor, and must authenticate again before
-- anything dangerous.  The session that removes it, and those of other factors, stay as they are.
\set ECHO none
\i sql/include/device.sql
\set ECHO all
\pset null '(null)'
SET client_min_messages = warning;
SET authfort.webauthn_rp_id = 'example.org';
SET authfort.webauthn_origins = 'https://app.example.org';
CREATE EXTENSION pgcrypto;
CREATE FUNCTION app(secret text) RETURNS text LANGUAGE sql AS $$
	WITH bits AS (SELECT string_agg((strpos('ABCDEFGHIJKLMNOPQRSTUVWXYZ234567', c) - 1)::bit(5)::text, ''
	ORDER BY i) AS b
			FROM regexp_split_to_table(secret, '') WITH ORDINALITY AS s(c, i)),
		key AS (SELECT decode(string_agg(lpad(to_hex(substr(b, 8 * i + 1, 8)::bit(8)::integer), 2, '0'), ''
		ORDER BY i), 'hex') AS k
			FROM bits, generate_series(0, length(b) / 8 - 1) AS i),
		mac AS (SELECT hmac(decode(lpad(to_hex(floor(extract(epoch FROM clock_timestamp()) / 30)::bigint), 16,
		'0'), 'hex'), k, 'sha1') AS m FROM key),
		place AS (SELECT m, get_byte(m, 19) & 15 AS o FROM mac)
	SELECT lpad((((get_byte(m, o) & 127)::bigint * 16777216 + get_byte(m, o + 1) * 65536 + get_byte(m,
	o + 2) * 256 + get_byte(m, o + 3)) % 1000000)::text, 6, '0') FROM place
$$;

-- A user with an app, backup codes and two passkeys, and sessions as they are after these methods; one was revoked.
CREATE TABLE account (id uuid, email text, codes jsonb);
CREATE TABLE session (n serial, user_id uuid, methods text[], id uuid, refresh_token text);
CREATE PROCEDURE prepare(name text) LANGUAGE plpgsql AS $$
DECLARE
	account uuid := authfort.create_user(name || '@example.org', 'correct horse')->>'id';
	methods text;
	r jsonb;
BEGIN
	FOREACH methods IN ARRAY ARRAY['pwd', 'pwd otp mfa', 'pwd backup mfa', 'pop user mfa', 'pwd pop user mfa',
		'pwd otp mfa'] LOOP
		r := authfort.login(name || '@example.org', 'correct horse');
		INSERT INTO session (user_id, methods, id, refresh_token) VALUES (account, string_to_array(methods, ' '),
			(r#>>'{user,session_id}')::uuid, r#>>'{tokens,refresh_token}');
	END LOOP;
	r := authfort.mfa_confirm(account, app(authfort.mfa_init(account)->>'secret'));
	INSERT INTO account VALUES (account, name, r->'backup_codes');
	PERFORM authfort.passkey_register_finish(account, device.register(authfort.passkey_register_begin(account), convert_to(name || n, 'UTF8')))
		FROM generate_series(1, 2) AS n;
	UPDATE authfort.sessions s SET amr = session.methods, aal = CASE WHEN 'mfa' = ANY (session.methods) THEN 2 ELSE 1 END
		FROM session WHERE session.id = s.id;
	UPDATE authfort.sessions SET revoked_at = now() WHERE id = (SELECT id FROM session ORDER BY n DESC LIMIT 1);
END $$;
CREATE FUNCTION passkey(name text, n integer) RETURNS bytea LANGUAGE sql RETURN convert_to(name || n, 'UTF8');
CREATE FUNCTION sessions_of(name text) RETURNS TABLE (was text, amr text[], aal smallint, auth_time text, revoked boolean)
	LANGUAGE sql AS $$
	SELECT array_to_string(methods, ' '), s.amr, s.aal, CASE WHEN s.auth_time = 'epoch' THEN 'unknown' ELSE 'kept' END,
		revoked_at IS NOT NULL
		FROM account, session JOIN authfort.sessions s USING (id) WHERE session.user_id = account.id AND email = name ORDER BY n $$;
CREATE FUNCTION version_of(who text) RETURNS integer LANGUAGE sql AS $$
	SELECT token_version FROM authfort.users u, account WHERE account.id = u.id AND account.email = who $$;
CREATE FUNCTION first_session(name text, how text) RETURNS uuid LANGUAGE sql AS $$
	SELECT session.id FROM account, session WHERE session.user_id = account.id AND email = name
		AND array_to_string(methods, ' ') = how ORDER BY n LIMIT 1 $$;

-- an admin's reset
CALL prepare('ada');
SELECT version_of('ada') AS version \gset
SELECT authfort.reset_mfa(id) FROM account WHERE email = 'ada';
SELECT * FROM sessions_of('ada');
SELECT version_of('ada') - :version AS raised;
-- they go on, and their new tokens say how strong they are
SELECT methods, c->>'aal' AS aal, c->>'amr' AS amr, c->>'auth_time' AS auth_time, c->>'mfa_enabled' AS mfa_enabled
	FROM session, authfort.refresh(refresh_token) r, authfort.verify_jwt(r#>>'{tokens,access_token}') c
	WHERE n IN (2, 4) ORDER BY n;
-- a thief who has the device and the session cannot add a factor in the minutes after its removal
SELECT methods, authfort.mfa_init(user_id, id)->>'error' AS refused FROM session WHERE n IN (1, 2, 4) ORDER BY n;
SELECT authfort.reauthenticate(id, 'password', 'correct horse') ? 'error' AS refused,
	authfort.mfa_init(user_id, id)->>'error' AS refused_then FROM session WHERE n = 2;
SELECT * FROM sessions_of('ada') LIMIT 1 OFFSET 1;

-- a user removes the app, in a session that it raised, and keeps the passkeys
CALL prepare('bob');
SELECT version_of('bob') AS version \gset
SELECT authfort.mfa_disable(id, codes->>0, first_session('bob', 'pwd otp mfa'))->>'error' AS refused FROM account
	WHERE email = 'bob';
SELECT * FROM sessions_of('bob');
SELECT version_of('bob') - :version AS raised, mfa_enabled FROM authfort.users WHERE email = 'bob@example.org';

-- an application removes the app without a session
CALL prepare('cyd');
SELECT authfort.mfa_disable(id, codes->>0)->>'error' AS refused FROM account WHERE email = 'cyd';
SELECT * FROM sessions_of('cyd');

-- an admin removes a passkey, one of two: a session does not say which of them raised it
CALL prepare('dan');
SELECT version_of('dan') AS version \gset
SELECT authfort.delete_passkey(id, passkey('dan', 1)) FROM account WHERE email = 'dan';
SELECT * FROM sessions_of('dan');
SELECT version_of('dan') - :version AS raised;
-- the other one raises a session again
SELECT first_session('dan', 'pop user mfa') AS session \gset
SELECT c->>'aal' AS aal, c->>'amr' AS amr, (c->>'auth_time')::bigint > 0 AS recent FROM account,
	authfort.passkey_step_up_finish(:'session', device.sign_in(authfort.passkey_step_up_begin(:'session'), passkey('dan', 2), id)) r,
	authfort.verify_jwt(r#>>'{tokens,access_token}') c WHERE email = 'dan';

-- a user removes the last factor, a passkey, in a session of that passkey
CALL prepare('eve');
SELECT authfort.mfa_disable(id, codes->>0)->>'error' AS refused FROM account WHERE email = 'eve';
SELECT authfort.delete_passkey(id, passkey('eve', 1)) FROM account WHERE email = 'eve';
UPDATE authfort.sessions s SET amr = methods, aal = CASE WHEN 'mfa' = ANY (methods) THEN 2 ELSE 1 END, auth_time = now()
	FROM session WHERE session.id = s.id;
SELECT version_of('eve') AS version \gset
SELECT r#>>'{tokens,access_token}' AS access_token FROM session, authfort.refresh(refresh_token) r
	WHERE id = first_session('eve', 'pwd pop user mfa') \gset
SELECT status, body FROM authfort.http('DELETE', '/auth/passkeys/' || device.base64url(passkey('eve', 2)), NULL,
	jsonb_build_object('authorization', 'Bearer ' || :'access_token'));
SELECT * FROM sessions_of('eve');
SELECT version_of('eve') - :version AS raised, mfa_enabled FROM authfort.users WHERE email = 'eve@example.org';
