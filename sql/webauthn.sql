-- The WebAuthn specification, by SQL: its test vectors, and rules of form.
--
-- A challenge counts only in the database that has made it, so the vectors are registered with one of this database,
-- and sign with the private keys that the specification prints.  t/043_webauthn_vectors.pl verifies the signatures
-- that it prints.
\set ECHO none
\i sql/include/device.sql
\set ECHO all
SET client_min_messages = warning;
SET authfort.webauthn_rp_id = 'example.org';
SET authfort.webauthn_origins = 'https://example.org';
SELECT authfort.create_user('ada@example.org', 'correct horse')->>'id' AS ada \gset

CREATE TABLE file (line text);
\copy file FROM 't/vectors/webauthn.txt'
CREATE TABLE vector AS SELECT part[1] AS name, decode(part[2], 'hex') AS created, decode(part[3], 'hex') AS object,
	decode(part[4], 'hex') AS got, decode(part[5], 'hex') AS data, NULL::bytea AS id
	FROM file, string_to_array(line, ' ') part WHERE line NOT LIKE '#%';

-- The id follows the fixed 53 bytes of the authenticator data and its own length.
CREATE FUNCTION credential_id(object bytea) RETURNS bytea LANGUAGE sql AS $$
	SELECT substring(object FROM at + 2 FOR get_byte(object, at - 1) * 256 + get_byte(object, at))
	FROM (SELECT position('\x686175746844617461'::bytea IN object) AS p) label,
		LATERAL (SELECT p + 8 + CASE get_byte(object, p + 8) WHEN 88 THEN 2 ELSE 3 END + 54 AS at) l $$;
UPDATE vector SET id = credential_id(object);
SELECT count(*), max(length(id)) FROM vector;

-- What a browser says, with another challenge.
CREATE FUNCTION with_challenge(client_data bytea, options jsonb) RETURNS bytea LANGUAGE sql AS $$
	SELECT convert_to(regexp_replace(convert_from(client_data, 'UTF8'), '"challenge":"[^"]*"',
	'"challenge":' || (options->'challenge')::text), 'UTF8') $$;
CREATE FUNCTION without_iframe(client_data bytea) RETURNS bytea LANGUAGE sql AS $$
	SELECT convert_to(regexp_replace(convert_from(client_data, 'UTF8'),
	',"crossOrigin":true(,"topOrigin":"[^"]*")?', ''), 'UTF8') $$;
CREATE FUNCTION outcome(r jsonb) RETURNS text LANGUAGE sql AS
	$$ SELECT coalesce((r->>'error') || coalesce(' ' || (r->>'check'), ''), 'accepted') $$;
CREATE FUNCTION register(client_data bytea, object bytea, id bytea) RETURNS text LANGUAGE sql AS $$
	SELECT outcome(authfort.passkey_register_finish((SELECT users.id FROM authfort.users), jsonb_build_object('id',
	device.base64url(id), 'rawId', device.base64url(id), 'type', 'public-key', 'response', jsonb_build_object(
	'clientDataJSON', device.base64url(client_data), 'attestationObject', device.base64url(object))))) $$;
CREATE FUNCTION begin() RETURNS jsonb LANGUAGE sql AS
	$$ SELECT authfort.passkey_register_begin(users.id) FROM authfort.users $$;

SELECT name, register(created, object, id) AS as_printed FROM vector ORDER BY name COLLATE "C";
-- a self attestation has signed the printed challenge; ES384, ES512 and Ed448 were not asked for
SELECT name, register(with_challenge(created, begin()), object, id) AS registered FROM vector
	ORDER BY name COLLATE "C";
SELECT vector.name, algorithm, attestation, backup_eligible, backed_up, user_verified, sign_count
	FROM vector LEFT JOIN authfort.passkeys ON credential_id = vector.id ORDER BY vector.name COLLATE "C";
-- what is refused for its iframe is registered without one
SELECT name, register(without_iframe(with_challenge(created, begin())), object, id) AS registered
	FROM vector WHERE name LIKE '%Origin' ORDER BY name COLLATE "C";

-- ECDSA and Ed25519 with the nonce that is given: a signature is then arithmetic without a curve.
CREATE FUNCTION der_integer(bytes bytea) RETURNS bytea LANGUAGE sql AS $$
	SELECT '\x02' || set_byte('\x00', 0, length(n)) || n FROM (SELECT CASE WHEN get_byte(t, 0) > 127 THEN '\x00' || t
	ELSE t END FROM ltrim(bytes, '\x00') t) x (n) $$;
CREATE FUNCTION reversed(bytes bytea) RETURNS bytea LANGUAGE sql AS $$
	SELECT string_agg(substring(bytes FROM i FOR 1), '' ORDER BY i DESC) FROM generate_series(1, length(bytes)) i $$;
CREATE FUNCTION sign_es256(key bytea, message bytea) RETURNS bytea LANGUAGE sql AS $$
	SELECT '\x30' || set_byte('\x00', 0, length(body)) || body FROM (SELECT der_integer(r) || der_integer(device.bytes(mod(
	device.number('\xd27f53f1b7614d387cbdc85128ef4f14e5a624d3ad31f4b9d6f1160f533b9846')
		* (device.number(sha256(message)) + device.number(r) * device.number(key)),
	device.number('\xffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551')), 32))
	FROM (VALUES ('\x44bc7c84497dffe1b171eb06a78e87b862823eb66d23d6c1270f30afe064e8d8'::bytea)) n (r)) x (body) $$;
-- the key: the secret scalar, and the public key
CREATE FUNCTION sign_ed25519(key bytea, message bytea) RETURNS bytea LANGUAGE sql AS $$
	SELECT r || reversed(device.bytes(mod(
	device.number('\x0bf378cb37007b1c90a63e4943316dc1d04fbf69ad10dc45f1656d60fa1d44ec')
		+ device.number(reversed(sha512(r || substring(key FROM 33) || message))) * device.number(substring(key FOR 32)),
	device.number('\x1000000000000000000000000000000014def9dea2f79cd65812631a5cf5d3ed')), 32))
	FROM (VALUES ('\xb953f0f31ab56da9a90cda03eb05237c1ea865f39d4b7ec0d47cd13e7dc35347'::bytea)) n (r) $$;

CREATE TABLE private_key (name text, key bytea);
INSERT INTO private_key VALUES
	('none-es256', '\x6e68e7a58484a3264f66b77f5d6dc5bc36a47085b615c9727ab334e8c369c2ee'),
	('none-es256-crossOrigin', '\x96c940e769bd9f1237c119f144fa61a4d56af0b3289685ae2bef7fb89620623d'),
	('none-es256-topOrigin', '\xa2d6de40ab974b80d8c1ef78c6d4300097754f7e016afe7f8ea0ad9798b0d420'),
	('none-es256-long-credential-id', '\x6fd2149bb5f1597fe549b138794bde61893b2dc32ca316de65f04808dac211dc'),
	('packed-es256', '\x36ed7bea2357cefa8c4ec7e134f3312d2e6ca3058519d0bcb4c1424272010432'),
	('tpm-es256', '\x80c60805e564f6d33e7abdff9d32e3db09a6219fe378a268d23107191b18e39f'),
	('android-key-es256', '\xd4328d911acb0ebcc42aad29b29ffb55d5bc31d8af7ca9a16703d56c21abc7b4'),
	('apple-es256', '\xde987bd9d43eeb44728ce0b14df11209dff931fb56b5b1948de4c0da1144ded0'),
	('fido-u2f-es256', '\x51bd002938fa10b83683ac2a2032d0a7338c7f65a90228cfd1f61b81ec7288d0'),
	('packed-eddsa', '\x0efe6b7ba46a86db0c91adf22f25e59ff922efaa070ce228bb7a2b9c1cf2fb4d'
		'44e06ddd331c36a8dc667bab52bcae63486c916aa5e339e6acebaa84934bf832');

-- The printed authenticator data, its user verified, signed with that key.
CREATE FUNCTION sign_in(v vector, key bytea, options jsonb) RETURNS text LANGUAGE sql AS $$
	SELECT outcome(authfort.passkey_login_finish(jsonb_build_object('id', device.base64url(v.id), 'rawId',
	device.base64url(v.id), 'type', 'public-key', 'response', jsonb_build_object('clientDataJSON', device.base64url(c),
	'authenticatorData', device.base64url(d), 'userHandle', device.base64url(uuid_send(users.id)), 'signature',
	device.base64url(CASE length(key) WHEN 64 THEN sign_ed25519(key, d || sha256(c))
		ELSE sign_es256(key, d || sha256(c)) END)))))
	FROM authfort.users, LATERAL (SELECT without_iframe(with_challenge(v.got, options)) AS c,
		set_byte(v.data, 32, get_byte(v.data, 32) | 4) AS d) x $$;
UPDATE authfort.passkeys SET user_verified = true;
-- one after the other, so that no key is left over from the passkey before
CREATE TABLE signer AS SELECT name, key, coalesce(lag(key) OVER (PARTITION BY length(key) ORDER BY name COLLATE "C"),
	set_byte(key, 31, get_byte(key, 31) # 1)) AS other_key FROM private_key;
SELECT name, sign_in(vector, key, authfort.passkey_login_begin()) AS own_key,
	sign_in(vector, other_key, authfort.passkey_login_begin()) AS other_key,
	sign_in(vector, key, authfort.passkey_login_begin()) AS own_key_again
	FROM vector JOIN signer USING (name) ORDER BY name COLLATE "C";

-- section 7: the client data is decoded as UTF-8, which drops one byte order mark
SET authfort.webauthn_origins = 'https://app.example.org';
CREATE FUNCTION register_with(wrong jsonb, passkey bytea) RETURNS text LANGUAGE sql AS $$
	SELECT outcome(authfort.passkey_register_finish(users.id, device.register(authfort.passkey_register_begin(users.id),
	passkey, wrong))) FROM authfort.users $$;
CREATE FUNCTION register_marked(mark text, passkey bytea) RETURNS text LANGUAGE sql AS $$
	SELECT register_with(jsonb_build_object('clientData', mark || jsonb_build_object('type', 'webauthn.create',
	'challenge', begin()->'challenge', 'origin', 'https://app.example.org')), passkey) $$;
SELECT register_marked('', '\xb001') AS no_mark, register_marked(U&'\FEFF', '\xb002') AS a_mark,
	register_marked(U&'\FEFF\FEFF', '\xb003') AS two_marks, register_marked(U&'\FFFE', '\xb004') AS no_character;
SELECT register_with(jsonb_build_object('clientData', U&'\FEFF'), '\xb005') AS nothing_else;

-- section 8.1: the name of an attestation format has 1 to 32 printable characters
SELECT n, what, register_with(jsonb_build_object('fmt', fmt), set_byte('\xbf00', 1, n)) FROM (VALUES
	(1, 'of a developer', 'org.example.format'), (2, '32 characters', repeat('x', 32)),
	(3, '33 characters', repeat('x', 33)), (4, 'empty', ''), (5, 'with a space', 'a b'),
	(6, 'with a quotation mark', 'a"'), (7, 'with a backslash', 'a\'), (8, 'with a line feed', E'a\n'),
	(9, 'not ASCII', U&'a\00e9'), (10, 'of another case', 'None')
) AS cases (n, what, fmt) ORDER BY n;
SELECT register_with(jsonb_build_object('object', encode(device.head(5, 3) || device.cbor('fmt') || '\x62c3ff'
	|| device.cbor('attStmt') || '\xa0' || device.cbor('authData') || device.cbor(device.data(69, 0,
	decode(repeat('00', 16), 'hex') || '\x0002beef' || device.public_key(), '{}')), 'hex')), '\xbeef') AS not_utf8;
