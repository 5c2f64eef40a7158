CREATE TABLE authfort.email_changes (
	id uuid PRIMARY KEY DEFAULT authfort.uuid_v7(),
	user_id uuid NOT NULL,
	old_email text COLLATE "C",
	new_email text COLLATE "C" NOT NULL,
	was_proven boolean NOT NULL,
	awaits_old boolean NOT NULL,
	awaits_new boolean NOT NULL DEFAULT true,
	in_session boolean NOT NULL DEFAULT false,
	created_at timestamptz NOT NULL,
	changed_at timestamptz,
	expires_at timestamptz NOT NULL
);
COMMENT ON TABLE authfort.email_changes IS 'Changes of users'' addresses that wait to be confirmed, or can be undone';
COMMENT ON COLUMN authfort.email_changes.old_email IS 'Null if the account had no email';
COMMENT ON COLUMN authfort.email_changes.was_proven IS 'Whether the owner of the old mailbox had proven it';
COMMENT ON COLUMN authfort.email_changes.awaits_old IS 'Whether the change has yet to be confirmed at the old address (authfort.secure_email_change)';
COMMENT ON COLUMN authfort.email_changes.awaits_new IS 'Whether it has yet to be confirmed at the new address';
COMMENT ON COLUMN authfort.email_changes.in_session IS 'Whether the new address was confirmed in a session of the account';
COMMENT ON COLUMN authfort.email_changes.changed_at IS 'When the address was changed, from when on no other user gets the old one until expires_at; null before';
COMMENT ON COLUMN authfort.email_changes.expires_at IS 'Until then the change can be confirmed, and afterwards be undone';

CREATE INDEX email_changes_user_id ON authfort.email_changes (user_id);
CREATE INDEX email_changes_old_email ON authfort.email_changes (old_email) WHERE changed_at IS NOT NULL;
CREATE INDEX email_changes_expires_at ON authfort.email_changes (expires_at);

SELECT pg_catalog.pg_extension_config_dump('authfort.email_changes', '');
