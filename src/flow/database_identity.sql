CREATE FUNCTION authfort.reset_database_identity() RETURNS uuid
	LANGUAGE c VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
	AS 'MODULE_PATHNAME', 'authfort_reset_database_identity';
COMMENT ON FUNCTION authfort.reset_database_identity() IS 'Makes a copy of a database a stranger to the one that it was copied from: neither accepts what the other issues. It gets another id, which is returned, and another signing key at once; all other signing keys, one-time tokens and messages of the outbox are deleted, and all sessions revoked. Users, roles, passwords and events stay. It does not need the master key of the original. For the extension''s owner only. Raises active_sql_transaction unless the isolation level is read committed.';

