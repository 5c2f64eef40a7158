CREATE FUNCTION authfort.message_failed(id uuid, reason text) RETURNS boolean
	LANGUAGE c VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
	AS 'MODULE_PATHNAME', 'authfort_message_failed';
COMMENT ON FUNCTION authfort.message_failed(uuid, text) IS 'Deletes a message that cannot be delivered, records that, and returns whether it was still there.';
