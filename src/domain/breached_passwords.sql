-- Eight bytes of the hash distinguish passwords well enough: with one billion
-- of them loaded, one good password in 18 billion is refused by mistake.
CREATE TABLE authfort.breached_passwords (
	prefix bigint PRIMARY KEY
);
COMMENT ON TABLE authfort.breached_passwords IS 'Passwords that are refused because they are known from breaches; filled by authfort.load_breached_passwords()';
COMMENT ON COLUMN authfort.breached_passwords.prefix IS 'First eight bytes of the SHA-1 of the password, as a number';

SELECT pg_catalog.pg_extension_config_dump('authfort.breached_passwords', '');

-- checks its caller, and then switches to its owner's privileges
CREATE FUNCTION authfort.load_breached_passwords(file text) RETURNS bigint
	LANGUAGE c VOLATILE SET search_path = pg_catalog, pg_temp
	AS 'MODULE_PATHNAME', 'authfort_load_breached_file';
COMMENT ON FUNCTION authfort.load_breached_passwords(text) IS 'Loads the passwords of a file on the server, which are refused from then on, and returns how many were new.';

CREATE FUNCTION authfort.load_breached_passwords(hashes text[]) RETURNS bigint
	LANGUAGE c VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
	AS 'MODULE_PATHNAME', 'authfort_load_breached_hashes';
COMMENT ON FUNCTION authfort.load_breached_passwords(text[]) IS 'Loads breached passwords from an array of such lines, and returns how many were new.';
