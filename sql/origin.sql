-- Requests that a cookie carries: from whose pages they may change something.
\pset null '(null)'
SET authfort.cookies = on;
SELECT authfort.add_role((authfort.create_user('ada@example.com', 'correct horse')->>'id')::uuid, 'admin');
-- a request of each kind with fresh cookies; what came of it, and whether the session lives
CREATE FUNCTION pg_temp.try(method text, path text, headers jsonb, body text DEFAULT NULL) RETURNS text
	LANGUAGE plpgsql AS $$
DECLARE
	login jsonb = authfort.login('ada@example.com', 'correct horse');
	r record;
BEGIN
	SELECT * INTO r FROM authfort.http(method, '/auth/' || path, NULL, headers || jsonb_build_object('cookie',
		format('access_token=%s; refresh_token=%s', login#>>'{tokens,access_token}',
		login#>>'{tokens,refresh_token}')), body);
	RETURN concat_ws(' ', r.status, r.body::jsonb#>>'{detail,error}',
		CASE WHEN r.headers::text LIKE '%Max-Age=0%' THEN 'cleared' END,
		(SELECT CASE WHEN revoked_at IS NULL THEN 'lives' ELSE 'ended' END FROM authfort.sessions
		WHERE id = (login#>>'{user,session_id}')::uuid));
END $$;
CREATE TABLE origins (n integer GENERATED ALWAYS AS IDENTITY, what text, headers jsonb);
INSERT INTO origins (what, headers) VALUES
	('fetch from our page', '{"host": "app.example.com", "origin": "https://app.example.com", "sec-fetch-site": "same-origin"}'),
	('the same, older browser', '{"host": "app.example.com", "origin": "https://app.example.com"}'),
	('by HTTP, with a port', '{"host": "localhost:8080", "origin": "http://localhost:8080"}'),
	('the default port', '{"host": "app.example.com:443", "origin": "https://app.example.com"}'),
	('a page without referrer', '{"host": "app.example.com", "origin": "null", "sec-fetch-site": "same-origin"}'),
	('behind a proxy that sets Host',
	'{"host": "backend", "origin": "https://app.example.com", "sec-fetch-site": "same-origin"}'),
	('a form of another site', '{"host": "app.example.com", "origin": "https://evil.example", "sec-fetch-site": "cross-site", "content-type": "application/x-www-form-urlencoded"}'),
	('a form of a sibling', '{"host": "app.example.com", "origin": "https://blog.example.com", "sec-fetch-site": "same-site", "content-type": "text/plain"}'),
	('another site, JSON', '{"host": "app.example.com", "origin": "https://evil.example", "content-type": "application/json"}'),
	('a sandboxed page, JSON', '{"host": "app.example.com", "origin": "null", "sec-fetch-site": "cross-site", "content-type": "application/json"}'),
	('an empty origin', '{"host": "app.example.com", "origin": "null", "content-type": "application/json"}'),
	('another port', '{"host": "app.example.com", "origin": "https://app.example.com:8443", "content-type": "application/json"}'),
	('another port of ours', '{"host": "app.example.com:8443", "origin": "https://app.example.com", "content-type": "application/json"}'),
	('another scheme''s port', '{"host": "app.example.com:80", "origin": "https://app.example.com", "content-type": "application/json"}'),
	('a longer name', '{"host": "app.example.com.evil.example", "origin": "https://app.example.com", "content-type": "application/json"}'),
	('a name that ends alike', '{"host": "app.example.com", "origin": "https://evil-app.example.com", "content-type": "application/json"}'),
	('no web page', '{"host": "app.example.com", "origin": "ftp://app.example.com", "content-type": "application/json"}'),
	('an origin with a path', '{"host": "app.example.com", "origin": "https://app.example.com/", "content-type": "application/json"}'),
	('no host', '{"origin": "https://app.example.com", "content-type": "application/json"}'),
	('an empty host', '{"host": "", "origin": "https://", "content-type": "application/json"}'),
	('same-site alone', '{"host": "app.example.com", "sec-fetch-site": "same-site", "content-type": "application/json"}'),
	('typed by hand', '{"host": "app.example.com", "sec-fetch-site": "none", "content-type": "application/json"}'),
	('same-origin alone', '{"host": "app.example.com", "sec-fetch-site": "same-origin"}'),
	('no browser, JSON', '{"host": "app.example.com", "content-type": "application/json"}'),
	('no browser, JSON of a kind', '{"host": "app.example.com", "content-type": "application/vnd.api+json"}'),
	('no browser, a form', '{"host": "app.example.com", "content-type": "application/x-www-form-urlencoded"}'),
	('no browser, no type and no length', '{"host": "app.example.com"}'),
	('no browser, no type and no body', '{"host": "app.example.com", "content-length": "0"}'),
	('a form without fields', '{"host": "app.example.com", "content-length": "0", "content-type": "text/plain"}'),
	('another site, no type and no body',
	'{"host": "app.example.com", "origin": "https://evil.example", "content-length": "0"}'),
	('nothing', '{}');
SELECT what, pg_temp.try('POST', 'logout', headers) AS logout, pg_temp.try('POST', 'refresh', headers) AS refresh,
	pg_temp.try('POST', 'set-password', headers) AS signed_in,
	pg_temp.try('DELETE', 'sessions', headers) AS other_method
	FROM origins ORDER BY n;
-- two of one name: none is overlooked
SELECT pg_temp.try('POST', 'logout',
	'{"host": "a.example", "origin": "https://a.example", "Origin": "https://evil.example"}') AS object;
SELECT status, body FROM authfort.http('POST', '/auth/logout', NULL,
	jsonb_build_array('{"origin": "https://a.example"}'::jsonb, '{"origin": "https://evil.example"}'::jsonb,
	'{"host": "a.example"}'::jsonb, '{"content-type": "application/json"}'::jsonb,
	'{"cookie": "refresh_token=x"}'::jsonb));

-- the answer does not depend on what the cookie is worth
SELECT cookie, path, r.status, r.body::jsonb#>>'{detail,error}' AS error
	FROM unnest(ARRAY['access_token=x', 'refresh_token=x', 'access_token=x; refresh_token=x']) cookie,
	unnest(ARRAY['logout', 'refresh', 'change-password', 'admin/keys/rotate']) path,
	authfort.http('POST', '/auth/' || path, NULL, jsonb_build_object('cookie', cookie, 'host', 'a.example', 'origin',
	'https://evil.example')) r ORDER BY path, cookie;
-- without our cookies nothing is asked; but no page of another site has cookies cleared
SELECT authfort.login('ada@example.com', 'correct horse') AS login \gset
SELECT r.status, r.headers FROM unnest(ARRAY['{"origin": "https://evil.example"}', '{"origin": "null"}',
	'{"sec-fetch-site": "cross-site"}', '{"origin": "https://a.example", "host": "a.example"}', '{}']::jsonb[]) h,
	authfort.http('POST', '/auth/logout', NULL, h) r;
SELECT r.status, r.headers FROM unnest(ARRAY['{"origin": "https://evil.example"}', '{}']::jsonb[]) h,
	authfort.http('POST', '/auth/refresh', NULL, h) r;
SELECT status FROM authfort.http('POST', '/auth/login', NULL,
	'{"origin": "https://evil.example", "content-type": "application/json"}',
	'{"email": "ada@example.com", "password": "correct horse"}');
SELECT status FROM authfort.http('POST', '/auth/refresh', NULL,
	'{"origin": "capacitor://localhost", "content-type": "application/json"}',
	jsonb_build_object('refresh_token', :'login'::jsonb#>>'{tokens,refresh_token}')::text);
SELECT status FROM authfort.http('DELETE', '/auth/sessions', NULL, jsonb_build_object('origin', 'https://evil.example',
	'cookie', 'access_token=x', 'authorization', 'Bearer ' || (:'login'::jsonb#>>'{tokens,access_token}')));
-- reading by cookie is not asked: without CORS no other page sees it
SELECT pg_temp.try('GET', 'me', '{"origin": "https://evil.example"}');
-- cookies off: they are ignored
SET authfort.cookies = off;
SELECT status, headers FROM authfort.http('POST', '/auth/logout', NULL,
	'{"origin": "https://evil.example", "cookie": "refresh_token=x"}');
SET authfort.cookies = on;

-- the site's own address, and those of others that may
SET authfort.site_url = 'https://app.example.com';
SELECT origin, pg_temp.try('POST', 'logout', jsonb_build_object('host', 'api.example.com', 'origin', origin))
	FROM unnest(ARRAY['https://app.example.com', 'http://app.example.com',
	'https://api.example.com', 'https://partner.example', 'null', '']) origin;
SET authfort.cors_origins = 'https://partner.example, capacitor://localhost';
SELECT origin, pg_temp.try('POST', 'logout', jsonb_build_object('host', 'api.example.com', 'origin', origin))
	FROM unnest(ARRAY['https://app.example.com', 'https://partner.example', 'capacitor://localhost',
	'https://partner.example,capacitor://localhost', 'http://partner.example', 'https://PARTNER.example',
	'https://partner.example.evil.example', 'https://api.example.com']) origin;

-- what the settings take, and make of it
\set VERBOSITY terse
SELECT value, set_config('authfort.site_url', value, false)
	FROM unnest(ARRAY['https://App.Example.COM', 'https://app.example.com/', 'https://app.example.com:443',
	'http://app.example.com:80/', 'HTTP://localhost:3000',
	'http://[::1]:8080', 'https://127.0.0.1', 'https://xn--bcher-kva.example', '']) value;
CREATE FUNCTION pg_temp.accepts(setting text, value text) RETURNS boolean LANGUAGE plpgsql AS
	$$ BEGIN PERFORM set_config('authfort.' || setting, value,
	true); RETURN true; EXCEPTION WHEN invalid_parameter_value THEN RETURN false; END $$;
SELECT value, pg_temp.accepts('site_url', value) AS site_url, pg_temp.accepts('cors_origins', value) AS cors_origins
	FROM unnest(ARRAY['null', '*', 'https://*', 'https://*.example.com', 'app.example.com', '//app.example.com',
	'https:/app.example.com', 'https://', 'https:///', 'https://app.example.com/path', 'https://app.example.com?x',
	'https://user@app.example.com', 'https://app.example.com:', 'https://app.example.com:0',
	'https://app.example.com:65536',
	'https://app.example.com:080', 'https://app.example.com:x', 'https://-app.example', 'https://bücher.example',
	'https://a b', E'https://a.example\r\nX: y', 'https://[::1', 'https://[]', 'https://[::g]', 'ftp://a.example',
	'capacitor://localhost',
	'https://a.example,https://b.example', ',https://a.example', 'https://a.example,',
	'https://a.example,,https://b.example', ' ', 'https://a.example:65535']) value;
SELECT value, set_config('authfort.cors_origins', value, false)
	FROM unnest(ARRAY[' HTTPS://A.example:443/ ,http://B.example:8080', '  ', 'chrome-extension://abcdefghijklmnop',
	'']) value;
SET authfort.cors_origins = 'https://a.example', 'https://b.example:443';
SHOW authfort.cors_origins;
SET authfort.site_url = 'https://app.example.com/path';
SET authfort.cors_origins = '*';
-- as they were given, although a part is normalized before the fault is found
SET authfort.site_url = 'HTTPS://App.example.com:443/path';
SET authfort.cors_origins = 'HTTPS://a.example:443, https://b.example,';
SET authfort.webauthn_origins = 'HTTPS://a.example:443, *';
SET authfort.webauthn_rp_id = 'App.example.com:443';
-- owners decide
CREATE ROLE origin_tester;
SET ROLE origin_tester;
SET authfort.cors_origins = 'https://evil.example';
SET authfort.site_url = 'https://evil.example';
RESET ROLE;
DROP ROLE origin_tester;
DROP TABLE origins;
