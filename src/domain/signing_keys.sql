-- Signing keys.  signing_keys.c reads the columns by number.
CREATE TABLE authfort.signing_keys (
	kid text COLLATE "C" PRIMARY KEY,
	algorithm text NOT NULL CHECK (algorithm IN ('RS256', 'ES256', 'EdDSA')),
	public_key bytea NOT NULL,
	private_key bytea NOT NULL,
	created_at timestamptz NOT NULL,
	activated_at timestamptz,
	expires_at timestamptz
);
COMMENT ON TABLE authfort.signing_keys IS 'Keys that sign access tokens; private halves are sealed under the master key';
COMMENT ON COLUMN authfort.signing_keys.kid IS 'RFC 7638 SHA-256 thumbprint of the public key';
COMMENT ON COLUMN authfort.signing_keys.public_key IS 'SubjectPublicKeyInfo, DER';
COMMENT ON COLUMN authfort.signing_keys.private_key IS 'PKCS #8, sealed: version, master key id, nonce, XChaCha20-Poly1305 ciphertext';
COMMENT ON COLUMN authfort.signing_keys.activated_at IS 'When it began to sign; null for a key that is published ahead';
COMMENT ON COLUMN authfort.signing_keys.expires_at IS 'When tokens that it signed stop verifying; null for the key that signs';

CREATE UNIQUE INDEX signing_keys_one_signs ON authfort.signing_keys ((true))
	WHERE activated_at IS NOT NULL AND expires_at IS NULL;

SELECT pg_catalog.pg_extension_config_dump('authfort.signing_keys', '');

CREATE FUNCTION authfort_internal.invalidate_keys() RETURNS trigger
	LANGUAGE c AS 'MODULE_PATHNAME', 'authfort_invalidate_keys';
COMMENT ON FUNCTION authfort_internal.invalidate_keys() IS 'Trigger function: announces a change of the signing keys to all backends and standbys.';

CREATE TRIGGER signing_keys_changed AFTER INSERT OR UPDATE OR DELETE ON authfort.signing_keys
	FOR EACH ROW EXECUTE FUNCTION authfort_internal.invalidate_keys();
CREATE TRIGGER signing_keys_truncated AFTER TRUNCATE ON authfort.signing_keys
	FOR EACH STATEMENT EXECUTE FUNCTION authfort_internal.invalidate_keys();
-- also where changes are replayed by logical replication
ALTER TABLE authfort.signing_keys ENABLE ALWAYS TRIGGER signing_keys_changed;
ALTER TABLE authfort.signing_keys ENABLE ALWAYS TRIGGER signing_keys_truncated;

CREATE FUNCTION authfort.jwks() RETURNS jsonb
	LANGUAGE c VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
	AS 'MODULE_PATHNAME', 'authfort_jwks';
COMMENT ON FUNCTION authfort.jwks() IS 'Returns the public keys as a JWK Set (RFC 7517), and creates the first signing key if necessary.';
