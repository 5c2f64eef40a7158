# Events that are followed: late commits, clocks that go back, another cluster.
use strict;
use warnings FATAL => 'all';

use AuthfortNode qw(chomped create_database start_node);
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my ($follow_table, $add_positions, $next_events, $advance) = slurp_file('docs/events.md') =~ /```sql\n(.*?)```/gs;
like($advance, qr/^UPDATE followed/, 'the manual has the four statements of a follower');

# The next events of a follower that does as the manual says, in its order.
my %seen;
sub follow
{
	my ($node) = @_;
	my @events;
	$node->safe_psql('app', $add_positions);
	while (my @rows = map { [ split /\|/ ] } split /\n/,
		$node->safe_psql('app',
			$next_events =~ s/e\.\*/e.cluster, e.xid, e.id, coalesce(e.payload->>'email', e.event)/r))
	{
		foreach my $row (@rows)
		{
			my ($cluster, $xid, $id, $what) = @$row;
			push @events, $what;
			fail("an event is seen twice: $what") if $seen{$id}++;
			$node->safe_psql('app', $advance =~ s/\$1/'$xid'/r =~ s/\$2/'$id'/r =~ s/\$3/$cluster/r);
		}
	}
	return join ' ', @events;
}

sub create_user { my ($node, $name) = @_; $node->safe_psql('app',
	"SELECT FROM authfort.create_user('$name', 'correct horse')"); }

# a clock that goes back, by a library that stands before the C library's
my $dir = PostgreSQL::Test::Utils::tempdir();
my $offset_file = "$dir/offset";
append_to_file("$dir/clock.c", <<'C');
#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/time.h>
#include <unistd.h>
int gettimeofday(struct timeval *restrict tv, void *restrict tz)
{
	static int (*real)(struct timeval *, void *);
	char text[32] = "";
	int fd = open(getenv("CLOCK_OFFSET_FILE"), O_RDONLY);
	if (!real)
		real = (int (*)(struct timeval *, void *)) dlsym(RTLD_NEXT, "gettimeofday");
	real(tv, tz);
	if (fd >= 0)
	{
		if (read(fd, text, sizeof(text) - 1) > 0)
			tv->tv_sec += atol(text);
		close(fd);
	}
	return 0;
}
C
is(system("cc -shared -fPIC -o $dir/clock.so $dir/clock.c -ldl"), 0, 'the library with the clock is built');
# An autovacuum worker may have a transaction open, for which events are held back.
my @quiet = (conf => 'autovacuum = off');
my $primary = start_node('first', @quiet, init => [ allows_streaming => 'logical' ],
	environment => { LD_PRELOAD => "$dir/clock.so", CLOCK_OFFSET_FILE => $offset_file });
$primary->safe_psql('app', 'SELECT authfort.jwks()');
my $session = $primary->background_psql('app');
my $make = 'SELECT authfort.uuid_v7(), clock_timestamp()';
my ($before, $at) = split /\|/, chomped($session->query_safe($make));
append_to_file($offset_file, '-7200');
my ($after, $earlier) = split /\|/, chomped($session->query_safe($make));
cmp_ok($earlier, 'lt', $at, 'the clock went back by two hours');
cmp_ok($after, 'gt', $before, 'ids go on rising in the session');
cmp_ok($primary->safe_psql('app', 'SELECT authfort.uuid_v7()'), 'lt', $before,
	'ids of a new session begin at its clock');
is(chomped($session->query_safe("SELECT count(*) FILTER (WHERE id <= before)
	FROM (SELECT id, lag(id) OVER (ORDER BY n) AS before
	FROM (SELECT n, authfort.uuid_v7() AS id FROM generate_series(1, 10000) n OFFSET 0) i) j")), 0,
		'each of ten thousand ids is greater than the last');
unlink $offset_file;

# a transaction that began early and commits late
$primary->safe_psql('app', $follow_table);
create_user($primary, 'begin@example.com');
is(follow($primary), 'begin@example.com', 'a follower sees an event once');
$session->query_safe("BEGIN; SELECT FROM authfort.create_user('late\@example.com')");
create_user($primary, 'early@example.com');
is(follow($primary), '', 'an event is held back while an earlier transaction is open');
is($primary->safe_psql('app', "SELECT count(*) FROM authfort.events WHERE payload->>'email' = 'early\@example.com'"),
	1,
	'a held-back event is committed');
$session->query_safe("SELECT FROM authfort.create_user('later\@example.com')");
$session->query_safe('COMMIT');
is(follow($primary), 'late@example.com later@example.com early@example.com',
	'events of a late commit come together, and none is lost');
$session->query_safe("BEGIN; SELECT FROM authfort.create_user('never\@example.com')");
create_user($primary, 'other@example.com');
$session->query_safe('ROLLBACK');
is(follow($primary), 'other@example.com', 'a rolled-back transaction holds no event back');
unlike($primary->safe_psql('app', "SET enable_seqscan = off; EXPLAIN $next_events"), qr/Seq Scan on events/,
	'the query of a follower uses the index');

# restored into another cluster, where transactions have lower numbers
$primary->safe_psql('app', "SELECT pg_current_xact_id()") foreach 1 .. 50;
create_user($primary, 'unseen@example.com');
my %seen_in_first = %seen;
my $other = start_node('second', @quiet, database => undef);
create_database($other, 'app');
my $dump = $primary->basedir . '/app.dump';
my $errors = '';
IPC::Run::run([ 'pg_dump', '-Fc', '-f', $dump, $primary->connstr('app') ], '2>', \$errors);
is($errors, '', 'pg_dump gives no warning');
$other->command_ok([ 'pg_restore', '--exit-on-error', '-d', $other->connstr('app'), $dump ],
	'the dump restores into another cluster');
cmp_ok($other->safe_psql('app', 'SELECT authfort.cluster_id()'), 'ne',
	$primary->safe_psql('app', 'SELECT authfort.cluster_id()'),
	'the other cluster has another id');
cmp_ok($other->safe_psql('app', 'SELECT pg_current_xact_id()'), '<',
	$other->safe_psql('app', 'SELECT max(xid::text::bigint) FROM authfort.events'),
	'the other cluster has lower transaction ids');
copy_file($primary->data_dir . '/authfort_master.key', $other->data_dir . '/authfort_master.key');
is($other->safe_psql('app', "SELECT authfort.login('begin\@example.com', 'correct horse') ? 'tokens'"), 't',
	'a password is accepted in the other cluster');
is(follow($other), 'unseen@example.com begin@example.com',
	'a follower continues in the other cluster where it was');
create_user($other, 'new@example.com');
is(follow($other), 'new@example.com', 'a follower sees new events in the other cluster');
is(follow($other), '', 'a follower that has seen all events gets nothing');
$other->stop;
%seen = %seen_in_first;

# a switch-over by logical replication, which carries no sequence
my $target = start_node('target', @quiet, init => [ allows_streaming => 'logical' ]);
copy_file($primary->data_dir . '/authfort_master.key', $target->data_dir . '/authfort_master.key');
my ($refresh) = $primary->safe_psql('app',
	"SELECT authfort.login('begin\@example.com', 'correct horse')#>>'{tokens,refresh_token}'");
$primary->safe_psql('app', 'CREATE PUBLICATION app FOR ALL TABLES');
$target->safe_psql('app', $follow_table);
$target->safe_psql('app', 'CREATE SUBSCRIPTION app CONNECTION $$' . $primary->connstr('app') . '$$ PUBLICATION app');
$target->wait_for_subscription_sync($primary, 'app', 'app');
create_user($primary, 'last@example.com');
$primary->safe_psql('app', 'SELECT authfort.create_password_reset_token(email) FROM authfort.users LIMIT 1');
$primary->wait_for_catchup('app');
my $count = $primary->safe_psql('app', 'SELECT count(*) FROM authfort.events');
$target->safe_psql('app', 'DROP SUBSCRIPTION app');
$session->quit;
$primary->stop;
is($target->safe_psql('app', 'SELECT count(*) FROM authfort.events'), $count, 'the target has all events');
is($target->safe_psql('app', "SELECT authfort.login('begin\@example.com', 'correct horse') ? 'tokens'"), 't',
	'a password is accepted after the switch-over');
is($target->safe_psql('app', "SELECT authfort.refresh('$refresh') ? 'tokens'"), 't',
	'a refresh token is accepted after the switch-over');
is($target->safe_psql('app', "SELECT status FROM authfort.http('POST', '/auth/forgot-password', headers => "
	. "'{\"content-type\": \"application/json\"}', body => '{\"email\": \"last\@example.com\"}')"), 200,
	'a message is sent after the switch-over');
is($target->safe_psql('app', "SELECT message->>'email' FROM authfort.take_messages(100) ORDER BY id DESC LIMIT 1"),
	'last@example.com',
	'a message can be opened after the switch-over');
like(follow($target), qr/^unseen\@example.com begin\@example.com last\@example.com/,
	'a follower continues after the switch-over where it was');
$target->stop;

# a file with its permissions
sub copy_file
{
	my ($from, $to) = @_;
	unlink $to;
	append_to_file($to, slurp_file($from));
	chmod 0600, $to;
}

done_testing();
