CREATE FUNCTION authfort.rate_limits(OUT entries integer, OUT used integer, OUT exhausted integer)
	LANGUAGE c STABLE PARALLEL SAFE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
	AS 'MODULE_PATHNAME', 'authfort_rate_limits';
COMMENT ON FUNCTION authfort.rate_limits() IS 'How much of the shared memory of the rate limits, which all databases share, is in use: entries there are, used by addresses and emails in their windows, and those of them that have no request left. Which they are is not kept, only hashes. All 0 without preload.';

CREATE FUNCTION authfort.rate_limit_status(email text DEFAULT NULL, ip_address inet DEFAULT NULL)
	RETURNS TABLE (endpoint text, key_type text, requests integer, max_requests integer, retry_after integer)
	LANGUAGE c STABLE PARALLEL SAFE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
	AS 'MODULE_PATHNAME', 'authfort_rate_limit_status';
COMMENT ON FUNCTION authfort.rate_limit_status(text, inet) IS 'What is counted for an email and an address: requests that count now, the most there may be, and seconds until another one is let through, 0 for now. Nothing for what did not ask lately, and nothing without preload.';

CREATE FUNCTION authfort.reset_rate_limits(email text DEFAULT NULL, ip_address inet DEFAULT NULL) RETURNS integer
	LANGUAGE c VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
	AS 'MODULE_PATHNAME', 'authfort_reset_rate_limits';
COMMENT ON FUNCTION authfort.reset_rate_limits(text, inet) IS 'Forgets the requests counted for an email and an address, for every endpoint in this database; for everybody if neither is given. Returns the number of counters forgotten. Not undone by a rollback.';
