-- A to-do list through PostgREST: psql -d todo -f schema.sql, as a superuser.
CREATE EXTENSION authfort;
SELECT authfort.setup_postgrest(authenticator => 'authenticator', anon => 'anon', authenticated => 'authenticated');

CREATE SCHEMA api;
GRANT USAGE ON SCHEMA api TO anon, authenticated;

CREATE TABLE api.todo (
	id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
	owner uuid NOT NULL DEFAULT authfort.uid() REFERENCES authfort.users ON DELETE CASCADE,
	title text NOT NULL,
	done boolean NOT NULL DEFAULT false
);
CREATE INDEX ON api.todo (owner);
ALTER TABLE api.todo ENABLE ROW LEVEL SECURITY;
CREATE POLICY own ON api.todo USING (owner = authfort.uid());
GRANT SELECT, INSERT (title), UPDATE (title, done), DELETE ON api.todo TO authenticated;
