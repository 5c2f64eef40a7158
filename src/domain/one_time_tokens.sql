CREATE TABLE authfort.one_time_tokens (
	id uuid PRIMARY KEY DEFAULT authfort.uuid_v7(),
	user_id uuid NOT NULL,
	purpose text COLLATE "C" NOT NULL,
	token_hash bytea NOT NULL,
	message_id uuid,
	created_at timestamptz NOT NULL,
	expires_at timestamptz NOT NULL,
	detail jsonb
);
COMMENT ON TABLE authfort.one_time_tokens IS 'Single-use tokens that were sent to users';
COMMENT ON COLUMN authfort.one_time_tokens.message_id IS 'The message of authfort.outbox that it was put into, which may have been delivered and be gone; NULL for a token that was returned by SQL';
COMMENT ON COLUMN authfort.one_time_tokens.detail IS 'Data for the use of the token, such as the new address of an account';
COMMENT ON COLUMN authfort.one_time_tokens.token_hash IS 'SHA-256 of the id of this database and a token of 256 random bits, which cannot be reversed';

CREATE UNIQUE INDEX one_time_tokens_token_hash ON authfort.one_time_tokens (token_hash) WHERE token_hash IS NOT NULL;
CREATE INDEX one_time_tokens_user_id ON authfort.one_time_tokens (user_id);
CREATE INDEX one_time_tokens_expires_at ON authfort.one_time_tokens (expires_at);

SELECT pg_catalog.pg_extension_config_dump('authfort.one_time_tokens', '');
