CREATE TABLE authfort.password_history (
	id uuid PRIMARY KEY DEFAULT authfort.uuid_v7(),
	user_id uuid NOT NULL,
	password_hash text NOT NULL CHECK (authfort.password_hash_affordable(password_hash)),
	created_at timestamptz NOT NULL DEFAULT pg_catalog.now()
);
COMMENT ON TABLE authfort.password_history IS 'Hashes of users'' previous passwords, at most authfort.password_history_count for each';

CREATE INDEX password_history_user_id ON authfort.password_history (user_id, id);

SELECT pg_catalog.pg_extension_config_dump('authfort.password_history', '');
