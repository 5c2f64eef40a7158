-- A session that has reached its end, in the minutes in which its last access token is still valid.
\pset null '(null)'
SET client_min_messages = warning;
CREATE FUNCTION pg_temp.send(method text, path text, token text, body text DEFAULT NULL) RETURNS text LANGUAGE sql AS $$
	SELECT concat_ws(' ', status, s.body::jsonb#>>'{detail,error}') FROM authfort.http(method, path, NULL,
		jsonb_build_object('content-type', 'application/json', 'authorization', 'Bearer ' || token), body, '192.0.2.7') s $$;
SELECT r#>>'{user,id}' AS ada, r#>>'{user,session_id}' AS session, r#>>'{tokens,access_token}' AS access,
	r#>>'{tokens,refresh_token}' AS refresh FROM authfort.signup('ada@example.com', 'correct horse') r \gset
UPDATE authfort.sessions SET expires_at = now();
-- it signed in just now, but has ended
SELECT path, pg_temp.send(method, path, :'access', body) AS answer FROM (VALUES
	('POST', '/auth/change-email', '{"new_email": "new@example.com"}'),
	('POST', '/auth/change-password', '{"old_password": "correct horse", "new_password": "another horse"}'),
	('POST', '/auth/mfa/init', NULL),
	('DELETE', '/auth/me', NULL)) AS t (method, path, body);
SELECT pg_temp.send('POST', '/auth/reauthenticate', :'access', '{"password": "correct horse"}') AS again,
	authfort.refresh(:'refresh')->>'error' AS refreshed;
-- wherever tables are asked, but not where only the token is
SELECT pg_temp.send('GET', '/auth/me', :'access') AS me;
SELECT authfort.authenticate(:'access');
SELECT authfort.verify_jwt(:'access')->>'sub' = :'ada' AS verifies;
-- an application that names the session itself
SELECT authfort.mfa_init(:'ada', :'session')->>'error' AS init,
	authfort.reauthenticate(:'session', 'password', 'correct horse')->>'error' AS again,
	authfort.change_password(:'ada', 'correct horse', 'another horse', :'session')->>'error' AS changed;
