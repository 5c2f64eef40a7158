-- Which sessions go on when the password is changed or set, by SQL and over HTTP.
\pset null '(null)'
CREATE FUNCTION pg_temp.send(path text, token text, body text, OUT status integer, OUT headers jsonb, OUT body text)
	LANGUAGE sql AS
	$$ SELECT s.status, s.headers, s.body FROM authfort.http('POST', path, NULL,
		jsonb_strip_nulls(jsonb_build_object('content-type', 'application/json', 'authorization', 'Bearer ' || token)),
		body, '192.0.2.7') s $$;
CREATE FUNCTION pg_temp.outcome(result jsonb) RETURNS text LANGUAGE sql AS
	$$ SELECT coalesce(result->>'error', (SELECT string_agg(k, ', ' ORDER BY k) FROM jsonb_object_keys(result) k)) $$;
CREATE FUNCTION pg_temp.code(statement text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	code text;
BEGIN
	EXECUTE statement;
	RETURN 'ok';
EXCEPTION WHEN invalid_authorization_specification THEN
	GET STACKED DIAGNOSTICS code = PG_EXCEPTION_DETAIL;
	RETURN code;
END $$;
CREATE FUNCTION pg_temp.live() RETURNS bigint LANGUAGE sql AS $$ SELECT count(*) FROM authfort.sessions
	WHERE revoked_at IS NULL $$;
-- three sessions
SELECT authfort.signup('ada@example.com', 'password-1') AS one \gset
SELECT authfort.login('ada@example.com', 'password-1') AS two \gset
SELECT authfort.login('ada@example.com', 'password-1') AS three \gset
SELECT r#>>'{user,id}' AS id, r#>>'{user,session_id}' AS session, r#>>'{tokens,access_token}' AS access,
	r#>>'{tokens,refresh_token}' AS refresh FROM jsonb(:'one') r \gset

-- over HTTP the session that asked goes on, with new tokens; the version rises by one
SELECT token_version AS version FROM authfort.users \gset
SELECT status, headers, body AS changed FROM pg_temp.send('/auth/change-password', :'access',
	'{"old_password": "password-1", "new_password": "password-2"}') \gset
SELECT :status AS status, c->>'message' AS message, pg_temp.outcome(c) AS members,
	c#>>'{user,session_id}' = :'session' AS same_session,
	(SELECT array_agg(k ORDER BY k) FROM jsonb_object_keys(c->'tokens') k) AS tokens,
	c#>>'{tokens,access_token}' <> :'access' AS new_access, c#>>'{tokens,refresh_token}' <> :'refresh' AS new_refresh
	FROM jsonb(:'changed') c;
SELECT token_version - :version AS raised, pg_temp.live() FROM authfort.users;
SELECT pg_temp.code(format('SELECT authfort.authenticate(%L)', :'access')) AS "old access token",
	authfort.authenticate(:'changed'::jsonb#>>'{tokens,access_token}')->>'email' AS "new one",
	pg_temp.outcome(authfort.refresh(:'two'::jsonb#>>'{tokens,refresh_token}')) AS "other session",
	pg_temp.outcome(authfort.refresh(:'changed'::jsonb#>>'{tokens,refresh_token}')) AS "new refresh token";
-- the answer may be lost, and a client that reads the message only has the token from before
UPDATE authfort.sessions SET last_used_at = last_used_at - interval '1 day', generation = generation - 1,
	parent = parent - 1 WHERE revoked_at IS NULL;
SELECT authfort.refresh(:'refresh') AS r \gset
SELECT pg_temp.outcome(:'r');
SELECT :'r'::jsonb#>>'{tokens,access_token}' AS access, :'r'::jsonb#>>'{tokens,refresh_token}' AS refresh \gset

-- its cookies are those of the new tokens
SET authfort.cookies = on;
SELECT status, (SELECT array_agg(split_part(h->>'Set-Cookie', '=', 1) || CASE WHEN h->>'Set-Cookie' ~ '=[^;]{40,};'
	AND h->>'Set-Cookie' !~ 'Max-Age=0' THEN ' set' ELSE ' cleared' END)
	FROM jsonb_array_elements(headers) h WHERE h ? 'Set-Cookie') AS cookies
	FROM pg_temp.send('/auth/change-password', :'access',
	'{"old_password": "password-2", "new_password": "password-3"}');
RESET authfort.cookies;

-- a refusal changes nothing and ends nothing
SELECT authfort.refresh(:'refresh') AS r \gset
SELECT :'r'::jsonb#>>'{tokens,access_token}' AS access, :'r'::jsonb#>>'{tokens,refresh_token}' AS refresh \gset
SELECT status, body FROM pg_temp.send('/auth/change-password', :'access',
	'{"old_password": "password-1", "new_password": "password-4"}');
SELECT status, body FROM pg_temp.send('/auth/change-password', :'access',
	'{"old_password": "password-3", "new_password": "short"}');
SELECT authfort.authenticate(:'access')->>'email', pg_temp.live();
-- the wrong one is recorded as at login
SELECT user_id = :'id' AS user, session_id = :'session' AS session, payload - 'timestamp' - 'user_id' AS payload
	FROM authfort.events WHERE event = 'login_failed';

-- by SQL none is kept unless it is named, and only one that is the user's and live
SELECT authfort.login('ada@example.com', 'password-3') AS two \gset
SELECT authfort.signup('eve@example.com', 'password-1') AS eve \gset
SELECT pg_temp.outcome(authfort.change_password(:'id', 'password-3', 'password-4', :'session')), pg_temp.live();
SELECT pg_temp.outcome(authfort.change_password(:'id', 'password-4', 'password-5',
	(:'two'::jsonb#>>'{user,session_id}')::uuid)), pg_temp.live();
SELECT authfort.login('ada@example.com', 'password-5') AS two \gset
SELECT authfort.change_password(:'id', 'password-5', 'password-6', (:'eve'::jsonb#>>'{user,session_id}')::uuid),
	pg_temp.live();
SELECT authfort.login('ada@example.com', 'password-6') AS two \gset
SELECT authfort.change_password(:'id', 'password-6', 'password-7'), pg_temp.live();
SELECT authfort.change_password(:'id', 'wrong', 'password-7', user_agent => 'app',
	ip_address => '192.0.2.9')->>'error';
SELECT payload - 'timestamp' - 'user_id' AS payload FROM authfort.events WHERE event = 'login_failed'
	AND ip_address = '192.0.2.9';

-- the first password: the same
SELECT authfort.login('ada@example.com', 'password-7') AS one \gset
SELECT authfort.login('ada@example.com', 'password-7') AS two \gset
UPDATE authfort.users SET password_hash = NULL WHERE id = :'id';
SELECT s.status, pg_temp.outcome(s.body::jsonb), pg_temp.live(),
	authfort.authenticate(s.body::jsonb#>>'{tokens,access_token}')->>'email' AS email
	FROM pg_temp.send('/auth/set-password', :'one'::jsonb#>>'{tokens,access_token}', '{"password": "password-8"}') s;
UPDATE authfort.users SET password_hash = NULL WHERE id = :'id';
SELECT pg_temp.outcome(authfort.set_password(:'id', 'password-9', (:'one'::jsonb#>>'{user,session_id}')::uuid)),
	pg_temp.live();
UPDATE authfort.users SET password_hash = NULL WHERE id = :'id';
SELECT authfort.set_password(:'id', 'password-9'), pg_temp.live();
