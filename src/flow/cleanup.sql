CREATE FUNCTION authfort.cleanup_expired_keys() RETURNS integer
	LANGUAGE c VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
	AS 'MODULE_PATHNAME', 'authfort_cleanup_expired_keys';
COMMENT ON FUNCTION authfort.cleanup_expired_keys() IS 'Removes signing keys that no longer verify (authfort.key_rotation_ttl after their rotation) and returns their number.';

CREATE FUNCTION authfort.cleanup_expired_tokens() RETURNS integer
	LANGUAGE c VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
	AS 'MODULE_PATHNAME', 'authfort_cleanup_expired_tokens';
COMMENT ON FUNCTION authfort.cleanup_expired_tokens() IS 'Removes one-time tokens past their time and returns their number.';

CREATE FUNCTION authfort.cleanup_expired_sessions() RETURNS integer
	LANGUAGE c VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
	AS 'MODULE_PATHNAME', 'authfort_cleanup_expired_sessions';
COMMENT ON FUNCTION authfort.cleanup_expired_sessions() IS 'Removes sessions that expired or were revoked more than authfort.session_retention ago and returns their number. Sessions that others are changing stay for the next time.';

CREATE FUNCTION authfort.cleanup(OUT keys integer, OUT tokens integer, OUT sessions integer,
								 OUT events integer, OUT messages integer)
	LANGUAGE c VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
	AS 'MODULE_PATHNAME', 'authfort_cleanup';
COMMENT ON FUNCTION authfort.cleanup() IS 'Removes all that is past its time and returns how many: {keys, tokens, sessions, events, messages}. Events go authfort.event_retention after they happened. With the library preloaded a background worker does the same every authfort.cleanup_interval.';
