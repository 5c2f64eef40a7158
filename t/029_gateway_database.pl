# The gateway and PostgreSQL: errors, restarts, frozen servers, and poolers between them.
use strict;
use warnings FATAL => 'all';

use AuthfortNode qw(start_node);
use Gateway qw(answer exchange poll send_to status status_of);
use IO::Select;
use IO::Socket::INET;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use Time::HiRes qw(sleep time);

my $node = start_node('database', conf => <<'CONF', sql => 'CREATE ROLE gateway LOGIN IN ROLE authfort_http');
wal_level = replica
max_wal_senders = 2
CONF
$node->safe_psql('app', "SELECT authfort.signup('ada\@example.com', 'planted-Secret-1')");

# an application's own trigger, which raises the SQLSTATE in the address
$node->safe_psql('app', <<'SQL');
CREATE FUNCTION public.raise() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
	IF NEW.email LIKE 'raise-%' THEN
		RAISE EXCEPTION E'planted "words" for %\nforged', NEW.name
			USING ERRCODE = upper(substr(split_part(NEW.email, '@', 1), 7)), DETAIL = 'planted-Detail';
	END IF;
	RETURN NEW;
END
$$;
CREATE TRIGGER raise BEFORE INSERT ON authfort.users FOR EACH ROW EXECUTE FUNCTION public.raise();
SQL

sub waiting_for_locks
{
	return $node->safe_psql('app',
		"SELECT count(*) FROM pg_stat_activity WHERE usename = 'gateway' AND wait_event_type = 'Lock'");
}

sub get { my ($path) = @_; return "GET $path HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"; }

sub post
{
	my ($path, $body) = @_;
	return "POST $path HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Type: application/json\r\nContent-Length: "
	  . length($body) . "\r\n\r\n$body";
}
my $login = post('/auth/login', '{"email": "ada@example.com", "password": "planted-Secret-1"}');

sub signup
{
	my ($email) = @_;
	return post('/auth/signup', qq({"email": "$email", "password": "planted-Secret-1", "name": "Zo\\u00eb"}));
}

sub ready
{
	my ($gateway) = @_;
	poll('the gateway is ready', sub { status_of($gateway, get('/readyz')) eq '200' });
	return $gateway;
}

sub backends
{
	return $node->safe_psql('app', "SELECT string_agg(pid::text, ' ') FROM pg_stat_activity WHERE usename = 'gateway'");
}

# The backend of a gateway with a pool of one; that of the one before may still be ending.
sub only_backend
{
	my $pid;
	poll('one backend', sub { $pid = backends(); $pid =~ /^\d+$/ });
	return $pid;
}

# Errors
my $single = ready(Gateway->new('single', $node, '--pool-size=1', '--reconnect-wait=60', '--request-timeout=60'));
foreach my $case (
	[ 'p0001', 400, 'request_refused', 'stays' ],
	[ 'pt409', 409, 'request_refused', 'stays' ],
	[ 'pt503', 503, 'request_refused', 'stays' ],
	[ 'pt200', 500, 'internal_error', 'stays' ],
	[ 'pt99x', 500, 'internal_error', 'stays' ],
	[ '22012', 500, 'internal_error', 'stays' ],
	[ '40001', 503, 'server_busy', 'stays' ],
	[ '55p03', 503, 'server_busy', 'stays' ],
	[ '57014', 503, 'timeout', 'stays' ],
	[ '53100', 503, 'service_unavailable', 'stays' ],
	[ '58030', 503, 'service_unavailable', 'stays' ],
	[ 'f0000', 503, 'service_unavailable', 'stays' ],
	[ '25006', 503, 'service_unavailable', 'goes' ],
	[ '57p03', 503, 'service_unavailable', 'goes' ],
	[ '08006', 503, 'service_unavailable', 'goes' ])
{
	my ($state, $status, $code, $connection) = @$case;
	my $before = only_backend();
	my $answer = exchange($single, signup("raise-$state\@example.com"));
	is(status($answer), $status, "$state: the status is $status");
	like($answer, qr/"detail":\{"error":"$code"/, "$state: the code is $code");
	if ($code eq 'request_refused')
	{
		like($answer, qr/"message":"planted \\"words\\" for Zo\xc3\xab\\u000aforged"\}\}\z/,
			"$state: the response has the message of the application");
	}
	else
	{
		unlike($answer, qr/words/, "$state: the response has no message of the database");
		is($answer =~ /^Retry-After: \d+\r$/m ? 503 : 500, $status,
			"$state: the response has Retry-After exactly with 503");
	}
	unlike($answer, qr/planted-/, "$state: the response has no detail");
	# a backend that goes is seen for a moment longer
	if ($connection eq 'stays') { is(backends(), $before, "$state: the connection stays"); }
	else
	{
		ok(poll('another backend', sub { only_backend() ne $before }), "$state: the connection goes");
	}
}
is($node->safe_psql('app', "SELECT count(*) FROM authfort.users WHERE email LIKE 'raise-%'"), '0',
	'sign-ups that raised an error are rolled back');
is(status_of($single, $login), '200', 'a login succeeds after errors');

# Settings of the role that a request must not depend on
foreach my $setting ('default_transaction_isolation = serializable', 'statement_timeout = 500', 'search_path = evil')
{
	$node->safe_psql('app', "ALTER ROLE gateway SET $setting");
	my $strict = ready(Gateway->new('strict_' . ($setting =~ s/ .*//r), $node, '--request-timeout=120'));
	# they wait for this lock, for longer than the role's timeout
	my $lock = $node->background_psql('app');
	$lock->query_safe('BEGIN; SELECT 1 FROM authfort.users FOR UPDATE');
	my @logins = map { send_to($strict, $login) } 1 .. 12;
	poll('logins wait', sub { waiting_for_locks() == 4 });
	sleep 1;
	$lock->query_safe('COMMIT');
	$lock->quit;
	is(join(' ', map { status(answer($_)) } @logins), join(' ', (200) x 12),
		"twelve logins at once succeed with $setting");
	$strict->stop;
	$node->safe_psql('app', 'ALTER ROLE gateway RESET ALL');
}

# A server that is read-only: what only reads goes on.
$node->safe_psql('app', 'ALTER DATABASE app SET default_transaction_read_only = on');
# and wait: a request to one that is just ending fails
$node->safe_psql('app', "SELECT pg_terminate_backend(pid, 60000) FROM pg_stat_activity WHERE usename = 'gateway'");
poll('a login is refused', sub {
	exchange($single, $login) =~ m{^HTTP/1\.1 503 .*^Retry-After: .*service_unavailable}ms });
is(status_of($single, get('/auth/me')), '401', 'a request that only reads is answered by a read-only server');
$node->safe_psql('postgres', 'ALTER DATABASE app RESET default_transaction_read_only');
poll('a login succeeds', sub { status_of($single, $login) eq '200' });
is($single->stop, 0, 'a gateway after errors ends cleanly');
unlike(slurp_file($single->{errors}), qr/^forged|planted-/m,
	'the log of the gateway has one line per error, and no detail');

# A restart: requests that are not sent yet wait for it.
my $steady = ready(Gateway->new('steady', $node, '--reconnect-wait=60', '--request-timeout=120'));
$node->stop('fast');
poll('the gateway notices', sub { status_of($steady, get('/readyz')) eq '503' });
is(status_of($steady, get('/healthz')), '200', '/healthz succeeds while PostgreSQL is away');
my @held = map { send_to($steady, $_) } ($login, get('/auth/me')) x 4;
ok(!IO::Select->new(@held)->can_read(1), 'requests wait while PostgreSQL is away');
$node->start;
is(join(' ', map { status(answer($_)) } @held), join(' ', (200, 401) x 4),
	'waiting requests are answered once PostgreSQL is back');
is($steady->stop, 0, 'a gateway after a restart of PostgreSQL ends cleanly');

my $brief = ready(Gateway->new('brief', $node, '--reconnect-wait=1'));
$node->stop('fast');
my $refused = exchange($brief, get('/auth/me'));
like($refused, qr{^HTTP/1\.1 503 .*^Retry-After: \d+\r\n.*service_unavailable}ms,
	'a request does not wait longer than --reconnect-wait');
$node->start;
is(status_of(ready($brief), get('/auth/me')), '401', 'a request is answered after a short absence of PostgreSQL');
is($brief->stop, 0, 'a gateway with a short --reconnect-wait ends cleanly');

# A server that does not answer: no request runs longer than it may.
my $hasty = ready(Gateway->new('hasty', $node, '--pool-size=1', '--request-timeout=3'));
my $pid = only_backend();
kill 'STOP', $pid;
like(exchange($hasty, $login), qr{^HTTP/1\.1 503 .*^Retry-After: \d+\r\n.*"timeout"}ms,
	'a request to a frozen backend gets 503');
kill 'CONT', $pid;
# within three seconds, which it may once fail to do
ok(poll('a login', sub { status_of(ready($hasty), $login) eq '200' }),
	'a login succeeds on a new connection after a frozen backend');
my $postmaster = slurp_file($node->data_dir . '/postmaster.pid') =~ s/\n.*//sr;
my $frozen = only_backend();
kill 'STOP', $postmaster, $frozen;
is(status_of($hasty, $login), '503', 'a request to a frozen server gets 503');
poll('not ready', sub { status_of($hasty, get('/readyz')) eq '503' });
is(status_of($hasty, get('/healthz')), '200', '/healthz succeeds while PostgreSQL is frozen');
kill 'CONT', $postmaster, $frozen;
ok(poll('a login', sub { status_of(ready($hasty), $login) eq '200' }), 'a login succeeds after a frozen server');

# A commit that waits for a standby: the backend does not stay behind.
$node->safe_psql('postgres', "ALTER SYSTEM SET synchronous_standby_names = 'absent'");
$node->reload;
poll('a commit waits', sub { status_of($hasty, $login) eq '503' });
poll('the waiting backend is cancelled', sub {
	$node->safe_psql('app', "SELECT count(*) FROM pg_stat_activity WHERE wait_event = 'SyncRep'") eq '0' });
ok(poll('a request', sub { status_of($hasty, get('/auth/me')) eq '401' }),
	'a request that only reads does not wait for a standby');
$node->safe_psql('postgres', 'ALTER SYSTEM RESET synchronous_standby_names');
$node->reload;
poll('a login succeeds', sub { status_of($hasty, $login) eq '200' });
is($hasty->stop, 0, 'a gateway after frozen servers ends cleanly');

# The gateway ends although PostgreSQL does not answer.
poll('the connections before end', sub { backends() eq '' });
my $stuck = ready(Gateway->new('stuck', $node, '--pool-size=2', '--shutdown-timeout=0', '--request-timeout=3600'));
my $pids;
poll('both connections', sub { $pids = backends(); $pids =~ / / });
kill 'STOP', $postmaster, split / /, $pids;
my $cut = send_to($stuck, $login);
# what is answered after it shows that the login has arrived
exchange($stuck, get('/healthz')) foreach 1, 2;
is($stuck->stop, 0, 'the gateway ends while PostgreSQL is frozen');
is(status(answer($cut)), '503', 'a login that runs at the end of the gateway gets 503');
kill 'CONT', $postmaster, split / /, $pids;
poll('the frozen connections end', sub { backends() eq '' });

# Behind pgbouncer, in transaction mode and with its defaults

{
	my $dir = PostgreSQL::Test::Utils::tempdir_short();
	my $program = (grep { -x } '/usr/sbin/pgbouncer', '/usr/bin/pgbouncer')[0];
	BAIL_OUT('pgbouncer is not installed') if !$program;
	my $bouncer_port = PostgreSQL::Test::Cluster::get_free_port();
	append_to_file("$dir/users.txt", qq("gateway" ""\n));
	my @values = ($node->host, $node->port, $dir, $bouncer_port, $dir, $dir, $dir);
	append_to_file("$dir/pgbouncer.ini", sprintf <<'INI', @values);
[databases]
app = host=%s port=%d dbname=app
[pgbouncer]
unix_socket_dir = %s
listen_port = %d
auth_type = trust
auth_file = %s/users.txt
pool_mode = transaction
default_pool_size = 2
pidfile = %s/pid
logfile = %s/log
INI
	my $bouncer = fork() // die "fork: $!";
	exec $program, '-q', "$dir/pgbouncer.ini" if $bouncer == 0;
	poll('pgbouncer listens', sub { -e "$dir/.s.PGSQL.$bouncer_port" });
	my $pooled = ready(Gateway->new('pooled', $node, "--dsn=host=$dir port=$bouncer_port dbname=app user=gateway"));
	is(join(' ', map { status(answer($_)) } map { send_to($pooled, $_) } ($login, get('/auth/me')) x 20),
		join(' ', (200, 401) x 20),
		'pgbouncer: requests on more connections than it has are answered');
	is(status_of($pooled, signup('raise-pt409@example.com')), '409',
		'pgbouncer: an error of the application gets its status');
	is(status_of($pooled, signup('bob@example.com')), '201', 'pgbouncer: a sign-up after an error succeeds');
	cmp_ok(scalar split(/ /, backends()), '<=', 2, 'pgbouncer: at most two connections to PostgreSQL are used');
	is($pooled->stop, 0, 'pgbouncer: the gateway ends cleanly');
	kill 'TERM', $bouncer;
	waitpid $bouncer, 0;
}

$node->stop;
done_testing();
