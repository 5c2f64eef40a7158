CREATE FUNCTION authfort.reset_database_identity() RETURNS uuid
	LANGUAGE c VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
	AS 'MODULE_PATHNAME', 'authfort_reset_database_identity';
COMMENT ON FUNCTION authfort.reset_database_identity() IS 'Makes a copy of a database independent of its original, and returns the new id.';

