-- The setting authfort.recent_auth over its whole range, for a session that was authenticated just now and for
-- one that was authenticated 26 days ago.
SET client_min_messages = warning;
SELECT authfort.create_user('ada@example.com', 'correct horse')->>'id' AS ada \gset
SELECT authfort.login('ada@example.com', 'correct horse')#>>'{user,session_id}' AS now \gset
SELECT authfort.login('ada@example.com', 'correct horse')#>>'{user,session_id}' AS before \gset
UPDATE authfort.sessions SET auth_time = auth_time - interval '26 days' WHERE id = :'before';
CREATE FUNCTION answer(setting text, user_id uuid, session_id uuid) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
	PERFORM set_config('authfort.recent_auth', setting, false);
	RETURN coalesce(authfort.mfa_init(user_id, session_id)->>'error', 'recent');
END $$;
SELECT setting, answer(setting, :'ada', :'now') AS now, answer(setting, :'ada', :'before') AS before
	FROM unnest(ARRAY['1h', '24d', '25d', '27d', '30d']) setting;
