CREATE TABLE authfort.spent_ids (
	id uuid PRIMARY KEY,
	purpose text COLLATE "C" NOT NULL,
	expires_at timestamptz NOT NULL
);
COMMENT ON TABLE authfort.spent_ids IS 'Ids of single-use values that were used, kept until the values would have expired';

CREATE INDEX spent_ids_expires_at ON authfort.spent_ids (expires_at);

SELECT pg_catalog.pg_extension_config_dump('authfort.spent_ids', '');
