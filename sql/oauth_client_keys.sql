-- Clients that prove themselves with a private key: private_key_jwt, and Apple's signed secret.
\set VERBOSITY terse
\set key '-----BEGIN PRIVATE KEY-----\nMIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgFRUVywPNlUcRmgwm\n14yX+u9oy0DzXOjzsf3V0L3Pis+hRANCAAQrQtP3ZbmAicLslLLzQ6y3/QqWUu4m\nKf3daxTCxgL1ti0pnde8GlfzKqFjnaNnMm58nNapYUtxr4PkpH1Tsxa+\n-----END PRIVATE KEY-----\n'
CREATE FUNCTION pg_temp.part(token text, n integer) RETURNS jsonb LANGUAGE sql AS $$
	SELECT convert_from(decode(rpad(p, (length(p) + 3) / 4 * 4, '='), 'base64'), 'UTF8')::jsonb
	FROM translate(split_part(token, '.', n), '-_', '+/') p $$;
CREATE FUNCTION pg_temp.parameter(body text, name text) RETURNS text LANGUAGE sql AS
	$$ SELECT substring(body FROM '(?:^|&)' || name || '=([^&]*)') $$;
CREATE FUNCTION pg_temp.token_request(provider text) RETURNS jsonb LANGUAGE sql VOLATILE AS
	$$ SELECT authfort.oauth_callback(provider, jsonb_build_object('code', 'c', 'state', a->>'state'),
	a->>'cookie')->'fetch' FROM authfort.oauth_authorize(provider) a $$;
SELECT authfort.set_oauth_provider('apple', jsonb_build_object('preset', 'apple', 'client_id', 'com.example',
	'team_id', 'TEAM', 'key_id', 'KEY', 'private_key', :'key', 'redirect_uri', 'https://auth.example/cb'));
SELECT pg_temp.parameter(pg_temp.token_request('apple')->>'body', 'client_secret') AS token \gset
SELECT pg_temp.part(:'token', 1) AS header, pg_temp.part(:'token', 2) - 'iat' - 'exp' - 'jti' AS claims,
	(pg_temp.part(:'token', 2)->>'exp')::int - (pg_temp.part(:'token', 2)->>'iat')::int AS seconds;
SELECT authfort.set_oauth_provider('ours', jsonb_build_object('issuer', 'https://id.example', 'client_id', 'id',
	'token_auth_method', 'private_key_jwt', 'private_key', :'key', 'redirect_uri', 'https://auth.example/cb',
	'endpoints', jsonb_build_object('authorization', 'https://id.example/a', 'token', 'https://id.example/t', 'jwks',
	'https://id.example/k')));
SELECT pg_temp.token_request('ours')->>'body' AS body \gset
SELECT pg_temp.parameter(:'body', 'client_assertion_type') AS type,
	pg_temp.parameter(:'body', 'client_secret') AS secret,
	pg_temp.parameter(:'body', 'client_assertion') AS token \gset
SELECT :'type' AS type, pg_temp.part(:'token', 1) AS header,
	pg_temp.part(:'token', 2) - 'iat' - 'exp' - 'jti' AS claims;
SELECT pg_temp.part(pg_temp.parameter(pg_temp.token_request('ours')->>'body', 'client_assertion'),
	2)->>'jti' <> pg_temp.part(:'token', 2)->>'jti' AS "used once";
-- without a stated method a client uses the credential that it has; a stated id names its key
SELECT authfort.set_oauth_provider('unstated', jsonb_build_object('issuer', 'https://id.example/x', 'client_id', 'id',
	'private_key', :'key', 'key_id', 'mine', 'redirect_uri', 'https://auth.example/cb',
	'endpoints', jsonb_build_object('authorization', 'https://id.example/a', 'token', 'https://id.example/t', 'jwks',
	'https://id.example/k')));
SELECT pg_temp.parameter(pg_temp.token_request('unstated')->>'body', 'client_assertion') AS token \gset
SELECT pg_temp.part(:'token', 1) AS header, pg_temp.part(:'token', 2)->>'aud' AS audience;
-- Microsoft, and providers without an issuer, expect the token endpoint
SELECT name, pg_temp.part(pg_temp.parameter(pg_temp.token_request(name)->>'body', 'client_assertion'), 2)->>'aud' AS audience
	FROM (VALUES ('microsoft', '{"preset": "microsoft", "tenant": "common"}'::jsonb),
	('plain', '{"endpoints": {"authorization": "https://id.example/a", "token": "https://id.example/t", "userinfo": "https://id.example/u"}}')) AS p(name, config),
	authfort.set_oauth_provider(name, config || jsonb_build_object('client_id', 'id', 'token_auth_method',
	'private_key_jwt', 'private_key', :'key', 'redirect_uri', 'https://auth.example/cb'));
-- with a secret: in a header, or in the body
SELECT method, f->'headers'->>'authorization' AS header, pg_temp.parameter(f->>'body', 'client_secret') AS secret,
	pg_temp.parameter(f->>'body', 'client_id') AS client_id
	FROM unnest('{basic,post,none}'::text[]) method,
	authfort.set_oauth_provider(method, jsonb_build_object('client_id', 'i:d', 'client_secret', 's&%',
	'token_auth_method', method, 'redirect_uri', 'https://auth.example/cb',
		'endpoints', '{"authorization": "https://id.example/a", "token": "https://id.example/t", "userinfo": "https://id.example/u"}'::jsonb)), LATERAL pg_temp.token_request(method) f;
-- keys that cannot sign, or ids that would break out of a token's header
SELECT authfort.set_oauth_provider('apple', jsonb_build_object('preset', 'apple', 'client_id', 'id', 'team_id', 'TEAM',
	'key_id', 'K"EY', 'private_key', :'key'));
SELECT authfort.set_oauth_provider('apple', jsonb_build_object('preset', 'apple', 'client_id', 'id', 'key_id', 'KEY',
	'private_key', :'key'));
SELECT authfort.set_oauth_provider('apple', jsonb_build_object('preset', 'apple', 'client_id', 'id', 'team_id', 'TEAM',
	'private_key', :'key'));
SELECT authfort.set_oauth_provider('apple', jsonb_build_object('preset', 'apple', 'client_id', 'id', 'team_id', 'TEAM',
	'key_id', 'KEY', 'private_key', replace(:'key', 'M', 'N')));
SELECT count(*) FROM authfort.oauth_providers p WHERE to_jsonb(p)::text ~ 'PRIVATE KEY';
