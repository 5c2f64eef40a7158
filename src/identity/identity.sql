CREATE FUNCTION authfort.uid() RETURNS uuid
	LANGUAGE c STABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'authfort_uid';
COMMENT ON FUNCTION authfort.uid() IS 'Id of the user whose access token is in authfort.jwt or, where that is empty and the session logged in as one of authfort.trusted_authenticators, the sub of request.jwt.claims; NULL without a valid one. Cheap enough to be called for each row of a policy.';

CREATE FUNCTION authfort.session_id() RETURNS uuid
	LANGUAGE c STABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'authfort_session_id';
COMMENT ON FUNCTION authfort.session_id() IS 'Id of the caller''s session; NULL without a valid token.';

CREATE FUNCTION authfort.roles() RETURNS text[]
	LANGUAGE c STABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'authfort_roles';
COMMENT ON FUNCTION authfort.roles() IS 'Roles that the caller''s token claims; NULL without a valid token.';

CREATE FUNCTION authfort.claims() RETURNS jsonb
	LANGUAGE c STABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'authfort_claims';
COMMENT ON FUNCTION authfort.claims() IS 'Verified claims of the caller''s token; NULL without a valid token.';

CREATE FUNCTION authfort.has_role(VARIADIC roles text[]) RETURNS boolean
	LANGUAGE c STABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'authfort_has_role';
COMMENT ON FUNCTION authfort.has_role(text[]) IS 'Whether the caller''s token claims one of these roles; false without a valid token.';

CREATE FUNCTION authfort.require_role(VARIADIC roles text[]) RETURNS uuid
	LANGUAGE c STABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'authfort_require_role';
COMMENT ON FUNCTION authfort.require_role(text[]) IS 'The caller''s id if the token claims one of these roles; else raises insufficient_privilege (42501).';

CREATE FUNCTION authfort.current_user() RETURNS jsonb
	LANGUAGE c STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
	AS 'MODULE_PATHNAME', 'authfort_current_user';
COMMENT ON FUNCTION authfort.current_user() IS 'The caller as a user, checked as authfort.authenticate() does. Raises invalid_authorization_specification (28000), DETAIL token_missing when there is no token.';

CREATE FUNCTION authfort.set_jwt(token text, is_local boolean DEFAULT true) RETURNS jsonb
	LANGUAGE c VOLATILE AS 'MODULE_PATHNAME', 'authfort_set_jwt';
COMMENT ON FUNCTION authfort.set_jwt(text, boolean) IS 'Verifies an access token, makes it the caller''s identity as SET [LOCAL] authfort.jwt does, and returns its claims. Raises as authfort.verify_jwt().';
