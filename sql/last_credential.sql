-- An account at a provider that is disabled or removed is no way in: what else a user has stays.
CREATE FUNCTION pg_temp.sign_in(provider text, id text) RETURNS uuid LANGUAGE plpgsql AS $$
DECLARE
	answer jsonb := authfort.oauth_authorize(provider);
BEGIN
	answer := authfort.oauth_callback(provider, jsonb_build_object('code', 'c', 'state', answer->>'state'),
	answer->>'cookie');
	answer := authfort.oauth_resume(answer#>>'{fetch,resume}', 200, '{}', '{"access_token": "a"}');
	answer := authfort.oauth_resume(answer#>>'{fetch,resume}', 200, '{}',
	jsonb_build_object('id', id, 'email', id || '@example.com')::text);
	RETURN answer#>>'{user,id}';
END $$;
CREATE FUNCTION pg_temp.configure(name text, enabled boolean) RETURNS void LANGUAGE sql AS $$
	SELECT authfort.set_oauth_provider(name, jsonb_build_object('client_id', 'id', 'client_secret', 's', 'enabled', enabled,
	'redirect_uri', 'https://auth.example/cb', 'authorization_endpoint', 'https://id.example/a', 'token_endpoint',
	'https://id.example/t', 'userinfo_endpoint', 'https://id.example/u')) $$;
-- another account of the user, as a link makes it
CREATE FUNCTION pg_temp.link(user_id uuid, provider text) RETURNS void LANGUAGE sql AS $$
	INSERT INTO authfort.identities (user_id, provider, provider_user_id, created_at, last_sign_in_at)
	VALUES (user_id, provider, user_id::text, now(), now()) $$;
CREATE FUNCTION pg_temp.unlink(user_id uuid, provider text) RETURNS text LANGUAGE sql VOLATILE AS
	$$ SELECT coalesce(authfort.unlink_identity(user_id, provider)->>'error', 'unlinked') $$;
SELECT pg_temp.configure('one', true), pg_temp.configure('two', true);
SELECT pg_temp.sign_in('one', 'ada') AS ada \gset
SELECT pg_temp.link(:'ada', 'two');

-- the other account is disabled, or its provider is removed
SELECT pg_temp.configure('two', false);
SELECT pg_temp.unlink(:'ada', 'one') AS other_disabled;
SELECT authfort.drop_oauth_provider('two');
SELECT pg_temp.unlink(:'ada', 'one') AS other_removed;
-- one that is of no use may go while another way in is left
SELECT pg_temp.unlink(:'ada', 'two') AS useless;
SELECT pg_temp.link(:'ada', 'two'), pg_temp.configure('two', true);
SELECT pg_temp.unlink(:'ada', 'one') AS other_enabled;
SELECT provider FROM authfort.list_identities(:'ada');

-- nor does it let the last passkey go
INSERT INTO authfort.passkeys (user_id, credential_id, public_key, algorithm, sign_count, aaguid, attestation,
	backup_eligible, backed_up, user_verified, name, created_at)
	VALUES (:'ada', 'x', 'x', -7, 0, gen_random_uuid(), 'none', false, false, true, 'Key', now());
SELECT pg_temp.configure('two', false);
SELECT authfort.delete_passkey(:'ada', 'x');
SELECT pg_temp.configure('two', true);
SELECT authfort.delete_passkey(:'ada', 'x');
