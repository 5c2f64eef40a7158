-- Changing the email, and undoing that.
\pset null '(null)'
CREATE FUNCTION pg_temp.send(method text, path text, token text DEFAULT NULL, body text DEFAULT NULL,
							 OUT status integer, OUT body text) LANGUAGE sql AS
	$$ SELECT s.status, s.body FROM authfort.http(method, path, NULL,
		jsonb_strip_nulls(jsonb_build_object('content-type', 'application/json', 'authorization', 'Bearer ' || token)),
		body, '192.0.2.7') s $$;
-- what was mailed, and is deleted then
CREATE TEMP TABLE mails (n integer GENERATED ALWAYS AS IDENTITY, kind text, "to" text, token text, message jsonb);
CREATE FUNCTION pg_temp.mail() RETURNS TABLE (kind text, "to" text, token boolean) LANGUAGE plpgsql AS $$
	BEGIN
		TRUNCATE mails;
		INSERT INTO mails (kind, "to", token, message) SELECT m.kind, m.message->>'email', m.message->>'token',
		m.message FROM authfort.take_messages(100) m ORDER BY m.id;
		DELETE FROM authfort.outbox;
		RETURN QUERY SELECT m.kind, m."to", m.token IS NOT NULL FROM mails m ORDER BY n;
	END $$;
CREATE FUNCTION pg_temp.mailed(wanted text, to_address text) RETURNS text LANGUAGE sql AS
	$$ SELECT m.token FROM mails m WHERE m.kind = wanted AND m."to" = to_address $$;
CREATE FUNCTION pg_temp.can_login(email text, password text) RETURNS text LANGUAGE sql AS
	$$ SELECT coalesce(r->>'error', 'ok') FROM authfort.login(email, password) r $$;
CREATE FUNCTION pg_temp.hour() RETURNS void LANGUAGE sql AS
	$$ UPDATE authfort.events SET created_at = created_at - interval '61 min'; UPDATE authfort.email_changes SET created_at = created_at - interval '61 min' $$;

SELECT r#>>'{user,id}' AS ada, r#>>'{user,session_id}' AS session, r#>>'{tokens,access_token}' AS access
	FROM authfort.signup('ada@example.com', 'password-1', 'Ada') r \gset
SELECT authfort.create_user('eve@example.com', 'password-1')->>'id' AS eve \gset
UPDATE authfort.users SET mailbox_proven = true WHERE id = :'ada';
DELETE FROM authfort.outbox;

-- the request
SELECT status, body FROM pg_temp.send('POST', '/auth/change-email', NULL, '{"new_email": "new@example.com"}');
SELECT body_sent, status, body FROM unnest(ARRAY['{}', '{"new_email": 1}', '{"new_email": "none"}',
	'{"new_email": ""}', '{"new_email": " ADA@Example.com "}', '[]']) WITH ORDINALITY AS b(body_sent, n),
	pg_temp.send('POST', '/auth/change-email', :'access', body_sent) ORDER BY n;
SELECT * FROM pg_temp.mail();
SELECT status, body FROM pg_temp.send('POST', '/auth/change-email', :'access', '{"new_email": "New@EXAMPLE.com"}');
SELECT * FROM pg_temp.mail();
SELECT message - 'token' - 'expires_at' AS message FROM mails;
SELECT email, new_email FROM authfort.events e, jsonb_to_record(payload) AS p(email text, new_email text)
	WHERE event = 'email_change_requested';
-- nothing has changed yet
SELECT authfort.get_user(:'ada')->>'email' AS email, pg_temp.can_login('new@example.com', 'password-1');
-- the same for an address that is taken, whose owner gets a message
SELECT status, body FROM pg_temp.send('POST', '/auth/change-email', :'access', '{"new_email": "eve@example.com"}');
SELECT * FROM pg_temp.mail();
-- a new request replaces the one before
SELECT authfort.request_email_change(:'ada', 'first@example.com');
SELECT * FROM pg_temp.mail();
SELECT pg_temp.mailed('email_change', 'first@example.com') AS first \gset
SELECT authfort.request_email_change(:'ada', 'second@example.com');
SELECT * FROM pg_temp.mail();
SELECT pg_temp.mailed('email_change', 'second@example.com') AS second \gset
SELECT authfort.confirm_email_change(:'first')->>'error' AS first;

-- the confirmation, in the session
SELECT authfort.create_password_reset_token('ada@example.com') AS reset \gset
SELECT status, body FROM unnest(ARRAY['{}', '{"token": "x"}', '{"token": ""}', '{"token": null}'])
	WITH ORDINALITY AS b(body_sent, n), pg_temp.send('POST', '/auth/change-email/confirm', NULL, body_sent) ORDER BY n;
SELECT status, body FROM pg_temp.send('POST', '/auth/change-email/undo', NULL,
	jsonb_build_object('token', :'second')::text);
SELECT status, body FROM pg_temp.send('POST', '/auth/change-email/confirm', :'access',
	jsonb_build_object('token', :'second')::text);
SELECT status, body FROM pg_temp.send('POST', '/auth/change-email/confirm', :'access',
	jsonb_build_object('token', :'second')::text);
SELECT authfort.get_user(:'ada')->>'email' AS email, (SELECT mailbox_proven FROM authfort.users
	WHERE id = :'ada') AS proven, pg_temp.can_login('second@example.com', 'password-1'),
	pg_temp.can_login('ada@example.com', 'password-1');
SELECT status, body::jsonb->>'email' AS email FROM pg_temp.send('GET', '/auth/me', :'access');
SELECT event, payload - 'user_id' - 'timestamp' AS payload FROM authfort.events
	WHERE event IN ('email_changed', 'email_verified') ORDER BY id;
-- what was sent to the old address gives no more access
SELECT authfort.reset_password(:'reset', 'password-x')->>'error' AS reset;
-- the old address gets the way back
SELECT * FROM pg_temp.mail();
SELECT message - 'token' - 'expires_at' - 'time' AS message FROM mails;
SELECT pg_temp.mailed('email_changed', 'ada@example.com') AS undo1 \gset

-- which outlives further changes, and whatever the thief does
SELECT pg_temp.hour();
SELECT authfort.request_email_change(:'ada', 'thief@example.com')->'ok';
SELECT FROM pg_temp.mail();
SELECT authfort.confirm_email_change(pg_temp.mailed('email_change', 'thief@example.com'), :'session');
SELECT * FROM pg_temp.mail();
SELECT pg_temp.mailed('email_changed', 'second@example.com') AS undo2 \gset
SELECT authfort.create_password_reset_token('thief@example.com') AS reset \gset
SELECT authfort.reset_password(:'reset', 'thief-password')->'ok';
SELECT authfort.change_password(:'ada', 'thief-password', 'thief-password-2')->'ok';
INSERT INTO authfort.passkeys (user_id, credential_id, public_key, algorithm, sign_count, aaguid, attestation,
	backup_eligible, backed_up, user_verified, name, created_at)
	SELECT :'ada', v.id::bytea, '', -7, 0, gen_random_uuid(), 'none', false, false, false, v.id, v.at
	FROM (VALUES ('old', now() - interval '1 day'), ('thief', now())) AS v(id, at);
INSERT INTO authfort.identities (user_id, provider, provider_user_id, created_at, last_sign_in_at)
	SELECT :'ada', 'google', v.id, v.at, v.at
	FROM (VALUES ('old', now() - interval '1 day'), ('thief', now())) AS v(id, at);
SELECT r#>>'{tokens,access_token}' AS thief FROM authfort.login('thief@example.com', 'thief-password-2') r \gset
-- meanwhile the old addresses are reserved
SELECT authfort.signup('ada@example.com', 'password-1')->>'error' AS signup, authfort.signup('second@example.com',
	'password-1')->>'error' AS second;
SELECT authfort.create_user('ada@example.com');
SELECT authfort.update_user(:'eve', '{"email": "ada@example.com"}');
SELECT authfort.request_email_change(:'eve', 'ada@example.com'), (SELECT count(*) FROM authfort.outbox
	WHERE kind = 'email_change') AS messages;
SELECT count(*) FROM authfort.users;
-- also from accounts at other providers
SELECT authfort.set_oauth_provider('idp',
	'{"client_id": "id", "client_secret": "s", "redirect_uri": "https://auth.example/idp", "trust_email": true,
	"endpoints": {"authorization": "https://id.example/a", "token": "https://id.example/t",
	"userinfo": "https://id.example/u"}, "mapping": {"id": "id", "email": "email"}}');
SELECT a->>'state' AS state, a->>'cookie' AS cookie FROM authfort.oauth_authorize('idp', '/x') a \gset
SELECT authfort.oauth_callback('idp', jsonb_build_object('code', 'c', 'state', :'state'),
	:'cookie')#>>'{fetch,resume}' AS resume \gset
SELECT authfort.oauth_resume(:'resume', 200, '{}',
	'{"access_token": "at", "token_type": "Bearer"}')#>>'{fetch,resume}' AS resume \gset
SELECT authfort.oauth_resume(:'resume', 200, '{}', '{"id": "1", "email": "ada@example.com"}')->>'error' AS error;
-- back
SELECT authfort.undo_email_change('x')->>'error' AS error;
SELECT authfort.confirm_email_change(:'undo1')->>'error' AS error;
SELECT status, body FROM pg_temp.send('POST', '/auth/change-email/undo', NULL,
	jsonb_build_object('token', :'undo1')::text);
SELECT authfort.get_user(:'ada')->>'email' AS email, pg_temp.can_login('ada@example.com', 'thief-password-2'),
	pg_temp.can_login('thief@example.com', 'thief-password-2');
SELECT name FROM authfort.passkeys UNION ALL SELECT provider_user_id FROM authfort.identities;
SELECT status, body FROM pg_temp.send('GET', '/auth/me', :'thief');
SELECT count(*) FROM authfort.get_sessions(:'ada', true);
SELECT event, payload - 'user_id' - 'timestamp' - 'ip_address' - 'user_agent' AS payload FROM authfort.events
	WHERE event = 'email_change_undone';
-- once, and the changes after it are gone
SELECT authfort.undo_email_change(:'undo1')->>'error' AS undo1,
	authfort.undo_email_change(:'undo2')->>'error' AS undo2;
SELECT count(*) FROM authfort.email_changes WHERE changed_at IS NOT NULL;
-- a password from before stays
SELECT pg_temp.hour();
UPDATE authfort.users SET password_hash = (SELECT password_hash FROM authfort.users WHERE id = :'eve'),
	password_set_at = now() - interval '1 day' WHERE id = :'ada';
SELECT authfort.request_email_change(:'ada', 'other@example.com')->'ok';
SELECT FROM pg_temp.mail();
SELECT authfort.confirm_email_change(pg_temp.mailed('email_change', 'other@example.com'));
SELECT * FROM pg_temp.mail();
-- the hash may have been made again at a sign-in since
SET authfort.argon2_time_cost = 2;
SELECT pg_temp.can_login('other@example.com', 'password-1');
RESET authfort.argon2_time_cost;
SELECT authfort.undo_email_change(pg_temp.mailed('email_changed', 'ada@example.com'));
SELECT pg_temp.can_login('ada@example.com', 'password-1');
SELECT * FROM pg_temp.mail();

-- confirmed elsewhere, the mailbox is verified and not proven: who reads it may know nothing of the account
SELECT pg_temp.hour();
UPDATE authfort.users SET mailbox_proven = true WHERE id = :'ada';
SELECT r#>>'{user,session_id}' AS session FROM authfort.login('ada@example.com', 'password-1') r \gset
SELECT authfort.request_email_change(:'ada', 'victim@example.com')->'ok';
SELECT FROM pg_temp.mail();
SELECT pg_temp.mailed('email_change', 'victim@example.com') AS confirm \gset
SELECT authfort.confirm_email_change(:'confirm',
	(authfort.login('eve@example.com', 'password-1')#>>'{user,session_id}')::uuid);
SELECT email, email_verified, mailbox_proven FROM authfort.users WHERE id = :'ada';
SELECT FROM pg_temp.mail();
SELECT pg_temp.mailed('email_changed', 'ada@example.com') AS undo \gset
SELECT authfort.create_password_reset_token('victim@example.com') AS reset \gset
SELECT authfort.reset_password(:'reset', 'victim-password')->'ok';
SELECT mailbox_proven FROM authfort.users WHERE id = :'ada';
-- the way back survives that too: it cannot be known whose account it was
SELECT authfort.undo_email_change(:'undo');
SELECT email, mailbox_proven, password_hash FROM authfort.users WHERE id = :'ada';
-- with a second factor, it must be confirmed in a session
SELECT pg_temp.hour();
UPDATE authfort.users SET mfa_enabled = true WHERE id = :'ada';
SELECT authfort.request_email_change(:'ada', 'other@example.com')->'ok';
SELECT FROM pg_temp.mail();
SELECT authfort.confirm_email_change(pg_temp.mailed('email_change', 'other@example.com'));
UPDATE authfort.users SET mfa_enabled = false WHERE id = :'ada';

-- at both addresses
SET authfort.secure_email_change = on;
SELECT pg_temp.hour();
SELECT authfort.request_email_change(:'ada', 'both@example.com')->'ok';
SELECT * FROM pg_temp.mail();
SELECT authfort.confirm_email_change(pg_temp.mailed('email_change', 'both@example.com'));
SELECT authfort.confirm_email_change(pg_temp.mailed('email_change', 'both@example.com'));
SELECT authfort.get_user(:'ada')->>'email' AS email;
SELECT authfort.confirm_email_change(pg_temp.mailed('email_change', 'ada@example.com'));
SELECT authfort.get_user(:'ada')->>'email' AS email;
SELECT FROM pg_temp.mail();
SELECT authfort.request_email_change(:'ada', 'ada@example.com')->'ok';
SELECT * FROM pg_temp.mail();
SELECT status, body FROM pg_temp.send('POST', '/auth/change-email/confirm', NULL,
	jsonb_build_object('token', pg_temp.mailed('email_change', 'both@example.com'))::text);
SELECT status, body FROM pg_temp.send('POST', '/auth/change-email/confirm', NULL,
	jsonb_build_object('token', pg_temp.mailed('email_change', 'ada@example.com'))::text);
SELECT authfort.get_user(:'ada')->>'email' AS email;
RESET authfort.secure_email_change;

-- what ends a request: a reset of the password, and a ban while it lasts
SELECT pg_temp.hour();
SELECT FROM pg_temp.mail();
SELECT authfort.request_email_change(:'ada', 'other@example.com')->'ok';
SELECT FROM pg_temp.mail();
SELECT pg_temp.mailed('email_change', 'other@example.com') AS confirm \gset
SELECT authfort.ban_user(:'ada');
SELECT authfort.confirm_email_change(:'confirm')->>'error' AS error;
SELECT authfort.unban_user(:'ada');
SELECT authfort.create_password_reset_token('ada@example.com') AS reset \gset
SELECT authfort.reset_password(:'reset', 'password-7')->'ok';
SELECT authfort.confirm_email_change(:'confirm')->>'error' AS error;
-- its time, an address that was taken meanwhile, and claims that no longer fit
SELECT authfort.request_email_change(:'ada', 'other@example.com')->'ok';
SELECT FROM pg_temp.mail();
SELECT pg_temp.mailed('email_change', 'other@example.com') AS confirm \gset
UPDATE authfort.one_time_tokens SET expires_at = now() WHERE purpose = 'email_change';
SELECT authfort.confirm_email_change(:'confirm')->>'error' AS error;
UPDATE authfort.one_time_tokens SET expires_at = now() + interval '1 min' WHERE purpose = 'email_change';
SELECT authfort.create_user('other@example.com')->>'id' AS other \gset
SELECT authfort.confirm_email_change(:'confirm')->>'error' AS error;
SELECT authfort.delete_user(:'other');
SELECT repeat('x', 64) || '@' || repeat('y', 60) || '.' || repeat('z', 60) || '.' || repeat('z', 60)
	|| '.com' AS long \gset
SELECT authfort.request_email_change(:'ada', :'long')->>'ok' AS ok;
SELECT FROM pg_temp.mail();
SELECT authfort.update_user(:'ada', jsonb_build_object('name', repeat('n', 255))) IS NOT NULL AS renamed;
DO $$ BEGIN PERFORM authfort.add_role(id, repeat('r', 40) || n, false) FROM authfort.users, generate_series(10, 54) n
	WHERE email = 'ada@example.com'; END $$;
SELECT authfort.confirm_email_change(pg_temp.mailed('email_change', :'long'))->>'error' AS error;
SELECT authfort.request_email_change(:'ada', :'long')->>'error' AS error;
SELECT authfort.request_email_change(:'ada', 'other@example.com')->>'ok' AS ok;
SELECT FROM pg_temp.mail();
SELECT authfort.confirm_email_change(pg_temp.mailed('email_change', 'other@example.com'))->>'ok' AS ok;
SELECT FROM pg_temp.mail();
SELECT pg_temp.mailed('email_changed', 'ada@example.com') AS undo \gset
-- a week
UPDATE authfort.email_changes SET expires_at = now() WHERE changed_at IS NOT NULL;
SELECT authfort.undo_email_change(:'undo')->>'error' AS error;
UPDATE authfort.email_changes SET expires_at = now() + interval '1 min' WHERE changed_at IS NOT NULL;
-- an admin's change cannot be undone, ends what could be, and reserves nothing
SET authfort.notices = 'email_changed';
SELECT authfort.update_user(:'ada', '{"email": "admin@example.com"}')->>'email' AS email;
RESET authfort.notices;
SELECT * FROM pg_temp.mail();
SELECT authfort.undo_email_change(:'undo')->>'error' AS error;
SELECT authfort.create_user('ada@example.com') IS NOT NULL AS free, (SELECT count(*) FROM authfort.email_changes
	WHERE user_id = :'ada');

-- five messages an hour: for an account, and for an address
SELECT pg_temp.hour();
SELECT count(authfort.request_email_change(:'eve', 'flood' || n || '@example.com')->'ok') FROM generate_series(1, 7) n;
SELECT count(*) FROM authfort.events WHERE event = 'email_change_requested' AND created_at > now() - interval '1 hour';
SELECT "to" FROM pg_temp.mail();
SELECT authfort.create_user('u' || n || '@example.com') IS NOT NULL AS made FROM generate_series(1, 7) n;
DO $$ BEGIN PERFORM authfort.request_email_change(id, 'victim2@example.com') FROM authfort.users WHERE email ~ '^u\d@'
	ORDER BY email; END $$;
SELECT count(*) FROM pg_temp.mail();

-- what expired is cleaned up, and what belongs to a user goes with the user
SELECT count(*) > 0 AS changes FROM authfort.email_changes WHERE user_id = :'eve';
SELECT authfort.delete_user(:'eve', hard => true);
SELECT count(*) FROM authfort.email_changes WHERE user_id = :'eve';
UPDATE authfort.email_changes SET expires_at = now() - interval '1 s';
SELECT authfort.cleanup_expired_tokens() > 0 AS cleaned, (SELECT count(*) FROM authfort.email_changes);
-- misuse
SELECT authfort.request_email_change('00000000-0000-0000-0000-000000000000', 'x@example.com');

-- whether an address is taken shows neither in what becomes of the request before, nor in what the old address gets
SET authfort.secure_email_change = on;
SELECT authfort.create_user('prober@example.com')->>'id' AS prober,
	authfort.create_user('owner@example.com') IS NOT NULL AS owner \gset
CREATE FUNCTION pg_temp.probe(email text) RETURNS TABLE (probed text, before text, at_old bigint)
	LANGUAGE plpgsql AS $$
	DECLARE
		prober uuid := (SELECT u.id FROM authfort.users u WHERE u.email = 'prober@example.com');
	BEGIN
		PERFORM pg_temp.hour(), authfort.request_email_change(prober, 'probers-own@example.com');
		PERFORM pg_temp.mail();
		before := pg_temp.mailed('email_change', 'probers-own@example.com');
		PERFORM authfort.request_email_change(prober, probe.email);
		PERFORM pg_temp.mail();
		RETURN QUERY SELECT probe.email, authfort.confirm_email_change(probe.before)->>'error',
			(SELECT count(*) FROM mails m WHERE m."to" = 'prober@example.com' AND m.token IS NOT NULL);
	END $$;
SELECT p.* FROM unnest(ARRAY['nobody@example.com', 'owner@example.com']) e, pg_temp.probe(e) p;
-- the one at the old address confirms nothing alone
SELECT authfort.confirm_email_change(pg_temp.mailed('email_change', 'prober@example.com'));
SELECT count(*) FROM authfort.users WHERE email IN ('prober@example.com', 'owner@example.com');
RESET authfort.secure_email_change;
