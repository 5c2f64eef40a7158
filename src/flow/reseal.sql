CREATE FUNCTION authfort.reseal(max_rows integer DEFAULT 1000) RETURNS integer
	LANGUAGE c VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
	AS 'MODULE_PATHNAME', 'authfort_reseal';
COMMENT ON FUNCTION authfort.reseal(integer) IS 'Reseals secrets that are not sealed with the current master key, and returns their number.';

CREATE FUNCTION authfort_internal.master_key_name(stored bytea) RETURNS text
	LANGUAGE c IMMUTABLE STRICT AS 'MODULE_PATHNAME', 'authfort_master_key_name';
COMMENT ON FUNCTION authfort_internal.master_key_name(bytea) IS 'Returns the name of a master key whose id is stored beside a secret.';

CREATE FUNCTION authfort_internal.held_master_keys() RETURNS text[]
	LANGUAGE c STABLE AS 'MODULE_PATHNAME', 'authfort_held_master_keys';
COMMENT ON FUNCTION authfort_internal.held_master_keys() IS 'Returns the names of the available master keys, the current one first.';

CREATE FUNCTION authfort.master_key_usage()
	RETURNS TABLE (secrets text, master_key text, is_current boolean, is_held boolean, entries bigint)
	LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
	SELECT s.secrets, s.master_key, s.master_key OPERATOR(pg_catalog.=) h.held[1],
		s.master_key OPERATOR(pg_catalog.=) ANY (h.held), s.entries
	FROM (SELECT authfort_internal.held_master_keys() AS held) h,
		(SELECT u.secrets, u.master_key, pg_catalog.count(*) AS entries
		FROM (SELECT 'signing keys' AS secrets, authfort_internal.master_key_name(pg_catalog.substring(private_key, 2, 4)) AS master_key
				FROM authfort.signing_keys
			UNION ALL SELECT 'OAuth providers', authfort_internal.master_key_name(pg_catalog.substring(p.secret, 2, 4))
				FROM (SELECT client_secret AS secret FROM authfort.oauth_providers
					UNION ALL SELECT private_key FROM authfort.oauth_providers) p WHERE p.secret IS NOT NULL
			UNION ALL SELECT 'authenticator apps', authfort_internal.master_key_name(pg_catalog.substring(totp_secret, 2, 4))
				FROM authfort.mfa WHERE totp_secret IS NOT NULL
			UNION ALL SELECT 'tokens of providers', authfort_internal.master_key_name(pg_catalog.substring(tokens, 2, 4))
				FROM authfort.identities WHERE tokens IS NOT NULL
			UNION ALL SELECT 'messages', authfort_internal.master_key_name(pg_catalog.substring(message, 2, 4)) FROM authfort.outbox
			UNION ALL SELECT 'backup codes', authfort_internal.master_key_name(pg_catalog.substring(mac, 1, 4)) FROM authfort.backup_codes
			UNION ALL SELECT 'mailed codes', authfort_internal.master_key_name(pg_catalog.substring(code_mac, 1, 4))
				FROM authfort.email_codes WHERE code_mac IS NOT NULL
			UNION ALL SELECT 'services', pg_catalog.lpad(pg_catalog.to_hex(master_key_id), 8, '0') FROM authfort.service_tokens) u
		GROUP BY 1, 2) s
	ORDER BY 1, 3 DESC, 2
$$;
COMMENT ON FUNCTION authfort.master_key_usage() IS 'Returns how many secrets and codes need which master key.';

