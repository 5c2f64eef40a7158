-- The cookies of a browser that begins many sign-ins: at most five, and not more bytes than servers take.
SET client_min_messages = warning;
SET authfort.public_url = 'https://auth.example';
SELECT authfort.set_oauth_provider('idp', '{"client_id": "c", "client_secret": "s", "authorization_endpoint": "https://id.example/a",
	"token_endpoint": "https://id.example/t", "userinfo_endpoint": "https://id.example/u"}');
CREATE TABLE cookie (n integer GENERATED ALWAYS AS IDENTITY, name text, value text);
CREATE FUNCTION request(method text, path text, body text DEFAULT NULL, query text DEFAULT NULL) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	answer record;
	pair text[];
BEGIN
	SELECT * INTO answer FROM authfort.http(method, path, query, jsonb_build_object('content-type', 'application/x-www-form-urlencoded',
		'cookie', (SELECT coalesce(string_agg(name || '=' || value, '; ' ORDER BY random()), '') FROM cookie)), body, '192.0.2.1');
	FOR pair IN SELECT regexp_match(header->>'Set-Cookie', '^([^=]+)=([^;]*)') FROM jsonb_array_elements(answer.headers) header
		WHERE header ? 'Set-Cookie' LOOP
		DELETE FROM cookie WHERE name = pair[1];
		INSERT INTO cookie (name, value) SELECT pair[1], pair[2] WHERE pair[2] <> '';
	END LOOP;
	RETURN coalesce(answer.body::jsonb#>>'{detail,error}', answer.status::text);
END $$;
CREATE FUNCTION begin(times integer, target_length integer) RETURNS text LANGUAGE sql AS $$
	SELECT string_agg(DISTINCT request('GET', '/auth/oauth/idp/authorize', NULL, 'redirect_to=/' || repeat('a', target_length - 1)), ' ')
		FROM generate_series(1, times) $$;
CREATE VIEW jar AS SELECT array_agg(n ORDER BY n) AS cookies, sum(length(name || value) + 1) <= 4096 AS "fit" FROM cookie;

SELECT begin(7, 1);
SELECT * FROM jar;
-- the newest are kept
SELECT begin(1, 1);
SELECT * FROM jar;
-- long targets
SELECT begin(5, 1024);
SELECT * FROM jar;
SELECT begin(7, 1);
SELECT * FROM jar;

-- A form that cannot be sent on is recorded as any other refusal.
SELECT request('POST', '/auth/oauth/nothing/callback', 'code=c&state=s');
SELECT request('POST', '/auth/oauth/idp/callback', 'state=s&code=' || repeat('c', 5000));
SELECT payload->>'reason' AS reason, payload->>'ip_address' AS address FROM authfort.events WHERE event = 'login_failed' ORDER BY id;

SELECT authfort.drop_oauth_provider('idp');
DROP VIEW jar;
DROP FUNCTION begin(integer, integer), request(text, text, text, text);
DROP TABLE cookie;
TRUNCATE authfort.events;
