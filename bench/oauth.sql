-- The cost of a callback of an OpenID provider: the request of the browser, and the answers to its three
-- fetches (tokens, keys, userinfo), in one backend, beside refreshes that take turns with it.  Prints a
-- line for each, and one for a callback whose keys are known; run by bench/run after bench.sql.
--
-- The id_tokens are access tokens of this database, with the nonce of the flow from a claims hook.
SET authfort.jwt_issuer = 'https://id.example';
SET authfort.jwt_audience = 'client';
CREATE FUNCTION bench_nonce(claims jsonb, context jsonb) RETURNS jsonb LANGUAGE sql AS
	$$ SELECT pg_catalog.jsonb_build_object('nonce', pg_catalog.current_setting('bench.nonce', true)) $$;
SELECT authfort.set_claims_hook('bench_nonce(jsonb, jsonb)') \g /dev/null
SELECT authfort.set_oauth_provider('bench', '{"issuer": "https://id.example", "client_id": "client", "client_secret": "secret",
	"redirect_uri": "https://auth.example/auth/oauth/bench/callback", "endpoints": {"authorization": "https://id.example/authorize",
	"token": "https://id.example/token", "userinfo": "https://id.example/userinfo", "jwks": "https://id.example/keys"}}') \g /dev/null

-- What a browser has when the provider sends it back, and the provider's answer to the exchange of its code.
CREATE FUNCTION pg_temp.begin_flow(INOUT refresh_token text, OUT query text, OUT cookie text, OUT tokens text)
	LANGUAGE plpgsql AS $$
DECLARE
	answer record;
	location text;
	refreshed jsonb;
BEGIN
	SELECT * INTO answer FROM authfort.http('GET', '/auth/oauth/bench/authorize', 'mode=json', '{}', '', '192.0.2.7');
	location := jsonb_path_query_first(answer.headers, '$[*]."Location"')#>>'{}';
	cookie := split_part(jsonb_path_query_first(answer.headers, '$[*]."Set-Cookie"')#>>'{}', ';', 1);
	query := 'code=a-code&state=' || substring(location FROM 'state=([^&]*)');
	PERFORM set_config('bench.nonce', substring(location FROM 'nonce=([^&]*)'), false);
	refreshed := authfort.refresh(begin_flow.refresh_token, NULL, 'bench', '192.0.2.7');
	refresh_token := refreshed#>>'{tokens,refresh_token}';
	tokens := jsonb_build_object('access_token', 'an-access-token', 'token_type', 'Bearer', 'expires_in', 3600,
		'id_token', refreshed#>>'{tokens,access_token}');
	PERFORM set_config('bench.nonce', '', false);
END $$;

-- Microseconds from the callback to the session.
CREATE FUNCTION pg_temp.time_callback(query text, cookie text, tokens text, keys text, userinfo text, fetches integer) RETURNS numeric
	LANGUAGE plpgsql AS $$
DECLARE
	begun timestamptz := clock_timestamp();
	answer record;
BEGIN
	SELECT * INTO answer FROM authfort.http('GET', '/auth/oauth/bench/callback', query,
		jsonb_build_object('cookie', cookie, 'user-agent', 'bench'), '', '192.0.2.7');
	WHILE answer.fetch IS NOT NULL LOOP
		fetches := fetches - 1;
		SELECT * INTO answer FROM authfort.http_resume(answer.fetch->>'resume', 200, '{"content-type": "application/json"}',
			CASE answer.fetch->>'url' WHEN 'https://id.example/token' THEN tokens WHEN 'https://id.example/keys' THEN keys
			ELSE userinfo END);
	END LOOP;
	IF answer.status <> 200 OR fetches <> 0 THEN
		RAISE EXCEPTION '% % %', answer.status, answer.body, fetches;
	END IF;
	RETURN extract(epoch FROM clock_timestamp() - begun) * 1e6;
END $$;

-- The best of 7 rounds of 50 each.
CREATE PROCEDURE pg_temp.time_callbacks() LANGUAGE plpgsql AS $$
DECLARE
	r jsonb := authfort.login('bench@example.com', 'correct horse');
	keys text := authfort.jwks();
	userinfo text := jsonb_build_object('sub', r#>>'{user,id}', 'email', 'callback@example.com', 'email_verified', true,
		'name', 'Ada Lovelace', 'picture', 'https://id.example/ada.png');
	token text := r#>>'{tokens,refresh_token}';
	begun timestamptz;
	flow record;
	best numeric[] := '{1e9,1e9,1e9}';
	spent numeric[];
BEGIN
	FOR round IN 0 .. 7 LOOP
		spent := '{0,0,0}';
		FOR i IN 1 .. 50 LOOP
			PERFORM authfort.refresh_oauth_provider('bench');
			flow := pg_temp.begin_flow(token);
			spent[1] := spent[1] + pg_temp.time_callback(flow.query, flow.cookie, flow.tokens, keys, userinfo, 3);
			flow := pg_temp.begin_flow(flow.refresh_token);
			spent[2] := spent[2] + pg_temp.time_callback(flow.query, flow.cookie, flow.tokens, keys, userinfo, 2);
			begun := clock_timestamp();
			r := authfort.refresh(flow.refresh_token, NULL, 'bench', '192.0.2.7');
			spent[3] := spent[3] + extract(epoch FROM clock_timestamp() - begun) * 1e6;
			token := r#>>'{tokens,refresh_token}';
		END LOOP;
		IF round > 0 THEN
			best := ARRAY(SELECT least(b, s / 50) FROM unnest(best, spent) AS v(b, s));
		END IF;
	END LOOP;
	RAISE INFO 'callback %', round(best[1], 2);
	RAISE INFO 'callback-known-keys %', round(best[2], 2);
	RAISE INFO 'callback-refresh %', round(best[3], 2);
END $$;
CALL pg_temp.time_callbacks();
SELECT authfort.set_claims_hook(NULL), authfort.drop_oauth_provider('bench') \g /dev/null
DROP FUNCTION bench_nonce(jsonb, jsonb);
