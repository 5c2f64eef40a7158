-- The row stays when its code is used, and keeps count of wrong tries.
CREATE TABLE authfort.email_codes (
	id uuid PRIMARY KEY DEFAULT authfort.uuid_v7(),
	user_id uuid NOT NULL,
	purpose text COLLATE "C" NOT NULL,
	code_mac bytea,
	message_id uuid,
	created_at timestamptz NOT NULL,
	expires_at timestamptz NOT NULL,
	wrong_tries integer NOT NULL DEFAULT 0,
	wrong_in_day integer NOT NULL DEFAULT 0,
	day_began timestamptz NOT NULL
);
COMMENT ON TABLE authfort.email_codes IS 'The latest code of six digits that was mailed to a user for a purpose, and the wrong tries';
COMMENT ON COLUMN authfort.email_codes.id IS 'Id of the code; each new code has another one';
COMMENT ON COLUMN authfort.email_codes.code_mac IS 'Bound to database, user and purpose, under a key derived from the master key, so that a copy of the table does not reveal the code; null once it was used or tried too often';
COMMENT ON COLUMN authfort.email_codes.message_id IS 'The message of authfort.outbox that it was put into; NULL for a code that was returned by SQL';
COMMENT ON COLUMN authfort.email_codes.wrong_in_day IS 'Wrong tries, at all codes, in the day since day_began';

CREATE UNIQUE INDEX email_codes_user_id ON authfort.email_codes (user_id, purpose) WHERE user_id IS NOT NULL;
CREATE INDEX email_codes_expires_at ON authfort.email_codes (expires_at);

SELECT pg_catalog.pg_extension_config_dump('authfort.email_codes', '');
