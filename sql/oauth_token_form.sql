-- A page of another site can have a browser send a form.  With its author's code in it, the
-- response must not sign the browser's user in to the author's account.
SELECT authfort.set_oauth_provider('idp', jsonb_build_object('client_id', 'id', 'client_secret', 's', 'redirect_uri',
	'https://auth.example/cb', 'trust_email', true,
	'authorization_endpoint', 'https://id.example/a', 'token_endpoint', 'https://id.example/t', 'userinfo_endpoint',
	'https://id.example/u'));
SET authfort.cookies = on;
SET authfort.redirect_allowlist = 'com.example.app:/cb';
-- the verifier and the challenge of RFC 7636, appendix B
CREATE FUNCTION sign_in_code() RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	answer jsonb;
BEGIN
	answer := authfort.oauth_authorize('idp', 'com.example.app:/cb', 'code', NULL,
	'E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM', 'S256');
	answer := authfort.oauth_callback('idp', jsonb_build_object('code', 'c', 'state', answer->>'state'),
	answer->>'cookie');
	answer := authfort.oauth_resume(answer->'fetch'->>'resume', 200, NULL, '{"access_token": "a"}');
	answer := authfort.oauth_resume(answer->'fetch'->>'resume', 200, NULL,
	'{"sub": "ada", "email": "ada@example.com", "email_verified": true}');
	RETURN answer->>'code';
END $$;
CREATE FUNCTION post(type text, body text, OUT status integer, OUT tokens boolean, OUT cookies bigint)
	LANGUAGE sql AS $$
	SELECT r.status, r.body::jsonb ? 'tokens', (SELECT count(*) FROM jsonb_array_elements(r.headers) h
	WHERE h ? 'Set-Cookie')
		FROM authfort.http('POST', '/auth/oauth/token', NULL, jsonb_build_object('content-type', type), body) r $$;

SELECT r.* FROM sign_in_code() code, post('application/x-www-form-urlencoded', 'code=' || code
	|| '&code_verifier=dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk') r;
SELECT r.* FROM sign_in_code() code, post('Application/X-WWW-Form-urlencoded; charset=UTF-8', 'code=' || code
	|| '&code_verifier=dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk') r;
-- JSON takes a preflight request, which such a page is refused
SELECT r.* FROM sign_in_code() code, post('application/json', jsonb_build_object('code', code, 'code_verifier',
	'dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk')::text) r;

SELECT authfort.drop_oauth_provider('idp');
DELETE FROM authfort.users;
DROP FUNCTION sign_in_code(), post(text, text);
