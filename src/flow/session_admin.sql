CREATE FUNCTION authfort.revoke_session(session_id uuid) RETURNS boolean
	LANGUAGE c VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
	AS 'MODULE_PATHNAME', 'authfort_revoke_session';
COMMENT ON FUNCTION authfort.revoke_session(uuid) IS 'Ends a session and returns whether it was active until now.';

CREATE FUNCTION authfort.revoke_sessions(user_id uuid, exclude uuid DEFAULT NULL) RETURNS integer
	LANGUAGE c VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
	AS 'MODULE_PATHNAME', 'authfort_revoke_sessions';
COMMENT ON FUNCTION authfort.revoke_sessions(uuid, uuid) IS 'Ends all sessions of a user except one, if given, and returns their number.';
