CREATE TABLE authfort.oauth_providers (
	id uuid PRIMARY KEY DEFAULT authfort.uuid_v7(),
	name text COLLATE "C" NOT NULL,
	config jsonb NOT NULL,
	client_secret bytea,
	private_key bytea,
	enabled boolean NOT NULL,
	created_at timestamptz NOT NULL,
	updated_at timestamptz NOT NULL
);
COMMENT ON TABLE authfort.oauth_providers IS 'OAuth and OpenID providers that users can sign in with; authfort.set_oauth_provider() writes it';
COMMENT ON COLUMN authfort.oauth_providers.config IS 'As it was given, without the secrets';
COMMENT ON COLUMN authfort.oauth_providers.client_secret IS 'Sealed under the master key, as is private_key';

CREATE UNIQUE INDEX oauth_providers_name ON authfort.oauth_providers (name) WHERE name IS NOT NULL;

SELECT pg_catalog.pg_extension_config_dump('authfort.oauth_providers', '');

CREATE TABLE authfort.oauth_documents (
	id uuid PRIMARY KEY DEFAULT authfort.uuid_v7(),
	provider text COLLATE "C" NOT NULL,
	kind text COLLATE "C" NOT NULL,
	url text NOT NULL,
	document jsonb,
	fetched_at timestamptz,
	asked_at timestamptz NOT NULL,
	failures integer NOT NULL DEFAULT 0
);
COMMENT ON TABLE authfort.oauth_documents IS 'The last good discovery document and keys of each OpenID provider';
COMMENT ON COLUMN authfort.oauth_documents.kind IS 'discovery, or keys';
COMMENT ON COLUMN authfort.oauth_documents.document IS 'NULL until a valid one was received';
COMMENT ON COLUMN authfort.oauth_documents.asked_at IS 'When it was requested last; keys are requested at most once a minute';
COMMENT ON COLUMN authfort.oauth_documents.failures IS 'Useless answers in a row, up to ten, while document is NULL';

CREATE UNIQUE INDEX oauth_documents_kind ON authfort.oauth_documents (provider, kind) WHERE provider IS NOT NULL;

SELECT pg_catalog.pg_extension_config_dump('authfort.oauth_documents', '');

CREATE FUNCTION authfort.set_oauth_provider(name text, config jsonb) RETURNS void
	LANGUAGE c VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
	AS 'MODULE_PATHNAME', 'authfort_set_oauth_provider';
COMMENT ON FUNCTION authfort.set_oauth_provider(text, jsonb) IS 'Configures an OAuth or OpenID provider, or replaces its configuration.';

CREATE FUNCTION authfort.drop_oauth_provider(name text) RETURNS boolean
	LANGUAGE c VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
	AS 'MODULE_PATHNAME', 'authfort_drop_oauth_provider';
COMMENT ON FUNCTION authfort.drop_oauth_provider(text) IS 'Removes an OAuth provider and returns whether there was one.';

CREATE FUNCTION authfort.oauth_providers()
	RETURNS TABLE (name text, preset text, issuer text, client_id text, enabled boolean, trust_email boolean,
				   keep_tokens boolean, created_at timestamptz, updated_at timestamptz)
	LANGUAGE c STABLE PARALLEL SAFE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
	AS 'MODULE_PATHNAME', 'authfort_oauth_providers';
COMMENT ON FUNCTION authfort.oauth_providers() IS 'Returns the OAuth providers, without their secrets.';

CREATE FUNCTION authfort.refresh_oauth_provider(name text) RETURNS void
	LANGUAGE c VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
	AS 'MODULE_PATHNAME', 'authfort_refresh_oauth_provider';
COMMENT ON FUNCTION authfort.refresh_oauth_provider(text) IS 'Forgets the cached discovery document and keys of an OAuth provider.';
