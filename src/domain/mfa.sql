CREATE TABLE authfort.mfa (
	user_id uuid PRIMARY KEY,
	totp_secret bytea,
	totp_confirmed_at timestamptz,
	totp_last_step bigint,
	totp_earlier_steps smallint NOT NULL DEFAULT 0,
	failed_attempts integer NOT NULL DEFAULT 0,
	locked_until timestamptz,
	lock_count integer NOT NULL DEFAULT 0
);
COMMENT ON TABLE authfort.mfa IS 'The authenticator app of a user, and the lock after wrong codes';
COMMENT ON COLUMN authfort.mfa.totp_secret IS 'Sealed under the master key; NULL without an authenticator app';
COMMENT ON COLUMN authfort.mfa.totp_confirmed_at IS 'When a first code proved that the app has the secret; NULL until then';
COMMENT ON COLUMN authfort.mfa.totp_last_step IS 'The latest time step (of 30 s) whose code was used';
COMMENT ON COLUMN authfort.mfa.totp_earlier_steps IS 'Which of the steps before it were used: bit 0 the one before, bit 1 the one before that';
COMMENT ON COLUMN authfort.mfa.failed_attempts IS 'Wrong codes since the last right one, or since the last lock ended';
COMMENT ON COLUMN authfort.mfa.locked_until IS 'The end of the last lock since a right code, which may be over';
COMMENT ON COLUMN authfort.mfa.lock_count IS 'Locks since the last right code; each lasts twice as long as the one before';

SELECT pg_catalog.pg_extension_config_dump('authfort.mfa', '');
