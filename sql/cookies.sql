-- The token cookies: which of several of one name is read, and how they are set and cleared.
\pset null '(null)'
SET authfort.cookies = on;
SELECT FROM authfort.create_user('ada@example.com', 'correct horse');
SELECT FROM authfort.create_user('eve@example.com', 'correct horse');
CREATE FUNCTION pg_temp.login(email text, OUT access text, OUT refresh text, OUT session uuid) LANGUAGE sql AS
	$$ SELECT r#>>'{tokens,access_token}', r#>>'{tokens,refresh_token}', (r#>>'{user,session_id}')::uuid
	FROM authfort.login(email, 'correct horse') r $$;
CREATE FUNCTION pg_temp.send(method text, path text, cookies text, host text DEFAULT NULL, OUT status integer,
	OUT headers jsonb, OUT body jsonb) LANGUAGE sql AS
	$$ SELECT r.status, r.headers, r.body::jsonb FROM authfort.http(method, '/auth/' || path, NULL,
		jsonb_strip_nulls(jsonb_build_object('content-type', 'application/json', 'cookie', cookies, 'host',
		host))) r $$;
CREATE FUNCTION pg_temp.outcome(method text, path text, cookies text) RETURNS text LANGUAGE sql AS
	$$ SELECT concat_ws(' ', status, body#>>'{detail,error}', body->>'email', body#>>'{user,email}')
	FROM pg_temp.send(method, path, cookies) $$;
CREATE FUNCTION pg_temp.cookies_set(headers jsonb) RETURNS text LANGUAGE sql AS $$
	SELECT string_agg(regexp_replace(h->>'Set-Cookie', '=[A-Za-z0-9_.-]{50,}', '=TOKEN'), E'\n' ORDER BY n)
	FROM jsonb_array_elements(headers) WITH ORDINALITY AS j(h, n) WHERE h ? 'Set-Cookie' $$;
CREATE VIEW pg_temp.live AS SELECT u.email, count(*) FROM authfort.sessions s JOIN authfort.users u ON u.id = s.user_id
	WHERE revoked_at IS NULL GROUP BY 1 ORDER BY 1;
SELECT access AS a1, refresh AS r1, session AS s1 FROM pg_temp.login('ada@example.com') \gset
SELECT access AS a2, refresh AS r2, session AS s2 FROM pg_temp.login('ada@example.com') \gset
SELECT access AS e1, refresh AS re, session AS se FROM pg_temp.login('eve@example.com') \gset

-- the access cookie: an invalid token does not hide a valid one, whatever their order
SELECT pg_temp.outcome('GET', 'me', c) FROM unnest(ARRAY['access_token=x; access_token=' || :'a1', 'access_token='
	|| :'a1' || '; access_token=x.y.z',
	'access_token=; access_token="' || :'a1' || '"', 'access_token=a; access_token=b; access_token=c; access_token='
	|| :'a1',
	'access_token=' || :'a1' || '; access_token=' || :'a1', 'access_token=x; access_token=y', 'Access_Token='
	|| :'a1']) c;
-- at most eight that look like a token are checked; others hide none, however many there are
CREATE FUNCTION pg_temp.many(name text, form text, number integer) RETURNS text LANGUAGE sql AS
	$$ SELECT string_agg(format('%s=%s; ', name, format(form, n)), '') FROM generate_series(1, number) n $$;
SELECT pg_temp.outcome('GET', 'me', pg_temp.many('access_token', 'x', 100) || 'access_token=' || :'a1') AS same_ones,
	pg_temp.outcome('GET', 'me', pg_temp.many('access_token', '%s', 100) || 'access_token=' || :'a1') AS malformed,
	pg_temp.outcome('GET', 'me', pg_temp.many('access_token', 'x.y.%s', 7) || 'access_token=' || :'a1') AS eighth,
	pg_temp.outcome('GET', 'me', pg_temp.many('access_token', 'x.y.%s', 8) || 'access_token=' || :'a1') AS ninth;
SELECT pg_temp.outcome('POST', 'refresh', pg_temp.many('refresh_token', '%s', 100) || 'refresh_token=' || :'r2')
	AS malformed,
	pg_temp.outcome('POST', 'refresh', pg_temp.many('refresh_token', '%s', 100)) AS none;
-- of one session the newest; cookies of different sessions are all refused
SELECT pg_sleep(1.1);
SELECT body#>>'{tokens,access_token}' AS a1_new, body#>>'{tokens,refresh_token}' AS r1_new
	FROM pg_temp.send('POST', 'refresh', 'refresh_token=' || :'r1') \gset
SELECT pg_temp.outcome('GET', 'me', 'access_token=' || :'a1' || '; access_token=' || :'a1_new') AS same_session,
	pg_temp.outcome('GET', 'me', 'access_token=' || :'a1' || '; access_token=' || :'a2') AS two_sessions,
	pg_temp.outcome('GET', 'me', 'access_token=' || :'a1' || '; access_token=x; access_token=' || :'a1_new'
	|| '; access_token=' || :'e1') AS two_users;
SELECT body FROM pg_temp.send('GET', 'me', 'access_token=' || :'a1' || '; access_token=' || :'e1');
-- a token from before a raised version and one from after
SELECT authfort.add_role(id, 'editor', true) FROM authfort.users WHERE email = 'ada@example.com';
SELECT body#>>'{tokens,access_token}' AS a1_new, body#>>'{tokens,refresh_token}' AS r1_new
	FROM pg_temp.send('POST', 'refresh', 'refresh_token=' || :'r1_new') \gset
SELECT pg_temp.outcome('GET', 'me', 'access_token=' || :'a1' || '; access_token=' || :'a1_new') AS new_last,
	pg_temp.outcome('GET', 'me', 'access_token=' || :'a1_new' || '; access_token=' || :'a1') AS new_first,
	pg_temp.outcome('GET', 'me', 'access_token=' || :'a1') AS old_alone;
-- those of a session that has ended count for less, as do expired ones
SELECT access AS gone, session AS gone_session FROM pg_temp.login('eve@example.com') \gset
SELECT authfort.revoke_session(:'gone_session');
SELECT pg_temp.outcome('GET', 'me', 'access_token=' || :'gone' || '; access_token=' || :'a1_new') AS beside_live,
	pg_temp.outcome('GET', 'me', 'access_token=x; access_token=' || :'gone') AS alone;
SET authfort.access_token_ttl = 1;
SELECT access AS expired, session FROM pg_temp.login('eve@example.com') \gset
RESET authfort.access_token_ttl;
SELECT pg_sleep(1.1);
SELECT pg_temp.outcome('GET', 'me', 'access_token=' || :'expired' || '; access_token=' || :'a1_new') AS beside_live,
	pg_temp.outcome('GET', 'me', 'access_token=x; access_token=' || :'expired') AS beside_invalid,
	pg_temp.outcome('GET', 'me', 'access_token=' || :'expired') AS alone;
SELECT * FROM pg_temp.live;

-- the refresh cookie: the same, and nothing ends by what is refused
SELECT pg_temp.outcome('POST', 'refresh', c)
	FROM unnest(ARRAY['refresh_token=x; refresh_token=' || :'r2', 'refresh_token=' || :'r2' || '; refresh_token='
	|| :'re',
	'refresh_token=' || :'re' || '; refresh_token=' || :'r2', 'refresh_token=x; refresh_token=y']) c;
SELECT * FROM pg_temp.live;
-- an old generation beside the newest is no theft
SELECT session AS s3, refresh AS g1 FROM pg_temp.login('ada@example.com') \gset
SELECT body#>>'{tokens,refresh_token}' AS g2 FROM pg_temp.send('POST', 'refresh', 'refresh_token=' || :'g1') \gset
SELECT body#>>'{tokens,refresh_token}' AS g3 FROM pg_temp.send('POST', 'refresh', 'refresh_token=' || :'g2') \gset
SELECT body#>>'{tokens,refresh_token}' AS g4, status FROM pg_temp.send('POST', 'refresh', 'refresh_token=' || :'g1'
	|| '; refresh_token=' || :'g3' || '; refresh_token=' || :'g2') \gset
SELECT :status AS status, generation FROM authfort.sessions WHERE id = :'s3';
-- a session that has ended does not stand in the way of one that lives
SELECT authfort.logout(:'re');
SELECT pg_temp.outcome('POST', 'refresh', 'refresh_token=' || :'re' || '; refresh_token=' || :'g4') AS beside_ended,
	pg_temp.outcome('POST', 'refresh', 'refresh_token=x; refresh_token=' || :'re') AS ended;
-- the access cookie beside it: another's alone is the contract's mismatch, several that disagree too; neither
-- ends a session, because any host of the site can have set that cookie
SELECT refresh AS r4, access AS a4, session AS s4 FROM pg_temp.login('ada@example.com') \gset
SELECT access AS e2, session AS se2 FROM pg_temp.login('eve@example.com') \gset
SELECT pg_temp.outcome('POST', 'refresh', 'refresh_token=' || :'r4' || '; access_token=' || :'e2' || '; access_token='
	|| :'a4') AS disagree,
	pg_temp.outcome('POST', 'refresh', 'refresh_token=' || :'r4' || '; access_token=' || :'expired'
	|| '; access_token=' || :'gone') AS ended_disagree;
SELECT revoked_at IS NULL AS lives FROM authfort.sessions WHERE id IN (:'s4', :'se2');
SELECT pg_temp.outcome('POST', 'refresh', 'refresh_token=' || :'r4' || '; access_token=x; access_token='
	|| :'e2') AS mismatch;
SELECT revoked_at IS NULL AS lives FROM authfort.sessions WHERE id = :'s4';
-- all are cleared, also where another host of the site can have set them; what remains is the session
SELECT status, pg_temp.cookies_set(headers) FROM pg_temp.send('POST', 'refresh', 'refresh_token=' || :'r4'
	|| '; access_token=' || :'e2', 'app.example.com');
SELECT count(pg_temp.outcome('POST', 'refresh', 'refresh_token=' || :'r4' || '; access_token=' || :'e2'))
	FROM generate_series(1, 7);
SELECT count(*) AS "recorded in an hour" FROM authfort.events WHERE event = 'refresh_token_mismatch';
SELECT pg_temp.outcome('POST', 'refresh', 'refresh_token=' || :'r4') AS alone;
-- logging out ends all that were sent, and only these
SELECT refresh AS r5, session AS s5 FROM pg_temp.login('ada@example.com') \gset
SELECT refresh AS r6, session AS s6 FROM pg_temp.login('ada@example.com') \gset
SELECT refresh AS r7, session AS s7 FROM pg_temp.login('ada@example.com') \gset
SELECT pg_temp.outcome('POST', 'logout', 'refresh_token=x; refresh_token=' || :'r5' || '; refresh_token=' || :'r6');
SELECT revoked_at IS NULL AS lives FROM authfort.sessions WHERE id IN (:'s5', :'s6', :'s7') ORDER BY created_at;

-- several headers, and invalid headers
CREATE FUNCTION pg_temp.me(headers jsonb) RETURNS text LANGUAGE sql AS
	$$ SELECT concat_ws(' ', status, body::jsonb#>>'{detail,error}', body::jsonb->>'email')
	FROM authfort.http('GET', '/auth/me', NULL, headers) $$;
SELECT pg_temp.me(jsonb_build_array(jsonb_build_object('cookie', 'a=b'), jsonb_build_object('cookie', 'access_token='
	|| :'a1_new'))) AS two_headers,
	pg_temp.me(jsonb_build_array('x', 1, NULL, '[{"cookie": "access_token=x"}]'::jsonb,
	'{"cookie": ["access_token=x"]}'::jsonb, '{"cookie": null}'::jsonb, '{}'::jsonb,
		jsonb_build_object('Cookie', 'access_token=' || :'a1_new'))) AS odd_elements,
	pg_temp.me(jsonb_build_object('authorization', 7, 'x', '{"y": {}}'::jsonb, 'COOKIE', 'access_token='
	|| :'a1_new')) AS odd_values;
SELECT headers, pg_temp.me(headers) FROM unnest(ARRAY['7', '"cookie"', 'null', '[]', '{}', '[[]]',
	'{"authorization": ["Bearer x"]}', '{"authorization": {"authorization": "Bearer x"}}']::jsonb[]) headers;
SELECT pg_temp.me(jsonb_build_object('cookie', repeat('x', 1000000) || '; access_token=' || :'a1_new')) AS huge,
	pg_temp.me(jsonb_build_object('cookie', repeat(';=', 100000) || ';access_token=' || :'a1_new')) AS separators,
	pg_temp.me(jsonb_build_object('user-agent', repeat('x', 1000000), 'x-forwarded-for', repeat(',', 100000),
	'authorization', 'Basic eA==', 'cookie', 'access_token=' || :'a1_new')) AS others;

-- setting them clears what other settings, and other hosts of the site, may have left
CREATE FUNCTION pg_temp.sign_in(cookies text DEFAULT NULL, host text DEFAULT NULL) RETURNS text LANGUAGE sql AS $$
	SELECT status || E'\n' || coalesce(pg_temp.cookies_set(headers), '')
	FROM authfort.http('POST', '/auth/login', NULL,
		jsonb_strip_nulls(jsonb_build_object('content-type', 'application/json', 'cookie', cookies, 'host', host)),
		'{"email": "ada@example.com", "password": "correct horse"}') $$;
SELECT pg_temp.sign_in();
SELECT pg_temp.sign_in('a=b', 'app.example.com');
SELECT pg_temp.sign_in('access_token=left', 'app.example.com:8443');
SELECT pg_temp.sign_in('refresh_token=left', host)
	FROM unnest(ARRAY['localhost', '127.0.0.1', '[::1]:80', 'example.com;x', E'a.b\r\nc', '.example.com',
	'a..b']) host;
SELECT pg_temp.sign_in('refresh_token=left', 's1.s2.s3.s4.example.com');
SET authfort.cookie_domain = 'Example.com';
SET authfort.cookie_path = '/auth';
SELECT pg_temp.sign_in();
SELECT pg_temp.sign_in('refresh_token=left', 'app.example.com');
RESET authfort.cookie_domain;
RESET authfort.cookie_path;
-- no more than is needed when a session goes on
SELECT refresh AS r8, access AS a8 FROM pg_temp.login('ada@example.com') \gset
SELECT pg_temp.cookies_set(headers) FROM pg_temp.send('POST', 'refresh', 'access_token=' || :'a8' || '; refresh_token='
	|| :'r8', 'app.example.com');
SELECT refresh AS r8, access AS a8 FROM pg_temp.login('ada@example.com') \gset
SELECT pg_temp.cookies_set(headers) FROM pg_temp.send('POST', 'refresh', 'access_token=' || :'a8'
	|| '; refresh_token=x; refresh_token=' || :'r8', 'app.example.com');
SELECT pg_temp.cookies_set(headers) FROM pg_temp.send('POST', 'logout', 'refresh_token=x; refresh_token=y',
	'app.example.com');

-- __Host-: a host of the same site cannot set it
SET authfort.access_cookie_name = '__Host-access';
SET authfort.refresh_cookie_name = '__Host-refresh';
SELECT pg_temp.sign_in('__Host-access=left', 'app.example.com');
SELECT count(*) AS sessions FROM authfort.sessions \gset
-- settings that browsers would not accept together, at once and in words
SET authfort.cookie_path = '/app';
SELECT pg_temp.sign_in();
RESET authfort.cookie_path;
SET authfort.cookie_domain = 'example.com';
SELECT pg_temp.sign_in();
RESET authfort.cookie_domain;
SET authfort.cookie_secure = off;
SELECT pg_temp.sign_in();
SET authfort.access_cookie_name = '__SECURE-access';
SET authfort.refresh_cookie_name = 'r';
SELECT pg_temp.sign_in();
SET authfort.access_cookie_name = 'r';
SELECT pg_temp.sign_in();
SET authfort.access_cookie_name = 'a';
SET authfort.cookie_samesite = none;
SELECT pg_temp.sign_in();
SELECT count(*) - :sessions AS new_sessions FROM authfort.sessions;
SET authfort.cookie_secure = on;
SELECT pg_temp.sign_in();
RESET authfort.cookie_samesite;
-- and each for itself
\set VERBOSITY terse
SET authfort.access_cookie_name = '';
SET authfort.access_cookie_name = 'a b';
SET authfort.access_cookie_name = 'a;b';
SET authfort.access_cookie_name = 'é';
SET authfort.cookie_path = 'app';
SET authfort.cookie_path = '';
SET authfort.cookie_path = '/a;b';
SET authfort.cookie_domain = 'example.com:80';
SET authfort.cookie_domain = 'http://example.com';
SET authfort.cookie_domain = 'example..com';
SET authfort.cookie_domain = '-example.com';
SET authfort.cookie_domain = 'example-.com';
SET authfort.cookie_domain = 'example.com-';
SET authfort.cookie_domain = 'example.com.';
SET authfort.cookie_domain = '.';
SET authfort.cookie_domain = '*.example.com';
SET authfort.cookie_domain = 'bücher.example';
SELECT set_config('authfort.cookie_domain', repeat('a', 64) || '.example', false);
SELECT set_config('authfort.cookie_domain', d, false)
	FROM unnest(ARRAY['.example.com', 'xn--bcher-kva.example', 'a-b.c1.example', repeat('a', 63)
	|| '.example', '127.0.0.1', 'localhost', '']) d;

-- the refresh cookie expires with the session, which may end sooner than the token's lifetime after
CREATE FUNCTION pg_temp.refresh_cookie_age(headers jsonb) RETURNS integer LANGUAGE sql AS $$
	SELECT (regexp_match(h->>'Set-Cookie', '^refresh_token=[^;]+; Max-Age=(\d+)'))[1]::integer
	FROM jsonb_array_elements(headers) h WHERE h->>'Set-Cookie' ~ '^refresh_token=[^;]' $$;
CREATE FUNCTION pg_temp.refreshed_cookie_age(OUT seconds integer) LANGUAGE sql AS $$
	SELECT pg_temp.refresh_cookie_age(s.headers) FROM pg_temp.login('ada@example.com') l,
		pg_temp.send('POST', 'refresh', 'refresh_token=' || l.refresh) s $$;
RESET authfort.access_cookie_name;
RESET authfort.refresh_cookie_name;
SET authfort.session_max_lifetime = 0;
SELECT pg_temp.refreshed_cookie_age() = extract(epoch FROM current_setting('authfort.refresh_token_ttl')::interval)
	AS whole_lifetime;
SET authfort.session_max_lifetime = '1h';
SELECT pg_temp.refreshed_cookie_age() BETWEEN 3590 AND 3600 AS rest_of_the_session;
