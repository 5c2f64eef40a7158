# The gateway's own work: TLS, limits, timeouts and shutdown.
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

# The client writes bytes, because a library would refuse to send malformed requests.
sub connection
{
	my ($gateway) = @_;
	return IO::Socket::INET->new(PeerAddr => '127.0.0.1', PeerPort => $gateway->{port},
		Timeout => 60) // die "connect: $!";
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

sub get { my ($path, @headers) = @_; return join "\r\n", "GET $path HTTP/1.1", 'Host: x', 'Connection: close',
	@headers, '', ''; }

sub post
{
	my ($path, $body, @headers) = @_;
	@headers = ('Content-Length: ' . length $body) unless @headers;
	return join "\r\n", "POST $path HTTP/1.1", 'Host: x', 'Connection: close', 'Content-Type: application/json',
		@headers, '', $body;
}

sub status { return $_[0] =~ m{^HTTP/1\.1 (\d+) } ? $1 : "none: $_[0]"; }

my $login = post('/auth/login', '{"email": "ada@example.com", "password": "planted-Secret-1"}');

sub up
{
	my ($gateway) = @_;
	poll('gateway connects', sub { status(answer(send_to($gateway, get('/readyz')))) eq '200' });
	return $gateway;
}

# Logins wait for this lock, each on a connection to the database.
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
	'-subj', '/CN=localhost', '-addext', 'subjectAltName=IP:127.0.0.1', '-keyout', "$dir/key.pem", '-out',
		"$dir/cert.pem");
my $tls = Gateway->new('tls', $node, "--tls-cert=$dir/cert.pem", "--tls-key=$dir/key.pem");
sub curl
{
	my ($out) = run_command([ 'curl', '-sS', '--max-time', '60', '--noproxy', '*', @_ ]);
	return $out;
}
my $url = "https://127.0.0.1:$tls->{port}";
poll('gateway connects', sub { curl('--cacert', "$dir/cert.pem", "$url/healthz") eq '{"status":"ok"}' });
is(curl('--cacert', "$dir/cert.pem", '-w', '%{http_code}', '-o', '/dev/null', '-H', 'Content-Type: application/json',
		'-d', '{"email": "ada@example.com", "password": "planted-Secret-1"}', "$url/auth/login"), '200',
			'TLS: a login succeeds');
is(curl("$url/healthz"), '', 'TLS: a client that does not trust the certificate gives up');
is(answer(send_to($tls, get('/healthz'))), '', 'TLS: a request in clear text gets no answer');
is(status(answer(send_to($tls, 'x' x 100000))), 'none: ', 'TLS: garbage gets no answer');
is(curl('--cacert', "$dir/cert.pem", "$url/healthz"), '{"status":"ok"}',
	'TLS: the gateway serves requests after garbage');
is($tls->stop, 0, 'TLS: the gateway ends cleanly');
foreach my $pair ([ 'none.pem', 'key.pem' ], [ 'cert.pem', 'cert.pem' ])
{
	is(system("./gateway/authfort-gateway --listen=127.0.0.1:0 --tls-cert=$dir/$pair->[0] --tls-key=$dir/$pair->[1] "
		. "2>$dir/err") >> 8,
		1, "TLS: the gateway does not start with @$pair");
	isnt(slurp_file("$dir/err"), '', "TLS: the gateway reports why it does not start with @$pair");
}

# a full queue: one login runs, one waits, and five more are refused
my $small = up(Gateway->new('small', $node, '--pool-size=1', '--queue-size=1', '--request-timeout=300'));
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
is(scalar @refused, 5, 'a full queue refuses the logins that it has no room for');
foreach my $refusal (@refused)
{
	like($refusal, qr/^HTTP\/1\.1 503 .*^Retry-After: [1-9]\d*\r\n.*"server_busy"/ms,
		'a refused login gets 503, Retry-After and server_busy');
}
is(status(answer(send_to($small, get('/healthz')))), '200', '/healthz succeeds while the queue is full');
release();
is(status(answer($_)), '200', 'a login in the queue is answered') foreach $running, $select->handles;
is($small->stop, 0, 'a gateway whose queue was full ends cleanly');

# the first runs too long, the last waits too long
my $hasty = up(Gateway->new('hasty', $node, '--pool-size=1', '--request-timeout=3'));
hold();
my @late = map { send_to($hasty, $login) } 1 .. 4;
my @answers = map { answer($_) } @late;
like($_, qr/^HTTP\/1\.1 503 .*^Retry-After: [1-9]\d*\r$/ms, 'a login that times out gets 503 and Retry-After')
	foreach @answers;
like("@answers", qr/"timeout"/, 'a login that runs too long times out');
like("@answers", qr/"server_busy"/, 'a login that waits too long in the queue is refused as server_busy');
release();
ok(poll('a login succeeds', sub { status(answer(send_to($hasty, $login))) eq '200' }),
	'a login succeeds after others timed out');
is($hasty->stop, 0, 'a gateway with timeouts ends cleanly');

# sizes, and clients that are slow or many
my $strict = up(Gateway->new('strict', $node, '--max-header-size=4096', '--max-body-size=1000'));
is(status(answer(send_to($strict, get('/auth/me', 'X-Large: ' . 'x' x 3000)))), '401',
	'headers below the limit are accepted');
is(status(answer(send_to($strict, get('/auth/me', 'X-Large: ' . 'x' x 5000)))), '431',
	'a header over the limit gets 431');
is(status(answer(send_to($strict, get('/auth/me', map { "X-$_: x" } 1 .. 2000)))), '431', 'many headers get 431');
is(status(answer(send_to($strict, get('/' . 'x' x 5000)))), '414', 'a path over the limit gets 414');
is(status(answer(send_to($strict, post('/auth/login', ' ' x 1000)))), '422', 'a body at the limit is read');
is(status(answer(send_to($strict, post('/auth/login', ' ' x 1001)))), '413', 'a body over the limit gets 413');
is(status(answer(send_to($strict,
	post('/auth/login', sprintf("%x\r\n%s\r\n0\r\n\r\n", 1000, ' ' x 1000), 'Transfer-Encoding: chunked')))),
	'422', 'a chunked body at the limit is read');
is(status(answer(send_to($strict,
	post('/auth/login', sprintf("%x\r\n%s\r\n", 1000, ' ' x 1000) . "1\r\n \r\n0\r\n\r\n",
		'Transfer-Encoding: chunked')))),
	'413', 'a chunked body over the limit gets 413');
# depends on the version of libmicrohttpd
like(status(answer(send_to($strict, post('/auth/login', ' ', 'Content-Length: 99999999999999999999')))),
	qr/^(413|400)$/,
	'a body of absurd length is refused');
is(status(answer(send_to($strict, post('/auth/login', ' ', 'Content-Length: -1')))), '400',
	'a body of negative length is refused');
is($strict->stop, 0, 'a gateway with small limits ends cleanly');
my $impatient = up(Gateway->new('impatient', $node, '--connection-timeout=1', '--request-read-timeout=60'));
is(answer(send_to($impatient, '')), '', 'a client that sends nothing is disconnected');
is(answer(send_to($impatient, "GET /auth/me HTTP/1.1\r\nHost:")), '',
	'a client that stops in its headers is disconnected');
is(answer(send_to($impatient, post('/auth/login', ' ', 'Content-Length: 2'))), '',
	'a client that stops in its body is disconnected');
is($impatient->stop, 0, 'a gateway that waits a second ends cleanly');

my $few = up(Gateway->new('few', $node, '--max-connections-per-ip=2', '--connection-timeout=300'));
# the connections before may still count
my @idle;
poll('two connections are open', sub {
	my $socket = send_to($few, "GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n");
	IO::Select->new($socket)->can_read(60);
	push @idle, $socket if sysread $socket, my $bytes, 1;
	return @idle == 2;
});
is(answer(send_to($few, '')), '', 'a connection over --max-connections-per-ip is closed');
close $_ foreach @idle;
poll('there is room again', sub { status(answer(send_to($few, get('/healthz')))) eq '200' });
is($few->stop, 0, 'a gateway with a limit of connections ends cleanly');

# shutdown: running requests are finished, and idle clients do not delay it
my $patient = up(Gateway->new('patient', $node, '--pool-size=2', '--max-connections-per-route=1',
	'--shutdown-timeout=3600', '--connection-timeout=3600', '--request-timeout=3600'));
my $idle = send_to($patient, "GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n");
IO::Select->new($idle)->can_read(60);
hold();
# without "Connection: close": it is the gateway that ends the connection
my ($first, $second) = map { send_to($patient, $login =~ s/Connection: close\r\n//r) } 1 .. 2;
waits();
# what is answered after it shows that the second login has arrived too
answer(send_to($patient, get('/healthz'))) foreach 1, 2;
$patient->terminate;
poll('no new connections', sub { !IO::Socket::INET->new(PeerAddr => '127.0.0.1', PeerPort => $patient->{port}) });
release();
foreach my $socket ($first, $second)
{
	my $answer = answer($socket);
	is(status($answer), '200', 'a login that runs at SIGTERM is finished');
	like($answer, qr/^Connection: close\r$/m, 'the connection of a login that ran at SIGTERM is closed');
}
is($patient->wait, 0, 'the gateway ends cleanly after the running logins');

# shutdown, while a running request does not finish
my $brief = up(Gateway->new('brief', $node, '--pool-size=2', '--max-connections-per-route=1', '--shutdown-timeout=0',
	'--request-timeout=3600'));
hold();
my @cut = map { send_to($brief, $login) } 1;
waits();
push @cut, send_to($brief, get('/auth/me'));
is(status(answer(pop @cut)), '401', 'a limit per route leaves connections to other routes');
is($brief->stop, 0, 'the gateway ends at once with --shutdown-timeout=0');
is(status(answer($_)), '503', 'a login cancelled at shutdown gets 503') foreach @cut;
release();

$lock->quit;
$node->stop;
done_testing();
