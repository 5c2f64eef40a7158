-- PostgREST: a function for each route, the check before each request, and how
-- PostgREST and this database learn of each other.
CREATE SCHEMA authfort_api;
COMMENT ON SCHEMA authfort_api IS 'The routes of authfort.http() as functions for PostgREST';

-- PostgREST calls the function without an argument if the body is empty or {}.
-- All are VOLATILE: PostgREST would not evaluate a STABLE function for HEAD,
-- which would return 200 to every client.  It runs GET in a READ ONLY
-- transaction anyway.  It begins the transaction with the isolation level in
-- the function's settings: with a stricter one, one of two concurrent refreshes
-- would fail.
DO $do$
DECLARE
	route record;
	signature text;
BEGIN
	FOR route IN SELECT * FROM authfort.routes() LOOP
		FOREACH signature IN ARRAY CASE WHEN route.method OPERATOR(pg_catalog.=) 'GET' THEN '{""}' ELSE '{"",json}' END::text[] LOOP
			EXECUTE pg_catalog.format(
				'CREATE FUNCTION authfort_api.%I(%s) RETURNS json LANGUAGE c VOLATILE SECURITY DEFINER'
				' SET search_path = pg_catalog, pg_temp SET default_transaction_isolation = ''read committed'' AS %L, %L',
				route.name, signature, 'MODULE_PATHNAME', 'authfort_api_route');
			EXECUTE pg_catalog.format(
				'COMMENT ON FUNCTION authfort_api.%I(%s) IS %L', route.name, signature,
				pg_catalog.format('Serves %s %s through PostgREST.',
					route.method, route.path));
		END LOOP;
	END LOOP;
END
$do$;

CREATE FUNCTION authfort_api.pre_request() RETURNS void
	LANGUAGE c VOLATILE AS 'MODULE_PATHNAME', 'authfort_api_pre_request';
COMMENT ON FUNCTION authfort_api.pre_request() IS 'Checks the token of a request, as PostgREST''s db-pre-request.';

-- The roles that get the keys.  This table is part of a dump, unlike role
-- settings.
CREATE TABLE authfort.jwks_subscribers (
	authenticator name PRIMARY KEY
);
COMMENT ON TABLE authfort.jwks_subscribers IS 'Roles of PostgREST whose setting pgrst.jwt_secret follows the signing keys';
SELECT pg_catalog.pg_extension_config_dump('authfort.jwks_subscribers', '');

-- During a rotation there is no signing key, and authfort.jwks() would create
-- one.
CREATE FUNCTION authfort_internal.publish_keys() RETURNS trigger
	LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	subscriber name;
	changed boolean = false;
BEGIN
	IF NOT EXISTS (SELECT FROM authfort.signing_keys WHERE activated_at IS NOT NULL AND expires_at IS NULL) THEN
		RETURN NULL;
	END IF;
	FOR subscriber IN SELECT authenticator FROM authfort.jwks_subscribers s
		WHERE EXISTS (SELECT FROM pg_catalog.pg_roles r WHERE r.rolname OPERATOR(pg_catalog.=) s.authenticator) LOOP
		EXECUTE pg_catalog.format('ALTER ROLE %I IN DATABASE %I SET pgrst.jwt_secret = %L',
			subscriber, pg_catalog.current_database(), authfort.jwks()::text);
		changed := true;
	END LOOP;
	IF changed THEN
		PERFORM pg_catalog.pg_notify('pgrst', 'reload config');
	END IF;
	RETURN NULL;
END $$;
COMMENT ON FUNCTION authfort_internal.publish_keys() IS 'Trigger function: writes the JWK Set into PostgREST''s in-database configuration and reloads it.';

CREATE TRIGGER signing_keys_published AFTER INSERT OR UPDATE OR DELETE ON authfort.signing_keys
	FOR EACH STATEMENT EXECUTE FUNCTION authfort_internal.publish_keys();
CREATE TRIGGER jwks_subscribed AFTER INSERT OR UPDATE ON authfort.jwks_subscribers
	FOR EACH STATEMENT EXECUTE FUNCTION authfort_internal.publish_keys();

CREATE FUNCTION authfort.publish_jwks(authenticator name) RETURNS void
	LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
	IF publish_jwks.authenticator IS NULL THEN
		RAISE null_value_not_allowed USING MESSAGE = 'argument "authenticator" must not be NULL';
	END IF;
	IF NOT EXISTS (SELECT FROM pg_catalog.pg_roles r WHERE r.rolname OPERATOR(pg_catalog.=) publish_jwks.authenticator) THEN
		RAISE undefined_object USING MESSAGE = pg_catalog.format('role "%s" does not exist', publish_jwks.authenticator);
	END IF;
	PERFORM authfort.jwks();
	INSERT INTO authfort.jwks_subscribers AS s VALUES (publish_jwks.authenticator)
		ON CONFLICT ON CONSTRAINT jwks_subscribers_pkey DO UPDATE SET authenticator = excluded.authenticator;
END $$;
COMMENT ON FUNCTION authfort.publish_jwks(name) IS 'Keeps the JWK Set in the setting pgrst.jwt_secret of PostgREST''s role.';

CREATE FUNCTION authfort.setup_postgrest(authenticator name DEFAULT 'authenticator', anon name DEFAULT 'anon',
										 authenticated name DEFAULT 'authenticated') RETURNS void
	LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp SET client_min_messages = warning AS $$
DECLARE
	role name;
	database name = pg_catalog.current_database();
BEGIN
	IF authenticator IS NULL OR anon IS NULL OR authenticated IS NULL THEN
		RAISE null_value_not_allowed USING MESSAGE = 'the names of the three roles must not be NULL';
	END IF;
	-- loads the library: a setting of it is read below
	PERFORM authfort.version();
	FOREACH role IN ARRAY ARRAY[authenticator, anon, authenticated] LOOP
		IF NOT EXISTS (SELECT FROM pg_catalog.pg_roles r WHERE r.rolname OPERATOR(pg_catalog.=) role) THEN
			EXECUTE pg_catalog.format('CREATE ROLE %I NOINHERIT', role);
			IF role OPERATOR(pg_catalog.=) authenticator THEN
				EXECUTE pg_catalog.format('ALTER ROLE %I LOGIN', role);
			END IF;
		END IF;
	END LOOP;
	EXECUTE pg_catalog.format('GRANT %I, %I TO %I', anon, authenticated, authenticator);
	EXECUTE pg_catalog.format('GRANT USAGE ON SCHEMA authfort_api TO %I, %I', anon, authenticated);
	EXECUTE pg_catalog.format('GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA authfort_api TO %I, %I', anon, authenticated);
	EXECUTE pg_catalog.format('ALTER ROLE %I IN DATABASE %I SET authfort.trusted_authenticators = %L',
		authenticator, database, pg_catalog.quote_ident(authenticator));
	IF authenticated OPERATOR(pg_catalog.<>) pg_catalog.current_setting('authfort.jwt_role')::name THEN
		EXECUTE pg_catalog.format('ALTER DATABASE %I SET authfort.jwt_role = %L', database, authenticated);
	END IF;
	PERFORM authfort.publish_jwks(authenticator);
	PERFORM pg_catalog.pg_notify('pgrst', 'reload schema');
END $$;
COMMENT ON FUNCTION authfort.setup_postgrest(name, name, name) IS 'Prepares this database for PostgREST.';

CREATE FUNCTION authfort.nginx_maps() RETURNS text
	LANGUAGE sql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
	SELECT pg_catalog.format(
		E'# Made by authfort.nginx_maps() from authfort.routes(); for the http context.\n'
		'map "$request_method $uri" $authfort_rpc {\n\tdefault "";\n%s'
		'\t# PostgREST answers a preflight request of CORS by its headers, whatever it is for.\n'
		'\t"~^OPTIONS " preflight;\n}\n'
		'map $authfort_rpc $authfort_method {\n\tdefault POST;\n\tpreflight OPTIONS;\n%s}\n'
		'# An outdated token must not block the open routes.\n'
		'map $authfort_rpc $authfort_authorization {\n\tdefault $http_authorization;\n%s}\n'
		'# Pages of other sites cannot send the other methods without a preflight, so they are treated as JSON.\n'
		'map $request_method $authfort_content_type {\n\tdefault application/json;\n\tPOST $content_type;\n}',
		-- as in the router: a trailing slash is ignored, except for DELETE
		pg_catalog.string_agg(pg_catalog.format(E'\t"~^%s %s%s$" %s;\n',
			CASE WHEN r.method OPERATOR(pg_catalog.=) 'GET' THEN '(GET|HEAD)' ELSE r.method END,
			pg_catalog.regexp_replace(pg_catalog.replace(r.path, '.', '\.'), '\{\w+\}', '[^/]+', 'g'),
			CASE WHEN r.method OPERATOR(pg_catalog.=) 'DELETE' THEN '' ELSE '/?' END, r.name), '' ORDER BY r.path, r.method),
		pg_catalog.string_agg(pg_catalog.format(E'\t%s GET;\n', r.name), '' ORDER BY r.name) FILTER (WHERE r.method OPERATOR(pg_catalog.=) 'GET'),
		pg_catalog.string_agg(pg_catalog.format(E'\t%s "";\n', r.name), '' ORDER BY r.name) FILTER (WHERE r.access OPERATOR(pg_catalog.=) 'open'))
	FROM authfort.routes() r
$$;
COMMENT ON FUNCTION authfort.nginx_maps() IS 'Returns the configuration of nginx, in its http context, that maps routes to functions of authfort_api.';

CREATE FUNCTION authfort.nginx_locations(upstream text DEFAULT 'http://127.0.0.1:3000') RETURNS text
	LANGUAGE sql STABLE PARALLEL SAFE STRICT SET search_path = pg_catalog, pg_temp AS $$
	SELECT pg_catalog.string_agg(pg_catalog.format(
		E'location %s {\n'
		'\tif ($authfort_rpc = "") {\n\t\treturn 404;\n\t}\n'
		'\trewrite ^ /rpc/$authfort_rpc? break;\n'
		'\tproxy_method $authfort_method;\n'
		'\tproxy_set_header Host $host;\n'
		'\tproxy_set_header Accept application/json;\n'
		'\tproxy_set_header Authorization $authfort_authorization;\n'
		'\tproxy_set_header X-Original-Authorization $http_authorization;\n'
		'\tproxy_set_header Content-Type $authfort_content_type;\n'
		'\tproxy_set_header Accept-Profile authfort_api;\n'
		'\tproxy_set_header Content-Profile authfort_api;\n'
		'\tproxy_set_header X-Original-URI $request_uri;\n'
		'\tproxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;\n'
		'\tproxy_pass %s;\n}', l.location, upstream), E'\n' ORDER BY l.location)
	FROM (SELECT DISTINCT CASE
			WHEN prefix OPERATOR(pg_catalog.<>) '' AND pg_catalog.starts_with(r.path, prefix OPERATOR(pg_catalog.||) '/') THEN prefix OPERATOR(pg_catalog.||) '/'
			WHEN pg_catalog.strpos(r.path, '{') OPERATOR(pg_catalog.>) 0
				THEN '~ ^' OPERATOR(pg_catalog.||) pg_catalog.regexp_replace(pg_catalog.replace(r.path, '.', '\.'), '\{\w+\}', '[^/]+', 'g') OPERATOR(pg_catalog.||) '$'
			ELSE '= ' OPERATOR(pg_catalog.||) r.path END
		FROM authfort.routes() r, pg_catalog.current_setting('authfort.http_prefix') prefix) AS l(location)
$$;
COMMENT ON FUNCTION authfort.nginx_locations(text) IS 'Returns the configuration of nginx, in its server context, that passes the routes to PostgREST.';
