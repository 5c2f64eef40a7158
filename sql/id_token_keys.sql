-- The keys that verify an id_token: those of today, and at Microsoft those for the token's own issuer.
SET client_min_messages = warning;
\set ECHO none
\i sql/include/device.sql
\set ECHO all
SELECT authfort.set_oauth_provider('idp', '{"client_id": "app", "client_secret": "s", "issuer": "https://id.example"}'),
	authfort.set_oauth_provider('entra', '{"client_id": "app", "client_secret": "s", "preset": "microsoft", "tenant": "common"}'),
	authfort.set_oauth_provider('personal', '{"client_id": "app", "client_secret": "s", "preset": "microsoft", "tenant": "consumers"}');
CREATE FUNCTION id_token(header jsonb, claims jsonb) RETURNS text LANGUAGE sql AS $$
	SELECT signed || '.' || device.base64url(device.sign(convert_to(signed, 'UTF8')))
		FROM (SELECT device.base64url(convert_to((header || '{"alg": "RS256"}')::text, 'UTF8')) || '.'
		|| device.base64url(convert_to((jsonb_build_object('aud', 'app', 'email', 'ada@' || gen_random_uuid() || '.example',
			'nonce', encode(sha256('made up'), 'hex'), 'iat', floor(extract(epoch FROM now())), 'exp',
			floor(extract(epoch FROM now())) + 300) || claims)::text, 'UTF8')) AS signed) s $$;
-- Fetches are answered with these documents; the result says how many there were.
CREATE FUNCTION sign_in(provider text, id_token text, keys jsonb) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	answer jsonb := authfort.sign_in_with_id_token(provider, id_token, 'made up');
	fetches integer := 0;
BEGIN
	WHILE answer ? 'fetch' LOOP
		fetches := fetches + 1;
		answer := authfort.oauth_resume(answer->'fetch'->>'resume', 200, NULL,
			CASE WHEN answer->'fetch'->>'url' LIKE '%/openid-configuration' THEN
			'{"issuer": "https://id.example", "authorization_endpoint": "https://id.example/a", "token_endpoint": "https://id.example/t", "jwks_uri": "https://id.example/k"}'
			ELSE jsonb_build_object('keys', keys)::text END);
	END LOOP;
	RETURN coalesce(answer->>'error', 'signed in') || ', fetches: ' || fetches;
END $$;
CREATE FUNCTION a_minute_passes() RETURNS void LANGUAGE sql AS
	$$ UPDATE authfort.oauth_documents SET asked_at = asked_at - interval '61 seconds' $$;
SELECT jsonb_build_object('kty', 'RSA', 'n', device.base64url(device.bytes(n, 256)), 'e', 'AQAB') AS key,
	jsonb_build_object('kty', 'RSA', 'n', device.base64url(device.bytes(n + 2, 256)), 'e', 'AQAB') AS old_key
	FROM device.key \gset

-- A key that replaced another one is found, though it has the other one's id, or none.
SELECT sign_in('idp', id_token('{"kid": "k"}', '{"iss": "https://id.example", "sub": "1"}'),
	jsonb_build_array(:'old_key'::jsonb || '{"kid": "k"}')) AS first;
SELECT sign_in('idp', id_token('{"kid": "k"}', '{"iss": "https://id.example", "sub": "1"}'),
	jsonb_build_array(:'key'::jsonb || '{"kid": "k"}')) AS "within a minute";
SELECT a_minute_passes();
SELECT sign_in('idp', id_token('{"kid": "k"}', '{"iss": "https://id.example", "sub": "1"}'),
	jsonb_build_array(:'key'::jsonb || '{"kid": "k"}')) AS "the same id";
SELECT sign_in('idp', id_token('{}', '{"iss": "https://id.example", "sub": "1"}'), '[]') AS "the known key";
SELECT a_minute_passes();
SELECT sign_in('idp', id_token('{"kid": "l"}', '{"iss": "https://id.example", "sub": "1"}'),
	jsonb_build_array(:'old_key'::jsonb)) AS "an unknown id";
SELECT a_minute_passes();
SELECT sign_in('idp', id_token('{}', '{"iss": "https://id.example", "sub": "1", "x": 1}'),
	jsonb_build_array(:'key'::jsonb)) AS "without ids";
-- What is wrong otherwise is no reason to ask for keys.
SELECT a_minute_passes();
SELECT sign_in('idp', id_token('{}', '{"iss": "https://other.example", "sub": "1"}'), '[]') AS "another issuer";
-- With several keys a token has to name one.
SELECT a_minute_passes(), authfort.refresh_oauth_provider('idp');
SELECT sign_in('idp', id_token('{}', '{"iss": "https://id.example", "sub": "2"}'),
	jsonb_build_array(:'key'::jsonb, :'old_key'::jsonb)) AS ambiguous;

-- Microsoft's keys can be for one issuer alone.
\set tenant 11111111-2222-3333-4444-555555555555
\set consumers 9188040d-6c67-4c5b-b112-36a304b66dad
SELECT tid = :'consumers' AS personal, key_issuer, sign_in(provider, id_token('{}', jsonb_build_object('sub', row_number() OVER ()::text,
	'iss', format('https://login.microsoftonline.com/%s/v2.0', tid), 'tid', tid)),
	jsonb_build_array(jsonb_strip_nulls(:'key'::jsonb || jsonb_build_object('issuer', key_issuer)))) AS result,
	authfort.refresh_oauth_provider(provider)
	FROM (VALUES ('entra', :'tenant', NULL), ('entra', :'tenant', 'https://login.microsoftonline.com/{tenantid}/v2.0'),
	('entra', :'tenant', 'https://login.microsoftonline.com/9188040d-6c67-4c5b-b112-36a304b66dad/v2.0'),
	('entra', :'consumers', 'https://login.microsoftonline.com/9188040d-6c67-4c5b-b112-36a304b66dad/v2.0'),
	('entra', :'tenant', ''),
	('personal', :'consumers', 'https://login.microsoftonline.com/9188040d-6c67-4c5b-b112-36a304b66dad/v2.0'),
	('personal', :'tenant', 'https://login.microsoftonline.com/{tenantid}/v2.0')) AS t(provider, tid, key_issuer);

DROP FUNCTION sign_in(text, text, jsonb), id_token(jsonb, jsonb), a_minute_passes();
DROP SCHEMA device CASCADE;
