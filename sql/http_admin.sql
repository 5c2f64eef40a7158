-- The admin routes.
\pset null '(null)'
CREATE FUNCTION pg_temp.send(method text, path text, token text DEFAULT NULL, body text DEFAULT NULL,
	query text DEFAULT NULL,
							 OUT status integer, OUT body text) LANGUAGE sql AS
	$$ SELECT r.status, regexp_replace(r.body, '"[0-9a-f-]{36}"|"20[0-9T:.+-]+(Z|\+00:00)?"', '"..."', 'g')
	FROM authfort.http(method, path, query,
		jsonb_strip_nulls(jsonb_build_object('content-type', 'application/json', 'authorization', 'Bearer ' || token)),
		body) r $$;
SELECT authfort.signup('root@example.com', 'correct horse')#>>'{user,id}' AS root \gset
SELECT authfort.add_role(:'root', 'admin');
SELECT authfort.login('root@example.com', 'correct horse')#>>'{tokens,access_token}' AS admin \gset
SELECT r#>>'{user,id}' AS ada, r#>>'{user,session_id}' AS session, r#>>'{tokens,access_token}' AS access
	FROM authfort.signup('ada@example.com', 'correct horse', 'Ada') r \gset

-- other users are refused
SELECT method, path, a.status AS anonymous, u.status AS user FROM (VALUES
	('GET', '/users'), ('POST', '/users'), ('GET', '/users/' || :'ada'), ('PATCH', '/users/' || :'ada'),
	('DELETE', '/users/' || :'ada'),
	('PUT', '/users/' || :'ada' || '/ban'), ('DELETE', '/users/' || :'ada' || '/ban'), ('PUT', '/users/' || :'ada'
	|| '/roles/admin'),
	('DELETE', '/users/' || :'ada' || '/roles/admin'), ('GET', '/users/' || :'ada' || '/sessions'),
	('DELETE', '/users/' || :'ada' || '/sessions'),
	('DELETE', '/sessions/' || :'session'), ('GET', '/keys'), ('POST', '/keys/rotate'),
	('POST', '/keys/prepare')) r(method, route),
	replace(replace(route, :'ada', 'ada'), :'session', 's') path,
	pg_temp.send(method, '/auth/admin' || route, NULL, NULL) a, pg_temp.send(method, '/auth/admin' || route, :'access',
	NULL) u;
SELECT * FROM pg_temp.send('GET', '/auth/admin/users', :'access');
SET authfort.admin_role = '';
SELECT * FROM pg_temp.send('GET', '/auth/admin/users', :'admin');
SET authfort.admin_role = 'boss';
SELECT status FROM pg_temp.send('GET', '/auth/admin/users', :'admin');
RESET authfort.admin_role;

-- users
SELECT * FROM pg_temp.send('GET', '/auth/admin/users', :'admin',
	query => 'query=AD%41&sort_by=email&sort_order=asc&limit=10&offset=0&banned=false&deleted=no');
SELECT query, status, body FROM unnest(ARRAY['limit=0', 'limit=1001', 'limit=x', 'limit=9999999999999999999',
	'offset=-1', 'banned=perhaps', 'sort_by=id',
	'sort_order=up', 'query=%ff', 'query=%00', 'query=%4']) query, pg_temp.send('GET', '/auth/admin/users', :'admin',
	query => query);
SELECT * FROM pg_temp.send('GET', '/auth/admin/users', :'admin', query => 'role=admin&limit=1&x=y&&=&query');
SELECT * FROM pg_temp.send('POST', '/auth/admin/users', :'admin',
	'{"email": "bob@example.com", "roles": ["a", "b"], "email_verified": true}');
SELECT sent, status, body FROM unnest(ARRAY['{}', '{"email": "bob@example.com"}',
	'{"email": "x@example.com", "roles": "a"}', '{"email": "x@example.com", "roles": [1]}',
	'{"email": "x@example.com", "roles": [""]}', '{"email": "x@example.com", "email_verified": "yes"}',
	'{"email": "x@example.com", "password": "short"}']) sent,
	pg_temp.send('POST', '/auth/admin/users', :'admin', sent);
SELECT * FROM pg_temp.send('GET', '/auth/admin/users/' || :'ada', :'admin');
SELECT id, status, body FROM unnest(ARRAY['x', '00000000-0000-0000-0000-000000000000']) id,
	pg_temp.send('GET', '/auth/admin/users/' || id, :'admin');
SELECT * FROM pg_temp.send('PATCH', '/auth/admin/users/' || :'ada', :'admin', '{"name": null, "phone": "123"}');
SELECT sent, status, body FROM unnest(ARRAY[NULL, '{}', '[]', '{"name": 1}', '{"id": "x"}',
	'{"email": "bob@example.com"}']) sent,
	pg_temp.send('PATCH', '/auth/admin/users/' || :'ada', :'admin', sent);

-- roles, sessions, ban
SELECT * FROM pg_temp.send('PUT', '/auth/admin/users/' || :'ada' || '/roles/Head%20of%20%C3%84', :'admin');
SELECT authfort.get_roles(:'ada');
SELECT * FROM pg_temp.send('PUT', '/auth/admin/users/' || :'ada' || '/roles/%20', :'admin');
SELECT * FROM pg_temp.send('DELETE', '/auth/admin/users/' || :'ada' || '/roles/Head%20of%20%C3%84', :'admin');
SELECT status FROM pg_temp.send('GET', '/auth/me', :'access');
SELECT status, body::jsonb->0->'current' AS current FROM pg_temp.send('GET', '/auth/admin/users/' || :'ada'
	|| '/sessions', :'admin');
SELECT * FROM pg_temp.send('DELETE', '/auth/admin/sessions/' || :'session', :'admin');
SELECT * FROM pg_temp.send('GET', '/auth/admin/users/' || :'ada' || '/sessions', :'admin');
SELECT * FROM pg_temp.send('DELETE', '/auth/admin/users/' || :'ada' || '/sessions', :'admin');
SELECT * FROM pg_temp.send('DELETE', '/auth/admin/sessions/x', :'admin');
SELECT * FROM pg_temp.send('PUT', '/auth/admin/users/' || :'ada' || '/ban', :'admin');
SELECT authfort.login('ada@example.com', 'correct horse')->>'error';
SELECT * FROM pg_temp.send('DELETE', '/auth/admin/users/' || :'ada' || '/ban', :'admin');
SELECT authfort.login('ada@example.com', 'correct horse')->>'error';

-- keys
SELECT status, r.body::jsonb - 'kid' AS body FROM pg_temp.send('POST', '/auth/admin/keys/prepare', :'admin',
	'{"algorithm": "ES256"}') r;
SELECT status, jsonb_array_length(r.body::jsonb) AS keys, r.body::jsonb->0 ? 'private_key' AS private
	FROM pg_temp.send('GET', '/auth/admin/keys', :'admin') r;
SELECT bool_and(k->>'created_at' LIKE '%+00:00') AS utc FROM authfort.http('GET', '/auth/admin/keys', headers =>
	jsonb_build_object('authorization', 'Bearer ' || :'admin')) r, jsonb_array_elements(r.body::jsonb) k;
SELECT status FROM pg_temp.send('POST', '/auth/admin/keys/rotate', :'admin', '{"algorithm": "ES256"}');
SELECT * FROM pg_temp.send('POST', '/auth/admin/keys/rotate', :'admin', '{"algorithm": "HS256"}');
SELECT * FROM pg_temp.send('POST', '/auth/admin/keys/rotate', :'admin', '{"algorithm": 1}');
SELECT algorithm, expires_at IS NULL AS signs FROM authfort.signing_keys ORDER BY 1;

-- with a cookie, a POST has to be JSON, or without body and type: no form of another site is either
SET authfort.cookies = on;
SELECT h, status FROM unnest(ARRAY[NULL, 'text/plain', 'application/x-www-form-urlencoded', 'application/json']) h,
	authfort.http('POST', '/auth/admin/keys/prepare', NULL,
	jsonb_strip_nulls(jsonb_build_object('content-type', h, 'cookie', 'access_token=' || :'admin')));
RESET authfort.cookies;

-- delete
SELECT * FROM pg_temp.send('DELETE', '/auth/admin/users/' || :'ada', :'admin', query => 'hard=maybe');
SELECT * FROM pg_temp.send('DELETE', '/auth/admin/users/' || :'ada', :'admin');
SELECT status FROM pg_temp.send('GET', '/auth/admin/users/' || :'ada', :'admin');
SELECT status FROM pg_temp.send('GET', '/auth/admin/users/' || :'ada', :'admin', query => 'deleted=true');
SELECT * FROM pg_temp.send('DELETE', '/auth/admin/users/' || :'ada', :'admin', query => 'hard=true');
SELECT status FROM pg_temp.send('GET', '/auth/admin/users/' || :'ada', :'admin', query => 'deleted=true');
