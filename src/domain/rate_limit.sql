CREATE FUNCTION authfort.rate_limits(OUT entries integer, OUT used integer, OUT exhausted integer)
	LANGUAGE c STABLE PARALLEL SAFE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
	AS 'MODULE_PATHNAME', 'authfort_rate_limits';
COMMENT ON FUNCTION authfort.rate_limits() IS 'Returns how much of the shared memory of the rate limits is in use, in all databases together.';

CREATE FUNCTION authfort.rate_limit_status(email text DEFAULT NULL, ip_address inet DEFAULT NULL, user_id uuid DEFAULT NULL)
	RETURNS TABLE (endpoint text, key_type text, requests integer, max_requests integer, retry_after integer)
	LANGUAGE c STABLE PARALLEL SAFE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
	AS 'MODULE_PATHNAME', 'authfort_rate_limit_status';
COMMENT ON FUNCTION authfort.rate_limit_status(text, inet, uuid) IS 'Returns the requests counted for an email, an address and a user, by endpoint.';

CREATE FUNCTION authfort.reset_rate_limits(email text DEFAULT NULL, ip_address inet DEFAULT NULL, user_id uuid DEFAULT NULL)
	RETURNS integer
	LANGUAGE c VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
	AS 'MODULE_PATHNAME', 'authfort_reset_rate_limits';
COMMENT ON FUNCTION authfort.reset_rate_limits(text, inet, uuid) IS 'Resets the counters of an email, an address and a user, or all of them, and returns their number.';
