CREATE TABLE authfort.backup_codes (
	id uuid PRIMARY KEY DEFAULT pg_catalog.gen_random_uuid(),
	user_id uuid NOT NULL,
	mac bytea NOT NULL,
	created_at timestamptz NOT NULL DEFAULT pg_catalog.clock_timestamp()
);
COMMENT ON TABLE authfort.backup_codes IS 'Codes that replace a second factor once; deleted when used';
COMMENT ON COLUMN authfort.backup_codes.mac IS 'MAC of the code under a key that is derived from the master key';

CREATE INDEX backup_codes_user_id ON authfort.backup_codes (user_id);

SELECT pg_catalog.pg_extension_config_dump('authfort.backup_codes', '');
