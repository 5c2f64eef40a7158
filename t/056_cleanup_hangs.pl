# More databases whose cleanup hangs than the launcher leaves workers behind: the others are cleaned nevertheless.
use strict;
use warnings FATAL => 'all';

use AuthfortNode qw(create_database start_node);
use PostgreSQL::Test::Cluster;
use Test::More;

my @hanging = map { "hangs$_" } 1 .. 4;
my $node = start_node('hangs', preload => 'authfort', database => undef, conf => join("\n",
	'authfort.cleanup_interval = 0', "authfort.cleanup_databases = '" . join(', ', @hanging, 'healthy') . "'"));
create_database($node, 'healthy', <<'SQL');
CREATE EXTENSION authfort;
SELECT FROM authfort.signup('a@example.com', 'correct horse');
SELECT authfort.revoke_session(id) FROM authfort.sessions;
CREATE TABLE visit (session uuid REFERENCES authfort.sessions ON DELETE CASCADE);
CREATE TABLE pause AS SELECT 1;
CREATE FUNCTION wait() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER AS $$
BEGIN
	WHILE EXISTS (SELECT FROM public.pause) LOOP PERFORM pg_sleep(0.1); END LOOP;
	RETURN OLD;
END $$;
CREATE TRIGGER wait BEFORE DELETE ON visit FOR EACH ROW EXECUTE FUNCTION wait();
SQL
foreach my $name (@hanging)
{
	$node->safe_psql('postgres', "CREATE DATABASE $name TEMPLATE healthy");
	$node->safe_psql($name, 'INSERT INTO visit SELECT id FROM authfort.sessions');
}

$node->append_conf('postgresql.conf', "authfort.cleanup_interval = '1s'");
$node->reload;
my $workers = "SELECT count(*) FROM pg_stat_activity
	WHERE backend_type = 'authfort cleanup worker' AND datname";
ok($node->poll_query_until('postgres', "$workers IN ('hangs1', 'hangs2', 'hangs3')", '3'),
	'three workers are left behind');
my $sessions = 'SELECT count(*) FROM authfort.sessions';
ok($node->poll_query_until('healthy', $sessions, '0'), 'a database after four that hang is cleaned');
$node->safe_psql('healthy', q{SELECT authfort.revoke_session((authfort.login('a@example.com', }
	. q{'correct horse')#>>'{user,session_id}')::uuid)});
ok($node->poll_query_until('healthy', $sessions, '0'), 'so it is in a later run');
is($node->safe_psql('postgres', "$workers IN ('hangs1', 'hangs2', 'hangs3')"), '3', 'the first three still wait');
my $oid = $node->safe_psql('postgres', "SELECT oid FROM pg_database WHERE datname = 'hangs4'");
ok($node->wait_for_log(qr/authfort's cleanup of the database with OID $oid takes too long and is ended/),
	'the fourth is ended, and logged');

# what goes on in the end is cleaned, whether its worker was left behind or ended
foreach my $name ('hangs1', 'hangs4')
{
	$node->safe_psql($name, 'DELETE FROM pause');
	ok($node->poll_query_until($name, $sessions, '0'), "$name is cleaned once it no longer hangs");
}
done_testing();
