-- How the caller was authenticated, for policies: aal(), amr(), auth_time(), claim(), require_aal().
SET client_min_messages = warning;
CREATE FUNCTION raised(call text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	detail text;
BEGIN
	EXECUTE 'SELECT ' || call;
	RETURN 'nothing';
EXCEPTION WHEN OTHERS THEN
	GET STACKED DIAGNOSTICS detail = PG_EXCEPTION_DETAIL;
	RETURN concat_ws(' ', sqlstate, detail);
END $$;

-- nobody
SELECT authfort.aal(), authfort.amr(), authfort.auth_time(), authfort.claim('sub');
SELECT raised('authfort.require_aal(1)'), raised('authfort.require_aal(2)');

-- a password
SELECT authfort.signup('ada@example.com', 'correct horse')->'tokens'->>'access_token' AS token \gset
SELECT authfort.verify_jwt(:'token')->>'sub' AS ada, authfort.verify_jwt(:'token')->>'sid' AS sid \gset
SET authfort.jwt = :'token';
SELECT authfort.aal(), authfort.amr(), authfort.auth_time() BETWEEN now() - interval '1 minute' AND now() AS now;
SELECT authfort.require_aal(1) = authfort.uid(), authfort.require_aal(1, '1 minute') = authfort.uid(),
	raised('authfort.require_aal(2)');
SELECT raised('authfort.require_aal(0)'), raised('authfort.require_aal(3)'), raised('authfort.require_aal(NULL)');
SELECT authfort.claim('email'), authfort.claim('ver'), authfort.claim('roles'), authfort.claim('name'),
	authfort.claim('mfa_enabled'), authfort.claim('no such'), authfort.claim('');
SELECT raised('authfort.claim(NULL)');

-- what it costs: the answers follow a change of identity within one statement
CREATE FUNCTION be(token text) RETURNS text LANGUAGE sql AS $$ SELECT set_config('authfort.jwt', token, true) $$;
SELECT authfort.create_user('bob@example.com', 'correct horse') IS NOT NULL AS bob;
SELECT authfort.login('bob@example.com', 'correct horse')->'tokens'->>'access_token' AS bob_token \gset
SELECT claim, amr, aal FROM unnest(ARRAY[:'token', :'bob_token', 'x', :'token']) WITH ORDINALITY AS t(token, i),
	LATERAL (SELECT be(token) OFFSET 0) AS b, LATERAL (SELECT authfort.claim('email') AS claim, authfort.amr() AS amr,
	authfort.aal() AS aal) AS c ORDER BY i;

-- two factors, some time ago: a refresh does not change the time
SELECT authfort.login('ada@example.com', 'correct horse')->'tokens'->>'refresh_token' AS refresh_token \gset
UPDATE authfort.sessions SET aal = 2, amr = '{pwd,otp,mfa}', auth_time = now() - interval '1 hour'
	WHERE user_id = :'ada';
SELECT authfort.refresh(:'refresh_token')->'tokens'->>'access_token' AS token \gset
SET authfort.jwt = :'token';
SELECT authfort.aal(), authfort.amr(), now() - authfort.auth_time() BETWEEN '59 minutes' AND '61 minutes' AS an_hour;
SELECT authfort.require_aal(2) = authfort.uid(), authfort.require_aal(2, '2 hours') = authfort.uid(),
	raised($$authfort.require_aal(2, '5 minutes')$$), raised($$authfort.require_aal(2, '0')$$);

-- claims that a trusted authenticator has verified
SET authfort.jwt = '';
SELECT set_config('authfort.trusted_authenticators', quote_ident(current_user), false) IS NOT NULL AS trusted;
SELECT set_config('request.jwt.claims', json_build_object('sub', :'ada')::text || '', false) IS NOT NULL;
SELECT authfort.aal(), authfort.amr(), authfort.auth_time(), raised($$authfort.require_aal(1, '1000 years')$$);
SELECT set_config('request.jwt.claims', json_build_object('sub', :'ada', 'aal', 2, 'amr', '{pwd,otp}'::text[],
	'auth_time', 946684800, 'tenant', json_build_object('id', 7))::text, false) IS NOT NULL;
SELECT authfort.aal(), authfort.amr(), authfort.auth_time() AT TIME ZONE 'UTC' AS auth_time, authfort.claim('tenant');
SELECT claims, authfort.aal(), authfort.amr(), authfort.auth_time()
	FROM unnest(ARRAY['{"aal": "2"}', '{"aal": 3}', '{"aal": 2.5}', '{"amr": "pwd"}', '{"amr": [1]}',
	'{"auth_time": "x"}', '{"auth_time": -1}', '{"auth_time": 9223372036854775807}']) AS claims,
	LATERAL (SELECT set_config('request.jwt.claims', (claims::jsonb || jsonb_build_object('sub', :'ada'))::text,
	true) OFFSET 0) AS s;
RESET authfort.trusted_authenticators;

-- everybody may ask
CREATE ROLE regress_assurance;
SET ROLE regress_assurance;
SET authfort.jwt = :'token';
SELECT authfort.aal(), authfort.amr(), authfort.require_aal(2) IS NOT NULL;
RESET ROLE;
DROP ROLE regress_assurance;
