# Clients that send malformed requests, slowly, or too many of them.
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

my $node = start_node('hostile', conf => <<'CONF', sql => 'CREATE ROLE gateway LOGIN IN ROLE authfort_http');
authfort.cookies = on
authfort.trusted_proxies = '127.0.0.1'
CONF
$node->safe_psql('app', "SELECT authfort.signup('ada\@example.com', 'planted-Secret-1')");

sub waiting_for_locks
{
	return $node->safe_psql('app',
		"SELECT count(*) FROM pg_stat_activity WHERE usename = 'gateway' AND wait_event_type = 'Lock'");
}

sub lines { return join "\r\n", @_, '', ''; }
sub get { my ($path, @headers) = @_; return lines("GET $path HTTP/1.1", 'Host: x', 'Connection: close', @headers); }

my $credentials = '{"email": "ada@example.com", "password": "planted-Secret-1"}';
sub login
{
	my (@headers) = @_;
	return lines('POST /auth/login HTTP/1.1', 'Host: x', 'Connection: close', 'Content-Type: application/json',
		'Content-Length: ' . length $credentials, @headers) . $credentials;
}

my $gateway = Gateway->new('gateway', $node, '--request-timeout=60', '--request-read-timeout=60');
poll('the gateway is ready', sub { status_of($gateway, get('/readyz')) eq '200' });

# Framing (RFC 9112).  A second request behind the first must never be answered.
my $second = get('/healthz');
my $post = "POST /auth/login HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n";
foreach my $case (
	[ 400, 'differing Content-Lengths', $post . "Content-Length: 2\r\nContent-Length: 4\r\n\r\n{}" ],
	[ 400, 'a list of Content-Lengths', $post . "Content-Length: 2, 2\r\n\r\n{}" ],
	[ 400, 'a signed Content-Length', $post . "Content-Length: +2\r\n\r\n{}" ],
	[ 400, 'Content-Length with Transfer-Encoding',
		$post . "Content-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n" ],
	[ 400, 'Transfer-Encoding with Content-Length',
		$post . "Transfer-Encoding: chunked\r\nContent-Length: 2\r\n\r\n0\r\n\r\n" ],
	[ 400, 'two Transfer-Encodings',
		$post . "Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n\r\n0\r\n\r\n" ],
	[ 501, 'an unknown coding', $post . "Transfer-Encoding: gzip\r\n\r\n" ],
	[ 501, 'an unknown coding before chunked', $post . "Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n" ],
	[ 501, 'a coding that only looks like chunked', $post . "Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n" ],
	[ 400, 'a coding in HTTP/1.0', $post =~ s{1\.1}{1.0}r . "Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n" ],
	[ 400, 'a blank before the colon', $post . "Content-Length : 2\r\n\r\n{}" ],
	[ 400, 'a tab before the colon', $post . "Transfer-Encoding\t: chunked\r\n\r\n0\r\n\r\n" ],
	[ 400, 'a header without a colon', $post . "Content-Length 2\r\n\r\n{}" ],
	[ 400, 'a header without a name', $post . ": 2\r\n\r\n{}" ],
	[ 400, 'a NUL as a line', $post . "\0\r\nContent-Length: 2\r\n\r\n{}" ],
	[ 400, 'a NUL in a value', $post . "X: a\0b\r\nContent-Length: 2\r\n\r\n{}" ],
	[ 400, 'a CR in a value', $post . "X: a\rb\r\nContent-Length: 2\r\n\r\n{}" ],
	[ 400, 'a folded line', $post . "Content-Length: 2\r\n \r\n\r\n{}" ],
	[ 400, 'a folded line at the beginning', "GET /auth/me HTTP/1.1\r\n Host: x\r\nHost: x\r\n\r\n" ],
	[ 400, 'lines that end in LF', "GET /auth/me HTTP/1.1\nHost: x\n\n" ],
	[ 400, 'a head that ends in LF', "GET /auth/me HTTP/1.1\r\nHost: x\r\n\n" ],
	[ 400, 'no Host', "GET /auth/me HTTP/1.1\r\n\r\n" ],
	[ 400, 'two Hosts', "GET /auth/me HTTP/1.1\r\nHost: x\r\nHost: y\r\n\r\n" ],
	[ 400, 'two Hosts that are the same', "GET /auth/me HTTP/1.1\r\nHost: x\r\nHost: x\r\n\r\n" ],
	[ 400, 'a Host with a path', "GET /auth/me HTTP/1.1\r\nHost: x/y\r\n\r\n" ],
	[ 400, 'a blank in the target', "GET /auth/me y HTTP/1.1\r\nHost: x\r\n\r\n" ],
	[ 400, 'a control character in the target', "GET /auth/\x01 HTTP/1.1\r\nHost: x\r\n\r\n" ],
	[ 400, 'a method that is not a token', "GE(T /auth/me HTTP/1.1\r\nHost: x\r\n\r\n" ],
	[ 400, 'a version that is not one', "GET /auth/me HTTX/1.1\r\nHost: x\r\n\r\n" ])
{
	my ($expected, $name, $bytes) = @$case;
	my $answer = exchange($gateway, $bytes . $second);
	# libmicrohttpd 1.0 refuses unknown codings by itself
	like(status($answer), $expected == 501 ? qr/^(400|501)$/ : qr/^$expected$/, "$name: $expected");
	unlike($answer, qr{"ok"|HTTP/1\.1 [1-3]}, "$name: the request behind it is not read");
	unlike($answer, qr/not closed/, "$name: the connection is closed");
}
is(status_of($gateway, "GET /auth/me HTTP/1.0\r\n\r\n"), '401', 'HTTP/1.0 needs no Host');
is(status_of($gateway, lines('GET http://x/auth/me HTTP/1.1', 'Host: x', 'Connection: close')), '401',
	'an absolute target is accepted');
is(status_of($gateway, get('/auth/me', "X: \t a\tb \t ", 'Y:', 'Z:z')), '401',
	'blanks around values and empty values are accepted');
is(status_of($gateway, get('/auth/me', 'Host2: x')), '401', 'a header whose name begins like Host is accepted');
my $chunked = sprintf "%x\r\n%s\r\n0\r\n\r\n", length $credentials, $credentials;
is(status_of($gateway, $post . "Connection: close\r\nTransfer-Encoding: Chunked\r\n\r\n$chunked"), '200',
	'a valid chunked body is accepted');

# HEAD
my $body = exchange($gateway, get('/.well-known/jwks.json'));
my ($length) = $body =~ /^Content-Length: (\d+)\r$/mi;
$body =~ s/^.*?\r\n\r\n//s;
is($length, length $body, 'a response to GET has the length of its body');
my $head = exchange($gateway, get('/.well-known/jwks.json') =~ s/^GET/HEAD/r);
like($head, qr/^Content-Length: $length\r$/mi, 'a response to HEAD has the length of GET');
like($head, qr/\r\n\r\n\z/, 'a response to HEAD has no body');
is(status_of($gateway, get('/auth/login') =~ s/^GET/HEAD/r), '405', 'HEAD of a path without GET gets 405');
is(status_of($gateway, get('/healthz') =~ s/^GET/HEAD/r), '200', 'HEAD of /healthz succeeds');

# Large headers: a request is refused or answered, but never executed without an answer.
my $in_use = 'access_token=a; access_token=b; refresh_token=c; refresh_token=d';
my %statuses;
my $sessions = $node->safe_psql('app', 'SELECT count(*) FROM authfort.sessions');
foreach my $size (map { $_ * 500 } 20 .. 70)
{
	my @headers = (
		[ 'Cookie: x=' . 'x' x $size ],
		[ "Cookie: $in_use", 'Cookie: x=' . 'x' x $size ],
		[ 'Cookie: ' . 'x=y; ' x ($size / 5) ],
		[ map { "X-$_: x" } 1 .. $size / 50 ]);
	$statuses{ status_of($gateway, login(@$_) =~ s/^Host: x/Host: a.b.c.d.example.com/mr) }++ foreach @headers;
}
# With many parameters libmicrohttpd may have no room left to refuse, and waits for the time limit of reading.
my $impatient = Gateway->new('impatient', $node, '--request-timeout=60', '--request-read-timeout=10');
foreach my $count (map { $_ * 125 } 4 .. 14)
{
	my $answer = exchange($impatient, login() =~ s{/auth/login}{'/auth/login?' . 'a&' x $count}er);
	$statuses{ status($answer) }++ if $answer ne '';
}
is($impatient->stop, 0, 'a gateway with such clients ends cleanly');
is(join(' ', sort keys %statuses), '200 431', 'large headers are answered');
is($node->safe_psql('app', 'SELECT count(*) FROM authfort.sessions') - $sessions, $statuses{200},
	'every executed login with large headers was answered');
is(status_of($gateway, login('Cookie: x=' . 'x' x 30000)), '200', 'headers just below the limit are accepted');
is(status_of($gateway, get('/auth/me?' . 'x' x 33000)), '414', 'a URI over the limit gets 414');

# Bytes that PostgreSQL cannot take cost the place where they stand.
my ($access) = exchange($gateway, login()) =~ /^Set-Cookie: access_token=([^;]+)/mi;
foreach my $bad ("\xff", "\xc0\x80", "\xed\xa0\x80", "\x01", "\x7f", "\xf4\x90\x80\x80", "\xe2\x82")
{
	my $name = sprintf '%vX', $bad;
	is(status_of($gateway, get('/auth/me', "X-Foreign: $bad", "Authorization: Bearer $access")), '200',
		"$name in a foreign header is ignored");
	is(status_of($gateway, get('/auth/me', "X-$bad: x", "Authorization: Bearer $access")), '400',
		"$name in the name of a header gets 400");
	is(status_of($gateway, get('/auth/me', "User-Agent: $bad", "Authorization: Bearer $access")), '200',
		"$name in User-Agent is accepted");
	is(status_of($gateway, get('/auth/me', "Cookie: a=$bad; access_token=$access")), '200',
		"$name in a foreign cookie before the access cookie is ignored");
	is(status_of($gateway, get('/auth/me', "Cookie: access_token=$access; a$bad=b")), '200',
		"$name in a foreign cookie behind the access cookie is ignored");
	is(status_of($gateway, get('/auth/me', "Cookie: access_token=$access$bad")), '401',
		"$name in the access cookie gets 401");
	is(status_of($gateway, get('/auth/me', "Authorization: Bearer $access$bad")), '401',
		"$name in a bearer token gets 401");
}
is(status_of($gateway, login("User-Agent: caf\xe9 \"x\"\\", "X-Forwarded-For: \xff, 203.0.113.7")), '200',
	'a login with invalid UTF-8 in headers succeeds');
is($node->safe_psql('app', "SELECT user_agent, ip_address FROM authfort.sessions WHERE user_agent LIKE 'caf%'"),
	'caf? "x"\|203.0.113.7',
	'the session has the readable part of such headers');
is(status_of($gateway, get('/auth/me', "User-Agent: caf\xc3\xa9", "Authorization: Bearer $access")), '200',
	'UTF-8 in User-Agent is accepted');

# the access log
exchange($gateway, "G!\"\\\x1b /a\"\\b\xc3\xa9 HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
exchange($gateway, "G!`|~ /long/" . 'y' x 5000 . "?planted-Query HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
exchange($gateway, ('M' x 100) . " /long-method HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
is($gateway->stop, 0, 'the gateway ends cleanly');
my $log = slurp_file($gateway->{log});
unlike($log, qr/[^\x20-\x7e\n]|["\\]/, 'the access log has no byte that a terminal or a parser could act on');
cmp_ok(length, '<', 400, 'the access log has no long line')
	foreach sort { length $b <=> length $a } (split /\n/, $log)[0];
like($log, qr{ G!`\|~ /long/y+ 404 }, 'the access log has odd methods and shortened paths');
unlike($log, qr/planted/, 'the access log has no query');

# Clients that send a byte now and then: an absolute deadline, and room for other clients.
my $patient = Gateway->new('patient', $node, '--request-read-timeout=10', '--connection-timeout=60',
	'--max-connections=40');
poll('the gateway is ready', sub { status_of($patient, get('/readyz')) eq '200' });
my @pieces = ('G', "POST /auth/login HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\n");
my @slow = map { send_to($patient, $pieces[ $_ % 2 ]) } 1 .. 60;
is(status_of($patient, get('/auth/me')), '401', 'a request is answered while slow clients have all connections');
my $until = time + 60;
my $select = IO::Select->new(@slow);
while ($select->count > 0 && time < $until)
{
	local $SIG{PIPE} = 'IGNORE';
	foreach my $socket ($select->can_read(0.2))
	{
		$select->remove($socket) unless sysread $socket, my $bytes, 100;
	}
	syswrite $_, 'x' foreach $select->handles;
}
is($select->count, 0, 'slow clients are disconnected, although they keep sending');
is(status_of($patient, get('/auth/me')), '401', 'requests are answered after slow clients');
is($patient->stop, 0, 'a gateway with slow clients ends cleanly');

# the time that a client takes to send does not reduce the time that its request may wait
my $hurried = Gateway->new('hurried', $node, '--request-timeout=10', '--request-read-timeout=60');
poll('the gateway is ready', sub { status_of($hurried, get('/readyz')) eq '200' });
my $request = login();
my $slowly = send_to($hurried, substr $request, 0, -1);
sleep 11;
syswrite $slowly, substr $request, -1;
is(status(answer($slowly)), '200', 'a request that arrived slowly is answered');
is($hurried->stop, 0, 'a gateway with a slow request ends cleanly');

# an idle client that has had its answer makes room too
my $crowded = Gateway->new('crowded', $node, '--max-connections=3', '--connection-timeout=300');
my @idle;
foreach (1 .. 3)
{
	push @idle, send_to($crowded, "GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n");
	IO::Select->new($idle[-1])->can_read(60);
}
is(status_of($crowded, get('/healthz')), '200', 'a request is answered while idle clients have all connections');
like(answer($idle[0]), qr/"ok"\}\z/, 'the client that was idle for longest is disconnected');
print { $idle[2] } get('/healthz');
is(scalar(() = answer($idle[2]) =~ m{HTTP/1\.1 200}g), 2,
	'the client that was idle for the shortest time is not disconnected');
is($crowded->stop, 0, 'a gateway with idle clients ends cleanly');

# A flood of logins that do not end takes only its share of the connections.
my $flooded = Gateway->new('flooded', $node, '--request-timeout=3600');
poll('the gateway is ready', sub { status_of($flooded, get('/readyz')) eq '200' });
my $lock = $node->background_psql('app');
$lock->query_safe('BEGIN; SELECT 1 FROM authfort.users FOR UPDATE');
my $signup = '{"email": "bob@example.com", "password": "planted-Secret-1"}';
my @paths = ('/auth/login', '/auth/login/', '/auth/signup', '//auth/login');
my @flood = map { send_to($flooded, login() =~ s{/auth/login}{$paths[$_ % 4]}r) } 1 .. 320;
poll('logins wait', sub { waiting_for_locks() == 4 });
my %count;
$count{ status_of($flooded, get('/auth/me')) }++ for 1 .. 50;
is_deeply(\%count, { 401 => 50 }, 'requests to another route are all answered during a flood of logins');
my %slow_count;
$lock->query_safe('COMMIT');
$lock->quit;
$slow_count{ status(answer($_)) }++ foreach @flood;
cmp_ok($slow_count{503} // 0, '>=', 320 - 2 * (4 + 128), 'logins over the queue of a flooded gateway are refused');
cmp_ok($slow_count{200} // 0, '>=', 1, 'logins in the queue of a flooded gateway are answered');
is($flooded->stop, 0, 'a flooded gateway ends cleanly');

$node->stop;
done_testing();
