# Cleaning up: the background worker, and pg_cron where authfort is not preloaded.
use strict;
use warnings FATAL => 'all';

use AuthfortNode qw(create_database start_node);
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $contents = q{CREATE EXTENSION authfort; SELECT FROM authfort.signup('a@example.com', 'correct horse')};

# Leaves the database with one session that is live and one that is revoked.
sub revoke_one
{
	my ($node, $name) = @_;
	$node->safe_psql($name, <<'SQL');
DELETE FROM authfort.sessions;
SELECT FROM authfort.login('a@example.com', 'correct horse');
SELECT authfort.revoke_session((authfort.login('a@example.com', 'correct horse')#>>'{user,session_id}')::uuid);
SQL
}

my $cleaned = 'SELECT count(*) = 1 AND count(revoked_at) = 0 FROM authfort.sessions';
my $launcher = "SELECT pid FROM pg_stat_activity WHERE backend_type = 'authfort cleanup launcher'";

my $node = start_node('cleanup', init => [ allows_streaming => 1 ], preload => 'authfort', database => undef,
	conf => "authfort.cleanup_interval = '1s'");
create_database($node, $_, $contents) foreach 'app', 'App, too', 'broken';

# every database that has the extension; one that fails does not stop the others
$node->safe_psql('broken', 'ALTER TABLE authfort.sessions RENAME TO away');
revoke_one($node, $_) foreach 'app', 'App, too';
ok($node->poll_query_until('app', $cleaned), 'the worker cleans a database');
ok($node->poll_query_until('App, too', $cleaned), 'the worker cleans another database');
ok($node->wait_for_log(qr/relation "authfort.sessions" does not exist/), 'a failed cleanup is logged');
revoke_one($node, 'app');
ok($node->poll_query_until('app', $cleaned), 'a failed cleanup of one database does not stop that of others');
# a worker may be in it
$node->safe_psql('postgres', 'DROP DATABASE broken WITH (FORCE)');

# nor does an error with one kind of rows stop the other kinds, or a row that a foreign key keeps the other rows, even
# if its check is deferred
$node->safe_psql('app', <<'SQL');
ALTER TABLE authfort.one_time_tokens RENAME TO away;
CREATE TABLE visit (session uuid CONSTRAINT visit_session REFERENCES authfort.sessions INITIALLY DEFERRED);
BEGIN;
SELECT authfort.revoke_session((authfort.login('a@example.com', 'correct horse')#>>'{user,session_id}')::uuid)
	FROM generate_series(1, 3);
INSERT INTO visit SELECT id FROM authfort.sessions WHERE revoked_at IS NOT NULL ORDER BY id LIMIT 1;
COMMIT;
SQL
ok($node->poll_query_until('app', 'SELECT count(*) = 1 FROM authfort.sessions WHERE revoked_at IS NOT NULL'),
	'a row that a foreign key keeps does not stop the cleanup of others');
ok($node->wait_for_log(qr/WARNING: .*cleanup keeps expired rows of table "authfort.sessions"\n.*visit_session/),
	'the constraint is logged');
ok($node->wait_for_log(qr/relation "authfort.one_time_tokens" does not exist/),
	'the error with the other kind is logged');
# in the order in which a worker locks them
$node->safe_psql('app', 'BEGIN; LOCK TABLE authfort.sessions; DROP TABLE visit; COMMIT; '
	. 'ALTER TABLE authfort.away RENAME TO one_time_tokens');
ok($node->poll_query_until('app', $cleaned), 'a row that nothing refers to any more is deleted');

is($node->safe_psql('postgres',
	"SELECT application_name, datname FROM pg_stat_activity WHERE backend_type = 'authfort cleanup launcher'"),
	'authfort cleanup|', 'pg_stat_activity shows the launcher, without a database');

# it waits for no lock on a row, and gives up on one on a table
my $session = $node->background_psql('app');
$session->query_safe('BEGIN');
do
{
	# once more where the worker was faster than the lock
	revoke_one($node, 'app');
} until $session->query_safe('SELECT id FROM authfort.sessions WHERE revoked_at IS NOT NULL FOR UPDATE');
revoke_one($node, 'App, too');
ok($node->poll_query_until('App, too', $cleaned), 'a locked session does not block the cleanup');
is($node->safe_psql('app', 'SELECT count(revoked_at) FROM authfort.sessions'), '1', 'a locked session is not deleted');
$session->query_safe('COMMIT; BEGIN; LOCK TABLE authfort.sessions');
ok($node->poll_query_until('postgres', "SELECT count(*) = 1 FROM pg_stat_activity
	WHERE backend_type = 'authfort cleanup worker' AND datname = 'app' AND wait_event_type = 'Lock'
	AND query = 'authfort: cleaning up sessions'"),
	'pg_stat_activity shows what a worker does');
ok($node->wait_for_log(qr/canceling statement due to lock timeout/), 'a worker does not wait forever for a table lock');
$session->query_safe('COMMIT');
$session->quit;
ok($node->poll_query_until('app', $cleaned), 'the cleanup resumes once the table is unlocked');

# code of the application that hangs stops no other database
$node->safe_psql('app', <<'SQL');
CREATE TABLE pause AS SELECT 1;
CREATE TABLE slow (session uuid REFERENCES authfort.sessions ON DELETE CASCADE);
CREATE FUNCTION wait() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER AS $$
BEGIN
	WHILE EXISTS (SELECT FROM public.pause) LOOP PERFORM pg_sleep(0.1); END LOOP;
	RETURN OLD;
END $$;
CREATE TRIGGER wait BEFORE DELETE ON slow FOR EACH ROW EXECUTE FUNCTION wait();
BEGIN;
SELECT authfort.revoke_session((authfort.login('a@example.com', 'correct horse')#>>'{user,session_id}')::uuid);
INSERT INTO slow SELECT id FROM authfort.sessions WHERE revoked_at IS NOT NULL;
COMMIT;
SQL
ok($node->poll_query_until('postgres', "SELECT count(*) = 1 FROM pg_stat_activity
	WHERE backend_type = 'authfort cleanup worker' AND wait_event = 'PgSleep'"),
	'a worker waits in code of the application');
foreach my $round (1, 2)
{
	revoke_one($node, 'App, too');
	ok($node->poll_query_until('App, too', $cleaned), "the cleanup of another database goes on, round $round");
}
is($node->safe_psql('postgres', "SELECT count(*) FROM pg_stat_activity
	WHERE backend_type = 'authfort cleanup worker' AND datname = 'app'"), '1',
	'no second worker joins the one that waits');
$node->safe_psql('app', 'DELETE FROM pause');
ok($node->poll_query_until('app', $cleaned), 'the one that waited goes on, too');
$node->safe_psql('app', 'DROP TABLE slow, pause');
revoke_one($node, 'app');
ok($node->poll_query_until('app', $cleaned), 'and its database is cleaned again');

# an end by an administrator, and a restart
my $pid = $node->safe_psql('postgres', $launcher);
$node->safe_psql('postgres', "SELECT pg_terminate_backend($pid)");
ok($node->poll_query_until('postgres', "SELECT count(*) = 1 FROM ($launcher) l WHERE pid <> $pid"),
	'a terminated launcher is restarted');
revoke_one($node, 'app');
ok($node->poll_query_until('app', $cleaned), 'a restarted launcher cleans');
$node->restart;
revoke_one($node, 'app');
ok($node->poll_query_until('app', $cleaned), 'the launcher cleans after a restart of the server');

# a key that a foreign key keeps is not tried again and again, and the next one is removed when it expires
$node->append_conf('postgresql.conf', "authfort.cleanup_interval = '1h'");
$node->reload;
ok($node->poll_query_until('postgres', "SELECT current_setting('authfort.cleanup_interval') = '1h' AND state = 'idle'
	FROM pg_stat_activity WHERE backend_type = 'authfort cleanup launcher'"), 'the launcher is idle');
my $warning = qr/WARNING: .*cleanup keeps expired rows of table "authfort.signing_keys"/;
my $before = -s $node->logfile;
$node->safe_psql('app', <<'SQL');
SELECT authfort.rotate_key(), authfort.rotate_key();
CREATE TABLE seen (kid text REFERENCES authfort.signing_keys);
WITH old AS (UPDATE authfort.signing_keys SET expires_at = now() + CASE WHEN kid = (SELECT min(kid)
	FROM authfort.signing_keys WHERE expires_at IS NOT NULL) THEN interval '0' ELSE interval '12 s' END
	WHERE expires_at IS NOT NULL RETURNING kid, expires_at)
INSERT INTO seen SELECT kid FROM old WHERE expires_at <= now();
SQL
ok($node->wait_for_log($warning, $before), 'an expired key that a foreign key keeps is logged');
ok($node->poll_query_until('app', 'SELECT count(*) = 1 FROM authfort.signing_keys WHERE expires_at IS NOT NULL'),
	'a key that expires later is removed then');
$node->wait_for_log(qr/$warning.*$warning/s, $before);
is(scalar(my @warnings = slurp_file($node->logfile, $before) =~ /$warning/g), 2,
	'the one that is kept was tried no more often than a key expired');
$node->safe_psql('app', 'DROP TABLE seen; DELETE FROM authfort.signing_keys WHERE expires_at IS NOT NULL');
$node->append_conf('postgresql.conf', "authfort.cleanup_interval = '1s'");
$node->reload;

# settings are read again; the list says which databases
$node->append_conf('postgresql.conf', qq(authfort.cleanup_databases = '"App, too", missing'));
my $offset = -s $node->logfile;
$node->reload;
ok($node->wait_for_log(qr/database "missing" in "authfort.cleanup_databases" does not exist/, $offset),
	'an unknown database in cleanup_databases is reported');
# one of the workers before may still run
ok($node->poll_query_until('postgres', "SELECT count(*) = 0 FROM pg_stat_activity "
	. "WHERE backend_type = 'authfort cleanup worker' AND datname = 'app'"), 'no worker is in a database not in the list');
revoke_one($node, $_) foreach 'app', 'App, too';
ok($node->poll_query_until('App, too', $cleaned), 'a database in cleanup_databases is cleaned');
is($node->safe_psql('app', 'SELECT count(revoked_at) FROM authfort.sessions'), '1',
	'a database not in cleanup_databases is not cleaned');
$node->append_conf('postgresql.conf', "authfort.cleanup_databases = ''\nauthfort.cleanup_interval = 0");
$node->reload;
ok($node->poll_query_until('postgres', "SELECT setting = '0' FROM pg_settings "
	. "WHERE name = 'authfort.cleanup_interval'"), 'a reload turns the cleanup off');

# idle on a standby, until that is promoted
$node->backup('base');
my $standby = PostgreSQL::Test::Cluster->new('standby');
$standby->init_from_backup($node, 'base', has_streaming => 1);
$standby->append_conf('postgresql.conf', "authfort.cleanup_interval = '1s'");
$standby->start;
$node->wait_for_catchup($standby);
is($standby->safe_psql('postgres', "SELECT count(*) FROM ($launcher) l"), '0', 'a standby has no launcher');
is($standby->safe_psql('app', 'SELECT count(revoked_at) FROM authfort.sessions'), '1',
	'the standby has a session to clean');
$standby->promote;
ok($standby->poll_query_until('app', $cleaned), 'the cleanup begins after promotion');
$standby->stop;
$node->stop;

# without preload: pg_cron, and a word on the setting
my $cron = start_node('cron', preload => 'pg_cron', database => undef, conf => <<'CONF');
cron.database_name = 'app'
cron.use_background_workers = on
authfort.cleanup_interval = '1s'
CONF
create_database($cron, 'app', $contents);
my ($code, $out, $err) = $cron->psql('app', 'SELECT authfort.version()');
like($err, qr/WARNING:.*cleanup_interval" has no effect.*shared_preload_libraries/s,
	'cleanup_interval without preload gives a warning');

my ($example) = slurp_file('docs/cleanup.md') =~ /```sql\n(.*?cron\.schedule.*?)```/s;
ok($example, 'the manual has an example for pg_cron');
$cron->safe_psql('app', $example);
is($cron->safe_psql('app', "SELECT count(*) FROM cron.job WHERE command LIKE '%authfort.cleanup()%' AND active"), '1',
	'the example creates a job');
# pg_cron runs a job at the full minute at the soonest
$cron->safe_psql('app', "UPDATE cron.job SET schedule = '* * * * *'");
revoke_one($cron, 'app');
ok($cron->poll_query_until('app', $cleaned), 'pg_cron runs the job');
# which it notes later, and may fail to begin in time on a machine that is busy
ok($cron->poll_query_until('app', "SELECT count(*) > 0 FROM cron.job_run_details WHERE status = 'succeeded'"),
	'the job of pg_cron does not fail');
$cron->stop;
done_testing();
