CREATE TABLE authfort.one_time_tokens (
	user_id uuid NOT NULL,
	purpose text COLLATE "C" NOT NULL,
	token_hash bytea NOT NULL,
	created_at timestamptz NOT NULL,
	expires_at timestamptz NOT NULL,
	PRIMARY KEY (user_id, purpose)
);
COMMENT ON TABLE authfort.one_time_tokens IS 'Tokens that were sent to users and count once; one for each user and purpose';
COMMENT ON COLUMN authfort.one_time_tokens.token_hash IS 'SHA-256 of the id of this database and a token of 256 random bits, which nothing can be guessed from';

CREATE UNIQUE INDEX one_time_tokens_token_hash ON authfort.one_time_tokens (token_hash) WHERE token_hash IS NOT NULL;
CREATE INDEX one_time_tokens_expires_at ON authfort.one_time_tokens (expires_at);

SELECT pg_catalog.pg_extension_config_dump('authfort.one_time_tokens', '');
