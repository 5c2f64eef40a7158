CREATE FUNCTION authfort.uuid_v7() RETURNS uuid
	LANGUAGE c VOLATILE AS 'MODULE_PATHNAME', 'authfort_uuid_v7';
COMMENT ON FUNCTION authfort.uuid_v7() IS 'A UUID of version 7 (RFC 9562): in the order of time, and greater than all that this session made before.';

