-- The row is created on first use, not here: a dump contains the row, and
-- restoring it must not find another one. database_id.c reads the first column.
CREATE TABLE authfort.database_identity (
	id uuid PRIMARY KEY DEFAULT pg_catalog.gen_random_uuid(),
	created_at timestamptz NOT NULL DEFAULT pg_catalog.now()
);
COMMENT ON TABLE authfort.database_identity IS 'The id of this database, in at most one row; authfort.reset_database_identity() gives a copy its own';
COMMENT ON COLUMN authfort.database_identity.id IS 'Bound into refresh tokens, one-time tokens and messages of the outbox';

CREATE UNIQUE INDEX database_identity_one_row ON authfort.database_identity ((true));

SELECT pg_catalog.pg_extension_config_dump('authfort.database_identity', '');

CREATE TRIGGER database_identity_changed AFTER INSERT OR UPDATE OR DELETE ON authfort.database_identity
	FOR EACH ROW EXECUTE FUNCTION authfort_internal.invalidate_caches();
CREATE TRIGGER database_identity_truncated AFTER TRUNCATE ON authfort.database_identity
	FOR EACH STATEMENT EXECUTE FUNCTION authfort_internal.invalidate_caches();
-- also where changes are replayed by logical replication
ALTER TABLE authfort.database_identity ENABLE ALWAYS TRIGGER database_identity_changed;
ALTER TABLE authfort.database_identity ENABLE ALWAYS TRIGGER database_identity_truncated;

