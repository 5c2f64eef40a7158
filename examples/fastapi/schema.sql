-- A to-do list behind FastAPI: psql -d todo -f schema.sql, as a superuser.
CREATE EXTENSION authfort;

-- the application: it may pass on HTTP requests, and see what policies let it
CREATE ROLE todo_app LOGIN;
GRANT authfort_http TO todo_app;
-- its calls that administer users
CREATE ROLE todo_admin LOGIN;
GRANT authfort_admin TO todo_admin;

CREATE TABLE todo (
	id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
	owner uuid NOT NULL DEFAULT authfort.uid() REFERENCES authfort.users ON DELETE CASCADE,
	title text NOT NULL,
	done boolean NOT NULL DEFAULT false
);
CREATE INDEX ON todo (owner);
ALTER TABLE todo ENABLE ROW LEVEL SECURITY;
CREATE POLICY own ON todo USING (owner = authfort.uid());
GRANT SELECT, INSERT (title), UPDATE (title, done), DELETE ON todo TO todo_app;
