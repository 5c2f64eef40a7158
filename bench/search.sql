-- Searching among 1,000,000 users, against a scan of them; run by bench/run, last.
SET jit = off;
SET max_parallel_workers_per_gather = 0;
\ir time_it.sql
INSERT INTO authfort.users (email, name, created_at)
	SELECT 'user' || g || '@example.com', 'Name ' || md5(g::text), now() - g * interval '1 second' FROM generate_series(1, 1000000) g;
VACUUM ANALYZE authfort.users;
CALL pg_temp.time_it('search-one', 1, $$SELECT authfort.list_users('user123456@example.com')$$, 15);
CALL pg_temp.time_it('search-few', 1, $$SELECT authfort.list_users('user12345')$$, 15);
CALL pg_temp.time_it('search-page', 1, $$SELECT authfort.list_users('abcd')$$, 15);
CALL pg_temp.time_it('search-scan', 1, $$SELECT count(*) FROM authfort.users WHERE email ILIKE '%abcd%' OR name ILIKE '%abcd%'$$, 3);
