-- Last: nothing is executable by PUBLIC but what reads the caller's own
-- verified identity.
REVOKE ALL ON ALL TABLES IN SCHEMA authfort FROM PUBLIC;
REVOKE ALL ON ALL FUNCTIONS IN SCHEMA authfort FROM PUBLIC;
REVOKE ALL ON SCHEMA authfort FROM PUBLIC;
GRANT USAGE ON SCHEMA authfort TO PUBLIC;

GRANT EXECUTE ON FUNCTION
	authfort.uid(), authfort.session_id(), authfort.roles(), authfort.claims(),
	authfort.has_role(text[]), authfort.require_role(text[]), authfort.current_user(),
	authfort.set_jwt(text, boolean), authfort.version()
	TO PUBLIC;

GRANT EXECUTE ON FUNCTION authfort.http(text, text, text, jsonb, text, inet) TO authfort_http;

REVOKE ALL ON ALL FUNCTIONS IN SCHEMA authfort_api FROM PUBLIC;
GRANT USAGE ON SCHEMA authfort_api TO authfort_http;
GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA authfort_api TO authfort_http;
GRANT EXECUTE ON FUNCTION authfort.routes() TO authfort_admin;

GRANT EXECUTE ON FUNCTION
	authfort.verify_jwt(text), authfort.try_verify_jwt(text), authfort.authenticate(text),
	authfort.signup(text, text, text, text, text, text, inet),
	authfort.create_user(text, text, text, text, text, boolean, text[]),
	authfort.login(text, text, text, inet), authfort.refresh(text, text, text, inet),
	authfort.logout(text),
	authfort.add_role(uuid, text, boolean), authfort.remove_role(uuid, text, boolean),
	authfort.role_members(text), authfort.get_roles(uuid), authfort.user_has_role(uuid, text),
	authfort.get_sessions(uuid, boolean), authfort.revoke_session(uuid),
	authfort.revoke_sessions(uuid, uuid),
	authfort.get_user(uuid, boolean),
	authfort.list_users(text, boolean, text, boolean, text, text, integer, integer),
	authfort.get_user_count(text, boolean, text, boolean), authfort.update_user(uuid, jsonb),
	authfort.delete_user(uuid, boolean), authfort.ban_user(uuid), authfort.unban_user(uuid),
	authfort.rate_limits(), authfort.reset_rate_limits(text, inet),
	authfort.create_password_reset_token(text), authfort.reset_password(text, text),
	authfort.change_password(uuid, text, text), authfort.set_password(uuid, text),
	authfort.load_breached_passwords(text), authfort.load_breached_passwords(text[]),
	authfort.take_messages(integer), authfort.message_sent(bigint),
	authfort."on"(text, regprocedure), authfort.off(text, regprocedure),
	authfort.jwks(), authfort.rotate_key(text), authfort.prepare_key(text),
	authfort.cleanup_expired_keys(), authfort.cleanup_expired_tokens(),
	authfort.cleanup_expired_sessions(), authfort.cleanup()
	TO authfort_admin;
