-- A handler of an event of a sign-in changes the user who signs in: by an account at a provider,
-- by a link that was mailed, and by a new password.
SET client_min_messages = warning;
SELECT authfort.set_oauth_provider('idp', jsonb_build_object('client_id', 'id', 'client_secret', 's', 'redirect_uri',
	'https://auth.example/cb', 'trust_email', true,
	'authorization_endpoint', 'https://id.example/a', 'token_endpoint', 'https://id.example/t', 'userinfo_endpoint',
	'https://id.example/u'));
CREATE FUNCTION sign_in_at_provider(email text) RETURNS jsonb LANGUAGE plpgsql AS $$
DECLARE
	answer jsonb;
BEGIN
	answer := authfort.oauth_authorize('idp');
	answer := authfort.oauth_callback('idp', jsonb_build_object('code', 'c', 'state', answer->>'state'),
	answer->>'cookie');
	answer := authfort.oauth_resume(answer->'fetch'->>'resume', 200, NULL, '{"access_token": "a"}');
	RETURN authfort.oauth_resume(answer->'fetch'->>'resume', 200, NULL, jsonb_build_object('sub', email, 'email',
	email, 'email_verified', true)::text);
END $$;
-- what the client gets, and what its token says
CREATE FUNCTION outcome(r jsonb) RETURNS text LANGUAGE sql AS
	$$ SELECT coalesce(r->>'error', 'signed in, roles '
	|| (convert_from(decode(translate(rpad(part, (length(part) + 3) / 4 * 4, '='), '-_', '+/'), 'base64'),
	'UTF8')::jsonb->>'roles'))
		FROM split_part(r->'tokens'->>'access_token', '.', 2) part $$;

CREATE FUNCTION change_user(event jsonb) RETURNS void LANGUAGE plpgsql SECURITY DEFINER AS $$
DECLARE
	changed uuid := event->>'user_id';
BEGIN
	CASE split_part(event->>'email', '@', 1)
		WHEN 'member' THEN PERFORM authfort.add_role(changed, 'member');
		WHEN 'banned' THEN PERFORM authfort.ban_user(changed);
		WHEN 'deleted' THEN PERFORM authfort.delete_user(changed);
	END CASE;
END $$;
SELECT authfort.on('user_created', 'change_user(jsonb)');
SELECT name, outcome(sign_in_at_provider(name || '@example.com'))
	FROM unnest(ARRAY['member', 'banned', 'deleted']) name;
SELECT name, outcome(authfort.signup(name || '@example.org', 'correct horse'))
	FROM unnest(ARRAY['member', 'banned']) name;
SELECT authfort.off('user_created', 'change_user(jsonb)');
-- the banned ones have no session
SELECT split_part(email, '+', 1) AS email, banned, (SELECT count(*) FROM authfort.sessions s
	WHERE s.user_id = u.id) AS sessions FROM authfort.users u ORDER BY 1;

DELETE FROM authfort.users;
SELECT authfort.on('email_verified', 'change_user(jsonb)');
SELECT count(authfort.create_user(name || '@example.com', email_verified => false))
	FROM unnest(ARRAY['member', 'banned']) name;
SELECT name, outcome(authfort.verify_magic_link(authfort.create_magic_link_token(name || '@example.com')))
	FROM unnest(ARRAY['member', 'banned']) name;
SELECT split_part(email, '+', 1) AS email, banned, (SELECT count(*) FROM authfort.sessions s
	WHERE s.user_id = u.id) AS sessions FROM authfort.users u ORDER BY 1;
SELECT authfort.off('email_verified', 'change_user(jsonb)');

-- addresses are not revealed, nor those that another user can get back, nor where no one can sign up
DELETE FROM authfort.users;
SELECT authfort.set_oauth_provider('idp', jsonb_build_object('client_id', 'id', 'client_secret', 's', 'redirect_uri',
	'https://auth.example/cb', 'trust_email', false,
	'authorization_endpoint', 'https://id.example/a', 'token_endpoint', 'https://id.example/t', 'userinfo_endpoint',
	'https://id.example/u'));
SET authfort.hide_accounts = on;
SELECT count(authfort.create_user('new@example.com'));
INSERT INTO authfort.email_changes (user_id, old_email, new_email, was_proven, awaits_old, awaits_new, created_at,
	changed_at, expires_at)
	SELECT id, 'old@example.com', 'new@example.com', true, false, false, now(), now(), now() + interval '1 day'
	FROM authfort.users;
SELECT name, outcome(sign_in_at_provider(name || '@example.com')) FROM unnest(ARRAY['free', 'new', 'old']) name;
SET authfort.allow_signup = off;
SELECT name, outcome(sign_in_at_provider(name || '@example.com')) FROM unnest(ARRAY['free', 'new', 'old']) name;
RESET authfort.allow_signup;
RESET authfort.hide_accounts;

SELECT authfort.drop_oauth_provider('idp');
DELETE FROM authfort.users;
DROP FUNCTION change_user(jsonb), outcome(jsonb), sign_in_at_provider(text);
