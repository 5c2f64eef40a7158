-- One's own profile, what is stored with a user, and deleting one's own account.
\pset null '(null)'
CREATE FUNCTION pg_temp.send(method text, path text, token text DEFAULT NULL, body text DEFAULT NULL,
							 OUT status integer, OUT body text) LANGUAGE sql AS
	$$ SELECT s.status, s.body FROM authfort.http(method, path, NULL,
		jsonb_strip_nulls(jsonb_build_object('content-type', 'application/json', 'authorization', 'Bearer ' || token)),
		body, '192.0.2.7') s $$;
CREATE FUNCTION pg_temp.outcome(query text) RETURNS text LANGUAGE plpgsql AS $$
	DECLARE answer text; detail text;
	BEGIN EXECUTE query INTO answer; RETURN answer;
	EXCEPTION WHEN OTHERS THEN GET STACKED DIAGNOSTICS detail = PG_EXCEPTION_DETAIL; RETURN sqlstate || ' '
	|| detail; END $$;
SELECT r#>>'{user,id}' AS ada, r#>>'{user,session_id}' AS session, r#>>'{tokens,access_token}' AS access
	FROM authfort.signup('ada@example.com', 'password-1', 'Ada') r \gset
SELECT authfort.update_user(:'ada', '{"app_metadata": {"plan": "free"}, "user_metadata": {"theme": "dark"}}')->'app_metadata' AS app_metadata;

-- what is shown
SELECT status, body::jsonb - 'id' - 'created_at' - 'session_id' AS body
	FROM pg_temp.send('GET', '/auth/me', :'access');
SELECT array_agg(k ORDER BY k) AS members FROM jsonb_object_keys(authfort.get_user(:'ada')) k;
-- not with every token, nor in lists
SELECT authfort.login('ada@example.com', 'password-1')->'user' ? 'user_metadata' AS login,
	authfort.list_users()#>'{users,0}' ? 'user_metadata' AS list;

-- changes
SELECT status, body FROM pg_temp.send('PATCH', '/auth/me', NULL, '{"name": "Eve"}');
SELECT status, body::jsonb - 'id' - 'created_at' - 'session_id' AS body
	FROM pg_temp.send('PATCH', '/auth/me', :'access',
	'{"name": " Ada  L ", "avatar_url": "https://example.com/a.png", "phone": "+1 (23)", "locale": "pt-BR", "user_metadata": {"a": [1, {"b": null}], "ü": "<x>"}}');
SELECT payload - 'user_id' - 'timestamp' AS payload FROM authfort.events WHERE event = 'user_updated' ORDER BY id DESC
	LIMIT 1;
SELECT status, b->'name' AS name, b->'avatar_url' AS avatar_url, b->'phone' AS phone, b->'locale' AS locale,
	b->'user_metadata' AS user_metadata, b->'app_metadata' AS app_metadata,
	(b->>'session_id')::uuid = :'session' AS session
	FROM pg_temp.send('PATCH', '/auth/me', :'access',
	'{"name": null, "avatar_url": null, "phone": null, "locale": null, "user_metadata": null}') s, jsonb(s.body) b;
-- nothing that only the application or another flow may change; nothing changes then
SELECT change, status, s.body::jsonb#>>'{detail,error}' AS error
	FROM unnest(ARRAY['{}', '{"email": "eve@example.com"}', '{"email_verified": true}',
	'{"app_metadata": {"plan": "paid"}}', '{"roles": ["admin"]}', '{"banned": false}',
	'{"name": "x", "app_metadata": {}}', '{"name": "x", "other": 1}', '{"name": 1}', '{"name": {}}', '{"name": ["x"]}',
	'{"user_metadata": []}', '{"user_metadata": "x"}', '{"user_metadata": 1}', '{"user_metadata": true}',
	'{"avatar_url": "javascript:x"}', '{"phone": "x"}', '{"locale": "de_DE"}', '{"locale": "-"}',
	'{"locale": "../../etc"}', '{"locale": "a--b"}', '{"password_hash": "x"}', '{"id": null}',
	'{"name": "a", "name": "b"}']) WITH ORDINALITY AS c(change, n),
	pg_temp.send('PATCH', '/auth/me', :'access', change) s ORDER BY n;
SELECT change, status FROM unnest(ARRAY[NULL, '', '[]', 'null', '{"name"']) WITH ORDINALITY AS c(change, n),
	pg_temp.send('PATCH', '/auth/me', :'access', change) s ORDER BY n;
SELECT b->'name' AS name, b->'email' AS email, b->'app_metadata' AS app_metadata, b->'roles' AS roles
	FROM authfort.get_user(:'ada') b;
SELECT locale, pg_temp.outcome(format('SELECT authfort.update_user(%L, %L)->>''locale''', :'ada',
	jsonb_build_object('locale', locale)))
	FROM unnest(ARRAY['', ' en ', 'zh-Hant-TW', repeat('x', 35), repeat('x', 36), 'e' || chr(233), E'en\n']) locale;

-- 16 KiB each, counted as the text of the JSON; what could not be read again is refused
CREATE FUNCTION pg_temp.sized(bytes integer) RETURNS jsonb LANGUAGE sql AS $$
	SELECT jsonb_build_object('x', repeat('x', bytes - 9)) $$;
SELECT octet_length(pg_temp.sized(16384)::text) AS bytes;
SELECT which, bytes, left(pg_temp.outcome(format('SELECT authfort.update_user(%L, %L)->>%L', :'ada',
	jsonb_build_object(which, pg_temp.sized(bytes)), which)), 30) AS outcome
	FROM unnest(ARRAY['user_metadata', 'app_metadata']) which, unnest(ARRAY[16384, 16385]) bytes;
SELECT left(metadata, 20) AS metadata,
	left(pg_temp.outcome(format('SELECT authfort.update_user(%L, %L)->>''app_metadata''', :'ada', '{"app_metadata": '
	|| metadata || '}')), 30) AS outcome
	FROM unnest(ARRAY[repeat('{"a":', 32) || 1 || repeat('}', 32), repeat('{"a":', 33) || 1 || repeat('}', 33),
	'{"a": 1e63}', '{"a": 1e64}', '[]', '"x"', 'null']) metadata;
SELECT status, length(body) < 500 AS short
	FROM pg_temp.send('PATCH', '/auth/me', :'access', jsonb_build_object('user_metadata', pg_temp.sized(16385))::text);
SELECT status, body::jsonb#>>'{detail,error}' AS error
	FROM pg_temp.send('PATCH', '/auth/me', :'access', jsonb_build_object('user_metadata', pg_temp.sized(60000))::text);
SELECT status FROM pg_temp.send('PATCH', '/auth/me', :'access',
	jsonb_build_object('user_metadata', pg_temp.sized(16384))::text);
-- a large one does not keep the user from signing in, nor make the token larger
SELECT octet_length(authfort.login('ada@example.com', 'password-1')#>>'{tokens,access_token}') < 1000 AS small;

-- deleting the account takes a recent sign-in, and so does a password, though it takes the old one as well
UPDATE authfort.sessions SET auth_time = now() - interval '11 min' WHERE id = :'session';
SELECT status, body FROM pg_temp.send('DELETE', '/auth/me', :'access');
SELECT status, body FROM pg_temp.send('POST', '/auth/change-password', :'access',
	'{"old_password": "password-1", "new_password": "password-2"}');
SELECT status FROM pg_temp.send('PATCH', '/auth/me', :'access', '{"name": "Ada"}');
SELECT r#>>'{tokens,access_token}' AS access FROM authfort.login('ada@example.com', 'password-1') r \gset
SELECT status, body FROM pg_temp.send('DELETE', '/auth/me');
SELECT status, body FROM pg_temp.send('DELETE', '/auth/me', :'access');
SELECT status, body FROM pg_temp.send('GET', '/auth/me', :'access');
SELECT event, payload->>'email' AS email, ip_address FROM authfort.events WHERE event = 'user_deleted';
SELECT name, locale, user_metadata, app_metadata, password_hash FROM authfort.users;
SELECT authfort.login('ada@example.com', 'password-1')->>'error' AS error;
SELECT authfort.signup('ada@example.com', 'password-1') ? 'tokens' AS again;
-- the cookies are cleared
SET authfort.cookies = on;
SELECT r#>>'{tokens,access_token}' AS access FROM authfort.login('ada@example.com', 'password-1') r \gset
SELECT status, count(*) FILTER (WHERE h->>'Set-Cookie' LIKE '%Max-Age=0%') AS cleared
	FROM authfort.http('DELETE', '/auth/me', NULL, jsonb_build_object('authorization', 'Bearer ' || :'access')) r,
	jsonb_array_elements(headers) h GROUP BY 1;
