-- A passkey by which the user of a session authenticates again: to raise the session to two factors, and to
-- do what takes a recent sign-in.  The authenticator is in SQL.
\set ECHO none
\i sql/include/device.sql
\set ECHO all
SET client_min_messages = warning;
CREATE FUNCTION outcome(r jsonb) RETURNS text LANGUAGE sql AS
	$$ SELECT coalesce((r->>'error') || coalesce(' ' || (r->>'check'), ''), 'accepted') $$;
CREATE FUNCTION session_of(r jsonb) RETURNS uuid LANGUAGE sql AS
	$$ SELECT (authfort.verify_jwt(r#>>'{tokens,access_token}')->>'sid')::uuid $$;
SELECT authfort.create_user('ada@example.org', 'correct horse')->>'id' AS ada \gset
SELECT authfort.create_user('bob@example.org', 'correct horse')->>'id' AS bob \gset
SELECT session_of(authfort.login('ada@example.org', 'correct horse')) AS session \gset
SELECT session_of(authfort.login('ada@example.org', 'correct horse')) AS other \gset
SELECT session_of(authfort.login('bob@example.org', 'correct horse')) AS of_bob \gset

-- who gets options
SELECT outcome(authfort.passkey_step_up_begin(:'session')) AS step_up,
	outcome(authfort.passkey_reauthenticate_begin(:'session')) AS reauthenticate,
	outcome(authfort.passkey_step_up_finish(:'session', '{}')) AS finish,
	outcome(authfort.passkey_reauthenticate_finish(:'session', '{}')) AS without_a_second_factor;
SET authfort.webauthn_rp_id = 'example.org';
SET authfort.webauthn_origins = 'https://app.example.org';
SELECT outcome(authfort.passkey_step_up_begin(:'session')) AS no_passkey,
	outcome(authfort.passkey_step_up_begin('00000000-0000-0000-0000-000000000000')) AS no_session,
	outcome(authfort.passkey_reauthenticate_begin('00000000-0000-0000-0000-000000000000')) AS no_session_either;
SELECT authfort.passkey_step_up_begin(NULL);
SELECT authfort.passkey_reauthenticate_begin(NULL);
SELECT authfort.passkey_step_up_finish(NULL, '{}');
SELECT authfort.passkey_step_up_finish(:'session', NULL);
SELECT authfort.passkey_reauthenticate_finish(:'session', NULL);
SELECT outcome(authfort.passkey_register_finish(:'ada', device.register(authfort.passkey_register_begin(:'ada'), '\x0a'))) AS of_ada,
	outcome(authfort.passkey_register_finish(:'bob', device.register(authfort.passkey_register_begin(:'bob'), '\x0b'))) AS of_bob;
SELECT authfort.passkey_step_up_begin(:'session') - 'challenge' AS options;
SELECT authfort.passkey_step_up_begin(:'session') - 'challenge' = authfort.passkey_reauthenticate_begin(:'session') - 'challenge' AS same,
	(SELECT count(*) FROM authfort.spent_ids WHERE purpose = 'passkey') AS challenges_spent;

-- what a response is good for
CREATE FUNCTION step_up(session uuid, options jsonb, wrong jsonb DEFAULT '{}', counter bigint DEFAULT 0, id bytea DEFAULT '\x0a')
	RETURNS text LANGUAGE sql AS $$
	SELECT outcome(authfort.passkey_step_up_finish(session, device.sign_in(options, id, (SELECT user_id FROM authfort.sessions s
		WHERE s.id = session), counter, wrong), 'test', '192.0.2.1')) $$;
CREATE FUNCTION reauthenticate(session uuid, options jsonb, wrong jsonb DEFAULT '{}', counter bigint DEFAULT 0, id bytea DEFAULT '\x0a')
	RETURNS text LANGUAGE sql AS $$
	SELECT outcome(authfort.passkey_reauthenticate_finish(session, device.sign_in(options, id, (SELECT user_id FROM authfort.sessions s
		WHERE s.id = session), counter, wrong), 'test', '192.0.2.1')) $$;
SELECT n, what, step_up(:'session', options, wrong::jsonb) AS step_up FROM (VALUES
	(1, 'for another purpose', authfort.passkey_reauthenticate_begin(:'session'), '{}'),
	(2, 'for another session', authfort.passkey_step_up_begin(:'other'), '{}'),
	(3, 'for another user', authfort.passkey_step_up_begin(:'of_bob'), '{}'),
	(4, 'for signing in', authfort.passkey_login_begin(), '{}'),
	(5, 'for registering', authfort.passkey_register_begin(:'ada'), '{}'),
	(6, 'of another site', authfort.passkey_step_up_begin(:'session'), '{"origin": "https://evil.example"}'),
	(7, 'from a page in another', authfort.passkey_step_up_begin(:'session'), '{"crossOrigin": true}'),
	(8, 'of another domain', authfort.passkey_step_up_begin(:'session'), '{"rp": "evil.example"}'),
	(9, 'without presence', authfort.passkey_step_up_begin(:'session'), '{"flags": 4}'),
	(10, 'changed', authfort.passkey_step_up_begin(:'session'), '{"signature": "00"}'),
	(11, 'of another account', authfort.passkey_step_up_begin(:'session'),
	'{"response": {"userHandle": "AAAAAAAAAAAAAAAAAAAAAA"}}')
) AS cases (n, what, options, wrong) ORDER BY n;
SELECT reauthenticate(:'session', authfort.passkey_step_up_begin(:'session')) AS for_another_purpose,
	reauthenticate(:'session', authfort.passkey_reauthenticate_begin(:'other')) AS for_another_session,
	step_up(:'session', authfort.passkey_step_up_begin(:'session'), id => '\x0b') AS by_the_passkey_of_another,
	step_up(:'session', authfort.passkey_step_up_begin(:'session'), id => '\x0c') AS by_an_unknown_one,
	outcome(authfort.reauthenticate(:'session', 'password', 'correct horse')) AS by_the_password;
SELECT payload->>'method' AS method, payload->>'reason' AS reason, count(*) FROM authfort.events
	WHERE event = 'mfa_failed' AND user_id = :'ada' GROUP BY 1, 2 ORDER BY 2;
SELECT aal, amr, (SELECT failed_attempts FROM authfort.mfa m WHERE m.user_id = s.user_id) AS failed
	FROM authfort.sessions s WHERE id = :'session';
SELECT authfort.reauthenticate(:'session', 'passkey', '{}');

-- it raises the session, once
SELECT authfort.passkey_step_up_begin(:'session') AS options \gset
SELECT device.sign_in(:'options', '\x0a', :'ada') AS response \gset
SELECT authfort.passkey_step_up_finish(:'session', :'response', 'test', '192.0.2.1') AS result \gset
SELECT c->>'aal' AS aal, c->>'amr' AS amr, c->>'sid' = :'session' AS same_session
	FROM authfort.verify_jwt(:'result'::jsonb#>>'{tokens,access_token}') c;
SELECT authfort.refresh(:'result'::jsonb#>>'{tokens,refresh_token}') ? 'tokens' AS refreshes;
SELECT outcome(authfort.passkey_step_up_finish(:'session', :'response')) AS again;
SELECT payload->>'method' AS method, session_id = :'session' AS of_the_session, ip_address FROM authfort.events
	WHERE event = 'reauthenticated';

-- and makes it recent
UPDATE authfort.sessions SET auth_time = now() - interval '1 hour';
SELECT outcome(authfort.passkey_register_begin(:'ada', :'session')) AS before;
SELECT c->>'aal' AS aal, (c->>'auth_time')::bigint > extract(epoch FROM now()) - 60 AS recent FROM authfort.verify_jwt(
	authfort.passkey_reauthenticate_finish(:'session', device.sign_in(authfort.passkey_reauthenticate_begin(:'session'), '\x0a',
		:'ada'))#>>'{tokens,access_token}') c;
SELECT outcome(authfort.passkey_register_begin(:'ada', :'session')) AS after,
	outcome(authfort.passkey_register_begin(:'ada', :'other')) AS in_the_other_session;

-- possession alone completes another factor
SELECT step_up(:'other', authfort.passkey_step_up_begin(:'other'), '{"flags": 1}') AS after_a_password;
SELECT aal, amr FROM authfort.sessions WHERE id = :'other';
-- but not itself
SELECT session_of(authfort.passkey_login_finish(device.sign_in(authfort.passkey_login_begin(), '\x0a', :'ada'))) AS alone \gset
UPDATE authfort.sessions SET aal = 1, amr = '{pop,user}' WHERE id = :'alone';
SELECT authfort.passkey_step_up_begin(:'alone')->>'userVerification' AS asked;
SELECT step_up(:'alone', authfort.passkey_step_up_begin(:'alone'), '{"flags": 1}') AS step_up,
	reauthenticate(:'alone', authfort.passkey_reauthenticate_begin(:'alone'), '{"flags": 1}') AS reauthenticate;
-- a passkey that was registered without verifying its user is one factor, also with a PIN that is new
UPDATE authfort.passkeys SET user_verified = false WHERE credential_id = '\x0a';
SELECT step_up(:'alone', authfort.passkey_step_up_begin(:'alone')) AS step_up,
	reauthenticate(:'alone', authfort.passkey_reauthenticate_begin(:'alone')) AS reauthenticate;
SELECT aal, amr FROM authfort.sessions WHERE id = :'alone';
SELECT user_verified FROM authfort.passkeys WHERE credential_id = '\x0a';
UPDATE authfort.passkeys SET user_verified = true WHERE credential_id = '\x0a';
SELECT step_up(:'alone', authfort.passkey_step_up_begin(:'alone')) AS with_verification;
SELECT aal, amr FROM authfort.sessions WHERE id = :'alone';
-- the setting
SET authfort.webauthn_user_verification = 'required';
SELECT authfort.passkey_step_up_begin(:'other')->>'userVerification' AS asked,
	step_up(:'other', authfort.passkey_step_up_begin(:'other'), '{"flags": 1}') AS without_verification;
SET authfort.webauthn_user_verification = 'discouraged';
SELECT authfort.passkey_step_up_begin(:'other')->>'userVerification' AS after_a_password,
	authfort.passkey_step_up_begin(:'alone')->>'userVerification' AS alone;
RESET authfort.webauthn_user_verification;

-- wrong codes lock codes, not passkeys
SELECT count(authfort.mfa_step_up(:'ada', :'session', '1')) AS wrong_codes FROM generate_series(1, 6);
SELECT authfort.mfa_step_up(:'ada', :'session', '1')->>'error' AS code,
	step_up(:'session', authfort.passkey_step_up_begin(:'session')) AS passkey;

-- a counter that does not rise
SELECT step_up(:'session', authfort.passkey_step_up_begin(:'session'), counter => 5) AS five,
	step_up(:'session', authfort.passkey_step_up_begin(:'session'), counter => 5) AS five_again;
UPDATE authfort.passkeys SET sign_count = 0;

-- banned users, and sessions that have ended
SELECT authfort.passkey_step_up_begin(:'session') AS options \gset
UPDATE authfort.users SET banned = true WHERE id = :'ada';
SELECT outcome(authfort.passkey_step_up_begin(:'session')) AS begin, step_up(:'session', :'options') AS step_up,
	reauthenticate(:'session', authfort.passkey_login_begin()) AS reauthenticate;
UPDATE authfort.users SET banned = false WHERE id = :'ada';
UPDATE authfort.sessions SET revoked_at = now() WHERE id = :'session';
SELECT outcome(authfort.passkey_reauthenticate_begin(:'session')) AS begin, step_up(:'session', :'options') AS step_up,
	reauthenticate(:'session', :'options') AS reauthenticate;

-- the last passkey is removed between the options and the response: the page learns which one, for any purpose
SELECT authfort.create_user('fay@example.org', 'correct horse')->>'id' AS fay \gset
SELECT session_of(authfort.login('fay@example.org', 'correct horse')) AS session \gset
SELECT outcome(authfort.passkey_register_finish(:'fay', device.register(authfort.passkey_register_begin(:'fay'), '\x0f')));
SELECT authfort.passkey_step_up_begin(:'session') AS step_up, authfort.passkey_reauthenticate_begin(:'session') AS again \gset
SELECT authfort.delete_passkey(:'fay', '\x0f');
SELECT step_up(:'session', :'step_up', id => '\x0f') AS step_up, reauthenticate(:'session', :'again', id => '\x0f') AS reauthenticate,
	outcome(authfort.reauthenticate(:'session', 'backup_code', 'aaaaa-aaaaa')) AS by_a_code,
	outcome(authfort.passkey_step_up_begin(:'session')) AS options, outcome(authfort.passkey_reauthenticate_begin(:'session')) AS other_options;

-- a user with nothing but a passkey, over HTTP
CREATE FUNCTION answer(method text, path text, body jsonb, token text) RETURNS jsonb LANGUAGE sql AS $$
	SELECT jsonb_build_object('status', status, 'body', nullif(r.body, '')::jsonb) FROM authfort.http(method, path,
		headers => jsonb_build_object('content-type', 'application/json', 'authorization', 'Bearer ' || token),
		body => body::text) r $$;
CREATE FUNCTION request(method text, path text, body jsonb, token text) RETURNS text LANGUAGE sql AS $$
	SELECT concat_ws(' ', a->>'status', coalesce(a#>>'{body,detail,error}', a#>>'{body,detail,0,type}'),
		a#>>'{body,detail,check}', a#>>'{body,detail,0,loc}') FROM answer(method, path, body, token) a $$;
SELECT authfort.create_user('cyd@example.org')->>'id' AS cyd \gset
SELECT outcome(authfort.passkey_register_finish(:'cyd', device.register(authfort.passkey_register_begin(:'cyd'), '\x0c'))) AS registered;
SELECT authfort.passkey_login_finish(device.sign_in(authfort.passkey_login_begin(), '\x0c', :'cyd'))#>>'{tokens,access_token}' AS token \gset
UPDATE authfort.sessions SET auth_time = now() - interval '1 hour';
SELECT request('POST', '/auth/mfa/backup-codes/regenerate', NULL, :'token') AS new_codes,
	request('POST', '/auth/passkeys/register/options', NULL, :'token') AS another_passkey,
	request('POST', '/auth/mfa/init', NULL, :'token') AS an_app,
	request('DELETE', '/auth/me', NULL, :'token') AS deletion;
SELECT n, what, request('POST', '/auth/reauthenticate', body::jsonb, :'token') FROM (VALUES
	(1, 'nothing', '{}'), (2, 'the method alone', '{"method": "passkey"}'),
	(3, 'a secret', '{"method": "passkey", "secret": "{}"}'), (4, 'a string', '{"method": "passkey", "credential": "{}"}'),
	(5, 'an array', '{"credential": []}'), (6, 'null', '{"credential": null}'), (7, 'an empty object', '{"credential": {}}'),
	(8, 'another method', '{"method": "password", "credential": {}}'), (9, 'a method no string', '{"method": {}, "credential": {}}')
) AS cases (n, what, body) ORDER BY n;
SELECT n, what, request('POST', '/auth/mfa/step-up', body::jsonb, :'token') FROM (VALUES
	(1, 'nothing', '{}'), (2, 'no code', '{"code": null}'), (3, 'a string', '{"credential": "x"}'),
	(4, 'an empty object', '{"credential": {}}'), (5, 'a code and an object', '{"code": "1", "credential": {}}'),
	(6, 'a code', '{"code": "123456"}')
) AS cases (n, what, body) ORDER BY n;
SELECT request('POST', '/auth/passkeys/step-up/options', NULL, NULL) AS no_token,
	request('POST', '/auth/passkeys/reauthenticate/options', NULL, 'x') AS wrong_token;
SELECT a->>'status' AS status, a#>'{body,user,email}' AS email FROM answer('POST', '/auth/reauthenticate', jsonb_build_object('credential',
	device.sign_in(answer('POST', '/auth/passkeys/reauthenticate/options', NULL, :'token')->'body', '\x0c', :'cyd')), :'token') a;
SELECT a->>'status' AS status, jsonb_array_length(a->'body') AS codes FROM answer('POST', '/auth/mfa/backup-codes/regenerate', NULL, :'token') a;
SELECT a->>'status' AS status, jsonb_array_length(a->'body') AS codes FROM answer('POST', '/auth/mfa/backup-codes/regenerate', '{}', :'token') a;
SELECT request('POST', '/auth/mfa/backup-codes/regenerate', '{"code": "123456"}', :'token') AS code_without_an_app,
	request('POST', '/auth/mfa/backup-codes/regenerate', '{"code": 1}', :'token') AS no_string;
SELECT count(*) FROM authfort.backup_codes WHERE user_id = :'cyd';
SELECT request('POST', '/auth/passkeys/register/options', NULL, :'token') AS another_passkey,
	request('POST', '/auth/mfa/init', NULL, :'token') AS an_app;
UPDATE authfort.sessions SET aal = 1 WHERE user_id = :'cyd';
SELECT request('POST', '/auth/mfa/backup-codes/regenerate', NULL, :'token') AS new_codes_with_one_factor;
SELECT authfort.mfa_regenerate_backup_codes(:'cyd', NULL, s.id)->>'error' AS in_the_session,
	jsonb_array_length(authfort.mfa_regenerate_backup_codes(:'cyd')->'backup_codes') AS for_the_application
	FROM authfort.sessions s WHERE user_id = :'cyd';
SELECT a->>'status' AS status, authfort.verify_jwt(a#>>'{body,tokens,access_token}')->'aal' AS aal FROM answer('POST', '/auth/mfa/step-up',
	jsonb_build_object('credential', device.sign_in(answer('POST', '/auth/passkeys/step-up/options', NULL, :'token')->'body', '\x0c', :'cyd')),
	:'token') a;
SELECT request('DELETE', '/auth/me', NULL, :'token') AS deletion;
SELECT count(*) FROM authfort.passkeys WHERE user_id = :'cyd';

-- who has an app needs its code; who has no second factor has no codes
SELECT authfort.create_user('dan@example.org', 'correct horse')->>'id' AS dan \gset
SELECT authfort.login('dan@example.org', 'correct horse')#>>'{tokens,access_token}' AS token \gset
SELECT authfort.mfa_regenerate_backup_codes(:'dan')->>'error' AS nothing,
	request('POST', '/auth/mfa/backup-codes/regenerate', NULL, :'token') AS without_code,
	request('POST', '/auth/mfa/backup-codes/regenerate', '{"code": "1"}', :'token') AS with_code;
SELECT authfort.mfa_regenerate_backup_codes(NULL);

-- Android apps: exactly those that are listed
SET authfort.webauthn_origins = 'android:apk-key-hash:x';
SET authfort.webauthn_origins = 'android:apk-key-hash:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAB';
SET authfort.webauthn_origins = 'android:apk-key-hash:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=';
SET authfort.webauthn_origins = 'android:apk-key-hash:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA';
SET authfort.webauthn_origins = 'Android:apk-key-hash:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA';
SET authfort.cors_origins = 'android:apk-key-hash:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA';
SET authfort.webauthn_origins = ' android:apk-key-hash:mYQ7zIEB0i6f_dM-7Dd2EFM9FTXBnvg0SXyBzCcFCBE , https://App.example.org,https://example.com';
SHOW authfort.webauthn_origins;
CREATE FUNCTION from_origin(origin text) RETURNS text LANGUAGE sql AS $$
	SELECT outcome(authfort.passkey_login_finish(device.sign_in(authfort.passkey_login_begin(), '\x0b',
		(SELECT id FROM authfort.users WHERE email = 'bob@example.org'), 0, jsonb_build_object('origin', origin)))) $$;
SELECT from_origin('android:apk-key-hash:mYQ7zIEB0i6f_dM-7Dd2EFM9FTXBnvg0SXyBzCcFCBE') AS listed,
	from_origin('android:apk-key-hash:MYQ7zIEB0i6f_dM-7Dd2EFM9FTXBnvg0SXyBzCcFCBE') AS other_case,
	from_origin('android:apk-key-hash:mYQ7zIEB0i6f_dM-7Dd2EFM9FTXBnvg0SXyBzCcFCBE=') AS padded,
	from_origin('android:apk-key-hash:') AS no_hash, from_origin('https://app.example.org') AS web;
SELECT body FROM authfort.http('GET', '/.well-known/webauthn');
