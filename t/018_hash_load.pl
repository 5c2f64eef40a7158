# Many logins at once: what memory they take, and whether all are answered.
use strict;
use warnings FATAL => 'all';

use AuthfortNode qw(required start_node);
use DBD::Pg qw(:async);
use DBI;
use Gateway qw(poll);
use HTTP::Tiny;
use List::Util qw(max);
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use Time::HiRes qw(sleep);

required(-r '/proc/self/smaps_rollup' && slurp_file('/proc/self/smaps_rollup') =~ /^Pss_Anon:/m,
	'the kernel does not report Pss_Anon of a process here');

my $logins = 64;
my $budget = 2;
my $hash_kb = 64 * 1024;

my $sql = "CREATE ROLE gateway LOGIN IN ROLE authfort_http;"
	. " SELECT FROM authfort.create_user('a\@example.com', 'correct horse')";
my $node = start_node('load', preload => 'authfort', sql => $sql, conf => <<"CONF");
max_connections = 100
authfort.argon2_memory = '${hash_kb}kB'
authfort.max_concurrent_hashes = $budget
authfort.hash_queue_timeout = '5min'
CONF
$node->safe_psql('app', "SET authfort.argon2_memory = '1MB'; SELECT "
	. "FROM authfort.create_user('b\@example.com', 'correct horse')");
my $token = $node->safe_psql('app',
	"SELECT authfort.login('a\@example.com', 'correct horse')#>>'{tokens,access_token}'");

my $gateway = Gateway->new('load', $node);
my $http = HTTP::Tiny->new(timeout => 60);

sub me
{
	return $http->get("http://127.0.0.1:$gateway->{port}/auth/me",
		{ headers => { Authorization => "Bearer $token" } })->{status};
}
poll('gateway connects', sub { me() == 200 });

my @sessions = map { DBI->connect('dbi:Pg:' . $node->connstr('app'), '', '',
	{ RaiseError => 1, PrintError => 0 }) } 1 .. $logins;
# no workers, which come and go
my @pids = split /\n/, $node->safe_psql('app', "SELECT pid FROM pg_stat_activity "
	. "WHERE backend_type = 'client backend' AND pid <> pg_backend_pid()");

# Memory of all sessions, the gateway's too, in kB, except what they share.  All
# of them are stopped during this, or a hash that ends and the next one, which
# begins, would be counted both.
sub memory
{
	my $sum = 0;
	kill 'STOP', @pids;
	foreach my $pid (@pids)
	{
		slurp_file("/proc/$pid/smaps_rollup") =~ /^Pss_Anon:\s+(\d+) kB/m or die "process $pid";
		$sum += $1;
	}
	kill 'CONT', @pids;
	return $sum;
}

# Begins a login and goes on; answer() waits for it.
sub begin
{
	my ($dbh, $email) = @_;
	my $sth = $dbh->prepare("SELECT coalesce(r->>'error', 'ok') FROM authfort.login(?, 'correct horse') r",
		{ pg_async => PG_ASYNC });
	$sth->execute($email);
	return { dbh => $dbh, sth => $sth };
}

sub answer
{
	my ($call) = @_;
	$call->{dbh}->pg_result;
	return ($call->{sth}->fetchrow_array)[0];
}

# Logs in everywhere at once.  Returns the answers, the most memory taken
# meanwhile, and how often /auth/me was answered and not.
sub storm_once
{
	my @calls = map { begin($_, 'a@example.com') } @sessions;
	my (%answers, %me);
	my $peak = 0;
	while (@calls)
	{
		$peak = max($peak, memory());
		$me{ me() }++;
		sleep 0.01;
		my @ready = grep { $_->{dbh}->pg_ready } @calls;
		$answers{ answer($_) }++ foreach @ready;
		@calls = grep { my $call = $_; !grep { $_ == $call } @ready } @calls;
	}
	return (\%answers, $peak, \%me);
}

# The same, once more if it was over while this process did not run, which then has seen little.
sub storm
{
	my ($answers, $peak, $me);
	foreach (1 .. 5)
	{
		($answers, $peak, $me) = storm_once();
		last if ($me->{200} // 0) > 5 || keys %$me > 1;
	}
	return ($answers, $peak, $me);
}

# the memory that a backend keeps after its first logins is not used for hashes
foreach my $session (@sessions)
{
	$session->do("SET authfort.argon2_memory = '1MB'");
	answer(begin($session, 'b@example.com')) foreach 1 .. 8;
	$session->do('RESET authfort.argon2_memory');
}
my $idle = memory();
my ($answers, $peak, $me) = storm();
is_deeply($answers, { ok => $logins }, 'all logins are answered');
is_deeply([ keys %$me ], [200], '/auth/me is answered during the logins');
cmp_ok($me->{200}, '>', 5, '/auth/me is answered repeatedly during the logins');
# A backend keeps some memory that is not a hash's; that counts in what is given back.  One hash too many
# would be 1.5 times the budget, and one that is not given back 1.0 times that of a hash.
my $after = memory();
cmp_ok($peak - $after, '<=', 1.25 * $budget * $hash_kb, 'the memory taken for hashes is that of the budget');
cmp_ok($peak - $after, '>', 0.9 * $hash_kb, 'the memory of a hash is seen while it is computed');
cmp_ok($after - $idle, '<', 0.5 * $hash_kb, 'the memory of hashes is given back');
note(sprintf 'idle %.0f MB, at most %.1f MB more, with a budget of %.0f MB; %.1f MB more in the end; /auth/me %d times',
	$idle / 1024, ($peak - $idle) / 1024, $budget * $hash_kb / 1024, ($after - $idle) / 1024, $me->{200});

# it is the budget that does it
$node->append_conf('postgresql.conf', 'authfort.max_concurrent_hashes = 8');
$node->reload;
foreach my $session (@sessions)
{
	poll('the setting is read', sub { $session->selectrow_array('SHOW authfort.max_concurrent_hashes') == 8 });
}
($answers, $peak, $me) = storm();
is_deeply($answers, { ok => $logins }, 'all logins are answered with a larger budget');
cmp_ok($peak - $after, '>', 1.5 * $budget * $hash_kb, 'a larger budget takes more memory');

$gateway->stop;
$_->disconnect foreach @sessions;
$node->stop;
done_testing();
