-- Another password: by a reset token, by the old one, or the first.
\pset null '(null)'
CREATE FUNCTION pg_temp.code(result jsonb) RETURNS text LANGUAGE sql AS
	$$ SELECT coalesce(result->>'error' || ' ' || (result->>'status'), result::text) $$;
CREATE FUNCTION pg_temp.login(email text, password text) RETURNS text LANGUAGE sql AS
	$$ SELECT coalesce(r->>'error', 'ok') FROM authfort.login(email, password) r $$;

SELECT authfort.signup('ada@example.com', 'first-password') AS ada \gset
SELECT (:'ada'::jsonb#>>'{user,id}')::uuid AS id, :'ada'::jsonb#>>'{tokens,access_token}' AS access,
	:'ada'::jsonb#>>'{tokens,refresh_token}' AS refresh \gset

-- reset: a token each time, and the last one counts
SELECT authfort.create_password_reset_token('nobody@example.com');
SELECT authfort.create_password_reset_token('no email');
SELECT authfort.create_password_reset_token(' ADA@example.com') AS earlier \gset
SELECT authfort.create_password_reset_token('ada@example.com') AS token \gset
SELECT :'token' ~ '^[A-Za-z0-9_-]{43}$' AS form, :'token' <> :'earlier' AS other;
SELECT purpose, count(*), bool_or(position(convert_to(:'token', 'UTF8') IN token_hash) > 0) AS told,
	bool_and(expires_at - created_at = '1 hour') AS an_hour
	FROM authfort.one_time_tokens WHERE purpose = 'password_reset' GROUP BY purpose;
SELECT pg_temp.code(authfort.reset_password(:'earlier', 'second-password'));
SELECT pg_temp.code(authfort.reset_password('', 'second-password'));
SELECT pg_temp.code(authfort.reset_password(:'token' || 'A', 'second-password'));
SELECT pg_temp.code(authfort.reset_password(:'access', 'second-password'));

-- a refused password leaves the token as it is
SELECT pg_temp.code(authfort.reset_password(:'token', 'short'));
SELECT pg_temp.code(authfort.reset_password(:'token', repeat('x', 1025)));
SELECT pg_temp.code(authfort.reset_password(:'token', 'first-password'));
SELECT authfort.authenticate(:'access')->>'email';
SELECT authfort.reset_password(:'token', 'second-password');
SELECT pg_temp.code(authfort.reset_password(:'token', 'third-password'));
SELECT pg_temp.login('ada@example.com', 'first-password');
SELECT authfort.authenticate(:'access');
SELECT pg_temp.code(authfort.refresh(:'refresh'));
SELECT pg_temp.login('ada@example.com', 'second-password');
SELECT count(*) FROM authfort.one_time_tokens;

-- tokens expire, and are cleaned away by the next change
SET authfort.password_reset_ttl = '1s';
SELECT authfort.create_password_reset_token('ada@example.com') AS token \gset
UPDATE authfort.one_time_tokens SET expires_at = now();
SELECT pg_temp.code(authfort.reset_password(:'token', 'third-password'));
RESET authfort.password_reset_ttl;

-- change
SELECT pg_temp.code(authfort.change_password(:'id', 'wrong', 'third-password'));
SELECT pg_temp.code(authfort.change_password(:'id', 'second-password', 'second-password'));
SELECT pg_temp.code(authfort.change_password(:'id', 'second-password', 'short'));
SELECT token_version FROM authfort.users WHERE id = :'id';
SELECT authfort.login('ada@example.com', 'second-password')#>>'{tokens,access_token}' AS access \gset
SELECT authfort.change_password(:'id', 'second-password', 'third-password');
SELECT authfort.authenticate(:'access');
SELECT token_version, (SELECT count(*) FROM authfort.get_sessions(:'id', true)) AS live,
	(SELECT count(*) FROM authfort.one_time_tokens) AS tokens FROM authfort.users WHERE id = :'id';
SELECT pg_temp.login('ada@example.com', 'third-password');
SELECT authfort.change_password('00000000-0000-0000-0000-000000000000', 'a', 'third-password');
SELECT authfort.change_password(:'id', NULL, 'third-password');

-- the first one
SELECT pg_temp.code(authfort.set_password(:'id', 'fourth-password'));
SELECT authfort.create_user('bare@example.com')->>'id' AS bare \gset
SELECT pg_temp.code(authfort.change_password(:'bare', '', 'first-password'));
SELECT pg_temp.code(authfort.set_password(:'bare', 'short'));
SELECT authfort.set_password(:'bare', 'first-password');
SELECT pg_temp.login('bare@example.com', 'first-password');
SELECT authfort.set_password('00000000-0000-0000-0000-000000000000', 'first-password');

-- history: as many as the setting says, the present one among them
SET authfort.password_history_count = 3;
SELECT authfort.signup('eve@example.com', 'password-1')#>>'{user,id}' AS eve \gset
SELECT pg_temp.code(authfort.change_password(:'eve', 'password-1', 'password-2'));
SELECT pg_temp.code(authfort.change_password(:'eve', 'password-2', 'password-3'));
SELECT pg_temp.code(authfort.change_password(:'eve', 'password-3', 'password-1'));
SELECT pg_temp.code(authfort.change_password(:'eve', 'password-3', 'password-4'));
SELECT pg_temp.code(authfort.change_password(:'eve', 'password-4', 'password-2'));
SELECT pg_temp.code(authfort.change_password(:'eve', 'password-4', 'password-1'));
SELECT count(*) FROM authfort.password_history;
SELECT event, count(*) FROM authfort.events WHERE event LIKE 'password%' GROUP BY event ORDER BY event;
RESET authfort.password_history_count;

-- breached passwords: none until they are loaded
SELECT authfort.load_breached_passwords(ARRAY[
	'CBFDAC6008F9CAB4083784CBD1874F76618D2A97:251', 'cbfdac6008f9cab4', '',
	'5BAA61E4C9B93F3F0682250B6CF8331B7EE68FD8']);
SELECT authfort.load_breached_passwords(ARRAY['CBFDAC6008F9CAB4083784CBD1874F76618D2A97']);
SELECT pg_temp.code(authfort.signup('fay@example.com', 'password123'));
SELECT pg_temp.code(authfort.signup('fay@example.com', 'password')) ;
SELECT pg_temp.code(authfort.change_password(:'eve', 'password-1', 'password123'));
SELECT payload - 'timestamp' AS payload FROM authfort.events WHERE event = 'password_pwned_rejected' ORDER BY id
	LIMIT 1;
SELECT authfort.create_user('fay@example.com', 'password123');
SELECT authfort.load_breached_passwords(ARRAY['0123456789abcdef', 'nonsense']);
SELECT authfort.load_breached_passwords(ARRAY['0123456789abcde']);
SELECT authfort.load_breached_passwords(ARRAY['0123456789abcdef0123456789abcdef012345678']);
SELECT authfort.load_breached_passwords(ARRAY[NULL]);
SELECT authfort.load_breached_passwords('/nonexistent');
CREATE ROLE loader;
GRANT authfort_admin TO loader;
SET ROLE loader;
SELECT authfort.load_breached_passwords('/etc/passwd');
SELECT authfort.load_breached_passwords(ARRAY['0123456789abcdef']);
RESET ROLE;
DROP ROLE loader;
