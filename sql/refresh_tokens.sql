-- What an old refresh token is worth: tabs, lost answers and thieves.
\pset null '(null)'
-- Each token has a name; an answer is a new one, or one that was there before, again.
CREATE TEMP TABLE tokens (name text PRIMARY KEY, token text);
CREATE FUNCTION pg_temp.sign_in(name text) RETURNS void LANGUAGE sql AS
	$$ INSERT INTO tokens SELECT name,
	authfort.login('ada@example.com', 'correct horse')#>>'{tokens,refresh_token}' $$;
CREATE FUNCTION pg_temp.refresh(old text, new text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	result jsonb = authfort.refresh((SELECT token FROM tokens WHERE name = old));
	known text;
BEGIN
	IF result ? 'error' THEN
		RETURN result->>'error';
	END IF;
	SELECT name INTO known FROM tokens WHERE token = result#>>'{tokens,refresh_token}';
	IF known IS NOT NULL THEN
		RETURN known || ' again';
	END IF;
	INSERT INTO tokens VALUES (new, result#>>'{tokens,refresh_token}');
	RETURN 'new ' || new;
END $$;
-- the session of a token, and time that passes for all sessions
CREATE FUNCTION pg_temp.session(name text) RETURNS authfort.sessions LANGUAGE sql AS $$
	SELECT s FROM authfort.sessions s, tokens t WHERE t.name = session.name
		AND uuid_send(s.id) = substr(decode(translate(t.token, '-_', '+/'), 'base64'), 6, 16) $$;
CREATE FUNCTION pg_temp.wait(passed interval) RETURNS void LANGUAGE sql AS $$
	UPDATE authfort.sessions SET created_at = created_at - passed, last_used_at = last_used_at - passed,
		rotated_at = (SELECT array_agg(r - passed ORDER BY n) FROM unnest(rotated_at) WITH ORDINALITY u(r, n)) $$;
SELECT authfort.signup('ada@example.com', 'correct horse')#>>'{user,id}' AS ada \gset
SET authfort.refresh_reuse_action = 'session';

-- an answer that is lost once, found out a day later
SELECT pg_temp.sign_in('P');
SELECT pg_temp.refresh('P', 'lost'), pg_temp.wait('1 day'), pg_temp.refresh('P', 'C'), pg_temp.wait('1 day'),
	pg_temp.refresh('C', 'D');
SELECT generation, parent, rotated_at, revoked_at FROM pg_temp.session('P');
DELETE FROM tokens;

-- lost twice and a third time, and the last one too
SELECT pg_temp.sign_in('P');
SELECT pg_temp.refresh('P', 'lost'), pg_temp.wait('1 min'), pg_temp.refresh('P', 'lost 2'), pg_temp.wait('1 min'),
	pg_temp.refresh('P', 'lost 3'), pg_temp.wait('1 day'),
	pg_temp.refresh('P', 'C'), pg_temp.wait('1 min'), pg_temp.refresh('C', 'lost 4'), pg_temp.wait('1 min'),
	pg_temp.refresh('C', 'D');
SELECT generation, parent, revoked_at FROM pg_temp.session('P');
DELETE FROM tokens;

-- lost within the grace: the token that did not arrive comes again
SELECT pg_temp.sign_in('P');
SELECT pg_temp.refresh('P', 'C'), pg_temp.wait('9 s'), pg_temp.refresh('P', '?'), pg_temp.refresh('C', 'D');
-- asking again does not prolong the grace, which counts from the replacement
SELECT pg_temp.wait('9 s'), pg_temp.refresh('C', '?'), pg_temp.wait('2 s'), pg_temp.refresh('C', 'D2');
DELETE FROM tokens;

-- the first successor gets its answer late, when its parent has got another one: within the grace, and after it
SELECT pg_temp.sign_in('P');
SELECT pg_temp.refresh('P', 'late'), pg_temp.wait('11 s'), pg_temp.refresh('P', 'C'), pg_temp.wait('9 s'),
	pg_temp.refresh('late', '?'), pg_temp.refresh('C', 'D');
DELETE FROM tokens;
SELECT pg_temp.sign_in('P');
SELECT pg_temp.refresh('P', 'late'), pg_temp.wait('11 s'), pg_temp.refresh('P', 'C'), pg_temp.wait('11 s'),
	pg_temp.refresh('late', '?'), pg_temp.refresh('C', 'D');
DELETE FROM tokens;

-- tabs: all that were replaced within the grace, however often
SELECT pg_temp.sign_in('A');
SELECT pg_temp.refresh('A', 'B'), pg_temp.wait('3 s'), pg_temp.refresh('B', 'C'), pg_temp.wait('3 s'),
	pg_temp.refresh('C', 'D');
SELECT pg_temp.wait('3 s'), pg_temp.refresh('A', '?'), pg_temp.refresh('B', '?'), pg_temp.refresh('C', '?');
SELECT pg_temp.wait('3 s'), pg_temp.refresh('B', '?'), pg_temp.refresh('C', '?'), pg_temp.refresh('A', '?'),
	pg_temp.refresh('D', '?');
DELETE FROM tokens;
-- a dozen of them that wake up after a lost answer
SELECT pg_temp.sign_in('P');
SELECT pg_temp.refresh('P', 'lost'), pg_temp.wait('1 day');
SELECT array_agg(DISTINCT pg_temp.refresh('P', 'C')) FROM generate_series(1, 12);
SELECT pg_temp.refresh('C', 'D'), pg_temp.refresh('P', '?'), pg_temp.refresh('lost', '?'), pg_temp.wait('9 s'),
	pg_temp.refresh('D', 'E'), pg_temp.refresh('P', '?');
SELECT pg_temp.wait('2 s'), pg_temp.refresh('P', '?');
DELETE FROM tokens;
-- the same when the answer was lost three times: what lies between is as old as it was
SELECT pg_temp.sign_in('P');
SELECT pg_temp.refresh('P', 'lost'), pg_temp.wait('1 min'), pg_temp.refresh('P', 'lost 2'), pg_temp.wait('1 min'),
	pg_temp.refresh('P', 'lost 3'), pg_temp.wait('1 min'),
	pg_temp.refresh('P', 'C'), pg_temp.refresh('C', 'D'), pg_temp.refresh('P', '?'), pg_temp.refresh('lost 3', '?');
SELECT pg_temp.refresh('D', 'E'), pg_temp.refresh('P', '?'), pg_temp.refresh('lost 2', '?');
DELETE FROM tokens;

-- the thief first, who has P: the owner gets another successor, and the next of the two to come is found out
SELECT pg_temp.sign_in('P');
SELECT pg_temp.refresh('P', 'thief'), pg_temp.wait('15 min'), pg_temp.refresh('P', 'owner'), pg_temp.wait('15 min'),
	pg_temp.refresh('thief', '?');
SELECT pg_temp.refresh('owner', '?'), pg_temp.refresh('P', '?');
DELETE FROM tokens;
-- the owner goes on, and the thief comes with either
SELECT pg_temp.sign_in('P');
SELECT pg_temp.refresh('P', 'thief'), pg_temp.wait('15 min'), pg_temp.refresh('P', 'owner'),
	pg_temp.refresh('owner', 'owner 2'), pg_temp.wait('15 min'), pg_temp.refresh('P', '?'),
	pg_temp.refresh('owner 2', '?');
DELETE FROM tokens;
-- the owner first: the thief's success is what the owner finds out
SELECT pg_temp.sign_in('P');
SELECT pg_temp.refresh('P', 'owner'), pg_temp.wait('15 min'), pg_temp.refresh('P', 'thief'), pg_temp.wait('15 min'),
	pg_temp.refresh('owner', '?'), pg_temp.refresh('thief', '?');
DELETE FROM tokens;
-- the owner first, and again: nothing is left for the thief
SELECT pg_temp.sign_in('P');
SELECT pg_temp.refresh('P', 'owner'), pg_temp.wait('15 min'), pg_temp.refresh('owner', 'owner 2'),
	pg_temp.wait('15 min'), pg_temp.refresh('P', '?');
SELECT revoked_at IS NOT NULL AS revoked FROM pg_temp.session('P');
DELETE FROM tokens;
-- within the grace a thief gets the owner's token; afterwards one of the two holds an old one
SELECT pg_temp.sign_in('P');
SELECT pg_temp.refresh('P', 'shared'), pg_temp.wait('5 s'), pg_temp.refresh('P', '?'), pg_temp.wait('15 min'),
	pg_temp.refresh('shared', 'thief'), pg_temp.wait('15 min'), pg_temp.refresh('shared', 'owner'),
	pg_temp.wait('15 min'), pg_temp.refresh('thief', '?');
DELETE FROM tokens;

-- without a grace the parent still comes back, and no other
SET authfort.refresh_grace = 0;
SELECT pg_temp.sign_in('P');
SELECT pg_temp.refresh('P', 'lost'), pg_temp.wait('1 ms'), pg_temp.refresh('P', 'C'), pg_temp.wait('1 ms'),
	pg_temp.refresh('lost', '?');
RESET authfort.refresh_grace;
DELETE FROM tokens;

-- a session remembers sixteen rotations besides the last one
SET authfort.refresh_grace = '5 min';
SELECT pg_temp.sign_in('0');
SELECT array_agg(pg_temp.refresh((n - 1)::text, n::text)) FROM generate_series(1, 18) n;
SELECT cardinality(rotated_at) FROM pg_temp.session('0');
SELECT pg_temp.refresh('1', '?'), pg_temp.refresh('0', '?');
RESET authfort.refresh_grace;
DELETE FROM tokens;

-- a restored backup: the token of a generation to come goes on, and one that it replaced is old
SELECT pg_temp.sign_in('A');
SELECT pg_temp.refresh('A', 'B'), pg_temp.refresh('B', 'C'), pg_temp.refresh('C', 'D');
UPDATE authfort.sessions SET generation = 1, parent = NULL, rotated_at = NULL
	WHERE id = (SELECT id FROM pg_temp.session('A'));
SELECT pg_temp.refresh('C', '?'), pg_temp.refresh('C', '?'), pg_temp.refresh('D', 'E'), pg_temp.refresh('B', '?');
DELETE FROM tokens;

-- theft ends that session, or all of the user's
SELECT pg_temp.sign_in('P'), pg_temp.sign_in('other');
SELECT pg_temp.refresh('P', 'Q'), pg_temp.refresh('Q', 'R'), pg_temp.wait('1 min'), pg_temp.refresh('P', '?'),
	pg_temp.refresh('other', 'other 2');
SELECT payload - 'timestamp' - 'user_id' - 'session_id' AS payload FROM authfort.events WHERE event = 'session_revoked'
	ORDER BY created_at DESC LIMIT 1;
DELETE FROM tokens WHERE name <> 'other 2';
SET authfort.refresh_reuse_action = 'user';
SELECT pg_temp.sign_in('P');
SELECT pg_temp.refresh('P', 'Q'), pg_temp.refresh('Q', 'R'), pg_temp.wait('1 min'), pg_temp.refresh('P', '?'),
	pg_temp.refresh('other 2', '?');
SELECT payload - 'timestamp' - 'user_id' - 'session_id' AS payload FROM authfort.events WHERE event = 'session_revoked'
	ORDER BY created_at DESC LIMIT 1;
SELECT count(*) FROM authfort.get_sessions(:'ada', true);
RESET authfort.refresh_reuse_action;

-- rotating is a HOT update, also with something to remember
DELETE FROM tokens;
SELECT pg_temp.sign_in('0');
SELECT pg_stat_force_next_flush();
SELECT n_tup_upd AS updates, n_tup_hot_upd AS hot FROM pg_stat_user_tables
	WHERE relid = 'authfort.sessions'::regclass \gset
SELECT count(pg_temp.refresh((n - 1)::text, n::text)) FROM generate_series(1, 10) n;
SELECT pg_stat_force_next_flush();
SELECT n_tup_upd - :updates AS updated, n_tup_hot_upd - :hot AS hot FROM pg_stat_user_tables
	WHERE relid = 'authfort.sessions'::regclass;

-- when a session was used is shown by the hour only
UPDATE authfort.sessions SET created_at = '2026-01-02 03:04:05.678+00', last_used_at = '2026-01-02 03:59:59.999+00',
	expires_at = '2126-01-02 03:59:59.999+00'
	WHERE id = (SELECT id FROM pg_temp.session('0'));
SET timezone = 'Asia/Kolkata';
SELECT created_at, last_used_at, expires_at FROM authfort.get_sessions(:'ada', true);
-- (except the end of a session that has not been refreshed yet, which reveals no more than its beginning)
SELECT expires_at - created_at AS lifetime
	FROM authfort.get_sessions((authfort.signup('eve@example.com', 'correct horse')#>>'{user,id}')::uuid);
SET timezone = 'UTC';
-- (over HTTP it is the present hour, for an access token is needed)
SELECT b->0->>'created_at' AS created_at,
	r.body ~ '"last_used_at"\s*:\s*"[^"]*T\d\d:00:00\+00:00"' AS last_used_by_the_hour,
	r.body ~ '"expires_at"\s*:\s*"[^"]*T\d\d:00:00\+00:00"' AS end_by_the_hour
	FROM authfort.http('GET', '/auth/sessions', NULL, jsonb_build_object('authorization', 'Bearer '
	|| (authfort.refresh((SELECT token FROM tokens WHERE name = '10'))#>>'{tokens,access_token}')), NULL, NULL) r,
	jsonb(r.body) b;
