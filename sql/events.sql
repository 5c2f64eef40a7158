-- Events, their handlers, and the outbox.
\pset null '(null)'
CREATE TABLE profiles (user_id uuid PRIMARY KEY REFERENCES authfort.users (id) ON DELETE CASCADE, email text);
CREATE FUNCTION make_profile(event jsonb) RETURNS void LANGUAGE sql AS
	$$ INSERT INTO public.profiles VALUES ((event->>'user_id')::uuid, event->>'email') $$;
CREATE TABLE seen (id serial, event jsonb);
CREATE FUNCTION see(event jsonb) RETURNS void LANGUAGE plpgsql AS
	$$ BEGIN INSERT INTO public.seen (event) VALUES (event); END $$;

SELECT authfort.on('user_created', 'make_profile(jsonb)');
SELECT authfort.on('user_created', 'make_profile(jsonb)');
SELECT authfort.on('*', 'see(jsonb)');
SELECT event, handler FROM authfort.event_handlers ORDER BY id;

-- a day in a life
SELECT authfort.signup('ada@example.com', 'correct horse', 'Ada', user_agent => 'test',
	ip_address => '192.0.2.7') AS ada \gset
SELECT (:'ada'::jsonb#>>'{user,id}')::uuid AS id, :'ada'::jsonb#>>'{tokens,refresh_token}' AS refresh \gset
SELECT authfort.login('ada@example.com', 'planted-secret', 'test', '192.0.2.7')->>'error';
SELECT authfort.login('planted-secret', 'correct horse')->>'error';
SELECT authfort.login('nobody@example.com', 'correct horse', ip_address => '2001:db8::1')->>'error';
SELECT authfort.refresh(:'refresh', user_agent => 'other',
	ip_address => '192.0.2.8')#>>'{tokens,refresh_token}' AS next \gset
SELECT authfort.add_role(:'id', 'editor');
SELECT authfort.add_role(:'id', 'editor');
SELECT authfort.remove_role(:'id', 'editor', false);
SELECT authfort.logout(:'next');
SELECT authfort.logout(:'next');
SELECT authfort.login('ada@example.com', 'correct horse')#>>'{user,session_id}' AS session \gset
SELECT authfort.revoke_session(:'session');
SELECT authfort.revoke_session(:'session');
SELECT authfort.revoke_sessions(:'id');
SELECT authfort.rotate_key() IS NOT NULL;
SELECT event, ip_address, user_agent, payload - '{timestamp,user_id,session_id,new_kid,old_kid}'::text[] AS payload,
	user_id = :'id' AS hers, session_id IS NOT NULL AS session FROM authfort.events ORDER BY id;
SELECT count(*) FROM authfort.events WHERE events::text LIKE '%planted-secret%';
SELECT email FROM profiles;
SELECT count(*), count(DISTINCT event->>'id'), bool_and(event ? 'timestamp') FROM seen;
SELECT array_agg(k ORDER BY k) FROM seen, jsonb_object_keys(event) k WHERE seen.id = 1;

-- theft and mismatch, which ends the session when a function is called with both tokens
SELECT authfort.login('ada@example.com', 'correct horse')#>>'{tokens,refresh_token}' AS t1 \gset
SET authfort.refresh_grace = 0;
SELECT authfort.refresh(:'t1')#>>'{tokens,refresh_token}' AS t2 \gset
SELECT authfort.refresh(:'t2')->>'error' AS error, authfort.refresh(:'t1')->>'error' AS "old token";
RESET authfort.refresh_grace;
SELECT authfort.login('ada@example.com', 'correct horse')#>>'{tokens,refresh_token}' AS t3 \gset
SELECT authfort.login('ada@example.com', 'correct horse')#>>'{tokens,access_token}' AS other \gset
SELECT authfort.refresh(:'t3', :'other')->>'error';
SELECT event, payload ? 'access_sub' AS sub, payload->'revoke_all' AS everywhere FROM authfort.events
	WHERE event IN ('session_revoked', 'refresh_token_mismatch') ORDER BY id DESC LIMIT 2;

-- a handler that raises takes back what it belongs to, and says where it was
SELECT authfort.off('*', 'see(jsonb)');
CREATE FUNCTION refuse(event jsonb) RETURNS void LANGUAGE plpgsql AS $$ BEGIN RAISE 'not you'; END $$;
SELECT authfort.on('user_created', 'refuse(jsonb)');
SELECT authfort.signup('eve@example.com', 'correct horse');
SELECT count(*) FROM authfort.users WHERE email = 'eve@example.com';
SELECT count(*) FROM profiles;
DROP FUNCTION refuse(jsonb);
SELECT authfort.signup('eve@example.com', 'correct horse');
DELETE FROM authfort.event_handlers WHERE handler LIKE '%refuse%';
SELECT authfort.signup('eve@example.com', 'correct horse')#>>'{user,email}';

-- not every function can handle events
SELECT authfort.on('user_created', 'lower(text)');
SELECT authfort.on('user_created', 'jsonb_object_keys(jsonb)');
SELECT authfort.on('user_created', 0);
SELECT authfort.on('no_such_event', 'see(jsonb)');
SELECT authfort.on(NULL, 'see(jsonb)');
SELECT authfort.on('login', NULL);

-- handlers are called in the order in which they were registered, those of all events among them,
-- and one that the event's own transaction has registered is called as well
CREATE FUNCTION early(event jsonb) RETURNS void LANGUAGE plpgsql AS $$ BEGIN RAISE NOTICE 'early'; END $$;
CREATE FUNCTION middle(event jsonb) RETURNS void LANGUAGE plpgsql AS $$ BEGIN RAISE NOTICE 'middle'; END $$;
CREATE FUNCTION late(event jsonb) RETURNS void LANGUAGE plpgsql AS $$ BEGIN RAISE NOTICE 'late'; END $$;
BEGIN;
SELECT authfort.on('user_updated', 'early(jsonb)');
SELECT authfort.on('*', 'middle(jsonb)');
SELECT authfort.on('user_banned', 'late(jsonb)');
SELECT authfort.on('user_updated', 'late(jsonb)');
SELECT authfort.update_user(:'id', '{"name": "Ada L."}') IS NOT NULL AS updated;
SELECT authfort.off('user_updated', 'early(jsonb)');
SELECT authfort.update_user(:'id', '{"name": "Ada"}') IS NOT NULL AS updated;
ROLLBACK;
-- nor does a routine that cannot handle events take the place of one that can
BEGIN;
SELECT authfort.on('user_updated', 'early(jsonb)');
DROP FUNCTION early(jsonb);
CREATE PROCEDURE early(jsonb) LANGUAGE plpgsql AS $$ BEGIN RAISE NOTICE 'early'; END $$;
SELECT authfort.update_user(:'id', '{"name": "Ada L."}');
ROLLBACK;
DROP FUNCTION early(jsonb), middle(jsonb), late(jsonb);

-- a handler has the rights of its owner, and only the owner registers it
CREATE ROLE helper;
GRANT authfort_admin TO helper;
GRANT CREATE ON SCHEMA public TO helper;
SET ROLE helper;
SELECT authfort.on('login', 'see(jsonb)');
SELECT authfort.off('user_created', 'make_profile(jsonb)');
CREATE FUNCTION public.grab(event jsonb) RETURNS void LANGUAGE plpgsql AS
	$$ BEGIN RAISE NOTICE 'I am %', current_user; DELETE FROM authfort.users; END $$;
SELECT authfort.on('login', 'grab(jsonb)');
RESET ROLE;
SELECT authfort.login('ada@example.com', 'correct horse');
SELECT current_user <> 'helper' AS myself;
DROP OWNED BY helper;
DELETE FROM authfort.event_handlers WHERE handler LIKE '%grab%';
DROP ROLE helper;

-- NOTIFY only where it is asked for
LISTEN authfort_events;
SELECT authfort.login('ada@example.com', 'wrong')->>'error';
SELECT authfort.logout('nothing');

-- the outbox: sealed, handed out once a lease, gone when sent or expired
DELETE FROM authfort.outbox WHERE kind = 'email_verification';
SELECT status FROM authfort.http('POST', '/auth/forgot-password', NULL, '{"content-type": "application/json"}',
	'{"email": "ada@example.com"}');
SELECT status FROM authfort.http('POST', '/auth/forgot-password', NULL, '{"content-type": "application/json"}',
	'{"email": "eve@example.com"}');
SELECT status FROM authfort.http('POST', '/auth/forgot-password', NULL, '{"content-type": "application/json"}',
	'{"email": "nobody@example.com"}');
SELECT kind, attempts, position('ada@example.com'::bytea IN message) AS told FROM authfort.outbox ORDER BY id;
SELECT id AS message, message->>'email' AS email, message->>'token' AS token, attempts
	FROM authfort.take_messages(1) \gset
SELECT :'email', :'attempts', length(:'token');
SELECT message->>'email' AS email, attempts, expires_at - created_at < '1 hour 1 minute' AS fresh
	FROM authfort.take_messages();
SELECT count(*) FROM authfort.take_messages();
SET authfort.outbox_visibility_timeout = '1s';
UPDATE authfort.outbox SET taken_at = taken_at - interval '1 second';
SELECT message->>'email' AS email, attempts FROM authfort.take_messages(5);
SELECT authfort.message_sent(:'message');
SELECT authfort.message_sent(:'message');
UPDATE authfort.outbox SET expires_at = now(), taken_at = NULL;
SELECT count(*) FROM authfort.take_messages();
SELECT authfort.reset_password(:'token', 'battery staple');
-- a message belongs to its row
SELECT status FROM authfort.http('POST', '/auth/forgot-password', NULL, '{"content-type": "application/json"}',
	'{"email": "ada@example.com"}');
SELECT authfort.create_user('fay@example.com')->>'id' AS fay \gset
INSERT INTO authfort.outbox (id, kind, user_id, message, created_at, expires_at)
	SELECT '00000000-0000-7000-8000-000000004711', kind, :'fay', message, created_at, expires_at FROM authfort.outbox o
	WHERE o.user_id = :'id';
SELECT message->>'email' AS email FROM authfort.take_messages();
SELECT authfort.take_messages(0);
SELECT authfort.take_messages(NULL);
SELECT authfort.message_sent(NULL);
