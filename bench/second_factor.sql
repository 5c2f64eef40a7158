-- What a second factor and a notice add to a login.  A wrong code is timed: it takes as long as a
-- right one, counts a failure instead of a session, and can be repeated.  Prints a line for each;
-- run by bench/run after bench.sql.
\ir time_it.sql
\ir compare.sql
SET authfort.mfa_lock_attempts = 0;
SELECT authfort.create_user('factor@example.com', 'correct horse')->>'id' AS id \gset
SELECT authfort.mfa_init(:'id') IS NOT NULL \g /dev/null
UPDATE authfort.mfa SET totp_confirmed_at = now() WHERE user_id = :'id';
UPDATE authfort.users SET mfa_enabled = true WHERE id = :'id';
SELECT authfort.login('factor@example.com', 'correct horse')->>'mfa_token' AS challenge \gset
-- (an error where it is refused before the code is looked at)
SELECT 1 / (authfort.complete_mfa_login(:'challenge', '000000')->>'error' = 'invalid_mfa_code')::integer \g /dev/null
CALL pg_temp.time_it('totp', 500,
	format($$SELECT count(authfort.complete_mfa_login(%L, '000000', 'bench', '192.0.2.7')) FROM generate_series(1, 500)$$, :'challenge'));

-- each login comes with another user agent, so with the setting each is a notice, of which a user gets five an hour
CREATE FUNCTION pg_temp.log_in(notices text) RETURNS double precision LANGUAGE plpgsql AS $$
DECLARE
	start timestamptz;
BEGIN
	PERFORM set_config('authfort.notices', notices, true);
	DELETE FROM authfort.events WHERE event = 'notice_sent';
	start := clock_timestamp();
	PERFORM authfort.login('bench@example.com', 'correct horse', gen_random_uuid()::text, '192.0.2.7');
	RETURN extract(epoch FROM clock_timestamp() - start) * 1e6;
END $$;
CALL pg_temp.compare('login-with-notice', $$SELECT pg_temp.log_in('new_sign_in')$$,
	'login-without-notice', $$SELECT pg_temp.log_in('')$$, 21);
