-- A sign-in with a passkey as far as its signature, which has the right form and is wrong: to
-- find that out takes as long as with a right one, and starts no session.  What the event takes that
-- it records is subtracted.  Run by bench/run after bench.sql.
\ir compare.sql
SET authfort.webauthn_rp_id = 'example.org';
SET authfort.webauthn_origins = 'https://example.org';
SET authfort.webauthn_timeout = '1h';
CREATE FUNCTION pg_temp.base64url(bytes bytea) RETURNS text LANGUAGE sql AS
	$$ SELECT translate(encode(bytes, 'base64'), E'+/=\n', '-_') $$;

-- the key of a test vector of the specification
INSERT INTO authfort.passkeys (user_id, credential_id, public_key, algorithm, sign_count, aaguid, attestation,
		backup_eligible, backed_up, user_verified, name, created_at)
	SELECT id, '\x01', '\x3059301306072a8648ce3d020106082a8648ce3d03010703420004afefa16f97ca9b2d23eb86ccb64098d2'
		'0db90856062eb249c33a9b672f26df61930a56b87a2fca66334b03458abf879717c12cc68ed73290af2e2664796b9220', -7, 0,
		gen_random_uuid(), 'none', false, false, true, 'bench', now()
	FROM authfort.users WHERE email = 'bench@example.com';
SELECT jsonb_build_object('id', 'AQ', 'rawId', 'AQ', 'type', 'public-key', 'response', jsonb_build_object(
	'clientDataJSON', pg_temp.base64url(convert_to(jsonb_build_object('type', 'webauthn.get', 'origin', 'https://example.org',
		'crossOrigin', false, 'challenge', authfort.passkey_login_begin()->'challenge')::text, 'UTF8')),
	'authenticatorData', pg_temp.base64url(sha256('example.org') || '\x0500000000'),
	'signature', pg_temp.base64url('\x304402207812345678123456781234567812345678123456781234567812345678123456'
		'02207812345678123456781234567812345678123456781234567812345678123456'),
	'userHandle', pg_temp.base64url(uuid_send(id)))) AS credential FROM authfort.users WHERE email = 'bench@example.com' \gset
-- (an error where it is refused before that)
SELECT 1 / (authfort.passkey_login_finish(:'credential')->>'check' = 'signature')::integer \g /dev/null
SELECT set_config('bench.credential', :'credential', false) \g /dev/null
CREATE FUNCTION pg_temp.sign_in_often(count integer) RETURNS double precision LANGUAGE plpgsql AS $$
DECLARE
	credential jsonb := current_setting('bench.credential');
	r jsonb;
	start timestamptz := clock_timestamp();
BEGIN
	FOR i IN 1 .. count LOOP
		r := authfort.passkey_login_finish(credential, 'bench', '192.0.2.7');
	END LOOP;
	RETURN extract(epoch FROM clock_timestamp() - start) * 1e6 / count;
END $$;
CALL pg_temp.compare('passkey',
	$$SELECT pg_temp.sign_in_often(5) - pg_temp.record_often(pg_temp.last_event('login_failed'), 5)$$,
	'passkey-bare', $$SELECT pg_temp.bare_verify('ES256', 10)$$, 1000);
