-- Passkeys, with an authenticator in SQL that signs whatever it is asked to: every check has a case that fails
-- without it.
\set ECHO none
\i sql/include/device.sql
\set ECHO all
SET client_min_messages = warning;
SELECT authfort.create_user('ada@example.org', 'correct horse', name => 'Ada')->>'id' AS ada \gset
SELECT authfort.create_user('bob@example.org', 'correct horse')->>'id' AS bob \gset

-- not configured
SELECT authfort.passkey_register_begin(:'ada')->>'error' AS register,
	authfort.passkey_login_begin()->>'error' AS login,
	authfort.passkey_register_finish(:'ada', '{}')->>'error' AS finish,
	authfort.passkey_login_finish('{}')->>'error' AS login_finish;
SELECT status, body FROM authfort.http('GET', '/.well-known/webauthn');
SET authfort.webauthn_rp_id = 'Example.org';
SHOW authfort.webauthn_rp_id;
SELECT authfort.passkey_login_begin()->>'error' AS without_origins;
SET authfort.webauthn_origins = 'https://app.example.org, https://example.org';
SET authfort.webauthn_rp_name = 'Example';

-- the options
SELECT jsonb_pretty(jsonb_set(jsonb_set(authfort.passkey_register_begin(:'ada'), '{challenge}', '"random"'),
	'{user,id}', '"the id"'));
SELECT jsonb_pretty(jsonb_set(authfort.passkey_login_begin(), '{challenge}', '"random"'));
SELECT authfort.passkey_login_begin('ada@example.org') - 'challenge' = authfort.passkey_login_begin('nobody@example.org') - 'challenge' AS same_for_any_email,
	authfort.passkey_login_begin()->>'challenge' <> authfort.passkey_login_begin()->>'challenge' AS random;
SELECT count(*) AS rows_of_a_beginning FROM authfort.spent_ids;

-- what is refused at registration, and by which check
CREATE FUNCTION outcome(r jsonb) RETURNS text LANGUAGE sql AS
	$$ SELECT coalesce((r->>'error') || coalesce(' ' || (r->>'check'), ''), 'accepted') $$;
CREATE FUNCTION register(wrong jsonb, id bytea DEFAULT '\x0101', who uuid DEFAULT NULL) RETURNS text
	LANGUAGE plpgsql AS $$
DECLARE
	u uuid := coalesce(who, (SELECT users.id FROM authfort.users WHERE email = 'ada@example.org'));
BEGIN
	RETURN outcome(authfort.passkey_register_finish(u, device.register(authfort.passkey_register_begin(u), id,
	wrong)));
END $$;
SELECT n, what, register(wrong::jsonb) FROM (VALUES
	(1, 'type', '{"type": "webauthn.get"}'),
	(2, 'challenge of nobody', '{"challenge": "AAAA"}'),
	(3, 'challenge changed', format('{"challenge": "%s"}', repeat('A', 103))),
	(4, 'challenge no string', '{"challenge": 7}'),
	(5, 'origin of another site', '{"origin": "https://evil.example"}'),
	(6, 'origin that begins alike', '{"origin": "https://app.example.org.evil.example"}'),
	(7, 'origin with another port', '{"origin": "https://app.example.org:8443"}'),
	(8, 'origin of another scheme', '{"origin": "http://app.example.org"}'),
	(9, 'origin that is the list', '{"origin": "https://app.example.org,https://example.org"}'),
	(10, 'crossOrigin', '{"crossOrigin": true}'),
	(11, 'crossOrigin no boolean', '{"crossOrigin": "false"}'),
	(12, 'topOrigin', '{"topOrigin": "https://evil.example"}'),
	(13, 'rpIdHash', '{"rp": "app.example.org"}'),
	(14, 'UP', '{"flags": 68}'),
	(15, 'BS without BE', '{"flags": 85}'),
	(16, 'no credential', '{"flags": 5}'),
	(17, 'trailing bytes', '{"trailing": "00"}'),
	(18, 'extensions announced but missing', '{"flags": 197}'),
	(19, 'extensions no map', '{"flags": 197, "trailing": "8100"}'),
	(20, 'extensions and more', '{"flags": 197, "trailing": "a000"}'),
	(21, 'id of another credential', '{"innerId": "0202"}'),
	(22, 'empty id', '{"innerId": ""}'),
	(23, 'rawId differs', '{"outer": {"rawId": "AgI"}}'),
	(24, 'type of the credential', '{"outer": {"type": "password"}}'),
	(25, 'no type', '{"outer": {"type": null}}'),
	(26, 'id no string', '{"outer": {"id": 1, "rawId": 1}}'),
	(27, 'id padded', '{"outer": {"id": "AQE=", "rawId": "AQE="}}'),
	(28, 'id in the other alphabet', '{"outer": {"id": "+/8", "rawId": "+/8"}}'),
	(29, 'id with stray bits', '{"outer": {"id": "AQF", "rawId": "AQF"}}'),
	(30, 'id with a space', '{"outer": {"id": "AQE ", "rawId": "AQE "}}'),
	(31, 'id too long', format('{"outer": {"id": "%1$s", "rawId": "%1$s"}}', repeat('A', 1366))),
	(32, 'response no object', '{"outer": {"response": []}}'),
	(33, 'response missing', '{"outer": {"response": null}}'),
	(34, 'clientDataJSON no string', '{"response": {"clientDataJSON": {}}}'),
	(35, 'clientDataJSON no JSON', '{"clientData": "{"}'),
	(36, 'clientDataJSON no object', '{"clientData": "[]"}'),
	(37, 'clientDataJSON empty object', '{"clientData": "{}"}'),
	(38, 'clientDataJSON with a member twice',
	'{"clientData": "{\"type\":\"webauthn.create\",\"type\":\"webauthn.create\"}"}'),
	(39, 'clientDataJSON with an inner member twice',
	'{"clientData": "{\"type\":\"webauthn.create\",\"x\":{\"a\":1,\"a\":2}}"}'),
	(40, 'clientDataJSON deep', format('{"clientData": "%s"}', repeat('[', 5000))),
	(41, 'clientDataJSON huge', format('{"clientData": "%s"}', repeat('x', 1000000))),
	(42, 'clientDataJSON not UTF-8', '{"response": {"clientDataJSON": "eyJ0eXBlIjoi_yJ9"}}'),
	(43, 'attestationObject huge', format('{"object": "%s"}', repeat('00', 1000000))),
	(44, 'attestationObject no string', '{"response": {"attestationObject": null}}'),
	(45, 'attestationObject of nothing', '{"response": {"attestationObject": ""}}'),
	(46, 'attestationObject cut', '{"object": "a363666d74646e6f6e65"}'),
	(47, 'attestationObject of indefinite length', '{"object": "bf63666d74646e6f6e65ff"}'),
	(48, 'attestationObject deep', format('{"object": "%s00"}', repeat('81', 10000))),
	(49, 'attestationObject with a huge array', '{"object": "9bffffffffffffffff"}'),
	(50, 'attestationObject with a huge string', '{"object": "5bffffffffffffffff00"}'),
	(51, 'attestationObject with a tag', '{"object": "c0a0"}'),
	(52, 'statement of format none', '{"statement": "a1616101"}'),
	(53, 'statement with a key twice', '{"fmt": "other", "statement": "a2616101616102"}'),
	(54, 'statement with a key of another type', '{"fmt": "other", "statement": "a1410001"}'),
	(55, 'statement with too many pairs', format('{"fmt": "other", "statement": "b841%s"}',
	(SELECT string_agg(encode(device.cbor(i) || '\x00', 'hex'), '') FROM generate_series(1, 65) i))),
	(56, 'self attestation with a wrong signature', '{"fmt": "packed", "statement": "a263616c673901006373696741aa"}'),
	(57, 'self attestation of another algorithm', '{"fmt": "packed", "alg": -7}'),
	(58, 'self attestation without a signature', '{"fmt": "packed", "statement": "a163616c67390100"}')
) AS cases (n, what, wrong) ORDER BY n;

-- keys
CREATE FUNCTION cose(VARIADIC pairs text[]) RETURNS text LANGUAGE sql AS
	$$ SELECT encode(device.head(5, array_length(pairs, 1) / 2), 'hex') || array_to_string(pairs, '') $$;
CREATE FUNCTION bytes_of(hex text) RETURNS text LANGUAGE sql AS $$
	SELECT encode(device.cbor(decode(hex, 'hex')), 'hex') $$;
-- labels: 01 kty, 03 alg, 20 -1, 21 -2, 22 -3; algorithms: 26 ES256, 27 EdDSA, 390100 RS256
\set x 'afefa16f97ca9b2d23eb86ccb64098d20db90856062eb249c33a9b672f26df61'
\set y '930a56b87a2fca66334b03458abf879717c12cc68ed73290af2e2664796b9220'
SELECT n, what, register(jsonb_build_object('key', key), set_byte('\xee00', 1, n)) FROM (VALUES
	(1, 'point on P-256', cose('01', '02', '03', '26', '20', '01', '21', bytes_of(:'x'), '22', bytes_of(:'y'))),
	(2, 'point beside P-256', cose('01', '02', '03', '26', '20', '01', '21', bytes_of(:'x'), '22', bytes_of(:'x'))),
	(3, 'point of zeros', cose('01', '02', '03', '26', '20', '01', '21', bytes_of(repeat('00', 32)), '22',
	bytes_of(repeat('00', 32)))),
	(4, 'coordinate cut', cose('01', '02', '03', '26', '20', '01', '21', bytes_of(:'x'), '22', bytes_of('00'))),
	(5, 'compressed point', cose('01', '02', '03', '26', '20', '01', '21', bytes_of(:'x'), '22', 'f4')),
	(6, 'curve of another number', cose('01', '02', '03', '26', '20', '02', '21', bytes_of(:'x'), '22',
	bytes_of(:'y'))),
	(7, 'type of another number', cose('01', '03', '03', '26', '20', '01', '21', bytes_of(:'x'), '22',
	bytes_of(:'y'))),
	(8, 'algorithm that was not asked for', cose('01', '02', '03', '3822', '20', '01', '21', bytes_of(:'x'), '22',
	bytes_of(:'y'))),
	(9, 'algorithm of another key', cose('01', '02', '03', '27', '20', '01', '21', bytes_of(:'x'), '22',
	bytes_of(:'y'))),
	(10, 'a member more', cose('01', '02', '03', '26', '20', '01', '21', bytes_of(:'x'), '22', bytes_of(:'y'), '04',
	'80')),
	(11, 'label twice', cose('01', '02', '1801', '02', '03', '26', '20', '01', '21', bytes_of(:'x'))),
	(12, 'Ed25519', cose('01', '01', '03', '27', '20', '06', '21',
	bytes_of('d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a'))),
	(13, 'Ed25519 of small order', cose('01', '01', '03', '27', '20', '06', '21',
	bytes_of('0100000000000000000000000000000000000000000000000000000000000000'))),
	(14, 'Ed25519 on another curve', cose('01', '01', '03', '27', '20', '07', '21',
	bytes_of('d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a'))),
	(15, 'RSA of 2048 bits', encode(device.public_key(), 'hex')),
	(16, 'RSA of 2047 bits', cose('01', '03', '03', '390100', '20', bytes_of('7f' || repeat('ff', 255)), '21',
	bytes_of('010001'))),
	(17, 'RSA with an even modulus', cose('01', '03', '03', '390100', '20', bytes_of(repeat('fe', 256)), '21',
	bytes_of('010001'))),
	(18, 'RSA with exponent 1', cose('01', '03', '03', '390100', '20', bytes_of(repeat('ff', 256)), '21',
	bytes_of('01'))),
	(19, 'RSA with a long exponent', cose('01', '03', '03', '390100', '20', bytes_of(repeat('ff', 256)), '21',
	bytes_of('0100000001'))),
	(20, 'RSA of 8200 bits', cose('01', '03', '03', '390100', '20', bytes_of(repeat('ff', 1025)), '21',
	bytes_of('010001'))),
	(21, 'no map', '00')
) AS cases (n, what, key) ORDER BY n;
SELECT authfort.delete_passkey(:'ada', id) FROM authfort.list_passkeys(:'ada');

-- attestations
SELECT n, what, register(wrong::jsonb, set_byte('\xaa00', 1, n)) FROM (VALUES
	(1, 'none', '{}'), (2, 'self', '{"fmt": "packed"}'),
	(3, 'with a certificate', '{"fmt": "packed", "statement": "a16378356380"}'),
	(4, 'unknown', '{"fmt": "tpm", "statement": "a1616101"}'), (5, 'synced', '{"flags": 93}'),
	(6, 'without UV', '{"flags": 65}'), (7, 'with extensions', '{"flags": 197, "trailing": "a16161f5"}')
) AS cases (n, what, wrong) ORDER BY n;
SELECT credential_id, algorithm, sign_count, transports, aaguid, attestation, backup_eligible, backed_up,
	user_verified, name, last_used_at FROM authfort.passkeys ORDER BY credential_id;
SELECT authfort.delete_passkey(:'ada', id) FROM authfort.list_passkeys(:'ada');
SET authfort.webauthn_user_verification = 'required';
SELECT register('{"flags": 65}') AS without_uv, register('{"flags": 69}') AS with_uv;
RESET authfort.webauthn_user_verification;
SELECT authfort.delete_passkey(:'ada', id) FROM authfort.list_passkeys(:'ada');

-- the challenge: of this user, of this ceremony, once, for five minutes
SELECT authfort.passkey_register_begin(:'ada') AS options \gset
SELECT outcome(authfort.passkey_register_finish(:'bob', device.register(:'options', '\x01'))) AS of_another_user,
	outcome(authfort.passkey_register_finish(:'ada', device.register(authfort.passkey_login_begin(),
	'\x01'))) AS of_a_sign_in;
SELECT authfort.passkey_register_finish(:'ada',
	device.register(:'options', '\x01', '{"aaguid": "bada5566a7aa401fbd9645619a55120d"}')) AS added \gset
SELECT :'added'::jsonb - 'created_at' - 'backup_codes' AS added,
	jsonb_array_length(:'added'::jsonb->'backup_codes') AS backup_codes;
SELECT outcome(authfort.passkey_register_finish(:'ada', device.register(:'options', '\x02'))) AS a_second_time,
	outcome(authfort.passkey_register_finish(:'ada', device.register(authfort.passkey_register_begin(:'ada'),
	'\x01'))) AS id_twice,
	outcome(authfort.passkey_register_finish(:'bob', device.register(authfort.passkey_register_begin(:'bob'),
	'\x01'))) AS id_of_another_user;
SELECT authfort.passkey_register_begin(:'ada')->'excludeCredentials' AS excluded;
SELECT DISTINCT purpose, expires_at - now() BETWEEN interval '4 min' AND interval '5 min' AS lasts
	FROM authfort.spent_ids;
SELECT authfort.passkey_register_finish(:'ada', device.register(authfort.passkey_register_begin(:'ada'), '\x03'),
	'  My  key ')->>'name' AS name,
	outcome(authfort.passkey_register_finish(:'ada', device.register(authfort.passkey_register_begin(:'ada'), '\x04'),
	repeat('x', 256))) AS too_long,
	outcome(authfort.passkey_register_finish(:'ada', device.register(authfort.passkey_register_begin(:'ada'), '\x04'),
	E'a\u202eb')) AS invisible;
-- an expired challenge: UP is missing, so the answer changes when it expires
SET authfort.webauthn_timeout = '3s';
SELECT set_config('test.options', authfort.passkey_register_begin(:'ada')::text, false) \g /dev/null
RESET authfort.webauthn_timeout;
DO $$
DECLARE
	response jsonb := device.register(current_setting('test.options')::jsonb, '\x04', '{"flags": 64}');
	ada uuid := (SELECT users.id FROM authfort.users WHERE email = 'ada@example.org');
BEGIN
	FOR i IN 1 .. 100000 LOOP
		IF i = 1 THEN
			RAISE WARNING 'at first: %', outcome(authfort.passkey_register_finish(ada, response));
		END IF;
		EXIT WHEN outcome(authfort.passkey_register_finish(ada, response)) = 'invalid_passkey challenge';
	END LOOP;
END $$;

-- signing in
CREATE FUNCTION sign_in(wrong jsonb DEFAULT '{}', counter bigint DEFAULT 0, id bytea DEFAULT '\x01') RETURNS text
	LANGUAGE sql AS $$
	SELECT outcome(authfort.passkey_login_finish(device.sign_in(authfort.passkey_login_begin(), id,
		(SELECT users.id FROM authfort.users WHERE email = 'ada@example.org'), counter, wrong), 'test',
		'192.0.2.1')) $$;
SELECT r->'user'->>'email' AS email, r->'tokens'->>'token_type' AS tokens,
	authfort.verify_jwt(r->'tokens'->>'access_token')->'amr' AS amr,
	authfort.verify_jwt(r->'tokens'->>'access_token')->'aal' AS aal
	FROM authfort.passkey_login_finish(device.sign_in(authfort.passkey_login_begin(), '\x01', :'ada'), 'test',
	'192.0.2.1') r;
SELECT last_used_at IS NOT NULL AS used FROM authfort.list_passkeys(:'ada');
SELECT n, what, sign_in(wrong::jsonb) FROM (VALUES
	(1, 'type', '{"type": "webauthn.create"}'),
	(2, 'challenge of nobody', '{"challenge": "AAAA"}'),
	(3, 'challenge of a registration',
	format('{"challenge": %s}', authfort.passkey_register_begin(:'ada')->'challenge')),
	(4, 'origin of another site', '{"origin": "https://evil.example"}'),
	(5, 'crossOrigin', '{"crossOrigin": true}'),
	(6, 'topOrigin', '{"topOrigin": "https://evil.example"}'),
	(7, 'rpIdHash', '{"rp": "evil.example"}'),
	(8, 'UP', '{"flags": 4}'),
	(9, 'UV', '{"flags": 1}'),
	(10, 'BS without BE', '{"flags": 21}'),
	(11, 'BE changed', '{"flags": 13}'),
	(12, 'a credential in it', '{"flags": 69}'),
	(13, 'trailing bytes', '{"trailing": "00"}'),
	(14, 'extensions announced but missing', '{"flags": 133}'),
	(15, 'extensions no map', '{"flags": 133, "trailing": "00"}'),
	(16, 'extensions and more', '{"flags": 133, "trailing": "a000"}'),
	(17, 'signature of nothing', '{"signature": "00"}'),
	(18, 'signature changed', format('{"signature": "%s"}', repeat('00', 256))),
	(19, 'signature too long', format('{"signature": "%s"}', repeat('00', 1025))),
	(20, 'rawId differs', '{"outer": {"rawId": "Ag"}}'),
	(21, 'id of another passkey', '{"outer": {"id": "CQ", "rawId": "CQ"}}'),
	(22, 'type of the credential', '{"outer": {"type": "password"}}'),
	(23, 'no user handle', '{"response": {"userHandle": null}}'),
	(24, 'user handle of another user', format('{"response": {"userHandle": "%s"}}',
	device.base64url(uuid_send(:'bob')))),
	(25, 'user handle cut', '{"response": {"userHandle": "AAAA"}}'),
	(26, 'user handle no string', '{"response": {"userHandle": 1}}'),
	(27, 'user handle too long', format('{"response": {"userHandle": "%s"}}', repeat('A', 100))),
	(28, 'authenticatorData cut', '{"response": {"authenticatorData": "AAAA"}}'),
	(29, 'authenticatorData huge', format('{"response": {"authenticatorData": "%s"}}', repeat('A', 1000000))),
	(30, 'with extensions', '{"flags": 133, "trailing": "a16161f5"}'),
	(31, 'members that nobody knows', '{"outer": {"x": {}}, "response": {"y": [1]}}')
) AS cases (n, what, wrong) ORDER BY n;
SELECT n, outcome(authfort.passkey_login_finish(j::jsonb))
	FROM unnest(ARRAY['{}', '[]', '"x"', 'null', '{"id": []}', '{"response": {}}']) WITH ORDINALITY AS t (j, n);
SELECT payload->>'check' AS failed_login, count(*), bool_and(payload->>'email' = 'ada@example.org'
	AND ip_address = '192.0.2.1') AS who FROM authfort.events WHERE event = 'login_failed' GROUP BY 1 ORDER BY 1;

-- once
SELECT device.sign_in(authfort.passkey_login_begin(), '\x01', :'ada') AS response \gset
SELECT outcome(authfort.passkey_login_finish(:'response')) AS once;
SELECT outcome(authfort.passkey_login_finish(:'response')) AS twice;

-- the counter
SELECT sign_in(counter => 5) AS first_5;
SELECT sign_in(counter => 5) AS again_5;
SELECT sign_in(counter => 4) AS then_4;
SELECT sign_in(counter => 0) AS then_0;
SELECT sign_in(counter => 4294967295) AS highest;
SELECT sign_count FROM authfort.passkeys WHERE credential_id = '\x01';
SET authfort.passkey_counter_action = 'record';
SELECT sign_in(counter => 6) AS recorded_6;
SELECT sign_count FROM authfort.passkeys WHERE credential_id = '\x01';
RESET authfort.passkey_counter_action;
SELECT payload->>'passkey_id' AS id, payload->>'stored' AS stored, payload->>'received' AS received
	FROM authfort.events WHERE event = 'passkey_counter_anomaly' ORDER BY events.id;
UPDATE authfort.passkeys SET sign_count = 0;

-- a passkey that was registered without verifying the user is one factor
SELECT register('{"flags": 65}', '\x07');
SELECT authfort.passkey_login_finish(device.sign_in(authfort.passkey_login_begin(), '\x07', :'ada')) AS challenge \gset
SELECT :'challenge'::jsonb->'mfa_required' AS mfa_required, :'challenge'::jsonb->'methods' AS methods,
	outcome(authfort.passkey_mfa_begin(:'challenge'::jsonb->>'mfa_token')) AS passkey_again;
SELECT authfort.verify_jwt(r->'tokens'->>'access_token')->'amr' AS amr
	FROM authfort.complete_mfa_login(:'challenge'::jsonb->>'mfa_token', :'added'::jsonb->'backup_codes'->>0) r;
-- which has confirmed it (sql/passkey_confirmed.sql); what follows needs one that was not
UPDATE authfort.passkeys SET user_verified = false WHERE user_verified AND credential_id = '\x07'
	RETURNING 'confirmed' AS passkey;

-- other states of the user
SELECT authfort.ban_user(:'ada');
SELECT sign_in() AS banned;
SELECT authfort.unban_user(:'ada');

-- renaming and removing
SELECT authfort.rename_passkey(:'ada', '\x01', 'Phone') AS renamed, authfort.rename_passkey(:'bob', '\x01',
	'Mine') AS of_another_user, authfort.rename_passkey(:'ada', '\x99', 'x') AS unknown;
SELECT authfort.rename_passkey(:'ada', '\x01', '');
SELECT authfort.rename_passkey('00000000-0000-0000-0000-000000000000', '\x01', 'x');
SELECT name FROM authfort.list_passkeys(:'ada');
SELECT authfort.delete_passkey(:'bob', '\x01') AS of_another_user, authfort.delete_passkey(:'ada', '\x03') AS own,
	authfort.delete_passkey(:'ada', '\x03') AS again;
SELECT authfort.delete_passkey('00000000-0000-0000-0000-000000000000', '\x01');
SELECT sign_in(id => '\x03') AS removed;
-- never the last way in: a password, a verified mailbox, another passkey that signs in
UPDATE authfort.users SET password_hash = NULL WHERE id = :'ada';
SELECT authfort.delete_passkey(:'ada', '\x01');
SELECT authfort.update_user(:'ada', '{"email_verified": true}')->>'email_verified' AS verified;
SELECT authfort.delete_passkey(:'ada', '\x01') AS with_a_mailbox;
SELECT register('{}', '\x01');
UPDATE authfort.users SET email_verified = false WHERE id = :'ada';
SELECT register('{}', '\x08');
SELECT authfort.delete_passkey(:'ada', '\x08') AS with_another;
SELECT authfort.delete_passkey(:'ada', '\x01');
SELECT event, payload - '{user_id,timestamp,ip_address,user_agent}'::text[] AS payload FROM authfort.events
	WHERE event LIKE 'passkey\_%' AND event <> 'passkey_counter_anomaly'
	AND payload->>'passkey_id' IN ('CA', 'Aw', 'AQ') ORDER BY id;

-- limits
INSERT INTO authfort.passkeys (user_id, credential_id, public_key, algorithm, sign_count, aaguid, attestation,
	backup_eligible, backed_up, user_verified, name, created_at)
	SELECT :'bob', int4send(i), '\x00', -7, 0, gen_random_uuid(), 'none', false, false, true, 'x', now()
	FROM generate_series(1, 49) i;
SELECT authfort.passkey_register_begin(:'bob') AS options \gset
SELECT outcome(authfort.passkey_register_finish(:'bob', device.register(:'options', '\x31'))) AS the_fiftieth,
	authfort.passkey_register_begin(:'bob')->>'error' AS begin_one_more;
SELECT outcome(authfort.passkey_register_finish(:'bob', device.register(:'options', '\x32'))) AS one_more;
-- a stored key that is invalid
SELECT outcome(authfort.passkey_login_finish(device.sign_in(authfort.passkey_login_begin(), int4send(1),
	:'bob'))) AS not_a_key;

-- deleted with the user
SELECT authfort.delete_user(:'bob');
SELECT count(*) AS of_bob FROM authfort.passkeys WHERE user_id = :'bob';
SELECT outcome(authfort.passkey_login_finish(device.sign_in(authfort.passkey_login_begin(), '\x31',
	:'bob'))) AS of_a_deleted_user;

-- and with what a stranger left in the account of another mailbox
SELECT authfort.signup('eve@example.org', 'correct horse')->'user'->>'id' AS eve \gset
SELECT register('{}', '\x66', :'eve');
SELECT authfort.reset_password(authfort.create_password_reset_token('eve@example.org'),
	'battery staple')->>'ok' AS reset;
SELECT count(*) AS of_eve FROM authfort.passkeys WHERE user_id = :'eve';

-- as the second factor
SELECT authfort.create_user('gus@example.org', 'correct horse')->>'id' AS gus \gset
SELECT register('{"flags": 65}', '\x71', :'gus') AS without_verification;
CREATE FUNCTION challenge() RETURNS text LANGUAGE sql AS $$
	SELECT authfort.login('gus@example.org', 'correct horse')->>'mfa_token' $$;
CREATE FUNCTION second_factor(token text, wrong jsonb DEFAULT '{}', id bytea DEFAULT '\x71',
	options jsonb DEFAULT NULL) RETURNS text LANGUAGE sql AS $$
	SELECT outcome(authfort.passkey_mfa_finish(token,
	device.sign_in(coalesce(options, authfort.passkey_mfa_begin(token)), id,
		(SELECT users.id FROM authfort.users WHERE email = 'gus@example.org'), 0, wrong), 'test', '192.0.2.1')) $$;
SELECT mfa_enabled FROM authfort.users WHERE id = :'gus';
SELECT authfort.login('gus@example.org', 'correct horse') - 'mfa_token' AS challenge;
SELECT challenge() AS token \gset
SELECT authfort.passkey_mfa_begin(:'token') - 'challenge' AS options;
SELECT n, what, second_factor(:'token', wrong::jsonb, id) FROM (VALUES
	(1, 'type', '{"type": "webauthn.create"}', '\x71'::bytea),
	(2, 'origin', '{"origin": "https://evil.example"}', '\x71'),
	(3, 'UP', '{"flags": 4}', '\x71'),
	(4, 'signature', '{"signature": "00"}', '\x71'),
	(5, 'user handle of another user', format('{"response": {"userHandle": "%s"}}',
	device.base64url(uuid_send(:'ada'))), '\x71'),
	(6, 'passkey of another user', '{}', '\x01')
) AS cases (n, what, wrong, id) ORDER BY n;
SELECT second_factor(:'token', options => authfort.passkey_login_begin()) AS challenge_of_a_sign_in,
	second_factor(:'token', options => authfort.passkey_mfa_begin(challenge())) AS challenge_of_another_token,
	second_factor('x') AS no_token, outcome(authfort.passkey_mfa_begin(NULL)) AS null_token;
SELECT authfort.passkey_mfa_begin(:'token') AS options \gset
SET authfort.webauthn_user_verification = 'required';
SELECT authfort.passkey_mfa_begin(:'token')->>'userVerification' AS asks,
	second_factor(:'token', '{"flags": 1}') AS without_uv;
RESET authfort.webauthn_user_verification;
SELECT authfort.verify_jwt(r->'tokens'->>'access_token')->'amr' AS amr,
	authfort.verify_jwt(r->'tokens'->>'access_token')->'aal' AS aal
	FROM authfort.passkey_mfa_finish(:'token', device.sign_in(:'options', '\x71', :'gus', 0,
	'{"flags": 1, "response": {"userHandle": null}}')) r;
SELECT second_factor(:'token', options => :'options') AS token_again;
SELECT user_verified AS confirmed FROM authfort.passkeys WHERE credential_id = '\x71';
SELECT second_factor(challenge()) AS with_uv;
SELECT user_verified AS confirmed FROM authfort.passkeys WHERE credential_id = '\x71';
SELECT payload->>'method' AS method, payload->>'reason' AS reason, payload->>'check' AS "check", count(*)
	FROM authfort.events
	WHERE event = 'mfa_failed' AND user_id = :'gus' GROUP BY 1, 2, 3 ORDER BY 1, 2, 3;
-- without the last one there is no second factor
SELECT token_version AS before FROM authfort.users WHERE id = :'gus' \gset
SELECT authfort.delete_passkey(:'gus', '\x71');
SELECT mfa_enabled, token_version - :before AS version_raised, authfort.mfa_status(id) AS status FROM authfort.users
	WHERE id = :'gus';
SELECT outcome(authfort.login('gus@example.org', 'correct horse')) AS login;
-- where a second factor is demanded, a challenge to enrol adds a passkey and signs in
SET authfort.require_mfa = 'all';
SELECT authfort.login('gus@example.org', 'correct horse') - 'mfa_token' AS challenge;
SELECT challenge() AS token \gset
SELECT challenge() AS other_token \gset
SELECT authfort.passkey_register_begin(NULL, mfa_token => :'token') AS options \gset
SELECT outcome(authfort.passkey_register_finish(NULL, device.register(:'options', '\x72'),
	mfa_token => :'other_token')) AS another_challenge,
	outcome(authfort.passkey_register_begin(NULL, mfa_token => 'x')) AS no_token,
	outcome(authfort.passkey_mfa_begin(:'token')) AS no_second_factor_yet;
SELECT r->>'id' AS id, jsonb_array_length(r->'backup_codes') AS backup_codes, r->'user'->>'mfa_enabled' AS mfa_enabled,
	authfort.verify_jwt(r->'tokens'->>'access_token')->'amr' AS amr
	FROM authfort.passkey_register_finish(NULL, device.register(:'options', '\x72'), mfa_token => :'token') r;
SELECT outcome(authfort.passkey_register_finish(NULL, device.register(:'options', '\x73'),
	mfa_token => :'token')) AS again;
RESET authfort.require_mfa;

-- NULL and unknown users raise
SELECT authfort.passkey_register_begin(NULL);
SELECT authfort.passkey_register_begin('00000000-0000-0000-0000-000000000000');
SELECT authfort.passkey_register_finish(:'ada', NULL);
SELECT authfort.passkey_register_finish('00000000-0000-0000-0000-000000000000', '{}');
SELECT authfort.passkey_login_finish(NULL);
SELECT authfort.delete_passkey(:'ada', NULL);
SELECT * FROM authfort.list_passkeys('00000000-0000-0000-0000-000000000000');

-- over HTTP
CREATE FUNCTION request(method text, path text, body jsonb, token text DEFAULT NULL) RETURNS text LANGUAGE sql AS $$
	SELECT concat_ws(' ', status, coalesce(r.body::jsonb->'detail'->>'error', r.body::jsonb->'detail'->0->>'type'),
	r.body::jsonb->'detail'->>'check') FROM authfort.http(method, path,
		headers => jsonb_build_object('content-type', 'application/json', 'authorization', 'Bearer ' || token),
		body => body::text) r $$;
CREATE FUNCTION answer(method text, path text, body jsonb, token text DEFAULT NULL) RETURNS jsonb LANGUAGE sql AS $$
	SELECT r.body::jsonb FROM authfort.http(method, path, headers => jsonb_build_object('content-type',
	'application/json', 'authorization', 'Bearer ' || token), body => body::text) r $$;
SELECT authfort.create_user('fay@example.org', 'correct horse')->>'id' AS fay \gset
SELECT authfort.login('fay@example.org', 'correct horse')#>>'{tokens,access_token}' AS token \gset
SELECT authfort.login('fay@example.org', 'correct horse')#>>'{tokens,access_token}' AS other_token \gset
SELECT request('POST', '/auth/passkeys/register/options', NULL) AS no_token,
	request('POST', '/auth/passkeys/register/verify', '{}', :'token') AS empty,
	request('POST', '/auth/passkeys/register/verify', '{"credential": []}', :'token') AS no_object,
	request('POST', '/auth/passkeys/register/verify', '{"credential": {}}', :'token') AS empty_object,
	request('POST', '/auth/passkeys/login/verify', '{"credential": "x"}') AS no_object_either,
	request('POST', '/auth/passkeys/login/verify', '{"credential": {"id": 1}}') AS wrong;
SELECT status, body FROM authfort.http('POST', '/auth/passkeys/login/verify',
	headers => '{"content-type": "application/json"}', body => '{"credential": {"id": "AQ", "id": "AQ"}}');
SELECT status, body FROM authfort.http('POST', '/auth/passkeys/login/verify',
	headers => '{"content-type": "application/json"}', body => '{"credential": {"id": "' || repeat('A', 70000)
	|| '"}}');
SELECT answer('POST', '/auth/passkeys/register/options', NULL, :'token') AS options \gset
SELECT request('POST', '/auth/passkeys/register/verify',
	jsonb_build_object('credential', device.register(:'options', '\xf1')), :'other_token') AS another_session;
SET authfort.notices = 'passkey_added';
SELECT answer('POST', '/auth/passkeys/register/verify',
	jsonb_build_object('credential', device.register(:'options', '\xf1'), 'name', 'Key'),
	:'token') - 'created_at' - 'backup_codes' AS added;
SELECT answer('POST', '/auth/passkeys/login/verify',
	jsonb_build_object('credential', device.sign_in(answer('POST', '/auth/passkeys/login/options', NULL), '\xf1',
	:'fay')))#>>'{tokens,access_token}' AS token \gset
SELECT authfort.verify_jwt(:'token')->'amr' AS amr;
SELECT p->>'id' AS id, p->>'name' AS name, p->>'last_used_at' IS NOT NULL AS used
	FROM jsonb_array_elements(answer('GET', '/auth/passkeys', NULL, :'token')) p;
SELECT request('PATCH', '/auth/passkeys/8Q', '{"name": "Old key"}', :'token') AS renamed,
	request('PATCH', '/auth/passkeys/8Q', '{"name": null}', :'token') AS no_name, request('PATCH', '/auth/passkeys/8Q',
	'{"name": "\u202e"}', :'token') AS invisible,
	request('PATCH', '/auth/passkeys/AQ', '{"name": "x"}', :'token') AS of_another_user,
	request('PATCH', '/auth/passkeys/+%2F', '{"name": "x"}', :'token') AS malformed;
-- an old sign-in neither adds nor removes
UPDATE authfort.sessions SET auth_time = now() - interval '11 min';
SELECT request('POST', '/auth/passkeys/register/options', NULL, :'token') AS options,
	request('POST', '/auth/passkeys/register/verify', '{"credential": {}}', :'token') AS verify,
	request('DELETE', '/auth/passkeys/8Q', NULL, :'token') AS remove, request('GET', '/auth/passkeys', NULL,
	:'token') AS list;
UPDATE authfort.sessions SET auth_time = now();
SELECT request('DELETE', '/auth/passkeys/AQ', NULL, :'token') AS of_another_user, request('DELETE', '/auth/passkeys/',
	NULL, :'token') AS no_id, request('DELETE', '/auth/passkeys/8Q', NULL, :'token') AS own;
-- admins; without the last second factor, older tokens are no longer valid
SELECT request('GET', '/auth/me', NULL, :'token') AS me;
SELECT authfort.login('fay@example.org', 'correct horse')#>>'{tokens,access_token}' AS token \gset
SELECT authfort.add_role(:'fay', 'admin', false);
SELECT jsonb_array_length(answer('GET', '/auth/admin/users/' || :'ada' || '/passkeys', NULL, :'token')) AS of_ada,
	request('GET', '/auth/admin/users/x/passkeys', NULL, :'token') AS malformed,
	request('DELETE', '/auth/admin/users/' || :'ada' || '/passkeys/AQ', NULL, :'token') AS the_last_way_in,
	request('DELETE', '/auth/admin/users/' || :'ada' || '/passkeys/8Q', NULL, :'token') AS unknown;
-- pages of other domains
SELECT request('GET', '/.well-known/webauthn', NULL) AS all_within;
SET authfort.webauthn_origins = 'https://example.org, https://example.com, https://app.example.org:8443, https://notexample.org, http://[::1]';
SELECT answer('GET', '/.well-known/webauthn', NULL);
SET authfort.webauthn_rp_id = '';
SELECT request('GET', '/.well-known/webauthn', NULL) AS without_a_domain;
-- notices to the user
SELECT kind, user_id = :'fay' AS to_fay, message->>'passkey' AS passkey FROM authfort.take_messages();
