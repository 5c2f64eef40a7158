CREATE FUNCTION authfort.uuid_v7() RETURNS uuid
	LANGUAGE c VOLATILE AS 'MODULE_PATHNAME', 'authfort_uuid_v7';
COMMENT ON FUNCTION authfort.uuid_v7() IS 'Generates a UUID of version 7 (RFC 9562), greater than all that this session generated before.';

