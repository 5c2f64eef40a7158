CREATE TABLE authfort.service_tokens (
	id uuid PRIMARY KEY DEFAULT authfort.uuid_v7(),
	name text COLLATE "C" NOT NULL,
	scopes text[] COLLATE "C" NOT NULL,
	master_key_id bigint NOT NULL,
	secret_mac bytea NOT NULL,
	created_at timestamptz NOT NULL,
	last_used_at timestamptz
);
COMMENT ON TABLE authfort.service_tokens IS 'Services that may ask whether a token is valid';
COMMENT ON COLUMN authfort.service_tokens.scopes IS 'Privileges of the service: introspect, introspect_refresh';
COMMENT ON COLUMN authfort.service_tokens.master_key_id IS 'The master key from which the key of secret_mac is derived';
COMMENT ON COLUMN authfort.service_tokens.secret_mac IS 'BLAKE2b of the id of this database and the secret, under a key that is not in the database';
COMMENT ON COLUMN authfort.service_tokens.last_used_at IS 'To the minute';

CREATE UNIQUE INDEX service_tokens_name ON authfort.service_tokens (name) WHERE name IS NOT NULL;
CREATE UNIQUE INDEX service_tokens_secret_mac ON authfort.service_tokens (secret_mac) WHERE secret_mac IS NOT NULL;

SELECT pg_catalog.pg_extension_config_dump('authfort.service_tokens', '');

CREATE FUNCTION authfort.list_service_tokens()
	RETURNS TABLE (name text, scopes text[], created_at timestamptz, last_used_at timestamptz)
	LANGUAGE sql STABLE PARALLEL SAFE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
	SELECT s.name, s.scopes, s.created_at, s.last_used_at FROM authfort.service_tokens s ORDER BY s.name
$$;
COMMENT ON FUNCTION authfort.list_service_tokens() IS 'Returns the services that may ask about tokens.';
