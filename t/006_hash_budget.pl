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

use Gateway qw(poll);

my $sql = "SELECT FROM authfort.create_user('a\@example.com', 'correct horse')";
my $node = start_node('budget', preload => 'authfort', sql => $sql, conf => <<'CONF');
authfort.max_concurrent_hashes = 1
authfort.hash_queue_timeout = '10min'
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

# When most of its 256 MB are filled, a login has the turn.
sub hashes
{
	my ($call) = @_;
	return slurp_file("/proc/$call->{pid}/status") =~ /^RssAnon:\s+(\d+) kB$/m && $1 > 100_000;
}

# Stops a login, for as long as it takes.
sub stop
{
	my ($call) = @_;
	kill 'STOP', $call->{pid};
	$call->{stopped} = $stopped{ $call->{pid} } = 1;
	poll('it is stopped', sub { slurp_file("/proc/$call->{pid}/status") =~ /^State:\s+T/m });
	return;
}

# A login that is stopped while it hashes; another one if it was done before that.
sub hold
{
	my $call;
	poll('a login hashes', sub {
		if (!$call || $call->{dbh}->pg_ready)
		{
			$call = begin(session("SET authfort.argon2_memory = '256MB'; SET authfort.argon2_time_cost = 20"),
				'holder@example.com');
		}
		return 0 if !hashes($call);
		stop($call);
		return 1 if hashes($call);
		go_on($call);
		return 0;
	});
	return $call;
}

sub go_on
{
	my ($call) = @_;
	kill 'CONT', $call->{pid} if delete $call->{stopped};
}

is(answer(begin(session(), 'a@example.com')), 'ok', 'a login alone succeeds');

# a backend that stops waiting leaves the queue
my $holder = hold();
my $cancelled = begin(session(), 'cancelled@example.com');
is_waiting($cancelled, 'a second login waits for the turn');
my $terminated = begin(session(), 'terminated@example.com');
is_waiting($terminated, 'a third login waits for the turn');
my $first = begin(session(), 'first@example.com');
is_waiting($first, 'a fourth login waits for the turn');
my $second = begin(session(), 'second@example.com');
is_waiting($second, 'a fifth login waits for the turn');
$node->safe_psql('app', "SELECT pg_cancel_backend($cancelled->{pid}), pg_terminate_backend($terminated->{pid})");
like(answer($cancelled), qr/canceling statement due to user request/, 'a waiting login can be cancelled');
like(answer($terminated), qr/terminating connection/, 'a waiting login can be terminated');
like(answer(begin(session("SET statement_timeout = '50ms'"), 'x@example.com')), qr/statement timeout/,
	'statement_timeout ends a waiting login');
is(answer(begin(session("SET authfort.hash_queue_timeout = '50ms'"), 'x@example.com')), 'server_busy',
	'a login that waits too long is refused');
my ($code, $out, $err) = $node->psql('app', "\\set VERBOSITY verbose\nSET authfort.hash_queue_timeout = '50ms';
	SELECT authfort.create_user('busy\@example.com', 'correct horse')");
like($err, qr/ERROR:  53000: .*DETAIL:  server_busy/s, 'create_user() that waits too long raises an error of class 53');
is($node->safe_psql('app', <<'SQL'), '503|5|5', 'a sign-up over HTTP that waits too long gets 503 and Retry-After');
SET authfort.hash_queue_timeout = 0;
SELECT status, body::jsonb#>>'{detail,retry_after}', (SELECT h->>'Retry-After' FROM jsonb_array_elements(headers) h
	WHERE h ? 'Retry-After')
	FROM authfort.http('POST', '/auth/signup', NULL, '{"content-type": "application/json"}',
		'{"email": "b@example.com", "password": "correct horse"}');
SQL
is($node->safe_psql('app', 'SELECT count(*) FROM authfort.users'), '1', 'a refused sign-up creates no user');
# the turn goes to the login that came first, although this one is stopped and the other is not
stop($first);
is(answer($holder), 'invalid_credentials', 'the login that had the turn finishes');
sleep 1;
is_waiting($second, 'a login does not overtake the one that came before');
is(answer($_), 'invalid_credentials', 'the other logins get their turn') foreach $first, $second;
is($node->safe_psql('app', "SELECT string_agg(DISTINCT split_part(payload->>'email', '\@', 1), ' ') "
	. "FROM authfort.events WHERE event = 'login_failed'"),
	'first holder second', 'a busy server records no failed login');

# a refresh and reading the keys do not wait
$holder = hold();
is($node->safe_psql('app', 'SELECT jsonb_array_length(authfort.jwks()->\'keys\')'), '1',
	'reading the key set does not wait for a hash');

# a backend that stops waiting and continues, and one whose client disconnects
my $trying = session();
$trying->do(q{DO $$ BEGIN PERFORM authfort.login('x@example.com', 'wrong'); EXCEPTION WHEN query_canceled THEN NULL; }
	. q{END $$}, { pg_async => PG_ASYNC });
is_waiting({ pid => $trying->{pg_pid} }, 'a login that will go on after a cancel waits for the turn');
$node->safe_psql('app', "SELECT pg_cancel_backend($trying->{pg_pid})");
$trying->pg_result;
my $gone = begin(session("SET client_connection_check_interval = '50ms'"), 'gone@example.com');
is_waiting($gone, 'a login whose client will disconnect waits for the turn');
POSIX::close($gone->{dbh}{pg_socket});
ok($node->poll_query_until('app', "SELECT count(*) = 0 FROM pg_stat_activity WHERE pid = $gone->{pid}"),
	'a login stops waiting when its client disconnects');
is($node->safe_psql('app', "SELECT count(*) FROM pg_stat_activity WHERE pid = $holder->{pid} AND state = 'active'"),
	'1', 'the login that has the turn still runs');
my $again = begin($trying, 'a@example.com');
is(answer($holder), 'invalid_credentials', 'the login that had the turn finishes');
is(answer($again), 'ok', 'a session whose wait was cancelled can wait again');

# the turn is given back, however its backend ends
$holder = hold();
$node->safe_psql('app', "SELECT pg_terminate_backend($holder->{pid})");
go_on($holder);
is(answer(begin(session(), 'a@example.com')), 'ok', 'the turn of a terminated backend is given back');
answer($holder);
$holder = hold();
kill 'KILL', $holder->{pid};
delete $holder->{stopped};
answer($holder);
# its end is noticed after that of its connection
poll('the postmaster has noticed', sub { !-e "/proc/$holder->{pid}" });
ok($node->poll_query_until('app', 'SELECT true'), 'the server starts again after a crash');
is(answer(begin(session(), 'a@example.com')), 'ok', 'the turn is free after a crash');

# more turns
$node->append_conf('postgresql.conf', 'authfort.max_concurrent_hashes = 2');
$node->reload;
$node->poll_query_until('app', "SELECT setting = '2' FROM pg_settings WHERE name = 'authfort.max_concurrent_hashes'");
$holder = hold();
is(answer(begin(session('SET authfort.hash_queue_timeout = 0'), 'a@example.com')), 'ok',
	'max_concurrent_hashes can be raised while the server runs');
answer($holder);
$node->stop;

# without preload there is no such budget, and the setting says so
$node->adjust_conf('postgresql.conf', 'shared_preload_libraries', "''");
$node->start;
($code, $out, $err) = $node->psql('app', 'SELECT authfort.version()');
like($err, qr/WARNING: .*max_concurrent_hashes" has no effect/,
	'max_concurrent_hashes without preload gives a warning');
is(answer(begin(session(), 'a@example.com')), 'ok', 'a login succeeds without preload');
$node->stop;
done_testing();
