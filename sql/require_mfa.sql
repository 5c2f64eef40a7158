-- Where a second factor is required: what the challenge to enrol is good for, also as a bearer token and behind
-- PostgREST, and the ways of a user who has nothing but a passkey.
\set ECHO none
\i sql/include/device.sql
\set ECHO all
SET client_min_messages = warning;
\set VERBOSITY terse
SELECT quote_ident(session_user) AS me \gset
SET authfort.trusted_authenticators = :me;
SET authfort.webauthn_rp_id = 'example.org';
SET authfort.webauthn_origins = 'https://app.example.org';
SET authfort.require_mfa = 'all';
CREATE FUNCTION outcome(r jsonb) RETURNS text LANGUAGE sql AS $$
	SELECT CASE WHEN r ? 'error' THEN concat_ws(' ', r->>'error', r->>'check')
		WHEN r ? 'mfa_token' THEN concat_ws(' ', 'challenge', CASE WHEN (r->>'enrol')::boolean THEN 'to enrol' END, r->>'methods')
		WHEN r ? 'tokens' THEN 'aal ' || (authfort.verify_jwt(r#>>'{tokens,access_token}')->>'aal') ELSE 'done' END $$;
SELECT authfort.create_user('ada@example.org', 'correct horse')->>'id' AS ada \gset
SELECT authfort.login('ada@example.org', 'correct horse') AS r \gset
SELECT outcome(:'r');
SELECT :'r'::jsonb->>'mfa_token' AS token \gset
SELECT convert_from(decode(rpad(translate(split_part(:'token', '.', 2), '-_', '+/'),
	(length(split_part(:'token', '.', 2)) + 3) / 4 * 4, '='), 'base64'), 'UTF8') AS claims \gset

-- no identity, by SQL or as PostgREST passes a token that it has verified
SET authfort.jwt = :'token';
SELECT authfort.uid(), authfort.aal(), authfort.try_verify_jwt(:'token'), authfort.introspect(:'token')->'active' AS active;
SELECT authfort.authenticate(:'token');
RESET authfort.jwt;
CREATE FUNCTION request(path text, claims text, headers json DEFAULT '{}', cookies json DEFAULT '{}') RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	message text;
BEGIN
	PERFORM set_config('request.path', path, true), set_config('request.method', 'POST', true), set_config('request.jwt.claims', claims, true),
		set_config('request.headers', headers::text, true), set_config('request.cookies', cookies::text, true);
	PERFORM authfort_api.pre_request();
	RETURN CASE WHEN authfort.uid() IS NOT NULL THEN 'identity' ELSE 'anonymous' END;
EXCEPTION WHEN SQLSTATE 'PGRST' THEN
	GET STACKED DIAGNOSTICS message = MESSAGE_TEXT;
	RETURN message::json->>'code';
END $$;
SELECT path, request(path, :'claims') AS claims,
	request(path, :'claims', json_build_object('authorization', 'Bearer ' || :'token')) AS claims_and_header,
	request(path, '{"role": "anon"}', json_build_object('authorization', 'Bearer ' || :'token')) AS header,
	request(path, '{"role": "anon"}', cookies => json_build_object('access_token', :'token')) AS cookie,
	request(path, (:'claims'::jsonb - 'purpose')::text) AS without_its_purpose,
	request(path, (:'claims'::jsonb - 'purpose' - 'aud')::text) AS nor_audience
	FROM unnest('{/todo,/rpc/me,/rpc/mfa_init,/rpc/mfa_step_up,/rpc/passkey_register_options,/rpc/login}'::text[]) path;

-- over HTTP it is for the routes that set a factor up
CREATE FUNCTION answer(method text, path text, body jsonb, token text) RETURNS text LANGUAGE sql AS $$
	SELECT concat_ws(' ', status, nullif(r.body, '')::jsonb#>>'{detail,error}') FROM authfort.http(method, '/auth' || path,
		headers => jsonb_build_object('content-type', 'application/json', 'authorization', 'Bearer ' || token), body => body::text) r $$;
SELECT path, answer(method, path, NULL, :'token') FROM (VALUES ('GET', '/me'), ('DELETE', '/me'), ('GET', '/sessions'), ('GET', '/passkeys'),
	('GET', '/mfa/status'), ('POST', '/mfa/step-up'), ('POST', '/mfa/backup-codes/regenerate'), ('POST', '/passkeys/step-up/options'),
	('POST', '/passkeys/reauthenticate/options'), ('POST', '/reauthenticate'), ('POST', '/mfa/init'),
	('POST', '/passkeys/register/options')) r (method, path);

-- a passkey is enough: it is set up, and then signs in alone
SELECT outcome(authfort.passkey_register_finish(NULL, device.register(authfort.passkey_register_begin(NULL, mfa_token => :'token'), '\x01'),
	mfa_token => :'token')) AS set_up;
CREATE FUNCTION sign_in(user_id uuid, id bytea, wrong jsonb DEFAULT '{}') RETURNS jsonb LANGUAGE sql AS $$
	SELECT authfort.passkey_login_finish(device.sign_in(authfort.passkey_login_begin(), id, user_id, 0, wrong)) $$;
SELECT outcome(sign_in(:'ada', '\x01')) AS passkey, outcome(authfort.login('ada@example.org', 'correct horse')) AS password;
-- without the last one, the user has to set one up again
SELECT authfort.delete_passkey(:'ada', '\x01');
SELECT outcome(authfort.login('ada@example.org', 'correct horse')) AS password;

-- a user without a password
SELECT authfort.create_user('bob@example.org', email_verified => true)->>'id' AS bob \gset
SELECT authfort.create_magic_link_token('bob@example.org') AS link \gset
SELECT authfort.verify_magic_link(:'link') AS r \gset
SELECT outcome(:'r') AS mail;
SELECT authfort.passkey_register_finish(NULL, device.register(authfort.passkey_register_begin(NULL, mfa_token => :'r'::jsonb->>'mfa_token'),
	'\x02', '{"flags": 65}'), mfa_token => :'r'::jsonb->>'mfa_token') AS r \gset
SELECT outcome(:'r') AS by_mail_and_a_passkey_without_verification, :'r'::jsonb#>>'{backup_codes,0}' AS code \gset
SELECT :'by_mail_and_a_passkey_without_verification' AS set_up;
-- that passkey is one factor alone, and two after the mail; a backup code replaces a lost one
SELECT outcome(sign_in(:'bob', '\x02')) AS alone;
SELECT authfort.create_magic_link_token('bob@example.org') AS link \gset
SELECT authfort.verify_magic_link(:'link') AS r \gset
SELECT outcome(:'r') AS mail;
SELECT outcome(authfort.passkey_mfa_finish(:'r'::jsonb->>'mfa_token', device.sign_in(authfort.passkey_mfa_begin(:'r'::jsonb->>'mfa_token'),
	'\x02', :'bob'))) AS and_the_passkey;
SELECT outcome(sign_in(:'bob', '\x02')) AS alone_now;
SELECT authfort.create_magic_link_token('bob@example.org') AS link \gset
SELECT authfort.verify_magic_link(:'link')->>'mfa_token' AS token \gset
SELECT authfort.complete_mfa_login(:'token', :'code') AS r \gset
SELECT outcome(:'r') AS by_a_backup_code;
-- with which the lost passkey is replaced
SELECT (authfort.verify_jwt(:'r'::jsonb#>>'{tokens,access_token}')->>'sid')::uuid AS session \gset
SELECT outcome(authfort.passkey_register_finish(:'bob', device.register(authfort.passkey_register_begin(:'bob', :'session'), '\x03'),
	session_id => :'session')) AS replaced, jsonb_array_length(authfort.mfa_regenerate_backup_codes(:'bob', NULL, :'session')->'backup_codes') AS new_codes;
SELECT authfort.delete_passkey(:'bob', '\x02'), outcome(sign_in(:'bob', '\x03')) AS by_the_new_one;
