-- What a courier needs of the outbox: kinds, deferral, failure, and messages
-- that are not delivered any more; and templates.
CREATE ROLE regress_courier IN ROLE authfort_courier;
CREATE FUNCTION forgot(email text) RETURNS integer LANGUAGE sql AS
	$$ SELECT status FROM authfort.http('POST', '/auth/forgot-password', NULL,
	jsonb_build_object('content-type', 'application/json'), json_build_object('email', email)::text) $$;
CREATE FUNCTION id_of(who text) RETURNS uuid LANGUAGE sql AS $$ SELECT id FROM authfort.users WHERE email = who
	|| '@example.com' $$;
SELECT authfort.create_user(name || '@example.com', 'first password')->>'email'
	FROM unnest('{ada,bob,cat,dan}'::text[]) AS name;
SELECT forgot(name || '@example.com') FROM unnest('{ada,bob,cat,dan}'::text[]) AS name;

-- as its role: nothing else
SET ROLE regress_courier;
SELECT count(*) FROM authfort.outbox;
SELECT authfort.create_user('eve@example.com');
RESET ROLE;
SET ROLE authfort_admin;
SELECT count(*) FROM authfort.take_messages();
RESET ROLE;

-- kinds
SELECT count(*) FROM authfort.take_messages(10, kinds => '{magic_link}');
SELECT count(*) FROM authfort.take_messages(10, except_kinds => '{magic_link,password_reset}');
SELECT count(*) FROM authfort.take_messages(10, kinds => '{}');
SET ROLE regress_courier;
SELECT message->>'email' AS email, id AS ada FROM authfort.take_messages(1, '{password_reset,magic_link}',
	'{magic_link}') \gset
SELECT :'email';
-- deferred: not before that time, also after the visibility timeout
SELECT authfort.message_deferred(:'ada', 3600);
RESET ROLE;
UPDATE authfort.outbox SET taken_at = taken_at - interval '10 minutes' WHERE id = :'ada';
SELECT message->>'email' AS email, id AS bob FROM authfort.take_messages(1) \gset
SELECT :'email';
SELECT authfort.message_deferred(:'bob', 0);
SELECT message->>'email' AS email, attempts FROM authfort.take_messages(1);
UPDATE authfort.outbox SET not_before = now() WHERE id = :'ada';
SELECT message->>'email' AS email, attempts FROM authfort.take_messages(1);
SELECT count(*) AS "taken once" FROM authfort.take_messages(2) WHERE attempts = 1;
SELECT count(*) FROM authfort.take_messages();
SELECT authfort.message_deferred('00000000-0000-7000-8000-000000000000', 1);
\set VERBOSITY terse
SELECT authfort.message_deferred(:'ada', -1);
SELECT authfort.message_deferred(:'ada', 604801);
SELECT authfort.message_deferred(:'ada', NULL);
SELECT authfort.message_deferred(NULL, 1);
\set VERBOSITY default

-- one that was never taken is not deferred, so that the next request still replaces it
SELECT authfort.create_user('fay@example.com')->>'email';
SELECT forgot('fay@example.com');
SELECT authfort.message_deferred(id, 1) FROM authfort.outbox WHERE user_id = id_of('fay');
SELECT authfort.message_sent(id) FROM authfort.take_messages();

-- failed: an event, and no message
SET ROLE regress_courier;
SELECT authfort.message_failed(:'bob', E'550 5.1.1 at RCPT\n' || repeat(U&'\00fc', 200));
SELECT authfort.message_failed(:'bob', 'again');
SELECT authfort.message_failed(:'bob', NULL);
SELECT authfort.message_failed(NULL, 'x');
RESET ROLE;
SELECT user_id = id_of('bob') AS his, payload - 'timestamp' - 'message_id' - 'user_id' - 'reason' AS payload,
	payload->>'message_id' = :'bob' AS same,
	octet_length(payload->>'reason') AS length, left(payload->>'reason', 20) AS reason FROM authfort.events
	WHERE event = 'message_failed';

-- used, replaced and deleted tokens
CREATE FUNCTION due() RETURNS SETOF text LANGUAGE sql AS $$
	UPDATE authfort.outbox SET not_before = now();
	SELECT message->>'email' FROM authfort.take_messages() ORDER BY 1;
$$;
SELECT due();
SELECT authfort.change_password(id_of('cat'), 'first password', 'second password')->>'ok' AS ok;
SELECT due();
DELETE FROM authfort.one_time_tokens WHERE user_id = id_of('dan');
SELECT due();
SELECT count(*) AS "waits for the cleanup" FROM authfort.outbox WHERE user_id = id_of('dan');
UPDATE authfort.one_time_tokens SET message_id = uuid_nil
	FROM (VALUES ('00000000-0000-0000-0000-000000000000'::uuid)) AS u(uuid_nil);
SELECT due();
-- a message without a token
INSERT INTO authfort.outbox (id, kind, user_id, message, created_at, expires_at)
	SELECT authfort.uuid_v7(), 'notice', user_id, message, created_at, expires_at FROM authfort.outbox
	WHERE id = :'ada';
SELECT count(*) FROM authfort.outbox WHERE NOT has_secret;
DELETE FROM authfort.outbox WHERE NOT has_secret;

-- a code that was used, and one that another one replaced
SELECT authfort.create_user('hal@example.com')->>'email' AS email;
SELECT status FROM authfort.http('POST', '/auth/otp', NULL, '{"content-type": "application/json"}',
	'{"email": "hal@example.com"}');
SELECT id AS code_message, message->>'code' AS code, message->>'email' AS email FROM authfort.take_messages() \gset
SELECT :'email' AS email, length(:'code') AS digits;
SELECT due();
SELECT authfort.verify_email_otp('hal@example.com', :'code')->'user'->>'email' AS email;
SELECT due();
SELECT authfort.message_sent(:'code_message');
SELECT status FROM authfort.http('POST', '/auth/otp', NULL, '{"content-type": "application/json"}',
	'{"email": "hal@example.com"}');
SELECT due();
UPDATE authfort.email_codes SET message_id = :'code_message';
SELECT due();
DELETE FROM authfort.outbox WHERE user_id = id_of('hal');
-- a message that cannot be opened stops no other
SELECT authfort.create_user('gus@example.com', 'first password')->>'email';
SELECT forgot('gus@example.com');
UPDATE authfort.one_time_tokens SET message_id = :'ada' WHERE user_id = id_of('ada');
UPDATE authfort.outbox SET message = set_byte(message, 40, get_byte(message, 40) # 1), not_before = NULL,
	taken_at = NULL WHERE id = :'ada';
DO $$
BEGIN
	PERFORM set_config('client_min_messages', 'error', true);
	ASSERT (SELECT array_agg(message->>'email') FROM authfort.take_messages()) = '{gus@example.com}';
END $$;
SELECT attempts, taken_at IS NOT NULL AS taken FROM authfort.outbox WHERE id = :'ada';
UPDATE authfort.outbox SET message = '\x01', not_before = NULL, taken_at = NULL WHERE id = :'ada';
SET client_min_messages = error;
SELECT count(*) FROM authfort.take_messages();
RESET client_min_messages;

-- templates: what could not be rendered is refused
\set VERBOSITY terse
INSERT INTO authfort.message_templates (kind, subject, text) VALUES ('magic_link', 'Sign in', '{{tokn}}');
INSERT INTO authfort.message_templates (kind, subject, text) VALUES ('magic_link', '{{code}}', '{{token}}');
INSERT INTO authfort.message_templates (kind, subject, text) VALUES ('magic_link', 'Sign in', '{{token}');
INSERT INTO authfort.message_templates (kind, subject, text) VALUES ('magic_link', 'Sign in', '{{ token }}');
INSERT INTO authfort.message_templates (kind, subject, text) VALUES ('magic_link', 'Sign in', '{{{token}}}');
INSERT INTO authfort.message_templates (kind, subject, text) VALUES ('magic_link', 'Sign in', 'token}}');
INSERT INTO authfort.message_templates (kind, subject, text) VALUES ('magic_link', 'Sign in', '{{');
INSERT INTO authfort.message_templates (kind, subject, text) VALUES ('magic_link', 'Sign in', '{{#');
INSERT INTO authfort.message_templates (kind, subject, text) VALUES ('magic_link', 'Sign in', '{{#link}}{{link}}');
INSERT INTO authfort.message_templates (kind, subject, text) VALUES ('magic_link', 'Sign in', '{{/link}}');
INSERT INTO authfort.message_templates (kind, subject, text) VALUES ('magic_link', 'Sign in',
	'{{#link}}{{^token}}{{/link}}{{/token}}');
INSERT INTO authfort.message_templates (kind, subject, text) VALUES ('magic_link', 'Sign in', repeat('{{#link}}', 9)
	|| repeat('{{/link}}', 9));
INSERT INTO authfort.message_templates (kind, subject, text) VALUES ('magic_link', 'Sign in', '{{' || repeat('a', 64)
	|| '}}');
INSERT INTO authfort.message_templates (kind, subject, text) VALUES ('magic_link', 'Sign in', repeat('a', 262145));
INSERT INTO authfort.message_templates (kind, subject, text) VALUES ('magic_link', E'Sign\nin', '{{token}}');
INSERT INTO authfort.message_templates (kind, subject, text) VALUES ('magic_link', ' ', '{{token}}');
INSERT INTO authfort.message_templates (kind, subject, text, html) VALUES ('magic_link', 'Sign in', '{{token}}',
	'{{tokn}}');
INSERT INTO authfort.message_templates (kind, locale, subject, text) VALUES ('magic_link', 'de_DE', 'Sign in',
	'{{token}}');
INSERT INTO authfort.message_templates (kind, locale, subject, text) VALUES ('magic_link', '-de', 'Sign in',
	'{{token}}');
INSERT INTO authfort.message_templates (kind, locale, subject, text) VALUES ('magic_link', NULL, 'Sign in',
	'{{token}}');
\set VERBOSITY default
INSERT INTO authfort.message_templates (kind, subject, text) VALUES ('magic_link', 'Sign in',
	'{{#link}}{{link}}{{tokn}}');
INSERT INTO authfort.message_templates (kind, locale, subject, text, html) VALUES
	('magic_link', '', 'Sign in', '{{#link}}{{link}}{{/link}}{{^link}}{{token}}{{/link}}', NULL),
	('magic_link', 'de', 'Anmelden', '{{token}} { }', '<p>{{token}}</p>'),
	('magic_link', 'pt-BR', 'Entrar', '{{app}} {{expires_in}} {{token}}', NULL),
	('invoice', '', 'Invoice {{number}}', '{{what_ever}}', NULL);
UPDATE authfort.message_templates SET text = '{{tokn}}' WHERE kind = 'magic_link' AND locale = 'de';
SET session_replication_role = replica;
UPDATE authfort.message_templates SET text = '{{tokn}}' WHERE kind = 'magic_link' AND locale = 'de';
RESET session_replication_role;
INSERT INTO authfort.message_templates (kind, locale, subject, text) VALUES ('magic_link', 'de', 'Again', '{{token}}');
SET ROLE regress_courier;
SELECT l AS locale, t.* FROM unnest('{NULL,"",de,DE_at,de-CH-1996,den,pt,pt-br,pt_BR_x,fr}'::text[])
	WITH ORDINALITY AS l(l, n), authfort.message_template('magic_link', l) AS t ORDER BY n;
SELECT * FROM authfort.message_template('password_reset', 'de');
SELECT * FROM authfort.message_template(NULL, 'de');
SELECT count(*) FROM authfort.message_templates;
RESET ROLE;
SELECT authfort_internal.check_message_template();

DROP ROLE regress_courier;
