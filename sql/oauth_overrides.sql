-- A preset's word on emails counts only from the preset's own servers.
\set VERBOSITY terse
CREATE FUNCTION pg_temp.trusts(config jsonb) RETURNS boolean LANGUAGE plpgsql AS $$
BEGIN
	PERFORM authfort.set_oauth_provider('x', '{"client_id": "id", "client_secret": "s", "team_id": "T"}' || config);
	RETURN trust_email FROM authfort.oauth_providers() WHERE name = 'x';
END $$;
SELECT preset, pg_temp.trusts(jsonb_build_object('preset', preset) || more) AS trusted FROM (VALUES
	('google', '{}'::jsonb), ('apple', '{}'), ('github', '{}'), ('gitlab', '{}'), ('discord', '{}'),
	('facebook', '{}'), ('linkedin', '{}'), ('slack', '{}'), ('microsoft', '{"tenant": "common"}'),
	('oidc', '{"issuer": "https://id.example"}')) AS p(preset, more);
SELECT preset, change, pg_temp.trusts(jsonb_build_object('preset', preset) || change) AS trusted,
	pg_temp.trusts(jsonb_build_object('preset', preset, 'trust_email', true) || change) AS stated
	FROM (VALUES ('gitlab', '{"issuer": "https://git.example"}'::jsonb),
	('gitlab', '{"issuer": "https://gitlab.com/"}'), ('gitlab', '{"token_endpoint": "https://git.example/t"}'),
	('google', '{"issuer": "https://id.example"}'), ('google', '{"authorization_endpoint": "https://id.example/a"}'),
	('google', '{"jwks_uri": "https://id.example/keys"}'), ('google', '{"emails_endpoint": "https://id.example/e"}'),
	('google', '{"endpoints": {"userinfo": "https://id.example/u"}}'),
	('apple', '{"endpoints": {"jwks": "https://id.example/keys"}}'),
	('github', '{"emails_endpoint": "https://github.corp.example/api/v3/user/emails"}')) AS c(preset, change);
-- what is written out as it is anyway changes nothing
SELECT change, pg_temp.trusts('{"preset": "gitlab"}' || change) AS trusted FROM unnest(ARRAY[
	'{"issuer": "https://gitlab.com"}', '{"issuer": null}', '{"endpoints": {}}',
	'{"token_endpoint": "https://gitlab.com/oauth/token"}', '{"trust_email": false}']::jsonb[]) AS change;
SELECT pg_temp.trusts('{"preset": "microsoft", "tenant": "common", "issuer": "https://id.example", "trust_email": true}');
