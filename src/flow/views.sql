-- Users and sessions as administrators may see them, to join and to filter.  The
-- views read with the privileges of their owner; security_barrier keeps a
-- caller's functions from seeing rows before the views' conditions are applied.
CREATE VIEW authfort.user_info WITH (security_barrier) AS
	SELECT u.id, u.email, u.name, u.avatar_url, u.phone, u.email_verified, u.banned, u.mfa_enabled,
		u.password_hash IS NOT NULL AS has_password,
		ARRAY(SELECT r.role FROM authfort.user_roles r WHERE r.user_id OPERATOR(pg_catalog.=) u.id ORDER BY r.role)::text[] AS roles,
		u.created_at, u.deleted_at
	FROM authfort.users u;
COMMENT ON VIEW authfort.user_info IS 'Users, including deleted ones (deleted_at), without secrets';
COMMENT ON COLUMN authfort.user_info.email IS 'Normalized: lower case and in NFC, domain in ASCII; a placeholder once the user is deleted';
COMMENT ON COLUMN authfort.user_info.has_password IS 'Whether the user can sign in with a password';
COMMENT ON COLUMN authfort.user_info.roles IS 'Roles in the application, in order';
COMMENT ON COLUMN authfort.user_info.deleted_at IS 'When the account was deleted; null for one that exists';

-- As in authfort.get_sessions(): by the hour, so that watching the view does not
-- show when a token is used.
CREATE VIEW authfort.session_info WITH (security_barrier) AS
	SELECT s.id, s.user_id, s.user_agent, s.ip_address, s.created_at,
		pg_catalog.date_trunc('hour', s.last_used_at, 'UTC') AS last_used_at,
		CASE WHEN s.parent IS NULL THEN s.expires_at ELSE pg_catalog.date_trunc('hour', s.expires_at, 'UTC') END AS expires_at,
		s.revoked_at
	FROM authfort.sessions s;
COMMENT ON VIEW authfort.session_info IS 'Sessions, also ended ones, without their keys';
COMMENT ON COLUMN authfort.session_info.last_used_at IS 'At sign-in or by the last refresh, cut to the hour (UTC)';
COMMENT ON COLUMN authfort.session_info.expires_at IS 'When the session ends unless it is refreshed; cut to the hour (UTC) once it was';
COMMENT ON COLUMN authfort.session_info.revoked_at IS 'When the session was ended early; null if it was not';
