# What the gateway does by itself: TLS, limits, timeouts, and its end.
use strict;
use warnings FATAL => 'all';

use AuthfortNode qw(start_node);
use Gateway qw(poll);
use IO::Select;
use IO::Socket::INET;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = start_node('limits', sql => 'CREATE ROLE gateway LOGIN IN ROLE authfort_http');
$node->safe_psql('app', "SELECT authfort.signup('ada\@example.com', 'planted-Secret-1')");

# The client writes bytes, for a library would not send what is wrong.
sub connection
{
	my ($gateway) = @_;
	return IO::Socket::INET->new(PeerAddr => '127.0.0.1', PeerPort => $gateway->{port}, Timeout => 60) // die "connect: $!";
}

sub send_to
{
	my ($gateway, $bytes) = @_;
	local $SIG{PIPE} = 'IGNORE';
	my $socket = connection($gateway);
	print $socket $bytes;
	$socket->flush;
	return $socket;
}

# all that comes until the other side closes
sub answer { my ($socket) = @_; local $/; return <$socket> // ''; }

sub get { my ($path, @headers) = @_; return join "\r\n", "GET $path HTTP/1.1", 'Host: x', 'Connection: close', @headers, '', ''; }

sub post
{
	my ($path, $body, @headers) = @_;
	@headers = ('Content-Length: ' . length $body) unless @headers;
	return join "\r\n", "POST $path HTTP/1.1", 'Host: x', 'Connection: close', 'Content-Type: application/json', @headers, '', $body;
}

sub status { return $_[0] =~ m{^HTTP/1\.1 (\d+) } ? $1 : "none: $_[0]"; }

my $login = post('/auth/login', '{"email": "ada@example.com", "password": "planted-Secret-1"}');

sub up
{
	my ($gateway) = @_;
	poll('gateway connects', sub { status(answer(send_to($gateway, get('/healthz')))) eq '200' });
	return $gateway;
}

# Logins wait for this lock, and so does the connection that runs one.
my $lock = $node->background_psql('app');
sub hold { $lock->query_safe('BEGIN; SELECT 1 FROM authfort.users FOR UPDATE'); return; }
sub release { $lock->query_safe('COMMIT'); return; }

sub waits
{
	return poll('a login waits', sub { $node->safe_psql('app',
		"SELECT count(*) FROM pg_stat_activity WHERE usename = 'gateway' AND wait_event_type = 'Lock'") eq '1' });
}

# TLS
my $dir = PostgreSQL::Test::Utils::tempdir();
system_log('openssl', 'req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-days', '1',
	'-subj', '/CN=localhost', '-addext', 'subjectAltName=IP:127.0.0.1', '-keyout', "$dir/key.pem", '-out', "$dir/cert.pem");
my $tls = Gateway->new('tls', $node, "--tls-cert=$dir/cert.pem", "--tls-key=$dir/key.pem");
sub curl
{
	my ($out) = run_command([ 'curl', '-sS', '--max-time', '60', '--noproxy', '*', @_ ]);
	return $out;
}
my $url = "https://127.0.0.1:$tls->{port}";
poll('gateway connects', sub { curl('--cacert', "$dir/cert.pem", "$url/healthz") eq '{"status":"ok"}' });
is(curl('--cacert', "$dir/cert.pem", '-w', '%{http_code}', '-o', '/dev/null', '-H', 'Content-Type: application/json',
		'-d', '{"email": "ada@example.com", "password": "planted-Secret-1"}', "$url/auth/login"), '200', 'TLS: a login');
is(curl("$url/healthz"), '', 'TLS: a client that does not know the certificate turns away');
is(answer(send_to($tls, get('/healthz'))), '', 'TLS: who speaks none gets nothing');
is(status(answer(send_to($tls, 'x' x 100000))), 'none: ', 'TLS: nor for garbage');
is(curl('--cacert', "$dir/cert.pem", "$url/healthz"), '{"status":"ok"}', 'TLS: and it goes on');
is($tls->stop, 0, 'TLS: the end');
foreach my $pair ([ 'none.pem', 'key.pem' ], [ 'cert.pem', 'cert.pem' ])
{
	is(system("./gateway/authfort-gateway --listen=127.0.0.1:0 --tls-cert=$dir/$pair->[0] --tls-key=$dir/$pair->[1] 2>$dir/err") >> 8,
		1, "TLS: does not start with @$pair");
	isnt(slurp_file("$dir/err"), '', 'and says why');
}

# a full queue: one login runs, one waits, and of five more none does
my $small = up(Gateway->new('small', $node, '--pool-size=1', '--queue-size=1'));
hold();
my $running = send_to($small, $login);
waits();
my @others = map { send_to($small, $login) } 1 .. 6;
my $select = IO::Select->new(@others);
my @refused;
while (@refused < 5)
{
	my @ready = $select->can_read(60) or last;
	$select->remove(@ready);
	push @refused, map { answer($_) } @ready;
}
is(scalar @refused, 5, 'as many are refused as the queue has no room for');
foreach my $refusal (@refused)
{
	like($refusal, qr/^HTTP\/1\.1 503 .*^Retry-After: [1-9]\d*\r\n.*"server_busy"/ms, 'with 503, Retry-After and server_busy');
}
is(status(answer(send_to($small, get('/healthz')))), '200', 'healthz needs no room');
release();
is(status(answer($_)), '200', 'the others are answered') foreach $running, $select->handles;
is($small->stop, 0, 'the end');

# one second: the first runs too long, the last waits too long
my $hasty = up(Gateway->new('hasty', $node, '--pool-size=1', '--request-timeout=1'));
hold();
my @late = map { send_to($hasty, $login) } 1 .. 4;
my @answers = map { answer($_) } @late;
like($_, qr/^HTTP\/1\.1 503 .*^Retry-After: [1-9]\d*\r$/ms, 'too late: 503 and Retry-After') foreach @answers;
like("@answers", qr/"timeout"/, 'one ran too long');
like("@answers", qr/"server_busy"/, 'one waited too long');
release();
is(status(answer(send_to($hasty, $login))), '200', 'it goes on');
is($hasty->stop, 0, 'the end');

# sizes, and clients that are slow or many
my $strict = up(Gateway->new('strict', $node, '--max-header-size=4096', '--max-body-size=1000', '--connection-timeout=1'));
is(status(answer(send_to($strict, get('/auth/me', 'X-Large: ' . 'x' x 3000)))), '401', 'headers that fit');
is(status(answer(send_to($strict, get('/auth/me', 'X-Large: ' . 'x' x 5000)))), '431', 'a large header');
is(status(answer(send_to($strict, get('/auth/me', map { "X-$_: x" } 1 .. 2000)))), '431', 'many headers');
is(status(answer(send_to($strict, get('/' . 'x' x 5000)))), '414', 'a long path');
is(status(answer(send_to($strict, post('/auth/login', ' ' x 1000)))), '422', 'a body that fits');
is(status(answer(send_to($strict, post('/auth/login', ' ' x 1001)))), '413', 'a large body');
is(status(answer(send_to($strict, post('/auth/login', sprintf("%x\r\n%s\r\n0\r\n\r\n", 1000, ' ' x 1000), 'Transfer-Encoding: chunked')))),
	'422', 'a body in chunks that fits');
is(status(answer(send_to($strict, post('/auth/login', sprintf("%x\r\n%s\r\n", 1000, ' ' x 1000) . "1\r\n \r\n0\r\n\r\n", 'Transfer-Encoding: chunked')))),
	'413', 'a large body in chunks');
# depends on the version of libmicrohttpd
like(status(answer(send_to($strict, post('/auth/login', ' ', 'Content-Length: 99999999999999999999')))), qr/^(413|400)$/,
	'a body of absurd length is refused');
is(status(answer(send_to($strict, post('/auth/login', ' ', 'Content-Length: -1')))), '400', 'a body of negative length');
is(answer(send_to($strict, '')), '', 'a client that says nothing is dropped');
is(answer(send_to($strict, "GET /auth/me HTTP/1.1\r\nHost:")), '', 'a client that stops in its headers');
is(answer(send_to($strict, post('/auth/login', ' ', 'Content-Length: 2'))), '', 'a client that stops in its body');
is($strict->stop, 0, 'the end');

my $few = up(Gateway->new('few', $node, '--max-connections-per-ip=2'));
my @idle = map { send_to($few, "GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n") } 1 .. 2;
IO::Select->new($_)->can_read(60) foreach @idle;
is(answer(send_to($few, '')), '', 'a third connection from one address is dropped');
close $_ foreach @idle;
poll('there is room again', sub { status(answer(send_to($few, get('/healthz')))) eq '200' });
is($few->stop, 0, 'the end');

# the end: what has begun is finished, and who is idle holds up nothing
my $patient = up(Gateway->new('patient', $node, '--pool-size=2', '--max-connections-per-route=1', '--shutdown-timeout=3600', '--connection-timeout=3600'));
my $idle = send_to($patient, "GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n");
IO::Select->new($idle)->can_read(60);
hold();
# without "Connection: close": it is the gateway that ends the connection
my ($first, $second) = map { send_to($patient, $login =~ s/Connection: close\r\n//r) } 1 .. 2;
waits();
$patient->terminate;
poll('no new connections', sub { !IO::Socket::INET->new(PeerAddr => '127.0.0.1', PeerPort => $patient->{port}) });
release();
foreach my $socket ($first, $second)
{
	my $answer = answer($socket);
	is(status($answer), '200', 'a login that had begun is finished');
	like($answer, qr/^Connection: close\r$/m, 'and its connection ends');
}
is($patient->wait, 0, 'then it ends');

# the end, when what runs does not finish
my $brief = up(Gateway->new('brief', $node, '--pool-size=2', '--max-connections-per-route=1', '--shutdown-timeout=0'));
hold();
my @cut = map { send_to($brief, $login) } 1;
waits();
push @cut, send_to($brief, get('/auth/me'));
is(status(answer(pop @cut)), '401', 'another path has its share');
is($brief->stop, 0, 'it ends at once');
is(status(answer($_)), '503', 'what ran is cancelled, and told so') foreach @cut;
release();

$lock->quit;
$node->stop;
done_testing();
