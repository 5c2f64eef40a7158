-- Code of others that is called once a session exists bans or deletes the user, revokes the session,
-- removes the second factor or adds a role: handlers of the events of a sign-in and of a refresh,
-- and the claims hook.
SET client_min_messages = warning;
CREATE FUNCTION change(user_id uuid, session_id uuid, kind text) RETURNS void LANGUAGE plpgsql SECURITY DEFINER AS $$
BEGIN
	CASE kind
		WHEN 'ban' THEN PERFORM authfort.ban_user(user_id);
		WHEN 'delete' THEN PERFORM authfort.delete_user(user_id);
		WHEN 'erase' THEN PERFORM authfort.delete_user(user_id, true);
		WHEN 'revoke' THEN PERFORM authfort.revoke_session(session_id);
		WHEN 'reset' THEN PERFORM authfort.reset_mfa(user_id);
		WHEN 'role' THEN PERFORM authfort.add_role(user_id, 'member');
		ELSE NULL;
	END CASE;
END $$;
CREATE TABLE kinds (kind text);
INSERT INTO kinds VALUES ('none');
CREATE FUNCTION handle(event jsonb) RETURNS void LANGUAGE sql AS
	$$ SELECT public.change((event->>'user_id')::uuid, (event->>'session_id')::uuid, kind) FROM public.kinds $$;
CREATE FUNCTION hook("user" jsonb, session jsonb) RETURNS jsonb LANGUAGE sql AS
	$$ SELECT public.change(("user"->>'id')::uuid, (session->>'id')::uuid, kind) FROM public.kinds;
	SELECT '{"hooked": true}'::jsonb $$;

-- What the client gets, what its token says, and whether it is one.
CREATE FUNCTION outcome(answer jsonb) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	claims jsonb := authfort.try_verify_jwt(answer->'tokens'->>'access_token');
BEGIN
	IF claims IS NULL THEN
		RETURN coalesce(answer->>'error', 'a challenge');
	END IF;
	PERFORM authfort.authenticate(answer->'tokens'->>'access_token');
	RETURN concat_ws(' ', 'valid tokens, aal', claims->>'aal', 'roles', claims->>'roles', claims->>'hooked');
EXCEPTION WHEN OTHERS THEN
	RETURN 'tokens that are not valid: ' || sqlerrm;
END $$;

-- The authenticator app (RFC 6238).
CREATE EXTENSION pgcrypto;
CREATE FUNCTION app(secret text, ahead integer DEFAULT 0) RETURNS text LANGUAGE sql AS $$
	WITH bits AS (SELECT string_agg((strpos('ABCDEFGHIJKLMNOPQRSTUVWXYZ234567', c) - 1)::bit(5)::text, ''
	ORDER BY i) AS b
			FROM regexp_split_to_table(secret, '') WITH ORDINALITY AS s(c, i)),
		key AS (SELECT decode(string_agg(lpad(to_hex(substr(b, 8 * i + 1, 8)::bit(8)::integer), 2, '0'), ''
		ORDER BY i), 'hex') AS k
			FROM bits, generate_series(0, length(b) / 8 - 1) AS i),
		mac AS (SELECT hmac(decode(lpad(to_hex(floor(extract(epoch FROM clock_timestamp()) / 30)::bigint + ahead), 16,
		'0'), 'hex'), k, 'sha1') AS m FROM key),
		place AS (SELECT m, get_byte(m, 19) & 15 AS o FROM mac)
	SELECT lpad((((get_byte(m, o) & 127)::bigint * 16777216 + get_byte(m, o + 1) * 65536 + get_byte(m,
	o + 2) * 256 + get_byte(m, o + 3)) % 1000000)::text, 6, '0') FROM place
$$;

-- Makes a user, who signs in or goes on in that way, and what happens meanwhile.
CREATE FUNCTION try(way text, meanwhile text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	mail text := gen_random_uuid() || '@example.com';
	id uuid;
	answer jsonb;
	code text;
BEGIN
	UPDATE kinds SET kind = 'none';
	id := authfort.create_user(mail, 'correct horse')->>'id';
	CASE way
		WHEN 'password' THEN
			UPDATE kinds SET kind = meanwhile;
			answer := authfort.login(mail, 'correct horse');
		WHEN 'magic link' THEN
			code := authfort.create_magic_link_token(mail);
			UPDATE kinds SET kind = meanwhile;
			answer := authfort.verify_magic_link(code);
		WHEN 'email code' THEN
			code := authfort.create_email_otp(mail);
			UPDATE kinds SET kind = meanwhile;
			answer := authfort.verify_email_otp(mail, code);
		WHEN 'second factor' THEN
			code := app(authfort.mfa_init(id)->>'secret');
			code := authfort.mfa_confirm(id, code)->'backup_codes'->>0;
			answer := authfort.login(mail, 'correct horse');
			UPDATE kinds SET kind = meanwhile;
			answer := authfort.complete_mfa_login(answer->>'mfa_token', code);
		WHEN 'step-up' THEN
			answer := authfort.login(mail, 'correct horse');
			code := app(authfort.mfa_init(id)->>'secret');
			code := authfort.mfa_confirm(id, code)->'backup_codes'->>0;
			UPDATE kinds SET kind = meanwhile;
			answer := authfort.mfa_step_up(id, (answer#>>'{user,session_id}')::uuid, code);
		WHEN 'refresh' THEN
			answer := authfort.login(mail, 'correct horse');
			UPDATE kinds SET kind = meanwhile;
			answer := authfort.refresh(answer#>>'{tokens,refresh_token}');
	END CASE;
	UPDATE kinds SET kind = 'none';
	RETURN outcome(answer);
END $$;
CREATE VIEW outcomes AS SELECT way, meanwhile, try(way, meanwhile)
	FROM unnest(ARRAY['password', 'magic link', 'email code', 'second factor', 'step-up', 'refresh'])
	WITH ORDINALITY AS w(way, i),
	unnest(ARRAY['none', 'ban', 'delete', 'erase', 'revoke', 'reset', 'role']) WITH ORDINALITY AS m(meanwhile, j)
	WHERE meanwhile <> 'reset' OR way IN ('second factor', 'step-up')
	ORDER BY w.i, m.j;

SELECT authfort.on(event, 'handle(jsonb)') FROM unnest(ARRAY['login', 'token_refreshed', 'reauthenticated']) event;
TABLE outcomes;
SELECT authfort.off(event, 'handle(jsonb)') FROM unnest(ARRAY['login', 'token_refreshed', 'reauthenticated']) event;
-- the events that follow that of the login
SELECT authfort.on(event, 'handle(jsonb)') FROM unnest(ARRAY['magic_link_login', 'email_otp_login', 'mfa_login']) event;
SELECT * FROM outcomes WHERE way IN ('magic link', 'email code', 'second factor');
SELECT authfort.off(event, 'handle(jsonb)') FROM unnest(ARRAY['magic_link_login', 'email_otp_login', 'mfa_login']) event;
SELECT authfort.set_claims_hook('hook(jsonb, jsonb)');
TABLE outcomes;
SELECT authfort.set_claims_hook(NULL);
