-- The index that serves the search: trigrams of email and name. pg_trgm would
-- do, but an extension that requires another one cannot be created alone.
CREATE FUNCTION authfort_internal.search_grams(VARIADIC texts text[]) RETURNS integer[]
	LANGUAGE c IMMUTABLE PARALLEL SAFE COST 200 AS 'MODULE_PATHNAME', 'authfort_search_grams';
COMMENT ON FUNCTION authfort_internal.search_grams(text[]) IS 'Index function: hashes of all sequences of three characters in the texts, case-folded and in NFC.';

CREATE FUNCTION authfort_internal.search_matches(part text, VARIADIC texts text[]) RETURNS boolean
	LANGUAGE c IMMUTABLE PARALLEL SAFE COST 100 AS 'MODULE_PATHNAME', 'authfort_search_matches';
COMMENT ON FUNCTION authfort_internal.search_matches(text, text[]) IS 'Search function: whether one of the texts contains the part, both case-folded and in NFC.';

CREATE INDEX users_search ON authfort.users USING gin (authfort_internal.search_grams(email, name));
CREATE INDEX users_created_at ON authfort.users (created_at, id);
