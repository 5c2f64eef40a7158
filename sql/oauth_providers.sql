-- The configuration of OAuth providers: presets, and what is refused.
\set VERBOSITY terse
CREATE FUNCTION pg_temp.configure(name text, config jsonb) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
	PERFORM authfort.set_oauth_provider(name, '{"client_id": "id", "client_secret": "planted"}' || config);
	RETURN 'ok';
EXCEPTION WHEN invalid_parameter_value THEN
	RETURN sqlerrm;
END $$;
SELECT preset, pg_temp.configure(preset, jsonb_build_object('preset', preset))
	FROM unnest('{google,github,gitlab,discord,facebook,linkedin,slack,apple,microsoft,yahoo}'::text[]) preset;
SELECT config, pg_temp.configure('x', config) FROM (VALUES
	('{"issuer": "https://id.example"}'::jsonb), ('{"issuer": "https://id.example/"}'),
	('{"issuer": "http://localhost:8080"}'),
	('{"issuer": "http://id.example"}'), ('{"issuer": "id.example"}'), ('{"issuer": "https://a@id.example"}'),
	('{"issuer": "https://id.example#x"}'),
	('{"issuer": "https://id.example?x"}'), ('{"issuer": "https://id.example\\@evil"}'), ('{"issuer": 1}'),
	('{"issuer": ""}'), ('{"issuer": null}'),
	('{}'), ('{"preset": "oidc"}'), ('{"preset": 1}'), ('{"isuer": "https://id.example"}'),
	('{"issuer": "https://id.example", "client_id": null}'),
	('{"issuer": "https://id.example", "client_secret": null}'),
	('{"issuer": "https://id.example", "client_secret": 1}'),
	('{"issuer": "https://id.example", "client_secret": null, "token_auth_method": "basic"}'),
	('{"issuer": "https://id.example", "token_auth_method": "private_key_jwt"}'),
	('{"issuer": "https://id.example", "token_auth_method": "magic"}'),
	('{"issuer": "https://id.example", "private_key": "planted"}'),
	('{"issuer": "https://id.example", "pkce": false}'),
	('{"issuer": "https://id.example", "pkce": false, "nonce": false}'),
	('{"issuer": "https://id.example", "pkce": "no"}'),
	('{"issuer": "https://id.example", "pkce": false, "id_token": "optional"}'),
	('{"issuer": "https://id.example", "id_token": "never"}'),
	('{"issuer": "https://id.example", "response_mode": "fragment"}'),
	('{"issuer": "https://id.example", "tenant": "x"}'),
	('{"issuer": "https://id.example", "hosts": ["keys.example", "keys.example:8443"]}'),
	('{"issuer": "https://id.example", "hosts": ["https://keys.example"]}'),
	('{"issuer": "https://id.example", "hosts": {}}'), ('{"issuer": "https://id.example", "scopes": "openid email"}'),
	('{"issuer": "https://id.example", "scopes": [1]}'),
	('{"issuer": "https://id.example", "authorize_params": {"prompt": "login", "a&b": "c=d"}}'),
	('{"issuer": "https://id.example", "authorize_params": {"state": "x"}}'),
	('{"issuer": "https://id.example", "authorize_params": "x=y"}'),
	('{"issuer": "https://id.example", "endpoints": {"tokens": "https://id.example"}}'),
	('{"issuer": "https://id.example", "redirect_uri": "javascript:alert(1)"}'),
	('{"issuer": "https://id.example", "mapping": {"id": "a.b.0"}}'),
	('{"issuer": "https://id.example", "mapping": {"id": "a..b"}}'),
	('{"issuer": "https://id.example", "mapping": {"id": "$[*]"}}'),
	('{"issuer": "https://id.example", "mapping": {"mail": "x"}}'),
	('{"endpoints": {"authorization": "https://a.example/a"}}'),
	('{"authorization_endpoint": "https://a.example/a", "token_endpoint": "https://a.example/t"}'),
	('{"authorization_endpoint": "https://a.example/a", "token_endpoint": "https://a.example/t", "userinfo_endpoint": "https://a.example/u"}'),
	('{"preset": "github", "issuer": "https://github.com"}'), ('{"preset": "github", "nonce": true}'),
	('{"preset": "microsoft", "tenant": "contoso"}'),
	('{"preset": "microsoft", "tenant": "common", "trust_email": true}'),
	('{"preset": "microsoft", "tenant": "11111111-2222-3333-4444-555555555555"}'),
	('{"preset": "apple", "private_key": null, "client_secret": null, "team_id": "T"}')) AS c(config);
SELECT authfort.set_oauth_provider('x', '[]');
SELECT name, authfort.set_oauth_provider(name, '{}')
	FROM unnest(ARRAY['', 'a b', 'é', '../x', repeat('a', 51)]) AS name;
SELECT authfort.set_oauth_provider('A-b_1', '{"preset": "google", "client_id": "id", "client_secret": "planted"}');
SELECT name, preset, issuer, client_id, enabled, trust_email, keep_tokens FROM authfort.oauth_providers()
	ORDER BY name COLLATE "C";
-- self-hosted, its word on emails does not count
SELECT pg_temp.configure('gitlab', '{"preset": "gitlab", "issuer": "https://git.example"}');
SELECT trust_email FROM authfort.oauth_providers() WHERE name = 'gitlab';
-- secrets are sealed, stay where none is given, and go with null
SELECT bool_or(to_jsonb(p)::text ~ 'planted') AS readable,
	bool_or(position('planted'::bytea IN client_secret) > 0) AS in_bytes FROM authfort.oauth_providers p;
SELECT client_secret IS NOT NULL AS kept FROM authfort.oauth_providers p, authfort.set_oauth_provider('google',
	'{"preset": "google", "client_id": "other"}') WHERE name = 'google';
SELECT config FROM authfort.oauth_providers WHERE name = 'google';
SELECT authfort.set_oauth_provider('google', '{"preset": "google", "client_id": "other", "client_secret": null}');
SELECT authfort.drop_oauth_provider('GOOGLE'), authfort.drop_oauth_provider('google');
SELECT authfort.refresh_oauth_provider('google');

-- where presets send the browser
SET authfort.public_url = 'https://auth.example';
SELECT name, regexp_replace(authfort.oauth_authorize(name)->>'url', '(state|nonce|code_challenge)=[\w-]{43,}',
	'\1=...', 'g')
	FROM authfort.oauth_providers() WHERE name NOT IN ('x', 'gitlab') ORDER BY name COLLATE "C";
RESET authfort.public_url;
SELECT authfort.oauth_authorize('github');
SELECT authfort.set_oauth_provider('github', '{"preset": "github", "client_id": "id", "enabled": false}');
SELECT authfort.oauth_authorize('github')->>'error';
