CREATE FUNCTION authfort.send_message(user_id uuid, kind text, payload jsonb DEFAULT '{}', lifetime interval DEFAULT '1 day')
	RETURNS uuid
	LANGUAGE c VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
	AS 'MODULE_PATHNAME', 'authfort_send_message';
COMMENT ON FUNCTION authfort.send_message(uuid, text, jsonb, interval) IS 'Puts a message from the application to a user into the outbox, and returns its id.';
