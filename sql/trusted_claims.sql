-- Claims that a trusted authenticator has verified: request.jwt.claims, and what authfort_api.pre_request() makes of
-- them.
\pset null '(null)'
\set VERBOSITY terse
SELECT authfort.signup('ada@example.com', 'correct horse') AS signup \gset
SELECT (:'signup'::jsonb)#>>'{user,id}' AS id,
	authfort.verify_jwt((:'signup'::jsonb)#>>'{tokens,access_token}') AS claims \gset
SELECT quote_ident(session_user) AS me \gset
SET authfort.trusted_authenticators = :me;

-- numbers and ids as other programs may write them
CREATE FUNCTION pg_temp.uid_of(claims text) RETURNS uuid LANGUAGE plpgsql AS $$
BEGIN
	PERFORM set_config('request.jwt.claims', claims, true);
	RETURN authfort.uid();
END $$;
SELECT what, pg_temp.uid_of(claims) = :'id' AS ada FROM (VALUES
	('no expiry', format('{"sub": "%s"}', :'id')),
	('upper case', format('{"sub": "%s"}', upper(:'id'))),
	('a fraction', format('{"sub": "%s", "exp": 4102444800.5}', :'id')),
	('an exponent', format('{"sub": "%s", "exp": 4.1024448005e9}', :'id')),
	('an exponent with a sign', format('{"sub": "%s", "exp": 41024448005E-1, "score": 1.5e+3}', :'id')),
	('nothing but zeros', format('{"sub": "%s", "exp": 4102444800.000}', :'id')),
	('past, with a fraction', format('{"sub": "%s", "exp": 1700000000.5}', :'id')),
	('not yet, with a fraction', format('{"sub": "%s", "nbf": 4102444800.5}', :'id')),
	('from then on', format('{"sub": "%s", "nbf": 1700000000.5, "iat": 1.7000000005e9}', :'id')),
	('before there was time', format('{"sub": "%s", "exp": -0.5}', :'id')),
	('an exponent that is too large', format('{"sub": "%s", "score": 1e100}', :'id')),
	('one that no number holds', format('{"sub": "%s", "score": 1e999999}', :'id')),
	('one in a list', format('{"sub": "%s", "scores": [1, {"a": 1e-100}]}', :'id')),
	('too large for a date', format('{"sub": "%s", "exp": 1e30}', :'id')),
	('a string', format('{"sub": "%s", "exp": "4102444800"}', :'id')),
	('not a UUID', format('{"sub": "%s"}', replace(:'id', '-', '')))) AS t(what, claims);

-- The fraction is cut off: no claim counts for longer than it says.
BEGIN;
SELECT set_config('request.jwt.claims', format('{"sub": "%s", "exp": %s.999}', :'id',
	floor(extract(epoch FROM clock_timestamp()))), true) <> '' AS set;
SELECT authfort.uid();
COMMIT;

-- What is nested, or comes twice, in the one pass that reads it.
SELECT what, pg_temp.uid_of(claims) IS NOT NULL AS read FROM (VALUES
	('repeated within', format('{"sub": "%s", "a": {"b": 1, "b": 2}}', :'id')),
	('repeated outside', format('{"sub": "%s", "a": 1, "a": 2}', :'id')),
	('repeated in another spelling', format('{"sub": "%s", "a": 1, "\u0061": 2}', :'id')),
	('a zero character', format('{"sub": "%s", "a": "\u0000"}', :'id')),
	('cut off', format('{"sub": "%s"', :'id')),
	('more than one', format('{"sub": "%s"} {}', :'id')),
	('a list', format('[{"sub": "%s"}]', :'id')),
	('a string', '"sub"'), ('null', 'null'), ('a number', '1'), ('empty', '{}')) AS t(what, claims);
SELECT format('{"sub": "%s", "a": {"b": [1, [], {}, [[]], {"c": [null, true, false, "\u00e9\n\"\ud83d\ude00", -0, 1.50, -1e2]}], "": {}, "ab": 1, "z": "\u0061"}}', :'id') AS nested \gset
BEGIN;
SELECT set_config('request.jwt.claims', :'nested', true) <> '' AS set;
SELECT authfort.claims() = :'nested'::jsonb AS same, authfort.claims()::text = :'nested'::jsonb::text AS same_text,
	authfort.claims()->'a' AS a;
COMMIT;

-- Time is noticed by the first call after expiry, though many calls went before
-- and no statement begins: these are expressions of PL/pgSQL.
CREATE FUNCTION pg_temp.outlive(id text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	expiry double precision = floor(extract(epoch FROM clock_timestamp())) + 5;
	uid uuid;
BEGIN
	PERFORM set_config('request.jwt.claims', format('{"sub": "%s", "exp": %s}', id, expiry), true);
	FOR i IN 1 .. 1000 LOOP
		uid := authfort.uid();
	END LOOP;
	IF uid IS NULL THEN
		RETURN 'not known to begin with';
	END IF;
	-- the kernel's coarse clock is up to a tick behind
	WHILE clock_timestamp() < to_timestamp(expiry + 0.05) LOOP
	END LOOP;
	uid := authfort.uid();
	RETURN coalesce(uid::text, 'expired');
END $$;
SELECT pg_temp.outlive(:'id');

-- pre_request
CREATE FUNCTION pg_temp.request(path text, claims text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	message text;
BEGIN
	PERFORM set_config('request.path', path, true), set_config('request.method', 'POST', true),
		set_config('request.jwt.claims', claims, true), set_config('request.headers', '{}', true),
		set_config('request.cookies', '{}', true);
	PERFORM authfort_api.pre_request();
	RETURN CASE WHEN authfort.uid() IS NOT NULL THEN 'identity' ELSE 'anonymous, claims "'
	|| current_setting('request.jwt.claims') || '"' END;
EXCEPTION WHEN SQLSTATE 'PGRST' OR insufficient_privilege THEN
	GET STACKED DIAGNOSTICS message = MESSAGE_TEXT;
	RETURN CASE WHEN message LIKE '{%' THEN message::json->>'code' ELSE message END;
END $$;
CREATE FUNCTION pg_temp.with(claims text, more jsonb) RETURNS text
	LANGUAGE sql AS 'SELECT (claims::jsonb || more)::text';
SELECT what, pg_temp.request('/todo', claims) AS "any path", pg_temp.request('/rpc/login', claims) AS "open",
	pg_temp.request('/rpc/me', claims) AS "signed in" FROM (VALUES
	('good', :'claims'),
	('anonymous', '{"role": "anon"}'),
	('no claims', ''),
	('expired', pg_temp.with(:'claims', '{"exp": 1700000000}')),
	('outdated', pg_temp.with(:'claims', '{"ver": 77}')),
	('another session', pg_temp.with(:'claims', '{"sid": "11111111-1111-4111-8111-111111111111"}')),
	('no session', ((:'claims')::jsonb - 'sid')::text),
	('nobody', pg_temp.with(:'claims', '{"sub": "11111111-1111-4111-8111-111111111111"}')),
	('another purpose', pg_temp.with(:'claims', '{"purpose": "x"}')),
	('another issuer', pg_temp.with(:'claims', '{"iss": "x"}')),
	('another issuer, expired', pg_temp.with(:'claims', '{"iss": "x", "exp": 1}')),
	('a sub that is none', pg_temp.with(:'claims', '{"sub": 1}')),
	('unreadable', '{"sub": ')) AS t(what, claims);
SELECT path, pg_temp.request(path, pg_temp.with(:'claims', '{"ver": 77}'))
	FROM unnest('{/rpc/,/rpc/login/,/rpc/LOGIN,/login,/rpc/rpc/login,/rpc/change_password,/rpc/refresh,/rpc/logout,/rpc/jwks,/rpc/log%69n}'::text[]) path;
SELECT authfort.revoke_sessions(:'id') \g /dev/null
SELECT pg_temp.request('/todo', :'claims'), pg_temp.request('/rpc/refresh', :'claims');
SELECT authfort.ban_user(:'id') \g /dev/null
SELECT pg_temp.request('/todo', :'claims'), pg_temp.request('/rpc/refresh', :'claims');
SET authfort.trusted_authenticators = '';
SELECT pg_temp.request('/todo', '{"role": "anon"}'),
	pg_temp.request('/rpc/login', :'claims') ~ '^role .* is not a trusted authenticator$' AS "not trusted";

-- A token of before goes with the claims: no identity is left on an open route.
SET authfort.trusted_authenticators = :me;
SELECT authfort.unban_user(:'id') \g /dev/null
BEGIN;
SELECT set_config('authfort.jwt', authfort.login('ada@example.com', 'correct horse')#>>'{tokens,access_token}',
	true) <> '' AS set;
SELECT authfort.uid() = :'id' AS ada;
SELECT authfort.revoke_sessions(:'id') \g /dev/null
SELECT pg_temp.request('/rpc/login', '{"role": "authenticated"}');
SELECT authfort.uid(), current_setting('authfort.jwt') AS jwt;
COMMIT;
