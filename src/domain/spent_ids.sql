CREATE TABLE authfort.spent_ids (
	id uuid PRIMARY KEY,
	purpose text COLLATE "C" NOT NULL,
	expires_at timestamptz NOT NULL
);
COMMENT ON TABLE authfort.spent_ids IS 'Ids of sealed values that count once and were used, until they would have expired anyway';

CREATE INDEX spent_ids_expires_at ON authfort.spent_ids (expires_at);

SELECT pg_catalog.pg_extension_config_dump('authfort.spent_ids', '');
