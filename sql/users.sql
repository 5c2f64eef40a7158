-- What an admin does with accounts.
\pset null '(null)'
CREATE FUNCTION pg_temp.emails(list jsonb) RETURNS text LANGUAGE sql AS
	$$ SELECT string_agg(u->>'email', ' ' ORDER BY n) || ' of ' || (list->>'total')
		FROM jsonb_array_elements(list->'users') WITH ORDINALITY AS e(u, n) $$;
CREATE FUNCTION pg_temp.failure(query text) RETURNS text LANGUAGE plpgsql AS $$
	DECLARE detail text;
	BEGIN EXECUTE query; RETURN 'none';
	EXCEPTION WHEN OTHERS THEN GET STACKED DIAGNOSTICS detail = PG_EXCEPTION_DETAIL;
		RETURN sqlstate || ' ' || regexp_replace(detail, '[0-9a-f-]{36}', 'ID');
	END $$;

SELECT authfort.create_user('ada@example.com', 'correct horse', 'Ada Lovelace')->>'id' AS ada \gset
SELECT authfort.create_user('bob@example.org', NULL, 'Bob 100%', roles => '{editor}')->>'id' AS bob \gset
SELECT authfort.create_user('çelik@example.com', NULL, 'ÇELİK_Ay')->>'id' AS celik \gset
SELECT authfort.create_user('dee@example.com')->>'id' AS dee \gset

-- one
SELECT key, value FROM jsonb_each(authfort.get_user(:'bob')) WHERE key NOT IN ('id', 'created_at') ORDER BY key;
SELECT authfort.get_user('00000000-0000-0000-0000-000000000000');
SELECT authfort.get_user(NULL);

-- many
SELECT pg_temp.emails(authfort.list_users(sort_by => 'email', sort_order => 'asc'));
SELECT pg_temp.emails(authfort.list_users(sort_by => 'name', sort_order => 'asc'));
SELECT pg_temp.emails(authfort.list_users(sort_by => 'name'));
SELECT pg_temp.emails(authfort.list_users());
SELECT pg_temp.emails(authfort.list_users(sort_by => 'email', sort_order => 'asc', limit_ => 2, offset_ => 1));
SELECT authfort.list_users(limit_ => 1, offset_ => 9);
SELECT left(query, 20) AS query, pg_temp.emails(authfort.list_users(query, sort_by => 'email', sort_order => 'asc')),
	authfort.get_user_count(query)
	FROM unnest(ARRAY['EXAMPLE.COM', 'lovelace', 'a L', 'b', '0%', '100%', '_a', 'çel', 'ÇEL', '', '%', '\', 'nobody',
	repeat('x', 10000)]) query;
SELECT pg_temp.emails(authfort.list_users(role => 'editor')), pg_temp.emails(authfort.list_users(role => 'nothing'));
SELECT authfort.list_users(sort_by => 'password_hash');
SELECT authfort.list_users(sort_by => 'email; DROP TABLE authfort.users');
SELECT authfort.list_users(sort_order => 'sideways');
SELECT authfort.list_users(limit_ => 0);
SELECT authfort.list_users(limit_ => 1001);
SELECT authfort.list_users(offset_ => -1);
SELECT authfort.list_users(include_deleted => NULL);

-- change: only what is named
SELECT authfort.login('ada@example.com', 'correct horse')#>>'{tokens,access_token}' AS access \gset
SELECT key, value FROM jsonb_each(authfort.update_user(:'ada',
	'{"name": " Countess  Ada ", "phone": "+44 20", "avatar_url": "https://example.com/a", "email_verified": true}'))
	WHERE key NOT IN ('id', 'created_at') ORDER BY key;
SELECT u->'name' AS name, u->'phone' AS phone, u->'email_verified' AS verified
	FROM authfort.update_user(:'ada', '{"phone": null}') u;
SELECT authfort.create_password_reset_token('ada@example.com') AS sent \gset
SELECT u->>'email' AS email, u->'email_verified' AS verified
	FROM authfort.update_user(:'ada', '{"email": "Countess@Example.com"}') u;
-- what was sent to the old address is worth nothing
SELECT authfort.reset_password(:'sent', 'battery staple')->>'error' AS old_mailbox;
SELECT u->>'email' AS email, u->'email_verified' AS verified
	FROM authfort.update_user(:'ada', '{"email": "ada@example.com", "email_verified": true}') u;
SELECT u->'email_verified' AS verified FROM authfort.update_user(:'ada', '{"email": "ADA@example.com"}') u;
SELECT authfort.update_user(:'ada', changes) FROM (VALUES ('{}'::jsonb)) v(changes);
SELECT authfort.update_user(:'ada', '{"banned": true}');
SELECT authfort.update_user(:'ada', '{"name": "x", "password_hash": "x"}');
SELECT authfort.update_user(:'ada', '{"name": 1}');
SELECT authfort.update_user(:'ada', '{"email": null}');
SELECT authfort.update_user(:'ada', '{"email_verified": null}');
SELECT authfort.update_user(:'ada', '["name"]');
SELECT authfort.update_user(:'ada', '{"email": "bob@example.org"}');
SELECT authfort.update_user(:'ada', '{"email": "deleted+1@deleted.invalid"}');
SELECT authfort.update_user(:'ada', '{"avatar_url": "javascript:x"}');
SELECT authfort.update_user('00000000-0000-0000-0000-000000000000', '{"name": "x"}');
SELECT authfort.update_user(:'ada', NULL);
SELECT authfort.get_user(:'ada')->>'name', authfort.authenticate(:'access')->>'email';

-- ban
SELECT authfort.ban_user(:'ada');
SELECT authfort.ban_user(:'ada');
SELECT authfort.authenticate(:'access');
SELECT authfort.login('ada@example.com', 'correct horse')->>'error',
	(SELECT count(*) FROM authfort.get_sessions(:'ada', true)) AS live;
SELECT pg_temp.emails(authfort.list_users(banned => true)), authfort.get_user_count(banned => false);
SELECT authfort.unban_user(:'ada');
SELECT authfort.unban_user(:'ada');
SELECT authfort.authenticate(:'access');
SELECT authfort.ban_user('00000000-0000-0000-0000-000000000000');
SELECT authfort.unban_user(NULL);

-- who has what
SELECT authfort.add_role(:'ada', 'editor');
SELECT authfort.add_role(:'ada', 'admin');
SELECT role, email FROM authfort.role_members();
SELECT email FROM authfort.role_members('admin');
SELECT authfort.add_role(:'ada', role) FROM unnest(ARRAY['']) role;
SELECT authfort.add_role(:'ada', repeat('x', 51));
SELECT authfort.add_role(:'ada', E'a\nb');

-- delete: the row and the id stay
SELECT authfort.login('ada@example.com', 'correct horse') AS login \gset
SELECT authfort.create_password_reset_token('ada@example.com') AS reset \gset
SELECT authfort.delete_user(:'ada');
SELECT authfort.delete_user(:'ada');
SELECT key, value FROM jsonb_each(authfort.get_user(:'ada', include_deleted => true))
	WHERE key NOT IN ('id', 'created_at', 'deleted_at', 'email') ORDER BY key;
SELECT authfort.get_user(:'ada', true)->>'email' = 'deleted+' || :'ada' || '@deleted.invalid' AS scrubbed,
	authfort.get_user(:'ada', true)->>'deleted_at' IS NOT NULL AS dated;
SELECT (SELECT count(*) FROM authfort.sessions) AS sessions, (SELECT count(*) FROM authfort.one_time_tokens) AS tokens,
	(SELECT count(*) FROM authfort.user_roles WHERE user_id = :'ada') AS roles, (SELECT password_hash
	FROM authfort.users WHERE id = :'ada') AS hash;
-- and no path finds a user
SELECT pg_temp.failure(format('SELECT authfort.get_user(%L)', :'ada'));
SELECT authfort.authenticate(:'login'::jsonb#>>'{tokens,access_token}');
SELECT authfort.refresh(:'login'::jsonb#>>'{tokens,refresh_token}')->>'error';
SELECT authfort.login('ada@example.com', 'correct horse')->>'error';
SELECT authfort.login('deleted+' || :'ada' || '@deleted.invalid', '')->>'error';
SELECT authfort.signup('deleted+' || :'bob' || '@deleted.invalid', 'correct horse')->>'error';
SELECT authfort.create_password_reset_token('ada@example.com');
SELECT authfort.reset_password(:'reset', 'battery staple')->>'error';
SELECT pg_temp.failure(format('SELECT authfort.change_password(%L, ''correct horse'', ''battery staple'')', :'ada'));
SELECT pg_temp.failure(format('SELECT authfort.ban_user(%L)', :'ada'));
SELECT pg_temp.failure(format('SELECT authfort.update_user(%L, ''{"name": "x"}'')', :'ada'));
SELECT pg_temp.failure(format('SELECT authfort.add_role(%L, ''x'')', :'ada'));
SELECT pg_temp.failure(format('SELECT authfort.get_sessions(%L)', :'ada'));
SELECT pg_temp.failure(format('SELECT authfort.revoke_sessions(%L)', :'ada'));
SELECT authfort.get_user_count(), authfort.get_user_count(include_deleted => true);
-- the email is free
SELECT authfort.signup('ada@example.com', 'correct horse')#>>'{user,email}';
-- hard
CREATE TABLE notes (owner uuid REFERENCES authfort.users (id));
INSERT INTO notes VALUES (:'bob');
SELECT pg_temp.failure(format('SELECT authfort.delete_user(%L, hard => true)', :'bob'));
DELETE FROM notes;
SELECT authfort.delete_user(:'bob', hard => true);
SELECT pg_temp.failure(format('SELECT authfort.delete_user(%L, hard => true)', :'bob'));
SELECT authfort.delete_user(:'ada', hard => true);
SELECT count(*) FROM authfort.users;
SELECT event, payload->>'email' LIKE '%@%' AS email, payload->'fields' AS fields FROM authfort.events
	WHERE event LIKE 'user\_%' OR event = 'email_verified' ORDER BY id;

-- the index serves the search
INSERT INTO authfort.users (email, name) SELECT 'user' || md5(n::text) || '@example.net', 'Name ' || n
	FROM generate_series(1, 20000) n;
ANALYZE authfort.users;
SELECT authfort.get_user_count('4567');
-- as it does when grams that most users have are left out, and on any page
SELECT pg_temp.emails(authfort.list_users('Name 4567')),
	pg_temp.emails(authfort.list_users('@example.net')) LIKE '% of 20000' AS all_have_it,
	authfort.list_users('name 456', limit_ => 5, offset_ => 10)->'total' AS last_page,
	authfort.list_users('name 456', offset_ => 99)->'total' AS past_it;
EXPLAIN (COSTS OFF) SELECT id FROM authfort.users u WHERE u.deleted_at IS NULL
	AND authfort_internal.search_grams(u.email,
	u.name) OPERATOR(pg_catalog.@>) authfort_internal.search_grams('Name 4567')
	AND authfort_internal.search_matches('Name 4567', u.email, u.name);
EXPLAIN (COSTS OFF) SELECT id FROM authfort.users u WHERE u.deleted_at IS NULL ORDER BY u.created_at DESC, u.id DESC
	LIMIT 50;

-- a ban touches no index
SELECT id AS banned FROM authfort.users WHERE name = 'Name 4567' \gset
BEGIN;
SELECT pg_stat_get_xact_tuples_updated('authfort.users'::regclass) AS updated,
	pg_stat_get_xact_tuples_hot_updated('authfort.users'::regclass) AS hot \gset
SELECT authfort.ban_user(:'banned'), authfort.unban_user(:'banned');
SELECT pg_stat_get_xact_tuples_updated('authfort.users'::regclass) - :updated AS updated,
	pg_stat_get_xact_tuples_hot_updated('authfort.users'::regclass) - :hot AS hot;
COMMIT;
