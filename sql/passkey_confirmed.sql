-- A passkey that was registered without verifying its user counts for two factors once another factor has confirmed
-- it: before it or after it, in one sign-in.
\set ECHO none
\i sql/include/device.sql
\set ECHO all
SET client_min_messages = warning;
SET authfort.webauthn_rp_id = 'example.org';
SET authfort.webauthn_origins = 'https://app.example.org';
CREATE FUNCTION outcome(r jsonb) RETURNS text LANGUAGE sql AS $$
	SELECT CASE WHEN r ? 'error' THEN concat_ws(' ', r->>'error', r->>'check')
		WHEN r ? 'mfa_token' THEN 'challenge ' || (r->>'methods')
		ELSE concat_ws(' ', 'aal', authfort.verify_jwt(r#>>'{tokens,access_token}')->>'aal',
			authfort.verify_jwt(r#>>'{tokens,access_token}')->>'amr') END $$;
CREATE FUNCTION register(who uuid, passkey bytea, flags integer) RETURNS jsonb LANGUAGE sql AS $$
	SELECT authfort.passkey_register_finish(who, device.register(authfort.passkey_register_begin(who), passkey,
	jsonb_build_object('flags', flags))) $$;
CREATE FUNCTION sign_in(who uuid, passkey bytea, flags integer DEFAULT 5) RETURNS jsonb LANGUAGE sql AS $$
	SELECT authfort.passkey_login_finish(device.sign_in(authfort.passkey_login_begin(), passkey, who, 0,
	jsonb_build_object('flags', flags))) $$;
CREATE FUNCTION mfa_verify(token text, who uuid, passkey bytea, flags integer) RETURNS jsonb LANGUAGE sql AS $$
	SELECT authfort.passkey_mfa_finish(token, device.sign_in(authfort.passkey_mfa_begin(token), passkey, who, 0,
	jsonb_build_object('flags', flags))) $$;
SELECT authfort.create_user('ada@example.org', 'correct horse')->>'id' AS ada \gset
SELECT authfort.create_user('bob@example.org', 'correct horse')->>'id' AS bob \gset

-- first the passkey, then a backup code
SELECT r->'backup_codes' AS codes FROM register(:'ada', '\x01', 65) r \gset
SELECT register(:'ada', '\x02', 65)->>'id' AS another;
SELECT outcome(sign_in(:'ada', '\x01', 1)) AS unverified;
SELECT sign_in(:'ada', '\x01') AS challenge \gset
SELECT outcome(:'challenge') AS verified;
SELECT outcome(authfort.complete_mfa_login(:'challenge'::jsonb->>'mfa_token', 'aaaaa-aaaaa')) AS wrong_code;
SELECT outcome(sign_in(:'ada', '\x01')) AS after_a_wrong_code;
SELECT outcome(authfort.complete_mfa_login(:'challenge'::jsonb->>'mfa_token', :'codes'::jsonb->>0)) AS right_code;
SELECT outcome(sign_in(:'ada', '\x01')) AS confirmed, outcome(sign_in(:'ada', '\x02')) AS the_other_one;
SELECT outcome(sign_in(:'ada', '\x01', 1)) AS still_has_to_verify;

-- a challenge confirms the passkey that it began with, and no other that was registered with its id since
SELECT sign_in(:'ada', '\x02')->>'mfa_token' AS token \gset
SELECT authfort.delete_passkey(:'ada', '\x02') AS removed;
SELECT register(:'ada', '\x02', 65)->>'id' AS registered_again;
SELECT outcome(authfort.complete_mfa_login(:'token', :'codes'::jsonb->>1)) AS right_code;
SELECT outcome(sign_in(:'ada', '\x02')) AS not_confirmed;

-- a challenge that began with a password confirms none but the passkey that completes it
SELECT authfort.login('ada@example.org', 'correct horse')->>'mfa_token' AS token \gset
SELECT outcome(authfort.complete_mfa_login(:'token', :'codes'::jsonb->>2)) AS by_code;
SELECT outcome(sign_in(:'ada', '\x02')) AS not_confirmed;
SELECT authfort.login('ada@example.org', 'correct horse')->>'mfa_token' AS token \gset
SELECT outcome(mfa_verify(:'token', :'ada', '\x02', 1)) AS by_passkey_unverified;
SELECT outcome(sign_in(:'ada', '\x02')) AS not_confirmed;
SELECT authfort.login('ada@example.org', 'correct horse')->>'mfa_token' AS token \gset
SELECT outcome(mfa_verify(:'token', :'ada', '\x02', 5)) AS by_passkey;
SELECT outcome(sign_in(:'ada', '\x02')) AS confirmed;

-- a sign-in that is refused after the second factor confirms nothing
SELECT r->'backup_codes' AS codes FROM register(:'bob', '\x03', 65) r \gset
SELECT sign_in(:'bob', '\x03')->>'mfa_token' AS token \gset
SET authfort.require_verified_email = on;
SELECT outcome(authfort.complete_mfa_login(:'token', :'codes'::jsonb->>0)) AS refused;
RESET authfort.require_verified_email;
SELECT outcome(sign_in(:'bob', '\x03')) AS not_confirmed;
SELECT credential_id, user_verified FROM authfort.passkeys ORDER BY credential_id;
