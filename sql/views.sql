-- Views for administrators, and the internal schema.
CREATE ROLE regress_views_admin IN ROLE authfort_admin;
CREATE ROLE regress_views_writer;
SELECT authfort.signup('ada@example.com', 'correct horse', 'Ada', user_agent => 'app',
	ip_address => '192.0.2.1') AS ada \gset
SELECT authfort.create_user('bob@example.com', roles => '{reader,editor}')->>'id' AS bob \gset
SELECT authfort.create_user('gone@example.com')->>'id' AS gone \gset
SELECT authfort.delete_user(:'gone');
SELECT attrelid::regclass AS view, string_agg(attname || ' ' || format_type(atttypid, atttypmod), ', '
	ORDER BY attnum) AS columns FROM pg_attribute
	WHERE attrelid IN ('authfort.user_info'::regclass, 'authfort.session_info'::regclass) AND attnum > 0 GROUP BY 1
	ORDER BY 1;
SELECT oid::regclass, reloptions FROM pg_class WHERE relkind = 'v' AND relnamespace = 'authfort'::regnamespace
	ORDER BY relname;
SET ROLE regress_views_admin;
SELECT email, name, has_password, roles, deleted_at IS NOT NULL AS deleted FROM authfort.user_info
	WHERE deleted_at IS NULL ORDER BY email;
SELECT count(*) FROM authfort.user_info WHERE deleted_at IS NOT NULL;
SELECT u.email, s.user_agent, s.ip_address, s.last_used_at = date_trunc('hour', s.created_at, 'UTC') AS by_the_hour,
	s.expires_at - s.created_at AS lasts, s.revoked_at
	FROM authfort.session_info s JOIN authfort.user_info u ON u.id = s.user_id;
-- as get_sessions() shows them, also after a refresh
RESET ROLE;
SELECT authfort.refresh(:'ada'::jsonb#>>'{tokens,refresh_token}') ? 'tokens' AS refreshed;
SET ROLE regress_views_admin;
SELECT (i.id, i.user_agent, i.ip_address, i.created_at, i.last_used_at, i.expires_at,
	i.revoked_at IS NOT NULL) = s AS same, extract(minute FROM i.expires_at) AS minute
	FROM authfort.session_info i, authfort.get_sessions(i.user_id) s;
-- read only, and nothing but that
INSERT INTO authfort.session_info DEFAULT VALUES;
UPDATE authfort.user_info SET banned = true;
SELECT email FROM authfort.users;
-- a function of the caller's sees no row that the condition of the view hides, and no secret
CREATE FUNCTION pg_temp.peek(text) RETURNS boolean LANGUAGE plpgsql COST 0.0001 AS $$ BEGIN RAISE NOTICE 'saw %',
	$1; RETURN true; END $$;
SELECT email FROM authfort.user_info WHERE pg_temp.peek(email) AND email = 'bob@example.com'
	AND user_info::text LIKE '%argon2%';
SELECT authfort_internal.search_grams('x');
RESET ROLE;

-- Triggers, indexes and constraints work in the statements of a role without USAGE on that schema. (What indexes and
-- constraints call, the role must be granted, as everywhere.)
GRANT EXECUTE ON FUNCTION authfort.password_hash_affordable(text),
	authfort_internal.search_grams(text[]) TO regress_views_writer;
GRANT SELECT, INSERT, UPDATE, DELETE ON authfort.users, authfort.signing_keys TO regress_views_writer;
SELECT has_schema_privilege('regress_views_writer', 'authfort_internal', 'USAGE') AS usage,
	count(*) FILTER (WHERE has_function_privilege('regress_views_writer', oid, 'EXECUTE')) AS executable
	FROM pg_proc WHERE pronamespace = 'authfort_internal'::regnamespace;
SET ROLE regress_views_writer;
DELETE FROM authfort.users WHERE email = 'bob@example.com';
UPDATE authfort.users SET name = 'Ada L' WHERE email = 'ada@example.com';
UPDATE authfort.signing_keys SET expires_at = now() WHERE false;
DELETE FROM authfort.signing_keys WHERE false;
RESET ROLE;
SELECT count(*) FROM authfort.user_roles WHERE user_id = :'bob';
DROP OWNED BY regress_views_admin, regress_views_writer;
DROP ROLE regress_views_admin, regress_views_writer;
