CREATE FUNCTION authfort.uid() RETURNS uuid
	LANGUAGE c STABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'authfort_uid';
COMMENT ON FUNCTION authfort.uid() IS 'Returns the id of the caller, or NULL without a valid token.';

CREATE FUNCTION authfort.session_id() RETURNS uuid
	LANGUAGE c STABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'authfort_session_id';
COMMENT ON FUNCTION authfort.session_id() IS 'Returns the id of the caller''s session, or NULL without a valid token.';

CREATE FUNCTION authfort.roles() RETURNS text[]
	LANGUAGE c STABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'authfort_roles';
COMMENT ON FUNCTION authfort.roles() IS 'Returns the roles that the caller''s token claims, or NULL without a valid token.';

CREATE FUNCTION authfort.claims() RETURNS jsonb
	LANGUAGE c STABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'authfort_claims';
COMMENT ON FUNCTION authfort.claims() IS 'Returns the verified claims of the caller''s token, or NULL without a valid token.';

CREATE FUNCTION authfort.has_role(VARIADIC roles text[]) RETURNS boolean
	LANGUAGE c STABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'authfort_has_role';
COMMENT ON FUNCTION authfort.has_role(text[]) IS 'Returns whether the caller''s token claims one of these roles.';

CREATE FUNCTION authfort.require_role(VARIADIC roles text[]) RETURNS uuid
	LANGUAGE c STABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'authfort_require_role';
COMMENT ON FUNCTION authfort.require_role(text[]) IS 'Returns the caller''s id if the token claims one of these roles, and raises an error otherwise.';

CREATE FUNCTION authfort.claim(name text) RETURNS text
	LANGUAGE c STABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'authfort_claim';
COMMENT ON FUNCTION authfort.claim(text) IS 'Returns one claim of the caller''s token as text, or NULL if the token does not have it.';

CREATE FUNCTION authfort.aal() RETURNS integer
	LANGUAGE c STABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'authfort_aal';
COMMENT ON FUNCTION authfort.aal() IS 'Returns how strongly the caller was authenticated: 1, or 2 for two factors.';

CREATE FUNCTION authfort.amr() RETURNS text[]
	LANGUAGE c STABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'authfort_amr';
COMMENT ON FUNCTION authfort.amr() IS 'Returns the methods by which the caller was authenticated (RFC 8176).';

CREATE FUNCTION authfort.auth_time() RETURNS timestamptz
	LANGUAGE c STABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'authfort_auth_time';
COMMENT ON FUNCTION authfort.auth_time() IS 'Returns when the caller was authenticated last.';

CREATE FUNCTION authfort.require_aal(level integer, max_age interval DEFAULT NULL) RETURNS uuid
	LANGUAGE c STABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'authfort_require_aal';
COMMENT ON FUNCTION authfort.require_aal(integer, interval) IS 'Returns the caller''s id after strong and recent authentication, and raises an error otherwise.';

CREATE FUNCTION authfort.current_user() RETURNS jsonb
	LANGUAGE c STABLE PARALLEL SAFE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
	AS 'MODULE_PATHNAME', 'authfort_current_user';
COMMENT ON FUNCTION authfort.current_user() IS 'Returns the caller as a user, checked as by authfort.authenticate().';

CREATE FUNCTION authfort.set_jwt(token text, is_local boolean DEFAULT true) RETURNS jsonb
	LANGUAGE c VOLATILE AS 'MODULE_PATHNAME', 'authfort_set_jwt';
COMMENT ON FUNCTION authfort.set_jwt(text, boolean) IS 'Verifies an access token, makes its user the caller as SET [LOCAL] authfort.jwt does, and returns its claims.';
