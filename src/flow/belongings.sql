-- Runs with its owner's privileges, because the current role has none while
-- authfort's own DELETE fires it (spi_query.c).
CREATE FUNCTION authfort_internal.delete_belongings() RETURNS trigger
	LANGUAGE c VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
	AS 'MODULE_PATHNAME', 'authfort_delete_belongings';
COMMENT ON FUNCTION authfort_internal.delete_belongings() IS 'Trigger function: deletes the rows that belong to deleted users.';

CREATE TRIGGER users_deleted AFTER DELETE ON authfort.users
	FOR EACH ROW EXECUTE FUNCTION authfort_internal.delete_belongings();
CREATE TRIGGER users_truncated AFTER TRUNCATE ON authfort.users
	FOR EACH STATEMENT EXECUTE FUNCTION authfort_internal.delete_belongings();
-- also where session_replication_role is replica
ALTER TABLE authfort.users ENABLE ALWAYS TRIGGER users_deleted;
ALTER TABLE authfort.users ENABLE ALWAYS TRIGGER users_truncated;
