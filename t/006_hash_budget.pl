# How many passwords are hashed at once in the whole server.
use strict;
use warnings FATAL => 'all';

use AuthfortNode qw(start_node);
use DBD::Pg qw(:async);
use DBI;
use POSIX ();
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = start_node('budget', preload => 'authfort', conf => <<'CONF', sql => "SELECT FROM authfort.create_user('a\@example.com', 'correct horse')");
authfort.max_concurrent_hashes = 1
authfort.hash_queue_timeout = '60s'
restart_after_crash = on
CONF

sub session
{
	my ($settings) = @_;
	my $dbh = DBI->connect('dbi:Pg:' . $node->connstr('app'), '', '', { RaiseError => 1, PrintError => 0,
		PrintWarn => 0 });
	$dbh->do($settings) if $settings;
	return $dbh;
}

# Begins a login and goes on; answer() waits for it.
sub begin
{
	my ($dbh, $email) = @_;
	my $sth = $dbh->prepare('SELECT coalesce(r->>\'error\', \'ok\') FROM authfort.login(?, \'correct horse\') r',
		{ pg_async => PG_ASYNC });
	$sth->execute($email);
	return { dbh => $dbh, sth => $sth, pid => $dbh->{pg_pid} };
}

sub answer
{
	my ($call) = @_;
	go_on($call);
	my $dbh = $call->{dbh};
	# newer versions of DBD::Pg raise no error here and set the state alone
	eval { $dbh->pg_result };
	return 'error: ' . ($dbh->errstr // $dbh->pg_error_field('message_primary') // '') if $dbh->state !~ /^(00000)?$/;
	return ($call->{sth}->fetchrow_array)[0];
}

sub is_waiting
{
	my ($call, $what) = @_;
	ok($node->poll_query_until('app',
		"SELECT wait_event = 'Extension' FROM pg_stat_activity WHERE pid = $call->{pid}"), $what);
}

# A server with a stopped backend would not end where the test fails.
my %stopped;
END { local $?; kill 'CONT', keys %stopped; }

# A login that is stopped while it hashes, for as long as it takes.
sub hold
{
	my $call = begin(session("SET authfort.argon2_memory = '256MB'; SET authfort.argon2_time_cost = 20"),
		'holder@example.com');
	$node->poll_query_until('app', "SELECT state = 'active' AND wait_event IS NULL FROM pg_stat_activity WHERE pid = $call->{pid}")
	  or die 'nobody hashes';
	kill 'STOP', $call->{pid};
	$call->{stopped} = $stopped{ $call->{pid} } = 1;
	return $call;
}

sub go_on
{
	my ($call) = @_;
	kill 'CONT', $call->{pid} if delete $call->{stopped};
}

is(answer(begin(session(), 'a@example.com')), 'ok', 'a login alone');

# a backend that stops waiting leaves the queue
my $holder = hold();
my $cancelled = begin(session(), 'cancelled@example.com');
is_waiting($cancelled, 'the second waits');
my $terminated = begin(session(), 'terminated@example.com');
is_waiting($terminated, 'so does the third');
# slow enough for the one to be done before the other, whose turn is next, is
my $slow = "SET authfort.argon2_memory = '64MB'; SET authfort.argon2_time_cost = 4";
my $first = begin(session($slow), 'first@example.com');
is_waiting($first, 'and the fourth');
my $second = begin(session($slow), 'second@example.com');
is_waiting($second, 'and the fifth');
$node->safe_psql('app', "SELECT pg_cancel_backend($cancelled->{pid}), pg_terminate_backend($terminated->{pid})");
like(answer($cancelled), qr/canceling statement due to user request/, 'one can be cancelled');
like(answer($terminated), qr/terminating connection/, 'and terminated');
like(answer(begin(session("SET statement_timeout = '50ms'"), 'x@example.com')), qr/statement timeout/,
	'a statement timeout counts');
is(answer(begin(session("SET authfort.hash_queue_timeout = '50ms'"), 'x@example.com')), 'server_busy',
	'who waits too long is refused');
my ($code, $out, $err) = $node->psql('app', "\\set VERBOSITY verbose\nSET authfort.hash_queue_timeout = '50ms';
	SELECT authfort.create_user('busy\@example.com', 'correct horse')");
like($err, qr/ERROR:  53000: .*DETAIL:  server_busy/s, 'an admin who makes an account then gets an error of class 53');
is($node->safe_psql('app', <<'SQL'), '503|5|5', 'over HTTP as well');
SET authfort.hash_queue_timeout = 0;
SELECT status, body::jsonb#>>'{detail,retry_after}', (SELECT h->>'Retry-After' FROM jsonb_array_elements(headers) h WHERE h ? 'Retry-After')
	FROM authfort.http('POST', '/auth/signup', NULL, '{"content-type": "application/json"}', '{"email": "b@example.com", "password": "correct horse"}');
SQL
is($node->safe_psql('app', 'SELECT count(*) FROM authfort.users'), '1', 'nothing is kept of it');
is(answer($_), 'invalid_credentials', 'the others get their turn') foreach $holder, $first, $second;
is($node->safe_psql('app', "SELECT string_agg(split_part(payload->>'email', '\@', 1), ' ' ORDER BY id) FROM authfort.events WHERE event = 'login_failed'"),
	'holder first second', 'in their order; being busy is no failed login');

# a refresh and reading the keys do not wait
$holder = hold();
is($node->safe_psql('app', 'SELECT jsonb_array_length(authfort.jwks()->\'keys\')'), '1',
	'requests that do not hash do not wait');

# who stops waiting and goes on, and whose client has gone
my $trying = session("SET statement_timeout = '50ms'");
$trying->do(q{DO $$ BEGIN PERFORM authfort.login('x@example.com', 'wrong'); EXCEPTION WHEN query_canceled THEN NULL; END $$});
my $gone = begin(session("SET client_connection_check_interval = '50ms'"), 'gone@example.com');
is_waiting($gone, 'somebody waits whose client goes');
POSIX::close($gone->{dbh}{pg_socket});
ok($node->poll_query_until('app', "SELECT count(*) = 0 FROM pg_stat_activity WHERE pid = $gone->{pid}"),
	'the wait ends with it');
is($node->safe_psql('app', "SELECT count(*) FROM pg_stat_activity WHERE pid = $holder->{pid} AND state = 'active'"),
	'1', 'while the turn is another one\'s');
$trying->do('RESET statement_timeout');
my $again = begin($trying, 'a@example.com');
is(answer($holder), 'invalid_credentials', 'who had the turn is done');
is(answer($again), 'ok', 'who gave up waiting may wait again');

# the turn itself comes back, whatever becomes of who had it
$holder = hold();
$node->safe_psql('app', "SELECT pg_terminate_backend($holder->{pid})");
go_on($holder);
is(answer(begin(session(), 'a@example.com')), 'ok', 'after a backend was terminated');
answer($holder);
$holder = hold();
kill 'KILL', $holder->{pid};
delete $holder->{stopped};
answer($holder);
ok($node->poll_query_until('app', 'SELECT true'), 'the server starts again after a crash');
is(answer(begin(session(), 'a@example.com')), 'ok', 'and nobody has the turn');

# more turns
$node->append_conf('postgresql.conf', 'authfort.max_concurrent_hashes = 2');
$node->reload;
$node->poll_query_until('app', "SELECT setting = '2' FROM pg_settings WHERE name = 'authfort.max_concurrent_hashes'");
$holder = hold();
is(answer(begin(session('SET authfort.hash_queue_timeout = 0'), 'a@example.com')), 'ok',
	'the setting can be raised while it runs');
answer($holder);
$node->stop;

# without preload there is no such budget, and the setting says so
$node->adjust_conf('postgresql.conf', 'shared_preload_libraries', "''");
$node->start;
($code, $out, $err) = $node->psql('app', 'SELECT authfort.version()');
like($err, qr/WARNING: .*max_concurrent_hashes" has no effect/, 'without preload it warns');
is(answer(begin(session(), 'a@example.com')), 'ok', 'and logins go on');
$node->stop;
done_testing();
