-- An authenticator in SQL: one RSA key, with which it signs whatever it is asked to, right or
-- wrong.  Included by tests of passkeys.
CREATE SCHEMA device;

CREATE TABLE device.key (n numeric, p numeric, q numeric, dp numeric, dq numeric, qinv numeric);
INSERT INTO device.key (p, q, dp, dq, qinv) VALUES
	(173558692139990001568612494370119059465968906208320637104078649663116553095419689903896729119215257739477953212899210176668564282983994244755654293794845639895911159578779300867189523991185453278768577824757525537116152138546660523534357656693884138809076892178705899206468199159443223926224175075233880507867,
	164316670231664174845680775237886892333808714979687839792144676541274835285835011702877800551936613467645876914810721083088638465733819525468029236315120471556739538930017308575621786349637781894760906863830854039100897131688915734307820221546745536750717119462357627125452143856953573241898680348278579745481,
	90260477351836050222973582031780031185110978993518047429975626233547484308881842180669121543101051765180387862661455062810239657856531056410988682658799211812752186580458899727732739463075420054324571432949490255604159685949705214209095808674453409570620683219049287618506425865561490472214147109101673090767,
	164060932246043384363445405308316352592623605973661806259044309466077465354358820067714556343988469143467170543672117034223492958257052972351503625101544288818762710070428652313133216195256851218146694853819551307636406973344281872445064867127138779579217460549298431892731755089182554359882816555374961710873,
	99218564113351216826751069111203562420202347157443518156081018415772782964566114601183044714467386026863454076401534653714336288321976568053876522704846241753613179586315103837706512704801155374608306201547872599484423959666958144740678003424457592027130371612064678006283983200485385658627201213383816371068);
UPDATE device.key SET n = p * q;

CREATE FUNCTION device.number(bytes bytea) RETURNS numeric IMMUTABLE LANGUAGE plpgsql AS $$
DECLARE
	result numeric := 0;
BEGIN
	FOR i IN 0 .. length(bytes) - 1 LOOP
		result := result * 256 + get_byte(bytes, i);
	END LOOP;
	RETURN result;
END $$;

CREATE FUNCTION device.bytes(number numeric, size integer) RETURNS bytea IMMUTABLE LANGUAGE plpgsql AS $$
DECLARE
	result bytea := decode(repeat('00', size), 'hex');
BEGIN
	FOR i IN REVERSE size - 1 .. 0 LOOP
		result := set_byte(result, i, mod(number, 256)::integer);
		number := div(number, 256);
	END LOOP;
	RETURN result;
END $$;

CREATE FUNCTION device.power(base numeric, exponent numeric, modulus numeric) RETURNS numeric IMMUTABLE LANGUAGE plpgsql AS $$
DECLARE
	result numeric := 1;
BEGIN
	WHILE exponent > 0 LOOP
		IF mod(exponent, 2) = 1 THEN
			result := mod(result * base, modulus);
		END IF;
		base := mod(base * base, modulus);
		exponent := div(exponent, 2);
	END LOOP;
	RETURN result;
END $$;

-- RSASSA-PKCS1-v1_5 with SHA-256 (RFC 8017, section 8.2)
CREATE FUNCTION device.sign(message bytea) RETURNS bytea LANGUAGE plpgsql AS $$
DECLARE
	k device.key;
	digest bytea := '\x3031300d060960864801650304020105000420' || sha256(message);
	m numeric := device.number('\x0001' || decode(repeat('ff', 256 - 3 - length(digest)), 'hex') || '\x00' || digest);
	m1 numeric;
	m2 numeric;
BEGIN
	SELECT * INTO k FROM device.key;
	m1 := device.power(mod(m, k.p), k.dp, k.p);
	m2 := device.power(mod(m, k.q), k.dq, k.q);
	RETURN device.bytes(m2 + mod(k.qinv * mod(m1 - m2 + k.p * k.q, k.p), k.p) * k.q, 256);
END $$;

CREATE FUNCTION device.base64url(bytes bytea) RETURNS text IMMUTABLE LANGUAGE sql AS
	$$ SELECT translate(encode(bytes, 'base64'), E'+/=\n', '-_') $$;

-- CBOR
CREATE FUNCTION device.head(kind integer, number bigint) RETURNS bytea IMMUTABLE LANGUAGE sql AS $$
	SELECT CASE WHEN number < 24 THEN set_byte('\x00', 0, (kind << 5) + number::integer)
		WHEN number < 256 THEN set_byte(set_byte('\x0000', 0, (kind << 5) + 24), 1, number::integer)
		WHEN number < 65536 THEN set_byte('\x00', 0, (kind << 5) + 25) || substring(int4send(number::integer) FROM 3)
		ELSE set_byte('\x00', 0, (kind << 5) + 26) || int4send(number::integer) END $$;
CREATE FUNCTION device.cbor(number integer) RETURNS bytea IMMUTABLE LANGUAGE sql AS
	$$ SELECT CASE WHEN number < 0 THEN device.head(1, -1 - number) ELSE device.head(0, number) END $$;
CREATE FUNCTION device.cbor(string text) RETURNS bytea IMMUTABLE LANGUAGE sql AS
	$$ SELECT device.head(3, octet_length(string)) || convert_to(string, 'UTF8') $$;
CREATE FUNCTION device.cbor(bytes bytea) RETURNS bytea IMMUTABLE LANGUAGE sql AS
	$$ SELECT device.head(2, length(bytes)) || bytes $$;

CREATE FUNCTION device.public_key() RETURNS bytea LANGUAGE sql AS $$
	SELECT device.head(5, 4) || device.cbor(1) || device.cbor(3) || device.cbor(3) || device.cbor(-257)
		|| device.cbor(-1) || device.cbor(device.bytes(n, 256)) || device.cbor(-2) || device.cbor('\x010001'::bytea) FROM device.key $$;

-- What is in "wrong" replaces what would be right: strings as they are, bytes in hexadecimal.
CREATE FUNCTION device.client_data(type text, options jsonb, wrong jsonb) RETURNS bytea LANGUAGE sql AS $$
	SELECT convert_to(coalesce(wrong->>'clientData', jsonb_strip_nulls(jsonb_build_object(
		'type', coalesce(wrong->'type', to_jsonb(type)), 'challenge', coalesce(wrong->'challenge', options->'challenge'),
		'origin', coalesce(wrong->'origin', '"https://app.example.org"'),
		'crossOrigin', coalesce(wrong->'crossOrigin', 'false'), 'topOrigin', wrong->'topOrigin'))::text), 'UTF8') $$;

-- Flags: 1 user present, 4 user verified, 8 may be backed up, 16 is backed up, 64 credential, 128 extensions.
CREATE FUNCTION device.data(flags integer, counter bigint, rest bytea, wrong jsonb) RETURNS bytea LANGUAGE sql AS $$
	SELECT sha256(convert_to(coalesce(wrong->>'rp', 'example.org'), 'UTF8'))
		|| set_byte('\x00', 0, coalesce((wrong->>'flags')::integer, flags))
		|| substring(int8send(coalesce((wrong->>'counter')::bigint, counter)) FROM 5)
		|| rest || coalesce(decode(wrong->>'trailing', 'hex'), '') $$;

CREATE FUNCTION device.register(options jsonb, id bytea, wrong jsonb DEFAULT '{}') RETURNS jsonb LANGUAGE plpgsql AS $$
DECLARE
	client_data bytea := device.client_data('webauthn.create', options, wrong);
	key bytea := coalesce(decode(wrong->>'key', 'hex'), device.public_key());
	inner_id bytea := coalesce(decode(wrong->>'innerId', 'hex'), id);
	data bytea := device.data(69, 0, coalesce(decode(wrong->>'aaguid', 'hex'), decode(repeat('00', 16), 'hex'))
		|| substring(int4send(length(inner_id)) FROM 3) || inner_id || key, wrong);
	statement bytea := coalesce(decode(wrong->>'statement', 'hex'), CASE wrong->>'fmt' WHEN 'packed' THEN
		device.head(5, 2) || device.cbor('alg') || device.cbor(coalesce((wrong->>'alg')::integer, -257)) || device.cbor('sig')
			|| device.cbor(device.sign(data || sha256(client_data))) ELSE '\xa0' END);
	object bytea := coalesce(decode(wrong->>'object', 'hex'), device.head(5, 3) || device.cbor('fmt') || device.cbor(coalesce(wrong->>'fmt', 'none'))
		|| device.cbor('attStmt') || statement || device.cbor('authData') || device.cbor(data));
BEGIN
	RETURN jsonb_build_object('id', device.base64url(id), 'rawId', device.base64url(id), 'type', 'public-key', 'clientExtensionResults', '{}'::jsonb,
		'response', jsonb_build_object('clientDataJSON', device.base64url(client_data), 'attestationObject', device.base64url(object), 'transports', '["internal", "hybrid"]'::jsonb)
			|| coalesce(wrong->'response', '{}')) || coalesce(wrong->'outer', '{}');
END $$;

CREATE FUNCTION device.sign_in(options jsonb, id bytea, user_id uuid, counter bigint DEFAULT 0, wrong jsonb DEFAULT '{}') RETURNS jsonb LANGUAGE plpgsql AS $$
DECLARE
	client_data bytea := device.client_data('webauthn.get', options, wrong);
	data bytea := device.data(5, counter, '', wrong);
	signature bytea := coalesce(decode(wrong->>'signature', 'hex'), device.sign(data || sha256(client_data)));
BEGIN
	RETURN jsonb_build_object('id', device.base64url(id), 'rawId', device.base64url(id), 'type', 'public-key', 'clientExtensionResults', '{}'::jsonb,
		'response', jsonb_build_object('clientDataJSON', device.base64url(client_data), 'authenticatorData', device.base64url(data),
			'signature', device.base64url(signature), 'userHandle', device.base64url(uuid_send(user_id))) || coalesce(wrong->'response', '{}')) || coalesce(wrong->'outer', '{}');
END $$;
