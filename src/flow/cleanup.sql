CREATE FUNCTION authfort.cleanup_expired_keys() RETURNS integer
	LANGUAGE c VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
	AS 'MODULE_PATHNAME', 'authfort_cleanup_expired_keys';
COMMENT ON FUNCTION authfort.cleanup_expired_keys() IS 'Removes signing keys that no longer verify, and returns their number.';

CREATE FUNCTION authfort.cleanup_expired_tokens() RETURNS integer
	LANGUAGE c VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
	AS 'MODULE_PATHNAME', 'authfort_cleanup_expired_tokens';
COMMENT ON FUNCTION authfort.cleanup_expired_tokens() IS 'Removes expired one-time tokens, and returns their number.';

CREATE FUNCTION authfort.cleanup_expired_sessions() RETURNS integer
	LANGUAGE c VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
	AS 'MODULE_PATHNAME', 'authfort_cleanup_expired_sessions';
COMMENT ON FUNCTION authfort.cleanup_expired_sessions() IS 'Removes sessions that ended more than authfort.session_retention ago, and returns their number.';

CREATE FUNCTION authfort.cleanup(OUT keys integer, OUT tokens integer, OUT sessions integer,
								 OUT events integer, OUT messages integer, OUT spent_ids integer,
								 OUT accounts integer)
	LANGUAGE c VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
	AS 'MODULE_PATHNAME', 'authfort_cleanup';
COMMENT ON FUNCTION authfort.cleanup() IS 'Removes all expired rows, and returns their numbers.';
