CREATE FUNCTION authfort.cluster_id() RETURNS bigint
	LANGUAGE c STABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'authfort_cluster_id';
COMMENT ON FUNCTION authfort.cluster_id() IS 'Returns the system identifier of this cluster, as pg_control_system() does.';

-- Rows are appended, and deleted from the old end.  The B-trees grow at one
-- edge only, and the BRIN index on time costs next to nothing; neither gets
-- slower with the number of rows, so partitions are not needed, which would
-- have to be created in time and could not be dumped with the extension.
CREATE TABLE authfort.events (
	id uuid PRIMARY KEY DEFAULT authfort.uuid_v7(),
	event text COLLATE "C" NOT NULL,
	created_at timestamptz NOT NULL,
	user_id uuid,
	session_id uuid,
	ip_address inet,
	user_agent text,
	payload jsonb NOT NULL,
	xid xid8 NOT NULL DEFAULT pg_catalog.pg_current_xact_id(),
	cluster bigint NOT NULL DEFAULT authfort.cluster_id()
);
COMMENT ON TABLE authfort.events IS 'Events, recorded by the transactions that caused them; an audit trail, and an outbox to follow';
COMMENT ON COLUMN authfort.events.id IS 'UUID of version 7: in the order of time, as far as clocks agree';
COMMENT ON COLUMN authfort.events.user_id IS 'Not a foreign key: events are kept when the user is deleted';
COMMENT ON COLUMN authfort.events.payload IS 'Details of the event; never a secret';
COMMENT ON COLUMN authfort.events.xid IS 'Transaction that recorded the event, with its epoch; docs/events.md explains how to follow the table by it';
COMMENT ON COLUMN authfort.events.cluster IS 'The cluster to which xid belongs: authfort.cluster_id() where the event was recorded';

CREATE INDEX events_created_at ON authfort.events USING brin (created_at);
CREATE INDEX events_position ON authfort.events (cluster, xid, id);
-- for counting the events that any client can cause: event_is_frequent(), events_to_are_frequent()
-- and event_notice_is_frequent()
CREATE INDEX events_frequent ON authfort.events (event, user_id, created_at)
	WHERE event IN ('email_change_requested', 'refresh_token_mismatch', 'password_pwned_rejected', 'rate_limit_exceeded')
		OR (event = 'login_failed' AND user_id IS NULL);
CREATE INDEX events_mailed ON authfort.events
	(event, (COALESCE(payload->>'new_email', payload->>'email') COLLATE "C"), created_at)
	WHERE event IN ('password_reset_requested', 'signup_attempt', 'email_verification_requested', 'magic_link_requested',
		'email_otp_requested', 'email_change_requested', 'email_change_undo_requested', 'reauthentication_requested',
		'notice_sent');
CREATE INDEX events_user_id ON authfort.events (user_id, id) WHERE user_id IS NOT NULL;

CREATE TABLE authfort.event_handlers (
	id uuid PRIMARY KEY DEFAULT authfort.uuid_v7(),
	event text COLLATE "C" NOT NULL,
	handler text COLLATE "C" NOT NULL,
	owner text COLLATE "C" NOT NULL
);
CREATE UNIQUE INDEX event_handlers_event_handler ON authfort.event_handlers (event, handler) WHERE event IS NOT NULL;

COMMENT ON TABLE authfort.event_handlers IS 'Functions that are called for events, in the order of id';
COMMENT ON COLUMN authfort.event_handlers.event IS 'Name of an event, or * for all';
COMMENT ON COLUMN authfort.event_handlers.handler IS 'Signature with its schema; as text, because pg_upgrade refuses tables that hold object identifiers';
COMMENT ON COLUMN authfort.event_handlers.owner IS 'Owner of the function when it was registered; while another role owns it, it is not called';

SELECT pg_catalog.pg_extension_config_dump('authfort.events', '');
SELECT pg_catalog.pg_extension_config_dump('authfort.event_handlers', '');

-- These two check their caller, and then switch to their owner's privileges.
-- They store names, so quote_all_identifiers must not decide whether a name is
-- quoted.
CREATE FUNCTION authfort."on"(event text, handler regprocedure) RETURNS void
	LANGUAGE c VOLATILE SET search_path = pg_catalog, pg_temp SET quote_all_identifiers = off
	AS 'MODULE_PATHNAME', 'authfort_on';
COMMENT ON FUNCTION authfort."on"(text, regprocedure) IS 'Registers a function to be called for each event of a name, or of all with *.';

CREATE FUNCTION authfort.off(event text, handler regprocedure) RETURNS void
	LANGUAGE c VOLATILE SET search_path = pg_catalog, pg_temp SET quote_all_identifiers = off
	AS 'MODULE_PATHNAME', 'authfort_off';
COMMENT ON FUNCTION authfort.off(text, regprocedure) IS 'Removes a registration made by authfort.on().';
