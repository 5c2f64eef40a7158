-- claims_hook.c reads the columns by number.
CREATE TABLE authfort.claims_hook (
	id uuid PRIMARY KEY DEFAULT pg_catalog.gen_random_uuid(),
	hook text COLLATE "C" NOT NULL,
	owner text COLLATE "C" NOT NULL
);
COMMENT ON TABLE authfort.claims_hook IS 'The function that adds claims to access tokens, in at most one row';
COMMENT ON COLUMN authfort.claims_hook.hook IS 'Signature with its schema; as text, because pg_upgrade refuses tables that hold object identifiers';
COMMENT ON COLUMN authfort.claims_hook.owner IS 'Owner of the function when it was registered; while another role owns it, no token is issued';

CREATE UNIQUE INDEX claims_hook_one_row ON authfort.claims_hook ((true));

SELECT pg_catalog.pg_extension_config_dump('authfort.claims_hook', '');

CREATE TRIGGER claims_hook_changed AFTER INSERT OR UPDATE OR DELETE ON authfort.claims_hook
	FOR EACH ROW EXECUTE FUNCTION authfort_internal.invalidate_caches();
CREATE TRIGGER claims_hook_truncated AFTER TRUNCATE ON authfort.claims_hook
	FOR EACH STATEMENT EXECUTE FUNCTION authfort_internal.invalidate_caches();
-- also where changes are replayed by logical replication
ALTER TABLE authfort.claims_hook ENABLE ALWAYS TRIGGER claims_hook_changed;
ALTER TABLE authfort.claims_hook ENABLE ALWAYS TRIGGER claims_hook_truncated;

-- Checks its caller, and then switches to its owner's privileges.
CREATE FUNCTION authfort.set_claims_hook(hook regprocedure) RETURNS void
	LANGUAGE c VOLATILE SET search_path = pg_catalog, pg_temp SET quote_all_identifiers = off
	AS 'MODULE_PATHNAME', 'authfort_set_claims_hook';
COMMENT ON FUNCTION authfort.set_claims_hook(regprocedure) IS 'Registers the function that adds claims to access tokens, or removes it with NULL.';
