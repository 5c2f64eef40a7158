-- Services that ask about tokens, and the answers.
SET authfort.jwt_issuer = 'https://id.example.com';
SELECT authfort.create_user('ada@example.com', 'correct horse', name => 'Ada', roles => '{editor}')->>'id' AS ada \gset
SELECT l #>> '{tokens,access_token}' AS access, l #>> '{tokens,refresh_token}' AS refresh,
	l #>> '{user,session_id}' AS session
	FROM authfort.login('ada@example.com', 'correct horse') l \gset

-- making, listing and revoking
SELECT authfort.create_service_token('orders', '{introspect}') AS orders \gset
SELECT length(:'orders') AS length, :'orders' ~ '^[A-Za-z0-9_-]+$' AS plain;
SELECT authfort.create_service_token('old.system', '{introspect,introspect_refresh}', 'its own: secret+%41' || ' ');
SELECT authfort.create_service_token('old.system', '{introspect,introspect_refresh}',
	'its-own:secret+%41') AS old \gset
SELECT authfort.create_service_token('refresh_only', '{introspect_refresh}',
	'another-secret-of-16') AS refresh_only \gset
\set VERBOSITY terse
SELECT authfort.create_service_token('orders', '{introspect}');
SELECT authfort.create_service_token('other', '{introspect}', 'its-own:secret+%41');
SELECT authfort.create_service_token('', '{introspect}');
SELECT authfort.create_service_token('a:b', '{introspect}');
SELECT authfort.create_service_token('ä', '{introspect}');
SELECT authfort.create_service_token(repeat('a', 65), '{introspect}');
SELECT authfort.create_service_token('other', '{}');
SELECT authfort.create_service_token('other', '{introspect,admin}');
SELECT authfort.create_service_token('other', '{introspect,NULL}');
SELECT authfort.create_service_token('other', '{introspect}', 'eleven-char');
SELECT authfort.create_service_token('other', '{introspect}', repeat('a', 513));
SELECT authfort.create_service_token('other', '{introspect}', 'sixteen letters ä');
\set VERBOSITY default
SELECT name, scopes, created_at IS NOT NULL AS created, last_used_at FROM authfort.list_service_tokens();
-- no secret is in the table or in an event
SELECT count(*) FROM authfort.service_tokens s WHERE strpos(s::text, :'orders') > 0 OR strpos(s::text, :'old') > 0;
SELECT event, payload - 'timestamp' AS payload FROM authfort.events WHERE event LIKE 'service_token%' ORDER BY id;

-- in SQL
SELECT i - '{exp,iat,sub}'::text[] AS answer, i->>'sub' = :'ada' AS sub, i->>'exp' > i->>'iat' AS times
	FROM authfort.introspect(:'access') i;
SELECT i - '{exp,sub}'::text[] AS answer, i->>'sub' = :'ada' AS sub FROM authfort.introspect(:'refresh') i;
SELECT DISTINCT authfort.introspect(token)
	FROM unnest(ARRAY['', 'x', 'x.y.z', '.', :'access' || 'x', :'refresh' || 'x', left(:'refresh', 20),
	repeat('a', 100000), repeat('a.', 100000), :'orders', 'ä']) token;
SELECT authfort.introspect(NULL);

-- over HTTP
CREATE FUNCTION pg_temp.ask(authorization text, body text, type text DEFAULT 'application/json',
	path text DEFAULT '/auth/introspect')
	RETURNS TABLE (status integer, body text, challenge text) LANGUAGE sql AS $$
	SELECT r.status, r.body, (SELECT string_agg(h->>'WWW-Authenticate', ', ') FROM jsonb_array_elements(r.headers) h)
		FROM authfort.http('POST', $4, NULL, jsonb_strip_nulls(jsonb_build_object('content-type', $3, 'authorization',
		$1)), $2) r $$;
CREATE FUNCTION pg_temp.active(authorization text, body text,
	type text DEFAULT 'application/json') RETURNS TABLE (status integer, active text, kind text)
	LANGUAGE sql AS $$ SELECT status, body::jsonb->>'active', body::jsonb->>'token_type'
	FROM pg_temp.ask($1, $2, $3) $$;
CREATE FUNCTION pg_temp.basic(credentials text) RETURNS text LANGUAGE sql AS $$ SELECT 'Basic '
	|| replace(encode(convert_to($1, 'UTF8'), 'base64'), E'\n', '') $$;
CREATE FUNCTION pg_temp.json(token text) RETURNS text LANGUAGE sql AS $$
	SELECT jsonb_build_object('token', $1)::text $$;
\set form 'application/x-www-form-urlencoded'
SELECT body FROM pg_temp.ask('Bearer ' || :'orders', pg_temp.json('x'));
SELECT array_agg(key) = (SELECT array_agg(key)
	FROM json_each((SELECT body::json FROM pg_temp.ask('Bearer ' || :'orders', pg_temp.json('x'))))) AS same_members
	FROM json_each((SELECT body::json FROM pg_temp.ask('Bearer ' || :'orders', pg_temp.json(:'access'))));
SELECT * FROM pg_temp.active('bearer  ' || :'orders', pg_temp.json(:'access'));
SELECT * FROM pg_temp.active('Bearer ' || :'orders', 'token=' || :'access', :'form');
SELECT * FROM pg_temp.active('Bearer ' || :'orders', 'a=b&token=' || replace(:'access', '.', '%2E')
	|| '&token_type_hint=refresh_token', 'Application/X-WWW-Form-Urlencoded; charset=utf-8');
SELECT * FROM pg_temp.active(pg_temp.basic('orders:' || :'orders'), pg_temp.json(:'access'));
-- an existing secret, escaped as RFC 6749 wants it, and not
SELECT * FROM pg_temp.active(pg_temp.basic('old.system:its-own:secret+%41'), pg_temp.json(:'access'));
SELECT * FROM pg_temp.active(pg_temp.basic('old.system:its-own%3Asecret%2B%2541'), pg_temp.json(:'access'));
SELECT * FROM pg_temp.active('Bearer its-own:secret+%41', pg_temp.json(:'access'));
-- each scope sees its kind of token alone
SELECT * FROM pg_temp.active('Bearer ' || :'orders', pg_temp.json(:'refresh'));
SELECT * FROM pg_temp.active('Bearer ' || :'refresh_only', pg_temp.json(:'refresh'));
SELECT * FROM pg_temp.active('Bearer ' || :'refresh_only', pg_temp.json(:'access'));
SELECT * FROM pg_temp.active('Bearer ' || :'old', pg_temp.json(:'refresh'));
-- without the right secret
SELECT * FROM pg_temp.ask(NULL, pg_temp.json(:'access'));
SELECT * FROM pg_temp.ask(pg_temp.basic('orders:wrong'), pg_temp.json(:'access'));
SELECT DISTINCT status, body::jsonb #>> '{detail,error}' AS error
	FROM unnest(ARRAY['Bearer', 'Bearer ', 'Bearer wrong', 'Bearer ' || :'access', 'Bearer ' || :'orders' || 'x',
	'Basic', 'Basic ', 'Basic !', 'Basic OnNlY3JldA==', 'Basic AAAAOmEA', 'Digest x', pg_temp.basic(:'orders'),
	pg_temp.basic('other:' || :'orders'),
	pg_temp.basic('old.system:' || :'orders'), pg_temp.basic('orders%00:' || :'orders'),
	pg_temp.basic(repeat('a', 30000))]) a, pg_temp.ask(a, pg_temp.json(:'access'));
-- bodies
SELECT status, body FROM pg_temp.ask('Bearer ' || :'orders', '{}');
SELECT status, body FROM pg_temp.ask('Bearer ' || :'orders', NULL);
SELECT status, body FROM pg_temp.ask('Bearer ' || :'orders', '{"token": 1}');
SELECT status, body FROM pg_temp.ask('Bearer ' || :'orders', '', :'form');
SELECT status, body FROM pg_temp.ask('Bearer ' || :'orders', 'token=', :'form');
SELECT status, body FROM pg_temp.ask('Bearer ' || :'orders', 'token=a&x=y&token=b', :'form');
SELECT status, body FROM pg_temp.ask('Bearer ' || :'orders', 'token=%zz', :'form');
SELECT status, body FROM pg_temp.ask('Bearer ' || :'orders', 'token=%00', :'form');
SELECT status, body FROM pg_temp.ask('Bearer ' || :'orders', 'token=%ff', :'form');
SELECT status, body FROM pg_temp.ask('Bearer ' || :'orders', 'token=a', 'text/plain');
SELECT status, body FROM pg_temp.ask('Bearer ' || :'orders', 'token=' || repeat('a', 65536), :'form');
SELECT name, last_used_at > now() - interval '1 minute' AS used FROM authfort.list_service_tokens();
-- a use is noted once a minute
UPDATE authfort.service_tokens SET last_used_at = now() - interval '30 seconds' WHERE name = 'orders';
UPDATE authfort.service_tokens SET last_used_at = now() - interval '90 seconds' WHERE name = 'old.system';
SELECT count(*) FROM unnest(ARRAY[:'orders', :'old']) secret, pg_temp.ask('Bearer ' || secret, pg_temp.json('x'));
SELECT name, last_used_at > now() - interval '10 seconds' AS noted FROM authfort.list_service_tokens()
	WHERE name IN ('orders', 'old.system');

-- through PostgREST, which does not pass a bearer that is no access token
SELECT set_config('request.method', 'POST', false), set_config('request.headers',
	jsonb_build_object('content-type', 'application/json', 'authorization', pg_temp.basic('orders:'
	|| :'orders'))::text, false) IS NOT NULL AS set;
SELECT authfort_api.introspect(pg_temp.json(:'access')::json)->'active' AS active;
SELECT set_config('request.headers', '{}', false);

-- what changes the answer at once: a role, a rotation, a ban, a version, a revoked session
SELECT authfort.add_role(:'ada', 'reviewer', immediate => false);
SELECT authfort.introspect(:'access')->'roles' AS roles;
SELECT r #>> '{tokens,access_token}' AS access2, r #>> '{tokens,refresh_token}' AS refresh2
	FROM authfort.refresh(:'refresh') r \gset
SELECT authfort.introspect(:'access')->'active' AS before_rotation,
	authfort.introspect(:'access2')->'active' AS after_rotation;
-- an old refresh token is inactive once a refresh with it would be refused, and asking harms no session
SELECT r #>> '{tokens,refresh_token}' AS refresh3 FROM authfort.refresh(:'refresh2') r \gset
SELECT r #>> '{tokens,refresh_token}' AS refresh4 FROM authfort.refresh(:'refresh3') r \gset
SELECT authfort.introspect(:'refresh')->'active' AS within_grace;
SET authfort.refresh_grace = 0;
SELECT authfort.introspect(:'refresh')->'active' AS stolen, authfort.introspect(:'refresh2')->'active' AS stolen,
	authfort.introspect(:'refresh3')->'active' AS parent, authfort.introspect(:'refresh4')->'active' AS current;
RESET authfort.refresh_grace;
SELECT revoked FROM authfort.get_sessions(:'ada');
SELECT authfort.ban_user(:'ada');
SELECT authfort.introspect(:'access2')->'active' AS access, authfort.introspect(:'refresh4')->'active' AS refresh;
SELECT authfort.unban_user(:'ada');
SELECT l #>> '{tokens,access_token}' AS access, l #>> '{tokens,refresh_token}' AS refresh
	FROM authfort.login('ada@example.com', 'correct horse') l \gset
SELECT authfort.introspect(:'access')->'active' AS access, authfort.introspect(:'refresh')->'active' AS refresh;
SELECT authfort.remove_role(:'ada', 'reviewer', immediate => true);
SELECT authfort.introspect(:'access')->'active' AS access, authfort.introspect(:'refresh')->'active' AS refresh;
SELECT l #>> '{tokens,access_token}' AS access, l #>> '{tokens,refresh_token}' AS refresh,
	l #>> '{user,session_id}' AS session
	FROM authfort.login('ada@example.com', 'correct horse') l \gset
SELECT authfort.revoke_session(:'session');
SELECT authfort.introspect(:'access')->'active' AS access, authfort.introspect(:'refresh')->'active' AS refresh;

-- ending tokens (RFC 7009)
CREATE FUNCTION pg_temp.revoke(authorization text, body text,
	type text DEFAULT 'application/json') RETURNS TABLE (status integer, body text, challenge text)
	LANGUAGE sql AS $$ SELECT * FROM pg_temp.ask($1, $2, $3, '/auth/revoke') $$;
CREATE FUNCTION pg_temp.sign_in(OUT access text, OUT refresh text) LANGUAGE sql AS
	$$ SELECT l #>> '{tokens,access_token}', l #>> '{tokens,refresh_token}'
	FROM authfort.login('ada@example.com', 'correct horse') l $$;
SELECT * FROM pg_temp.sign_in() \gset
SELECT * FROM pg_temp.revoke(NULL, pg_temp.json('unknown'));
SELECT DISTINCT status FROM unnest(ARRAY['x.y.z', :'access' || 'x', :'refresh'
	|| 'x', ' ', repeat('a.', 20000)]) token, pg_temp.revoke(NULL, pg_temp.json(token));
SELECT authfort.introspect(:'access')->'active' AS access, authfort.introspect(:'refresh')->'active' AS refresh;
SELECT * FROM pg_temp.revoke(NULL, 'token_type_hint=access_token&token=' || :'refresh', :'form');
SELECT authfort.introspect(:'access')->'active' AS access, authfort.introspect(:'refresh')->'active' AS refresh;
SELECT status FROM pg_temp.revoke(NULL, pg_temp.json(:'refresh'));
SELECT * FROM pg_temp.sign_in() \gset
SELECT status FROM pg_temp.revoke('Bearer ' || :'access', pg_temp.json(:'access'));
SELECT authfort.introspect(:'access')->'active' AS access, authfort.introspect(:'refresh')->'active' AS refresh;
SELECT event, count(*) FROM authfort.events WHERE event = 'logout' GROUP BY 1;
-- credentials that are sent must be right
SELECT * FROM pg_temp.sign_in() \gset
SELECT * FROM pg_temp.revoke('Bearer wrong', pg_temp.json(:'access'));
SELECT * FROM pg_temp.revoke(pg_temp.basic('orders:wrong'), pg_temp.json(:'access'));
SELECT authfort.introspect(:'access')->'active' AS access;
SELECT status FROM pg_temp.revoke('Bearer ' || :'orders', pg_temp.json(:'access'));
SELECT authfort.introspect(:'access')->'active' AS access;
SELECT * FROM pg_temp.revoke(NULL, '{}');

-- a revoked service
SELECT authfort.revoke_service_token('orders'), authfort.revoke_service_token('orders'),
	authfort.revoke_service_token('');
SELECT status FROM pg_temp.ask('Bearer ' || :'orders', pg_temp.json('x'));
SELECT event, payload - 'timestamp' AS payload FROM authfort.events WHERE event = 'service_token_revoked';

-- the document for middleware: never made from Host
SELECT r.status, r.body::jsonb AS body, (SELECT string_agg(h->>'Cache-Control', ', ')
	FROM jsonb_array_elements(r.headers) h) AS cache
	FROM authfort.http('GET', '/.well-known/openid-configuration', NULL, '{"host": "evil.example"}') r;
SET authfort.public_url = 'https://api.example.com';
SET authfort.http_prefix = '/a';
SELECT r.body::jsonb AS body FROM authfort.http('GET', '/.well-known/openid-configuration') r;
RESET authfort.http_prefix;
SELECT authfort.rotate_key('EdDSA') IS NOT NULL AS rotated;
SELECT r.body::jsonb->'id_token_signing_alg_values_supported' AS algorithms
	FROM authfort.http('GET', '/.well-known/openid-configuration') r;
RESET authfort.public_url;
SET authfort.jwt_issuer = 'authfort';
SELECT r.status, r.body FROM authfort.http('GET', '/.well-known/openid-configuration', NULL,
	'{"host": "evil.example"}') r;
RESET authfort.jwt_issuer;

-- after a reset of the database's identity, services are unknown
SELECT authfort.reset_database_identity() IS NOT NULL AS reset;
SELECT count(*) FROM authfort.list_service_tokens();
