CREATE FUNCTION authfort.password_hash_affordable(hash text) RETURNS boolean
	LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'authfort_password_hash_affordable';
COMMENT ON FUNCTION authfort.password_hash_affordable(text) IS 'Returns whether checking a password against a hash takes no more than about a second.';

-- Bans, token versions and passwords change no index: pages keep room for it.
CREATE TABLE authfort.users (
	id uuid PRIMARY KEY DEFAULT pg_catalog.gen_random_uuid(),
	email text COLLATE "C",
	password_hash text CONSTRAINT users_password_hash_affordable CHECK (authfort.password_hash_affordable(password_hash)),
	password_set_at timestamptz,
	name text,
	avatar_url text,
	phone text,
	email_verified boolean NOT NULL DEFAULT false,
	banned boolean NOT NULL DEFAULT false,
	mfa_enabled boolean NOT NULL DEFAULT false,
	token_version integer NOT NULL DEFAULT 0,
	created_at timestamptz NOT NULL DEFAULT pg_catalog.now(),
	deleted_at timestamptz,
	mailbox_proven boolean NOT NULL DEFAULT true,
	locale text COLLATE "C",
	user_metadata jsonb NOT NULL DEFAULT '{}',
	app_metadata jsonb NOT NULL DEFAULT '{}',
	unclaimed_until timestamptz,
	invited_at timestamptz,
	invited_roles text[],
	CONSTRAINT users_email_normalized CHECK (email = pg_catalog.lower(email) AND email = pg_catalog.btrim(email)),
	CONSTRAINT users_email_verified CHECK (email IS NOT NULL OR NOT email_verified)
) WITH (fillfactor = 90);
COMMENT ON TABLE authfort.users IS 'Accounts that can sign in, and deleted ones';
COMMENT ON COLUMN authfort.users.email IS 'Normalized: lower case and in NFC, domain in ASCII; null for an account without an email';
COMMENT ON COLUMN authfort.users.password_hash IS 'Argon2id in encoded form; null for an account without a password';
COMMENT ON COLUMN authfort.users.password_set_at IS 'When the user chose the password; null if not known';
COMMENT ON COLUMN authfort.users.token_version IS 'The "ver" claim of current access tokens; raising it ends those issued before';
COMMENT ON COLUMN authfort.users.mailbox_proven IS 'Whether the account belongs to the owner of the mailbox; false after a sign-up, until its session confirms a message to the mailbox';
COMMENT ON COLUMN authfort.users.locale IS 'Language tag of messages to the user (BCP 47)';
COMMENT ON COLUMN authfort.users.user_metadata IS 'JSON object that the user may change';
COMMENT ON COLUMN authfort.users.app_metadata IS 'JSON object that only the application may change';
COMMENT ON COLUMN authfort.users.unclaimed_until IS 'When cleanup removes an account that a request for a magic link or code has created; null once its mailbox is proven';
COMMENT ON COLUMN authfort.users.invited_at IS 'When the user was invited; null once the invitation was accepted';
COMMENT ON COLUMN authfort.users.invited_roles IS 'The roles that the user gets by accepting the invitation';
COMMENT ON COLUMN authfort.users.deleted_at IS 'When the account was deleted; the row stays for foreign keys';

-- Partial, like every unique index on a column that may change: a foreign key
-- cannot refer to it, so ON UPDATE CASCADE of another table does not run in
-- authfort's statements.
CREATE UNIQUE INDEX users_email_key ON authfort.users (email) WHERE deleted_at IS NULL;
CREATE INDEX users_unclaimed_until ON authfort.users (unclaimed_until) WHERE unclaimed_until IS NOT NULL;

SELECT pg_catalog.pg_extension_config_dump('authfort.users', '');
