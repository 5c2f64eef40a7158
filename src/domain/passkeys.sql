-- A sign-in changes no index: pages keep room for it.
CREATE TABLE authfort.passkeys (
	id uuid PRIMARY KEY DEFAULT authfort.uuid_v7(),
	user_id uuid NOT NULL,
	credential_id bytea NOT NULL CHECK (pg_catalog.length(credential_id) BETWEEN 1 AND 1023),
	public_key bytea NOT NULL,
	algorithm integer NOT NULL,
	sign_count bigint NOT NULL,
	transports text[] NOT NULL DEFAULT '{}',
	aaguid uuid NOT NULL,
	attestation text COLLATE "C" NOT NULL,
	backup_eligible boolean NOT NULL,
	backed_up boolean NOT NULL,
	user_verified boolean NOT NULL,
	name text NOT NULL,
	created_at timestamptz NOT NULL,
	last_used_at timestamptz
) WITH (fillfactor = 90);
COMMENT ON TABLE authfort.passkeys IS 'WebAuthn credentials of users: public keys, no secret';
COMMENT ON COLUMN authfort.passkeys.credential_id IS 'Chosen by the authenticator; unique over all users';
COMMENT ON COLUMN authfort.passkeys.public_key IS 'SubjectPublicKeyInfo in DER';
COMMENT ON COLUMN authfort.passkeys.algorithm IS 'COSE number: -7 ES256, -8 EdDSA, -257 RS256';
COMMENT ON COLUMN authfort.passkeys.sign_count IS 'The highest counter seen; 0 for an authenticator without one';
COMMENT ON COLUMN authfort.passkeys.aaguid IS 'The model of the authenticator, as reported by it; not verified';
COMMENT ON COLUMN authfort.passkeys.attestation IS 'none, self, or unchecked: by a certificate or in a format that is not verified';
COMMENT ON COLUMN authfort.passkeys.backup_eligible IS 'Whether it may be synced between devices; never changes';
COMMENT ON COLUMN authfort.passkeys.backed_up IS 'Whether it was synced at its last use';
COMMENT ON COLUMN authfort.passkeys.user_verified IS 'Whether the authenticator verified its user at registration, or another factor has confirmed it since; only then does it count as two factors';

CREATE UNIQUE INDEX passkeys_credential_id ON authfort.passkeys (credential_id) WHERE credential_id IS NOT NULL;
CREATE INDEX passkeys_user_id ON authfort.passkeys (user_id);

SELECT pg_catalog.pg_extension_config_dump('authfort.passkeys', '');

CREATE FUNCTION authfort.list_passkeys(user_id uuid)
	RETURNS TABLE (id bytea, name text, transports text[], aaguid uuid, backed_up boolean,
				   created_at timestamptz, last_used_at timestamptz)
	LANGUAGE c STABLE PARALLEL SAFE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
	AS 'MODULE_PATHNAME', 'authfort_list_passkeys';
COMMENT ON FUNCTION authfort.list_passkeys(uuid) IS 'Returns the passkeys of a user, the oldest first.';
