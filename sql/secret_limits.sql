-- Wrong secrets of services and wrong codes of apps are limited by address; right ones pass.
-- needs shared_preload_libraries
SELECT authfort.reset_rate_limits() >= 0 AS reset;
SELECT authfort.create_service_token('orders', '{introspect}') AS secret \gset
-- each scope once
SELECT authfort.create_service_token('twice', '{introspect,introspect}');
SELECT authfort.create_service_token('many', array_fill('introspect_refresh'::text, ARRAY[100000]));
CREATE FUNCTION pg_temp.post(path text, body text, authorization text, address inet = '192.0.2.1', OUT status integer,
	OUT error text, OUT code text, OUT retry boolean) LANGUAGE sql AS $$
	SELECT r.status, b->>'error', b#>>'{detail,error}', EXISTS (SELECT FROM jsonb_array_elements(r.headers) h
	WHERE h ? 'Retry-After') FROM authfort.http('POST', '/auth/' || path, NULL, jsonb_strip_nulls(jsonb_build_object(
	'content-type', 'application/json', 'authorization', $3)), $2, $4) r, LATERAL (SELECT r.body::jsonb) AS x(b) $$;
SET authfort.rate_limit_introspect = '3/day';
SET authfort.rate_limit_oauth_authorize = '3/day';
-- off by default, as all limits
SELECT count(*), r.* FROM generate_series(1, 5) n, pg_temp.post('introspect', '{"token": "' || n || '"}', 'Bearer wrong') r
	GROUP BY r.status, r.error, r.code, r.retry;
SET authfort.rate_limit = on;
SELECT n, r.* FROM generate_series(1, 5) n, pg_temp.post('introspect', '{"token": "' || n || '"}', 'Bearer wrong') r;
-- with revocation, and with Basic
SELECT r.* FROM pg_temp.post('revoke', '{"token": "x"}', 'Bearer wrong') r;
SELECT r.* FROM pg_temp.post('introspect', '{"token": "x"}', 'Basic ' || encode('orders:wrong', 'base64')) r;
-- the service itself goes on, from the same address; so do requests without a secret, and others
SELECT count(*), r.* FROM generate_series(1, 10) n,
	pg_temp.post('introspect', '{"token": "' || n || '"}', 'Bearer ' || :'secret') r
	GROUP BY r.status, r.error, r.code, r.retry;
SELECT r.* FROM pg_temp.post('introspect', '{"token": "x"}', 'Basic ' || encode(('orders:' || :'secret')::bytea,
	'base64')) r;
SELECT r.* FROM pg_temp.post('introspect', '{"token": "x"}', NULL) r;
SELECT r.* FROM pg_temp.post('introspect', '{"token": "x"}', 'Bearer wrong', '192.0.2.2') r;
SELECT r.* FROM pg_temp.post('revoke', '{"token": "x"}', NULL) r;
SELECT event, payload->>'endpoint' AS endpoint, payload->>'key_type' AS key, payload->>'limit' AS "limit", ip_address
	FROM authfort.events WHERE event = 'rate_limit_exceeded';

-- codes of apps
SET authfort.redirect_allowlist = 'com.example.app:/cb';
SELECT authfort.create_user('ada@example.com')->>'id' AS ada \gset
SELECT n, r.* FROM generate_series(1, 5) n, pg_temp.post('oauth/token', '{"code": "' || n || '", "code_verifier": "y"}',
	NULL) r;
SELECT authfort.exchange_oauth_code('x', 'y', NULL, '192.0.2.1')->>'error' AS limited,
	authfort.exchange_oauth_code('x', 'y', NULL, '192.0.2.2')->>'error' AS elsewhere,
	authfort.exchange_oauth_code('x', 'y')->>'error' AS unknown;
SELECT authfort.verify_magic_link(authfort.create_magic_link_token('ada@example.com', 'com.example.app:/cb',
	'E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM', 'S256'))->>'code' AS code \gset
SELECT r.* FROM pg_temp.post('oauth/token', jsonb_build_object('code', :'code', 'code_verifier',
	'dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk')::text, NULL) r;
SELECT endpoint, key_type, requests, max_requests FROM authfort.rate_limit_status(ip_address => '192.0.2.1')
	ORDER BY endpoint;
RESET authfort.rate_limit;
SELECT authfort.reset_rate_limits() >= 0 AS reset;
