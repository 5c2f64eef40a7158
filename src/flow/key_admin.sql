CREATE FUNCTION authfort.rotate_key(algorithm text DEFAULT NULL) RETURNS text
	LANGUAGE c VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
	AS 'MODULE_PATHNAME', 'authfort_rotate_key';
COMMENT ON FUNCTION authfort.rotate_key(text) IS 'Starts to sign with another key and returns its kid.';

CREATE FUNCTION authfort.prepare_key(algorithm text DEFAULT NULL) RETURNS text
	LANGUAGE c VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
	AS 'MODULE_PATHNAME', 'authfort_prepare_key';
COMMENT ON FUNCTION authfort.prepare_key(text) IS 'Publishes the next signing key in the JWK Set, without signing with it yet, and returns its kid.';
