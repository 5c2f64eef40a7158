CREATE FUNCTION authfort_internal.invalidate_caches() RETURNS trigger
	LANGUAGE c AS 'MODULE_PATHNAME', 'authfort_invalidate_caches';
COMMENT ON FUNCTION authfort_internal.invalidate_caches() IS 'Trigger function: announces a change of a table to all backends and standbys, which cache it.';
