-- A provider whose documents never came: it is asked for each user, and seldom after ten useless answers in a row.
SET client_min_messages = warning;
SELECT authfort.set_oauth_provider('idp', '{"client_id": "app", "client_secret": "s", "issuer": "https://id.example", "redirect_uri": "https://auth.example/cb"}');
CREATE FUNCTION code(result jsonb) RETURNS text LANGUAGE sql AS $$
	SELECT coalesce(result->>'error', CASE WHEN result ? 'fetch' THEN 'asks' ELSE 'sent' END) $$;
CREATE FUNCTION answer(begun jsonb, status integer, body text DEFAULT NULL) RETURNS text LANGUAGE sql AS $$
	SELECT code(authfort.oauth_resume(begun#>>'{fetch,resume}', status, NULL, body)) $$;
-- Each of these is in one statement with what depends on it, so that no time passes in between.
CREATE FUNCTION last_asked(ago interval) RETURNS interval LANGUAGE sql AS
	$$ UPDATE authfort.oauth_documents SET asked_at = now() - ago; SELECT ago $$;
\set document '{"issuer": "https://id.example", "authorization_endpoint": "https://id.example/a", "token_endpoint": "https://id.example/t", "jwks_uri": "https://id.example/k"}'

-- Many wait for the first answer together.
CREATE TABLE begun (n integer, at_idp jsonb);
INSERT INTO begun SELECT n, authfort.oauth_authorize('idp') FROM generate_series(1, 30) n;
SELECT code(at_idp), count(*) FROM begun GROUP BY 1;
-- The tenth useless answer is followed by a pause.
SELECT answer(at_idp, 500, '{}') FROM begun WHERE n BETWEEN 1 AND 4;
SELECT answer(at_idp, NULL) FROM begun WHERE n BETWEEN 5 AND 8;
SELECT answer(at_idp, 200, replace(:'document', 'id.example', 'other.example')) FROM begun WHERE n = 9;
SELECT last_asked('0'), code(authfort.oauth_authorize('idp')) AS "after nine";
SELECT answer(at_idp, 200, '<!DOCTYPE html>') FROM begun WHERE n = 10;
SELECT last_asked('0'), code(authfort.oauth_authorize('idp')) AS "after ten";
SELECT failures, document FROM authfort.oauth_documents;
SELECT last_asked('4 seconds'), code(authfort.oauth_authorize('idp'));
SELECT last_asked('5 seconds'), code(authfort.oauth_authorize('idp')), code(authfort.oauth_authorize('idp')) AS "the next one";
SELECT answer(at_idp, 500) FROM begun WHERE n = 11;
SELECT failures FROM authfort.oauth_documents;
-- A good answer ends it, also one that was asked for before.
SELECT answer(at_idp, 200, :'document') FROM begun WHERE n = 12;
SELECT code(authfort.oauth_authorize('idp')) AS "with the document", failures FROM authfort.oauth_documents;
-- Useless answers to what is known do not count.
SELECT count(answer(at_idp, 500)) FROM begun WHERE n > 12;
SELECT failures FROM authfort.oauth_documents;

-- The same for keys, for browsers and for apps.
CREATE TABLE flow AS SELECT authfort.oauth_authorize('idp') AS flow FROM generate_series(1, 12);
CREATE FUNCTION call_back(flow jsonb) RETURNS jsonb LANGUAGE sql AS $$
	SELECT authfort.oauth_resume(authfort.oauth_callback('idp', jsonb_build_object('code', 'c', 'state', flow->>'state'),
		flow->>'cookie')#>>'{fetch,resume}', 200, NULL,
		'{"access_token": "a", "id_token": "eyJhbGciOiJSUzI1NiJ9.e30.AAAA"}') $$;
SELECT code(called), count(*), count(answer(called, 500)) FROM (SELECT call_back(flow) AS called FROM flow LIMIT 10) s GROUP BY 1;
SELECT last_asked('0'), code(call_back(flow)) AS "a browser",
	code(authfort.sign_in_with_id_token('idp', 'eyJhbGciOiJSUzI1NiJ9.e30.AAAA', 'made up')) AS "an app" FROM flow LIMIT 1;
SELECT last_asked('5 seconds'), code(authfort.sign_in_with_id_token('idp', 'eyJhbGciOiJSUzI1NiJ9.e30.AAAA', 'made up')) AS "an app",
	code(call_back(flow)) AS "a browser" FROM flow LIMIT 1;
-- An admin who has mended something need not wait.
SELECT authfort.refresh_oauth_provider('idp');
SELECT code(call_back(flow)) AS "with the endpoints of its flow" FROM flow LIMIT 1;

DROP TABLE begun, flow;
DROP FUNCTION code(jsonb), answer(jsonb, integer, text), last_asked(interval), call_back(jsonb);
SELECT authfort.drop_oauth_provider('idp');
