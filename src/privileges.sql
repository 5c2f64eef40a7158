-- A trigger on a table runs with the privileges of the role that writes to it,
-- here the owner of authfort's functions.  So the privilege TRIGGER, which the
-- owner may grant, is not enough to create one.  (Rules require ownership
-- anyway.)
CREATE FUNCTION authfort_internal.refuse_triggers() RETURNS event_trigger
	LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	refused record;
BEGIN
	FOR refused IN
		SELECT t.tgname, c.oid::regclass AS relation
		FROM pg_catalog.pg_event_trigger_ddl_commands() d
			JOIN pg_catalog.pg_trigger t ON t.oid OPERATOR(pg_catalog.=) d.objid
			JOIN pg_catalog.pg_class c ON c.oid OPERATOR(pg_catalog.=) t.tgrelid
		WHERE d.classid OPERATOR(pg_catalog.=) 'pg_catalog.pg_trigger'::regclass
			AND c.relnamespace OPERATOR(pg_catalog.=) 'authfort'::regnamespace
			AND NOT pg_catalog.pg_has_role(c.relowner, 'USAGE')
	LOOP
		RAISE insufficient_privilege USING
			MESSAGE = pg_catalog.format('permission denied to create trigger "%s" on table %s', refused.tgname, refused.relation),
			DETAIL = 'It would run with the privileges of the owner of the extension.',
			HINT = 'Create it as the owner of the table, or register its function as an event handler with authfort.on().';
	END LOOP;
END $$;
COMMENT ON FUNCTION authfort_internal.refuse_triggers() IS 'Event trigger function: refuses triggers on tables of authfort by roles other than their owner.';

CREATE EVENT TRIGGER authfort_refuse_triggers ON ddl_command_end WHEN TAG IN ('CREATE TRIGGER')
	EXECUTE FUNCTION authfort_internal.refuse_triggers();
-- also where session_replication_role is replica
ALTER EVENT TRIGGER authfort_refuse_triggers ENABLE ALWAYS;
COMMENT ON EVENT TRIGGER authfort_refuse_triggers IS 'Only the owner and superusers may create triggers on tables of authfort';

-- Last: PUBLIC may execute only functions that read the caller's own verified
-- identity.  Privileges that ALTER DEFAULT PRIVILEGES granted to other roles
-- when the objects were created are revoked first.  The row types keep theirs,
-- because pg_dump cannot dump that PUBLIC may not use them.
DO $$
DECLARE
	given record;
BEGIN
	FOR given IN
		SELECT DISTINCT o.object, CASE WHEN a.grantee OPERATOR(pg_catalog.=) 0 THEN 'PUBLIC' ELSE a.grantee::regrole::text END AS grantee
		FROM (
			SELECT 'SCHEMA ' OPERATOR(pg_catalog.||) n.oid::regnamespace::text, n.nspowner, n.nspacl, n.oid FROM pg_catalog.pg_namespace n
			UNION ALL
			SELECT CASE c.relkind WHEN 'S' THEN 'SEQUENCE ' ELSE 'TABLE ' END OPERATOR(pg_catalog.||) c.oid::regclass::text, c.relowner, c.relacl, c.relnamespace
				FROM pg_catalog.pg_class c WHERE c.relkind OPERATOR(pg_catalog.=) ANY ('{r,p,v,m,S}')
			UNION ALL
			SELECT 'ROUTINE ' OPERATOR(pg_catalog.||) p.oid::regprocedure::text, p.proowner, p.proacl, p.pronamespace FROM pg_catalog.pg_proc p
		) AS o(object, owner, acl, namespace), pg_catalog.aclexplode(o.acl) a
		WHERE o.namespace OPERATOR(pg_catalog.=) ANY (ARRAY['authfort', 'authfort_api', 'authfort_internal']::regnamespace[])
			AND a.grantee OPERATOR(pg_catalog.<>) o.owner
	LOOP
		EXECUTE pg_catalog.format('REVOKE ALL ON %s FROM %s', given.object, given.grantee);
	END LOOP;
END
$$;

REVOKE ALL ON ALL TABLES IN SCHEMA authfort FROM PUBLIC;
REVOKE ALL ON ALL FUNCTIONS IN SCHEMA authfort, authfort_internal FROM PUBLIC;
REVOKE ALL ON SCHEMA authfort, authfort_internal FROM PUBLIC;
GRANT USAGE ON SCHEMA authfort TO PUBLIC;

GRANT EXECUTE ON FUNCTION
	authfort.uid(), authfort.session_id(), authfort.roles(), authfort.claims(),
	authfort.has_role(text[]), authfort.require_role(text[]), authfort.current_user(),
	authfort.set_jwt(text, boolean), authfort.version(), authfort.claim(text), authfort.aal(),
	authfort.amr(), authfort.auth_time(), authfort.require_aal(integer, interval)
	TO PUBLIC;

GRANT EXECUTE ON FUNCTION
	authfort.http(text, text, text, jsonb, text, inet),
	authfort.http_request(text, text, text, text[], text, inet)
	TO authfort_http;

GRANT EXECUTE ON FUNCTION
	authfort.http_resume(text, integer, jsonb, text),
	authfort.http_resume_request(text, integer, text[], text)
	TO authfort_fetch;

REVOKE ALL ON ALL FUNCTIONS IN SCHEMA authfort_api FROM PUBLIC;
GRANT USAGE ON SCHEMA authfort_api TO authfort_http;
GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA authfort_api TO authfort_http;
GRANT EXECUTE ON FUNCTION authfort.routes() TO authfort_admin;

GRANT EXECUTE ON FUNCTION
	authfort.verify_jwt(text), authfort.try_verify_jwt(text), authfort.authenticate(text),
	authfort.signup(text, text, text, text, text, text, inet),
	authfort.create_user(text, text, text, text, text, boolean, text[]),
	authfort.login(text, text, text, inet), authfort.refresh(text, text, text, inet),
	authfort.logout(text, text, inet),
	authfort.add_role(uuid, text, boolean), authfort.remove_role(uuid, text, boolean),
	authfort.role_members(text), authfort.get_roles(uuid), authfort.user_has_role(uuid, text),
	authfort.get_sessions(uuid, boolean), authfort.revoke_session(uuid),
	authfort.revoke_sessions(uuid, uuid),
	authfort.get_user(uuid, boolean),
	authfort.list_users(text, boolean, text, boolean, text, text, integer, integer),
	authfort.get_user_count(text, boolean, text, boolean), authfort.update_user(uuid, jsonb),
	authfort.delete_user(uuid, boolean), authfort.ban_user(uuid), authfort.unban_user(uuid),
	authfort.reseal(integer), authfort.master_key_usage(),
	authfort.rate_limits(), authfort.rate_limit_status(text, inet, uuid), authfort.reset_rate_limits(text, inet, uuid),
	authfort.create_password_reset_token(text), authfort.reset_password(text, text),
	authfort.create_email_verification_token(uuid), authfort.verify_email(text, uuid),
	authfort.create_magic_link_token(text, text, text, text), authfort.verify_magic_link(text, text, inet),
	authfort.invite_user(text, text[], text, jsonb), authfort.accept_invitation(text, text, text, inet),
	authfort.generate_link(text, text),
	authfort.create_email_otp(text), authfort.verify_email_otp(text, text, text, inet),
	authfort.change_password(uuid, text, text, uuid, text, inet), authfort.set_password(uuid, text, uuid),
	authfort.mfa_init(uuid, uuid, text), authfort.mfa_confirm(uuid, text, uuid, text, text, inet),
	authfort.complete_mfa_login(text, text, text, inet),
	authfort.mfa_disable(uuid, text, uuid, text, inet),
	authfort.mfa_regenerate_backup_codes(uuid, text, uuid, text, inet), authfort.mfa_status(uuid),
	authfort.mfa_step_up(uuid, uuid, text, text, inet), authfort.reset_mfa(uuid),
	authfort.set_claims_hook(regprocedure), authfort.load_breached_passwords(text), authfort.load_breached_passwords(text[]),
	authfort.passkey_register_begin(uuid, uuid, text),
	authfort.passkey_register_finish(uuid, jsonb, text, uuid, text, text, inet),
	authfort.passkey_mfa_begin(text), authfort.passkey_mfa_finish(text, jsonb, text, inet),
	authfort.passkey_step_up_begin(uuid), authfort.passkey_step_up_finish(uuid, jsonb, text, inet),
	authfort.passkey_reauthenticate_begin(uuid), authfort.passkey_reauthenticate_finish(uuid, jsonb, text, inet),
	authfort.passkey_login_begin(text), authfort.passkey_login_finish(jsonb, text, inet),
	authfort.list_passkeys(uuid), authfort.rename_passkey(uuid, bytea, text), authfort.delete_passkey(uuid, bytea),
	authfort.set_oauth_provider(text, jsonb), authfort.drop_oauth_provider(text),
	authfort.oauth_providers(), authfort.refresh_oauth_provider(text),
	authfort.list_identities(uuid), authfort.provider_tokens(uuid, text),
	authfort.oauth_authorize(text, text, text, uuid, text, text, text, inet),
	authfort.oauth_callback(text, jsonb, text, text, inet),
	authfort.oauth_resume(text, integer, jsonb, text),
	authfort.sign_in_with_id_token(text, text, text, text, inet),
	authfort.exchange_oauth_code(text, text, text, inet), authfort.unlink_identity(uuid, text),
	authfort.send_message(uuid, text, jsonb, interval),
	authfort.request_email_change(uuid, text, text, inet),
	authfort.reauthenticate(uuid, text, text, text, inet), authfort.create_reauthentication_code(uuid),
	authfort.confirm_email_change(text, uuid, text, inet), authfort.undo_email_change(text, text, inet),
	authfort.introspect(text), authfort.create_service_token(text, text[], text),
	authfort.revoke_service_token(text), authfort.list_service_tokens(),
	authfort.cluster_id(), authfort."on"(text, regprocedure), authfort.off(text, regprocedure),
	authfort.jwks(), authfort.rotate_key(text), authfort.prepare_key(text),
	authfort.cleanup_expired_keys(), authfort.cleanup_expired_tokens(),
	authfort.cleanup_expired_sessions(), authfort.cleanup()
	TO authfort_admin;

-- what the courier needs, and no more: it reads the secrets of messages
GRANT EXECUTE ON FUNCTION
	authfort.take_messages(integer, text[], text[]), authfort.message_sent(uuid),
	authfort.message_deferred(uuid, integer), authfort.message_failed(uuid, text),
	authfort.message_template(text, text)
	TO authfort_courier;

GRANT SELECT ON authfort.user_info, authfort.session_info TO authfort_admin;
