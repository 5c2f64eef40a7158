-- An id_token that says it is valid for longer than any time stamp counts once as well.
SET client_min_messages = warning;
\set ECHO none
\i sql/include/device.sql
\set ECHO all
SELECT authfort.set_oauth_provider('idp',
	'{"issuer": "https://id.example", "client_id": "app", "client_secret": "s", "trust_email": true, "redirect_uri": "https://auth.example/cb"}');
CREATE FUNCTION id_token(expires numeric) RETURNS text LANGUAGE sql AS $$
	SELECT signed || '.' || device.base64url(device.sign(convert_to(signed, 'UTF8')))
		FROM (SELECT device.base64url('{"alg": "RS256"}') || '.'
		|| device.base64url(convert_to(jsonb_build_object('iss', 'https://id.example', 'aud', 'app', 'sub', 'ada',
			'email', 'ada@example.com', 'email_verified', true, 'nonce', encode(sha256('made up'), 'hex'),
			'iat', floor(extract(epoch FROM now())), 'exp', expires)::text, 'UTF8')) AS signed) s $$;
CREATE FUNCTION sign_in(id_token text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	answer jsonb := authfort.sign_in_with_id_token('idp', id_token, 'made up');
BEGIN
	WHILE answer ? 'fetch' LOOP
		answer := authfort.oauth_resume(answer->'fetch'->>'resume', 200, NULL,
		CASE WHEN answer->'fetch'->>'url' LIKE '%/openid-configuration' THEN
			'{"issuer": "https://id.example", "authorization_endpoint": "https://id.example/a", "token_endpoint": "https://id.example/t", "jwks_uri": "https://id.example/k"}'
			ELSE (SELECT jsonb_build_object('keys',
			jsonb_build_array(jsonb_build_object('kty', 'RSA', 'n', device.base64url(device.bytes(n, 256)), 'e',
			'AQAB'))) FROM device.key)::text END);
	END LOOP;
	RETURN coalesce(answer->>'error', answer->'user'->>'email');
END $$;
CREATE TABLE token AS SELECT name, id_token(expires) AS token
	FROM (VALUES ('an hour', floor(extract(epoch FROM now())) + 3600),
	('292 billion years', 9223372036854775807)) v (name, expires);
SELECT name, sign_in(token) FROM token;
-- it is kept until it cannot be valid any more, and not for long after that
SELECT purpose, expires_at > now() + interval '59 minutes' AS long_enough,
	expires_at < now() + interval '49 hours' AS short_enough FROM authfort.spent_ids WHERE purpose = 'oauth_id_token';
SELECT authfort.cleanup() IS NOT NULL AS cleaned_up;
SELECT name, sign_in(token) FROM token;

DROP TABLE token;
DROP FUNCTION sign_in(text), id_token(numeric);
DROP SCHEMA device CASCADE;
SELECT authfort.drop_oauth_provider('idp');
DELETE FROM authfort.users;
DELETE FROM authfort.spent_ids;
