-- Eight bytes of the hash distinguish passwords well enough: with one billion
-- of them loaded, one good password in 18 billion is refused by mistake.
CREATE TABLE authfort.breached_passwords (
	prefix bigint PRIMARY KEY
);
COMMENT ON TABLE authfort.breached_passwords IS 'Passwords that are refused since they are known from breaches; none until authfort.load_breached_passwords()';
COMMENT ON COLUMN authfort.breached_passwords.prefix IS 'First eight bytes of the SHA-1 of the password, as a number';

SELECT pg_catalog.pg_extension_config_dump('authfort.breached_passwords', '');

-- checks its caller, and then switches to its owner's privileges
CREATE FUNCTION authfort.load_breached_passwords(file text) RETURNS bigint
	LANGUAGE c VOLATILE SET search_path = pg_catalog, pg_temp
	AS 'MODULE_PATHNAME', 'authfort_load_breached_file';
COMMENT ON FUNCTION authfort.load_breached_passwords(text) IS 'Adds the passwords of a file on the server, which are refused as new passwords from then on (password_pwned), and returns how many were new. Each line begins with the SHA-1 of a password in hexadecimal, or with 16 digits of it or more; what follows a colon is not read, so that the files of Have I Been Pwned can be loaded as they are. The caller needs the privileges of pg_read_server_files. Raises invalid_text_representation for another line, and loads nothing then.';

CREATE FUNCTION authfort.load_breached_passwords(hashes text[]) RETURNS bigint
	LANGUAGE c VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
	AS 'MODULE_PATHNAME', 'authfort_load_breached_hashes';
COMMENT ON FUNCTION authfort.load_breached_passwords(text[]) IS 'The same for lines that the caller has at hand.';
