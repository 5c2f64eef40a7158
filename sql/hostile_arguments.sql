-- Every function, with empty, huge, odd and NULL arguments, each alone and all together: none fails inside.
SET client_encoding = 'UTF8';
SET authfort.argon2_memory = '1MB';
SET authfort.argon2_time_cost = 1;
SET authfort.cookies = on;
SET authfort.allow_passwordless_signup = on;
SET authfort.webauthn_rp_id = 'example.com';
SET authfort.webauthn_origins = 'https://example.com';
SELECT authfort.create_user('ada@example.com', 'correct horse')->>'id' AS ada \gset
SELECT authfort.mfa_init(:'ada') ? 'secret' AS factor;
-- as expressions
CREATE TABLE samples (type regtype, value text);
INSERT INTO samples VALUES ('uuid', quote_literal(:'ada'));
INSERT INTO samples SELECT 'text', value FROM unnest(ARRAY[$$''$$, $$repeat('x', 1000000)$$, $$E'\u200B\u202E'$$,
	$$E'\U0010FFFF\uFFFE\u0301\u0130\u017F'$$, $$' "\''; -- %s {"a":'$$, $$repeat(E'\u0301', 100000)$$,
	$$'ada@example.com'$$, $$'A@' || repeat('a.', 100000)$$,
	$$repeat('eyJ', 20000) || '.' || repeat('a', 20000) || '.a'$$, $$E'\r\n\t\x01'$$]) value;
INSERT INTO samples SELECT 'uuid', value FROM unnest(ARRAY[$$'00000000-0000-0000-0000-000000000000'$$,
	$$'ffffffff-ffff-ffff-ffff-ffffffffffff'$$]) value;
INSERT INTO samples SELECT 'jsonb', value FROM unnest(ARRAY[$$'null'$$, $$'[]'$$, $$'{}'$$, $$'1e100000'$$, $$'"x"'$$,
	$$(repeat('[', 5000) || repeat(']', 5000))$$, $$(repeat('{"a":', 5000) || 1 || repeat('}', 5000))$$,
	$$('{"email": {"a": []}, "name": 1e400, "id": [null], "rawId": 1, "type": true, "response": "x", "preset": [], '
	|| '"issuer": -0, "scopes": [1], "url": {}, "client_secret": "' || repeat('x', 100000)
	|| '", "authorization": [], "cookie": {}}')$$,
	$$('{"id": "eA", "rawId": "eA", "type": "public-key", "response": {"clientDataJSON": "e30", '
	|| '"attestationObject": "' || repeat('gm', 50000)
	|| '", "authenticatorData": "", "signature": "", "userHandle": ""}}')$$]) value;
INSERT INTO samples SELECT 'json', value FROM samples WHERE type = 'jsonb'::regtype;
INSERT INTO samples SELECT 'integer', value FROM unnest(ARRAY['0', '-1', '2147483647', '(-2147483648)']) value;
INSERT INTO samples SELECT 'bigint', value
	FROM unnest(ARRAY['0', '(-9223372036854775808)', '9223372036854775807']) value;
INSERT INTO samples SELECT 'boolean', value FROM unnest(ARRAY['true', 'false']) value;
INSERT INTO samples SELECT 'inet', value
	FROM unnest(ARRAY[$$'0.0.0.0/0'$$, $$'::/0'$$, $$'::ffff:1.2.3.4'$$, $$'fe80::1'$$]) value;
INSERT INTO samples SELECT 'bytea', value
	FROM unnest(ARRAY[$$''$$, $$'\x00'$$, $$decode(repeat('ff', 1000000), 'hex')$$]) value;
INSERT INTO samples SELECT 'text[]', value FROM unnest(ARRAY[$$'{}'$$, $$'{NULL}'$$, $$'{{a,b},{c,NULL}}'$$,
	$$'[5:6]={a,"' || E'\u200B' || '"}'$$,
	$$array_fill('x'::text, ARRAY[10000])$$, $$ARRAY[repeat('x', 1000000)]$$]) value;
INSERT INTO samples SELECT 'interval', value
	FROM unnest(ARRAY[$$'0'$$, $$'-1 s'$$, $$'178000000 years'$$, $$'-178000000 years'$$]) value;
INSERT INTO samples SELECT 'timestamptz', value
	FROM unnest(ARRAY[$$'infinity'$$, $$'-infinity'$$, $$'4714-01-01 BC'$$]) value;
INSERT INTO samples SELECT 'regprocedure', value FROM unnest(ARRAY['0', '4294967295',
	$$'pg_catalog.jsonb_typeof(jsonb)'$$,
	$$'pg_catalog.pg_sleep(double precision)'$$]) value;
INSERT INTO samples SELECT 'name', value FROM unnest(ARRAY[$$''$$, $$'pg_catalog'$$, $$'"x;'$$]) value;
INSERT INTO samples SELECT type, 'NULL' FROM samples GROUP BY 1;
CREATE TABLE variants AS SELECT type, value, row_number() OVER (PARTITION BY type ORDER BY value COLLATE "C") - 1 AS n,
	count(*) OVER (PARTITION BY type) AS variants FROM samples;
CREATE TABLE functions AS SELECT p.*
	FROM pg_proc p JOIN pg_depend d ON d.classid = 'pg_proc'::regclass AND d.objid = p.oid
	JOIN pg_extension e ON d.refclassid = 'pg_extension'::regclass AND d.refobjid = e.oid AND e.extname = 'authfort'
	WHERE pronargs > 0 AND prokind = 'f' AND prorettype NOT IN ('trigger'::regtype, 'event_trigger'::regtype);
SELECT oid::regprocedure AS "argument without a sample" FROM functions, unnest(proargtypes) t
	WHERE t NOT IN (SELECT type FROM samples);

-- the call with variant "k" of one argument, or of all of them (0), and a common value of the others
CREATE FUNCTION pg_temp.sampled(f functions, only_one integer, k bigint) RETURNS text LANGUAGE sql AS $$
	SELECT format('%s.%I(%s)', f.pronamespace::regnamespace, f.proname, string_agg(
		CASE WHEN f.provariadic <> 0 AND i = f.pronargs THEN 'VARIADIC ' ELSE '' END
		|| coalesce(quote_ident(f.proargnames[i]) || ' => ', '')
		|| CASE WHEN only_one IN (0, i) THEN (SELECT format('(%s)::%s', value, type) FROM variants v
				WHERE v.type = a.oid AND n = k % variants)
			ELSE CASE a.oid::regtype::text WHEN 'uuid'
				THEN (SELECT value FROM samples WHERE type = 'uuid'::regtype LIMIT 1)
				WHEN 'jsonb' THEN '''{}''' WHEN 'text' THEN '''ada@example.com''' WHEN 'integer' THEN '1'
				WHEN 'bigint' THEN '1' WHEN 'boolean' THEN 'true' ELSE 'NULL' END || '::' || a.oid::regtype END,
		', ' ORDER BY i))
	FROM unnest(f.proargtypes) WITH ORDINALITY AS a(oid, i)
$$;
CREATE FUNCTION pg_temp.outcome(call text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	answer text;
BEGIN
	EXECUTE 'SELECT (' || call || ')::text LIMIT 1' INTO answer;
	RAISE EXCEPTION SQLSTATE 'ZZZZZ' USING MESSAGE = 'ok';
EXCEPTION WHEN SQLSTATE 'ZZZZZ' THEN
	RETURN sqlerrm;
WHEN OTHERS THEN
	RETURN sqlstate;
END $$;
SET client_min_messages = error;
CREATE TABLE outcomes AS SELECT f.oid::regprocedure::text COLLATE "C" AS function, i, k,
	pg_temp.outcome(pg_temp.sampled(f, i, k)) COLLATE "C" AS outcome
	FROM functions f, generate_series(0, pronargs) i,
		LATERAL (SELECT CASE WHEN i = 0 THEN 11 ELSE max(variants) END AS count
			FROM variants WHERE i = 0 OR type = f.proargtypes[i - 1]) v, generate_series(0, v.count - 1) k;
RESET client_min_messages;
-- invalid values, a missing identity or privilege, what does not exist or is not configured: little else
SELECT DISTINCT function, outcome FROM outcomes WHERE outcome <> 'ok'
	AND outcome NOT IN ('22004', '22023', '28000', '42501', '42704', '42883', '22P02', '23514', '55000') ORDER BY 1, 2;
SELECT count(*) > 3000 AS many, count(*) FILTER (WHERE outcome = 'ok') > 1000 AS succeed FROM outcomes;
SELECT authfort.login('ada@example.com', 'correct horse') ? 'tokens' AS unchanged;
