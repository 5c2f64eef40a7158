-- One flow is begun once, and its callback may be requested with any code: each time another
-- server is asked.  An id_token may be made up as well.
SELECT authfort.set_oauth_provider('idp', jsonb_build_object('client_id', 'id', 'client_secret', 's', 'redirect_uri',
	'https://auth.example/cb',
	'authorization_endpoint', 'https://id.example/a', 'token_endpoint', 'https://id.example/t', 'userinfo_endpoint',
	'https://id.example/u'));
SELECT authfort.set_oauth_provider('openid', jsonb_build_object('issuer', 'https://id.example', 'client_id', 'id',
	'client_secret', 's', 'redirect_uri', 'https://auth.example/cb'));
SELECT authfort.reset_rate_limits() >= 0 AS reset;
SET authfort.rate_limit = on;
SET authfort.rate_limit_oauth_authorize = '3/day';
CREATE TABLE flow AS SELECT r->>'state' AS state, r->>'cookie' AS cookie
	FROM authfort.oauth_authorize('idp', ip_address => '192.0.2.1') r;
CREATE FUNCTION outcome(r jsonb) RETURNS text LANGUAGE sql AS $$ SELECT coalesce(r->>'error', 'asks '
	|| (r->'fetch'->>'url')) $$;
SELECT outcome(authfort.oauth_callback('idp', jsonb_build_object('code', 'made up', 'state', state), cookie, NULL,
	'192.0.2.1')) FROM flow, generate_series(1, 5);
-- another address has its own limit, and without a flow nothing is asked nor counted
SELECT outcome(authfort.oauth_callback('idp', '{"code": "c", "state": "AQ"}', cookie, NULL, '192.0.2.2'))
	FROM flow, generate_series(1, 4);
SELECT outcome(authfort.oauth_callback('idp', jsonb_build_object('code', 'c', 'state', state), cookie, NULL,
	'192.0.2.2')) FROM flow;
SELECT outcome(authfort.sign_in_with_id_token('openid', 'eyJhbGciOiJSUzI1NiJ9.e30.AA', 'nonce', NULL,
	'192.0.2.3'))
	FROM generate_series(1, 5);
RESET authfort.rate_limit;
RESET authfort.rate_limit_oauth_authorize;
SELECT authfort.reset_rate_limits() >= 0 AS reset;
SELECT authfort.drop_oauth_provider('idp'), authfort.drop_oauth_provider('openid');
DROP TABLE flow;
DROP FUNCTION outcome(jsonb);
