CREATE TABLE authfort.identities (
	id uuid PRIMARY KEY DEFAULT authfort.uuid_v7(),
	user_id uuid NOT NULL,
	provider text COLLATE "C" NOT NULL,
	provider_user_id text COLLATE "C" NOT NULL,
	email text,
	profile jsonb,
	tokens bytea,
	created_at timestamptz NOT NULL,
	last_sign_in_at timestamptz NOT NULL
);
COMMENT ON TABLE authfort.identities IS 'Accounts at OAuth providers that users sign in with';
COMMENT ON COLUMN authfort.identities.provider_user_id IS 'The provider''s id of the account, which never changes there';
COMMENT ON COLUMN authfort.identities.email IS 'As sent by the provider at the last sign-in; not used for later decisions';
COMMENT ON COLUMN authfort.identities.profile IS 'The profile that the provider sent at the last sign-in, if it was at most 16 KiB';
COMMENT ON COLUMN authfort.identities.tokens IS 'The provider''s tokens, sealed, where the provider has keep_tokens';

CREATE UNIQUE INDEX identities_provider_user_id ON authfort.identities (provider, provider_user_id) WHERE provider IS NOT NULL;
CREATE INDEX identities_user_id ON authfort.identities (user_id);

SELECT pg_catalog.pg_extension_config_dump('authfort.identities', '');

CREATE FUNCTION authfort.list_identities(user_id uuid)
	RETURNS TABLE (provider text, provider_user_id text, email text, created_at timestamptz, last_sign_in_at timestamptz)
	LANGUAGE c STABLE PARALLEL SAFE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
	AS 'MODULE_PATHNAME', 'authfort_list_identities';
COMMENT ON FUNCTION authfort.list_identities(uuid) IS 'Returns the accounts at OAuth providers that a user has linked.';

CREATE FUNCTION authfort.provider_tokens(user_id uuid, provider text) RETURNS jsonb
	LANGUAGE c STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
	AS 'MODULE_PATHNAME', 'authfort_provider_tokens';
COMMENT ON FUNCTION authfort.provider_tokens(uuid, text) IS 'Returns the tokens that a provider gave for a user, where they are kept, or NULL.';
