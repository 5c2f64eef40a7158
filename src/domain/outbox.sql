CREATE TABLE authfort.outbox (
	id uuid PRIMARY KEY DEFAULT authfort.uuid_v7(),
	kind text COLLATE "C" NOT NULL,
	user_id uuid NOT NULL,
	message bytea NOT NULL,
	created_at timestamptz NOT NULL,
	expires_at timestamptz NOT NULL,
	taken_at timestamptz,
	not_before timestamptz,
	attempts integer NOT NULL DEFAULT 0,
	has_secret boolean NOT NULL DEFAULT false
);
COMMENT ON TABLE authfort.outbox IS 'Messages to be delivered to users; authfort.take_messages() returns them';
COMMENT ON COLUMN authfort.outbox.kind IS 'Kind of the message, such as password_reset';
COMMENT ON COLUMN authfort.outbox.message IS 'JSON, sealed: version, master key id, nonce, XChaCha20-Poly1305 ciphertext';
COMMENT ON COLUMN authfort.outbox.taken_at IS 'When it was taken last; it is delivered again authfort.outbox_visibility_timeout later';
COMMENT ON COLUMN authfort.outbox.not_before IS 'When a delivery that failed is to be tried again; NULL: see taken_at';
COMMENT ON COLUMN authfort.outbox.has_secret IS 'Whether it contains a token or a code; it is not delivered once that was used or replaced';
COMMENT ON COLUMN authfort.outbox.attempts IS 'How often it was taken';

CREATE INDEX outbox_user_id ON authfort.outbox (user_id);
CREATE INDEX outbox_expires_at ON authfort.outbox (expires_at);

SELECT pg_catalog.pg_extension_config_dump('authfort.outbox', '');

CREATE FUNCTION authfort.take_messages(max_messages integer DEFAULT 10, kinds text[] DEFAULT NULL,
									   except_kinds text[] DEFAULT NULL)
	RETURNS TABLE (id uuid, kind text, user_id uuid, message jsonb,
				   created_at timestamptz, expires_at timestamptz, attempts integer)
	ROWS 10 LANGUAGE c VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
	AS 'MODULE_PATHNAME', 'authfort_take_messages';
COMMENT ON FUNCTION authfort.take_messages(integer, text[], text[]) IS 'Takes messages from the outbox, unsealed, the oldest first.';

CREATE FUNCTION authfort.message_sent(id uuid) RETURNS boolean
	LANGUAGE c VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
	AS 'MODULE_PATHNAME', 'authfort_message_sent';
COMMENT ON FUNCTION authfort.message_sent(uuid) IS 'Deletes a message that was sent, and returns whether it was still there.';

CREATE FUNCTION authfort.message_deferred(id uuid, retry_after integer) RETURNS boolean
	LANGUAGE c VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
	AS 'MODULE_PATHNAME', 'authfort_message_deferred';
COMMENT ON FUNCTION authfort.message_deferred(uuid, integer) IS 'Has a message that was taken delivered again after a number of seconds, and returns whether it was still there.';
