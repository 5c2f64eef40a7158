-- Signing keys and the tokens that they sign.
\pset null '(null)'
CREATE FUNCTION pg_temp.part(token text, n integer) RETURNS jsonb LANGUAGE sql AS $$
	SELECT convert_from(decode(rpad(p, (length(p) + 3) / 4 * 4, '='), 'base64'), 'utf8')::jsonb
	FROM (SELECT translate(split_part(token, '.', n), '-_', '+/')) AS t(p) $$;
CREATE FUNCTION pg_temp.token() RETURNS text LANGUAGE sql AS
	$$ SELECT authfort.login('key@example.com', 'correct horse')#>>'{tokens,access_token}' $$;
CREATE FUNCTION pg_temp.verdict(token text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	detail text;
BEGIN
	RETURN authfort.verify_jwt(token)->>'email';
EXCEPTION WHEN invalid_authorization_specification THEN
	GET STACKED DIAGNOSTICS detail = PG_EXCEPTION_DETAIL;
	RETURN detail || ': ' || sqlerrm;
END $$;
SELECT authfort.create_user('key@example.com', 'correct horse')->>'id' AS id \gset

SELECT pg_temp.token() AS rs256 \gset
SELECT pg_temp.part(:'rs256', 1) - 'kid';
SELECT key, jsonb_typeof(value) FROM jsonb_each(pg_temp.part(:'rs256', 2)) ORDER BY 1;
SELECT pg_temp.verdict(:'rs256'), authfort.try_verify_jwt(:'rs256') = pg_temp.part(:'rs256', 2) AS claims;
SELECT k - 'n' - 'kid' FROM jsonb_array_elements(authfort.jwks()->'keys') k;

-- rotation: the old key verifies on
SELECT authfort.rotate_key('ES256') AS es256_kid \gset
SELECT pg_temp.token() AS es256 \gset
SELECT pg_temp.part(:'es256', 1)->>'kid' = :'es256_kid' AS signs, pg_temp.part(:'es256', 1)->>'alg',
	pg_temp.verdict(:'es256'), pg_temp.verdict(:'rs256');
SELECT authfort.prepare_key('EdDSA') AS eddsa_kid \gset
SELECT authfort.prepare_key('EdDSA') = :'eddsa_kid' AS same, jsonb_array_length(authfort.jwks()->'keys');
SELECT pg_temp.part(pg_temp.token(), 1)->>'alg' AS "not yet";
SELECT authfort.rotate_key('EdDSA') = :'eddsa_kid' AS taken;
SELECT pg_temp.token() AS eddsa \gset
SELECT pg_temp.part(:'eddsa', 1)->>'alg', pg_temp.verdict(:'eddsa'), pg_temp.verdict(:'es256'),
	pg_temp.verdict(:'rs256');
SELECT k - 'x' - 'y' - 'n' - 'kid' FROM jsonb_array_elements(authfort.jwks()->'keys') k ORDER BY k->>'alg';
SELECT count(*), count(*) FILTER (WHERE expires_at IS NULL) FROM authfort.signing_keys;
SET authfort.signing_algorithm = 'ES256';
SELECT authfort.rotate_key() <> :'es256_kid', pg_temp.part(pg_temp.token(), 1)->>'alg';
RESET authfort.signing_algorithm;
SELECT authfort.rotate_key('HS256');
SELECT authfort.rotate_key('none');
SET authfort.rsa_key_size = 1024;
-- an expired key stops verifying, and leaves the JWKS; a rollback brings it back
BEGIN;
UPDATE authfort.signing_keys SET expires_at = now() WHERE kid = :'es256_kid';
SELECT pg_temp.verdict(:'es256'), jsonb_array_length(authfort.jwks()->'keys');
ROLLBACK;
SELECT pg_temp.verdict(:'es256');

-- forgeries
SELECT pg_temp.verdict(NULL), pg_temp.verdict('');
SELECT change, pg_temp.verdict(token) FROM (VALUES
	('two parts', split_part(:'es256', '.', 1) || '.' || split_part(:'es256', '.', 2)),
	('four parts', :'es256' || '.x'), ('empty part', :'es256' || '.'),
	('no signature', regexp_replace(:'es256', '[^.]*$', '')),
	('padding', :'es256' || '='), ('space', :'es256' || ' '), ('newline', :'es256' || E'\n'), ('leading space', ' '
	|| :'es256'),
	('space inside', regexp_replace(:'es256', '\.', '. ')), ('too long', :'es256' || repeat('A', 20000)),
	('another payload', split_part(:'es256', '.', 1) || '.' || split_part(:'eddsa', '.', 2) || '.'
	|| split_part(:'es256', '.', 3)),
	('another header', split_part(:'eddsa', '.', 1) || '.' || split_part(:'es256', '.', 2) || '.'
	|| split_part(:'es256', '.', 3)),
	('DER signature', regexp_replace(:'es256', '[^.]*$', 'MEUCIQ'))) AS f(change, token);
CREATE FUNCTION pg_temp.with_header(token text, header text) RETURNS text LANGUAGE sql AS $$
	SELECT rtrim(translate(encode(convert_to(header, 'utf8'), 'base64'), E'+/\n', '-_'), '=') || '.'
	|| split_part(token, '.', 2) || '.' || split_part(token, '.', 3) $$;
SELECT header, pg_temp.verdict(pg_temp.with_header(:'es256', replace(header, 'KID', :'es256_kid'))) FROM unnest(ARRAY[
	'{"alg":"none","typ":"JWT","kid":"KID"}', '{"alg":"HS256","typ":"JWT","kid":"KID"}',
	'{"alg":"RS256","typ":"JWT","kid":"KID"}',
	'{"alg":"es256","typ":"JWT","kid":"KID"}', '{"alg":"ES256","kid":"KID"}',
	'{"alg":"ES256","typ":"at+jwt","kid":"KID"}', '{"alg":"ES256","typ":"JWT"}',
	'{"alg":"ES256","typ":"JWT","kid":""}', '{"alg":"ES256","typ":"JWT","kid":1}',
	'{"alg":"ES256","typ":"JWT","kid":"other"}',
	'{"alg":"ES256","alg":"ES256","typ":"JWT","kid":"KID"}', '{"alg":"ES256","typ":"JWT","kid":"KID","crit":["x"]}',
	'["ES256"]', 'x',
	'{"alg":"ES256","typ":"JWT","kid":"KID"} ']) AS header;
-- the last bits of a signature have one spelling
SELECT count(*) FILTER (WHERE authfort.try_verify_jwt(left(:'es256', -1) || c) IS NOT NULL) AS "spellings that verify"
	FROM regexp_split_to_table('ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_', '') AS c;
-- other expectations
SET authfort.jwt_issuer = 'other';
SELECT pg_temp.verdict(:'es256');
RESET authfort.jwt_issuer;
SET authfort.jwt_issuer = '';
SET authfort.jwt_audience = 'app';
SELECT pg_temp.verdict(:'es256');
SELECT pg_temp.token() AS app \gset
SELECT pg_temp.verdict(:'app'), pg_temp.part(:'app', 2)->>'aud';
RESET authfort.jwt_audience;
SELECT pg_temp.verdict(:'app');

-- nothing in the tables is a credential
SELECT count(*) FROM authfort.signing_keys WHERE private_key::text ~ encode('PRIVATE', 'hex')
	OR get_byte(private_key, 0) <> 1;
DELETE FROM authfort.signing_keys;
SELECT pg_temp.verdict(:'es256');
