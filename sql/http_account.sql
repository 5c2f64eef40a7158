-- One's own account over HTTP: passwords and sessions.
\pset null '(null)'
CREATE FUNCTION pg_temp.send(method text, path text, token text DEFAULT NULL, body text DEFAULT NULL,
							 OUT status integer, OUT headers jsonb, OUT body text) LANGUAGE sql AS
	$$ SELECT status, headers, body FROM authfort.http(method, path, NULL,
		jsonb_strip_nulls(jsonb_build_object('content-type', 'application/json', 'authorization', 'Bearer ' || token)),
		body, '192.0.2.7') $$;
CREATE FUNCTION pg_temp.login(password text, OUT access text, OUT session text) LANGUAGE sql AS
	$$ SELECT b#>>'{tokens,access_token}', b#>>'{user,session_id}' FROM pg_temp.send('POST', '/auth/login', NULL,
		jsonb_build_object('email', 'ada@example.com', 'password', password)::text) s, jsonb(s.body) b $$;

SELECT status FROM pg_temp.send('POST', '/auth/signup', NULL,
	'{"email": "ada@example.com", "password": "first-password"}');
SELECT access, session FROM pg_temp.login('first-password') \gset
SELECT access AS access2, session AS session2 FROM pg_temp.login('first-password') \gset
SELECT access AS access3, session AS session3 FROM pg_temp.login('first-password') \gset

-- sessions
SELECT status, body FROM pg_temp.send('GET', '/auth/sessions');
SELECT s->>'id' = :'session2' AS mine, s->'current' AS current, s->'ip_address' AS ip
	FROM pg_temp.send('GET', '/auth/sessions', :'access2') r, jsonb_array_elements(r.body::jsonb) s;
SELECT array_agg(k ORDER BY k) FROM pg_temp.send('GET', '/auth/sessions', :'access2') r,
	jsonb_object_keys(r.body::jsonb->0) k;
-- times are in UTC, whatever the session's time zone
SELECT bool_and(s->>'created_at' LIKE '%+00:00' AND s->>'last_used_at' LIKE '%+00:00'
		AND s->>'expires_at' LIKE '%+00:00') AS utc
	FROM pg_temp.send('GET', '/auth/sessions', :'access2') r, jsonb_array_elements(r.body::jsonb) s;
SELECT status, body FROM pg_temp.send('DELETE', '/auth/sessions/' || :'session3', :'access');
SELECT status, body FROM pg_temp.send('GET', '/auth/me', :'access3');
SELECT status FROM pg_temp.send('DELETE', '/auth/sessions/' || :'session3', :'access');
SELECT status, body FROM pg_temp.send('DELETE', '/auth/sessions/none', :'access');
SELECT status, body FROM pg_temp.send('DELETE', '/auth/sessions/00000000-0000-0000-0000-000000000000', :'access');
SELECT authfort.signup('eve@example.com', 'first-password')#>>'{user,session_id}' AS eves \gset
SELECT status FROM pg_temp.send('DELETE', '/auth/sessions/' || :'eves', :'access');
SELECT upper(:'eves') <> :'eves' AS has_letters, status FROM pg_temp.send('DELETE', '/auth/sessions/'
	|| upper(:'session2') || '/', :'access');
SELECT status FROM pg_temp.send('GET', '/auth/me', :'access2');
-- pages
SELECT authfort.login('ada@example.com', 'first-password') ? 'tokens' AS logged_in FROM generate_series(1, 4);
CREATE FUNCTION pg_temp.page(token text, query text) RETURNS text LANGUAGE sql AS $$
	SELECT concat_ws(' ', status, CASE WHEN status = 200 THEN (SELECT count(*) || ' current '
	|| count(*) FILTER (WHERE s->>'current' = 'true') FROM jsonb_array_elements(body::jsonb) s) ELSE body END,
		(SELECT h->>'X-Total-Count' FROM jsonb_array_elements(headers) h WHERE h ? 'X-Total-Count'))
	FROM authfort.http('GET', '/auth/sessions', query, jsonb_build_object('authorization', 'Bearer ' || token)) $$;
SELECT query, pg_temp.page(:'access', query)
	FROM unnest(ARRAY[NULL, '', 'limit=2', 'limit=2&offset=4', 'limit=2&offset=5', 'limit=1000', 'limit=1001',
	'limit=0',
	'limit=x', 'limit=', 'offset=-1', 'offset=99999999999', 'offset=2147483647']) WITH ORDINALITY AS q(query, n)
	ORDER BY n;
SELECT count(*), count(DISTINCT s->>'id') FROM generate_series(0, 4) n,
	authfort.http('GET', '/auth/sessions', 'limit=1&offset=' || n, jsonb_build_object('authorization', 'Bearer '
	|| :'access')) r, jsonb_array_elements(r.body::jsonb) s;
SELECT status FROM pg_temp.send('DELETE', '/auth/sessions', :'access');
SELECT status FROM pg_temp.send('GET', '/auth/me', :'access2');
SELECT status FROM pg_temp.send('GET', '/auth/me', :'access');
SELECT count(*) FROM authfort.get_sessions((SELECT user_id FROM authfort.sessions WHERE id = :'eves'), true);

-- paths and methods
SELECT status, headers FROM pg_temp.send('PUT', '/auth/sessions', :'access');
SELECT status, headers FROM pg_temp.send('GET', '/auth/sessions/x', :'access');
SELECT path, status FROM unnest(ARRAY['/auth/sessions/', '/auth/sessions/a/b', '/auth/sessions/%',
	'/auth/sessions/%00',
	'/auth/sessions/%ff', '/auth/sessions/%zz', '/auth//sessions', '//auth/sessions', '/auth', '', '/']) path,
	pg_temp.send('DELETE', path, :'access');

-- change
SELECT status, body FROM pg_temp.send('POST', '/auth/change-password', NULL,
	'{"old_password": "first-password", "new_password": "second-password"}');
SELECT status, body FROM pg_temp.send('POST', '/auth/change-password', :'access',
	'{"old_password": "first-password"}');
SELECT status, body FROM pg_temp.send('POST', '/auth/change-password', :'access',
	'{"old_password": "wrong", "new_password": "second-password"}');
SELECT status, body FROM pg_temp.send('POST', '/auth/change-password', :'access',
	'{"old_password": "first-password", "new_password": "short"}');
SELECT status, body::jsonb->>'message' AS message FROM pg_temp.send('POST', '/auth/change-password', :'access',
	'{"old_password": "first-password", "new_password": "second-password"}');
SELECT status, body FROM pg_temp.send('GET', '/auth/me', :'access');

-- reset: the answer reveals nothing
DELETE FROM authfort.outbox WHERE kind = 'email_verification';
SELECT email, status, headers, body FROM unnest(ARRAY['ada@example.com', 'nobody@example.com', 'no email']) email,
	pg_temp.send('POST', '/auth/forgot-password', NULL, jsonb_build_object('email', email)::text);
SELECT status, body FROM pg_temp.send('POST', '/auth/forgot-password', NULL, '{}');
SELECT count(*) FROM authfort.outbox;
SELECT message->>'token' AS token FROM authfort.take_messages() \gset
SELECT status, body FROM pg_temp.send('POST', '/auth/reset-password', NULL,
	'{"token": "x", "new_password": "third-password"}');
SELECT status, body FROM pg_temp.send('POST', '/auth/reset-password', NULL, jsonb_build_object('token', :'token',
	'new_password', 'short')::text);
SELECT status, body FROM pg_temp.send('POST', '/auth/reset-password', NULL, jsonb_build_object('token', :'token',
	'new_password', 'third-password')::text);
SELECT status, body FROM pg_temp.send('POST', '/auth/reset-password', NULL, jsonb_build_object('token', :'token',
	'new_password', 'fourth-password')::text);
SELECT access FROM pg_temp.login('third-password') \gset

-- the first password
SELECT status, body FROM pg_temp.send('POST', '/auth/set-password', NULL, '{"password": "fourth-password"}');
SELECT status, body FROM pg_temp.send('POST', '/auth/set-password', :'access', '{"password": "fourth-password"}');
UPDATE authfort.users SET password_hash = NULL WHERE email = 'ada@example.com';
SELECT status, body::jsonb->>'message' AS message FROM pg_temp.send('POST', '/auth/set-password', :'access',
	'{"password": "fourth-password"}');
SELECT access IS NOT NULL AS logged_in FROM pg_temp.login('fourth-password');
