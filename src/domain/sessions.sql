-- Refreshing is one HOT update: pages keep room for it, and no column that
-- it changes is indexed.
CREATE TABLE authfort.sessions (
	id uuid PRIMARY KEY DEFAULT pg_catalog.gen_random_uuid(),
	user_id uuid NOT NULL,
	salt bytea NOT NULL CHECK (pg_catalog.length(salt) = 16),
	generation integer NOT NULL,
	parent integer,
	rotated_at timestamptz[],
	created_at timestamptz NOT NULL,
	last_used_at timestamptz NOT NULL,
	expires_at timestamptz NOT NULL,
	revoked_at timestamptz,
	amr text[] NOT NULL DEFAULT '{}',
	aal smallint NOT NULL DEFAULT 1,
	auth_time timestamptz NOT NULL DEFAULT pg_catalog.now(),
	user_agent text,
	ip_address inet
) WITH (fillfactor = 80);
COMMENT ON TABLE authfort.sessions IS 'One row for each sign-in, for as long as it lasts; contains neither tokens nor hashes of them';
COMMENT ON COLUMN authfort.sessions.id IS 'The "sid" claim; the same over all refreshes';
COMMENT ON COLUMN authfort.sessions.salt IS 'Derives, with the master key, the key of the MACs in this session''s refresh tokens';
COMMENT ON COLUMN authfort.sessions.generation IS 'Which refresh token is current; each rotation raises it by one';
COMMENT ON COLUMN authfort.sessions.parent IS 'The generation whose token was exchanged for the current one; NULL after sign-in';
COMMENT ON COLUMN authfort.sessions.rotated_at IS 'When the generations before the last two were replaced, the latest first, as far as authfort.refresh_grace may still need it; NULL if it cannot';
COMMENT ON COLUMN authfort.sessions.last_used_at IS 'When the current generation was made: at sign-in or by the last rotation';
COMMENT ON COLUMN authfort.sessions.amr IS 'How the user was authenticated (RFC 8176; also email, fed and backup)';
COMMENT ON COLUMN authfort.sessions.aal IS 'How strongly: 1, or 2 for two factors';
COMMENT ON COLUMN authfort.sessions.auth_time IS 'When the user was authenticated last, which a refresh does not change; 1970 if the factor was removed since';
COMMENT ON COLUMN authfort.sessions.user_agent IS 'As sent at sign-in, cut to 512 characters';

CREATE INDEX sessions_user_id ON authfort.sessions (user_id);

SELECT pg_catalog.pg_extension_config_dump('authfort.sessions', '');

CREATE FUNCTION authfort.get_sessions(user_id uuid, active_only boolean DEFAULT false)
	RETURNS TABLE (id uuid, user_agent text, ip_address inet, created_at timestamptz,
				   last_used_at timestamptz, expires_at timestamptz, revoked boolean)
	LANGUAGE c STABLE PARALLEL SAFE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
	AS 'MODULE_PATHNAME', 'authfort_get_sessions';
COMMENT ON FUNCTION authfort.get_sessions(uuid, boolean) IS 'Returns the sessions of a user, the newest first.';
