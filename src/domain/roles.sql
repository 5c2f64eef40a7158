CREATE TABLE authfort.user_roles (
	user_id uuid NOT NULL,
	role text COLLATE "C" NOT NULL CHECK (pg_catalog.length(role) BETWEEN 1 AND 50),
	granted_at timestamptz NOT NULL DEFAULT pg_catalog.now(),
	PRIMARY KEY (user_id, role)
);
COMMENT ON TABLE authfort.user_roles IS 'Roles of users in the application, the "roles" claim; not database roles';

CREATE INDEX user_roles_role ON authfort.user_roles (role, user_id);

SELECT pg_catalog.pg_extension_config_dump('authfort.user_roles', '');
