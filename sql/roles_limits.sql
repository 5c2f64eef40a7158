-- How many roles a user has, and how long a stored hash may take: refused when it comes in.
\pset null '(null)'
CREATE FUNCTION pg_temp.failure(query text) RETURNS text LANGUAGE plpgsql AS $$
	DECLARE detail text;
	BEGIN EXECUTE query; RETURN 'none';
	EXCEPTION WHEN OTHERS THEN GET STACKED DIAGNOSTICS detail = PG_EXCEPTION_DETAIL;
		RETURN sqlstate || ' ' || detail;
	END $$;
CREATE FUNCTION pg_temp.roles(count integer, bytes integer) RETURNS text[] LANGUAGE sql AS
	$$ SELECT array_agg(rpad('r' || n, bytes, 'x')) FROM generate_series(1, count) n $$;
CREATE FUNCTION pg_temp.failure_to_create(roles text[]) RETURNS text LANGUAGE sql AS
	$$ SELECT pg_temp.failure(format('SELECT authfort.create_user(%L, roles => %L)', md5(random()::text)
	|| '@example.com', roles)) $$;

-- 64 of 32 bytes
SELECT pg_temp.failure_to_create(pg_temp.roles(64, 32)) AS most, pg_temp.failure_to_create(pg_temp.roles(65, 4))
	AS many,
	pg_temp.failure_to_create(pg_temp.roles(41, 50)) AS long, pg_temp.failure_to_create(pg_temp.roles(64,
	32) || pg_temp.roles(64, 32)) AS twice;
-- bytes, not characters
SELECT pg_temp.failure_to_create((SELECT array_agg(n || repeat(U&'\+01F600', 48)) FROM generate_series(1, 11) n))
	AS emoji;
SELECT authfort.create_user('a@example.com', 'correct horse', roles => pg_temp.roles(63, 4))->>'id' AS a \gset
SELECT pg_temp.failure(format('SELECT authfort.add_role(%L, %L)', :'a', role))
	FROM unnest('{last,last,one more,r1xx}'::text[]) role;
SELECT authfort.remove_role(:'a', 'r1xx'), authfort.add_role(:'a', 'one more'),
	cardinality(authfort.get_roles(:'a')) AS roles;
-- a taken role changes nothing and is fine; nothing was recorded of those that were refused
SELECT count(*) FILTER (WHERE event = 'role_added') AS added, count(*) FILTER (WHERE event = 'role_removed')
	AS removed
	FROM authfort.events WHERE user_id = :'a';
-- sign-in works with all of them, and a browser takes the cookie
SELECT authfort.create_user(repeat('a', 64) || '@' || repeat('b', 55) || '.example', 'correct horse',
	'Somebody of ordinary name', roles => pg_temp.roles(64, 32)) IS NOT NULL AS made;
SELECT length('access_token=' || (r#>>'{tokens,access_token}')) <= 4096 AS fits FROM authfort.login(repeat('a',
	64) || '@' || repeat('b', 55) || '.example', 'correct horse') r;
-- email, name and roles together: whichever comes last is refused
SELECT repeat('f', 64) || '@' || repeat('a', 60) || '.' || repeat('b', 60) || '.' || repeat('c', 60) || '.com'
	AS long \gset
SELECT pg_temp.failure(format('SELECT authfort.create_user(%L, NULL, %L, roles => %L)', :'long', repeat('"', 255),
	pg_temp.roles(64, 32))) AS all_three;
SELECT authfort.create_user(:'long', 'correct horse', repeat(U&'\+01F600', 255))->>'id' AS id \gset
SELECT outcome, count(*) FROM (SELECT pg_temp.failure(format('SELECT authfort.add_role(%L, %L)', :'id', role))
	FROM unnest(pg_temp.roles(30, 50)) role) a(outcome) GROUP BY 1;
SELECT length('access_token=' || (r#>>'{tokens,access_token}')) BETWEEN 3900 AND 4096 AS nearly_full
	FROM authfort.login(:'long', 'correct horse') r;
SELECT pg_temp.failure(format('SELECT authfort.update_user(%L, %L)', :'id', jsonb_build_object('name', NULL)))
	AS shorter,
	pg_temp.failure(format('SELECT authfort.add_role(%L, %L)', :'id', repeat('m', 50))) AS role,
	pg_temp.failure(format('SELECT authfort.update_user(%L, %L)', :'id', jsonb_build_object('name',
	repeat(U&'\+01F600', 255)))) AS longer,
	pg_temp.failure(format('SELECT authfort.update_user(%L, %L)', :'id', jsonb_build_object('phone', '1'))) AS phone;

-- over HTTP
SELECT authfort.create_user('root@example.com', 'correct horse', roles => '{admin}') IS NOT NULL AS admin;
SELECT authfort.login('root@example.com', 'correct horse')#>>'{tokens,access_token}' AS admin \gset
SELECT status, body FROM authfort.http('PUT', '/auth/admin/users/' || :'a' || '/roles/two%20more', NULL,
	jsonb_build_object('authorization', 'Bearer ' || :'admin'), NULL, NULL);
SELECT status, body FROM authfort.http('POST', '/auth/admin/users', NULL, jsonb_build_object('authorization',
	'Bearer ' || :'admin', 'content-type', 'application/json'),
	jsonb_build_object('email', 'many@example.com', 'roles', pg_temp.roles(65, 4))::text, NULL);
-- and no account is left of it
SELECT count(*) FROM authfort.users WHERE email = 'many@example.com';

-- what an admin sets with the account is recorded
SELECT authfort.create_user('v@example.com', email_verified => true, roles => '{b,a,b}')->>'id' AS v \gset
SELECT event, payload - 'user_id' - 'timestamp' AS payload FROM authfort.events WHERE user_id = :'v' ORDER BY id;
-- an unknown user is an undefined object
SELECT function, pg_temp.failure(format('SELECT authfort.%s', function)) FROM (SELECT format(f,
	'00000000-0000-0000-0000-000000000000') FROM unnest(ARRAY[
	'add_role(%L, ''x'')', 'remove_role(%L, ''x'')', 'get_roles(%L)', 'user_has_role(%L, ''x'')', 'get_user(%L)',
	'update_user(%L, ''{"name": "x"}'')', 'delete_user(%L)',
	'delete_user(%L, true)', 'ban_user(%L)', 'unban_user(%L)', 'get_sessions(%L)', 'revoke_sessions(%L)',
	'change_password(%L, ''x'', ''y'')', 'set_password(%L, ''x'')']) f) AS c(function);

-- hashes that take more than about a second
CREATE TEMP TABLE hashes (hash text);
INSERT INTO hashes SELECT format('$argon2id$v=19$m=%s,t=%s,p=%s$AAAAAAAAAAAAAAAAAAAAAA$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA',
	m, t, p) FROM (VALUES
	('1024', '1', '1'), ('65536', '3', '4'), ('65536', '31', '1'), ('65536', '32', '1'), ('524288', '3', '1'),
	('524289', '1', '1'), ('1048576', '100', '1'),
	('8', '250000', '1'), ('8', '300000', '1'), ('65536', '3', '65'), ('4294967295', '1', '1'), ('-1', '1', '1'),
	('8', '-1', '1')) AS v(m, t, p);
INSERT INTO hashes VALUES ('!'), ('$2y$10$abc');
SELECT hash, authfort.password_hash_affordable(hash),
	pg_temp.failure(format('UPDATE authfort.users SET password_hash = %L WHERE id = %L', hash, :'v')) LIKE 'none'
	AS taken FROM hashes;
SELECT left(pg_temp.failure(format('INSERT INTO authfort.password_history (user_id, password_hash) VALUES (%L, %L)',
	:'v', hash)), 5) AS history
	FROM hashes WHERE NOT authfort.password_hash_affordable(hash) LIMIT 1;
-- one that came in all the same is wrong, and takes no longer than another; the user can have another password
ALTER TABLE authfort.users DROP CONSTRAINT users_password_hash_affordable;
UPDATE authfort.users SET password_hash = '$argon2id$v=19$m=1048576,t=100,p=1$AAAAAAAAAAAAAAAAAAAAAA$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA'
	WHERE id = :'v';
SET statement_timeout = '20s';
SELECT authfort.login('v@example.com', 'x')->>'error';
SELECT authfort.reset_password(authfort.create_password_reset_token('v@example.com'), 'correct horse')->'ok' AS reset;
SELECT authfort.login('v@example.com', 'correct horse') ? 'tokens' AS in;
RESET statement_timeout;
-- settings that ask for too much together make hashes that are taken
SET authfort.argon2_memory = '512MB';
SELECT max_val FROM pg_settings WHERE name = 'authfort.argon2_memory';
SET authfort.argon2_memory = '64MB';
SET authfort.argon2_time_cost = 100;
SELECT authfort.create_user('w@example.com', 'correct horse')->>'id' AS w \gset
SELECT split_part(password_hash, '$', 4), authfort.password_hash_affordable(password_hash) FROM authfort.users
	WHERE id = :'w';
SELECT authfort.login('w@example.com', 'correct horse') ? 'tokens' AS in;
