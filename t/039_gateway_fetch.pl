# The gateway's fetches, in front of a router that is a stub: what it is asked to send comes from
# the request, and what it gets back becomes the response.
use strict;
use warnings FATAL => 'all';

use AuthfortNode qw(create_database start_node);
use Gateway qw(answer exchange poll send_to status);
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = start_node('fetch', database => undef);
create_database($node, 'app', <<'SQL');
CREATE ROLE gateway LOGIN;
CREATE SCHEMA authfort;
GRANT USAGE ON SCHEMA authfort TO gateway;
CREATE TABLE call (at timestamptz DEFAULT clock_timestamp(), what text);

-- POST /fetch?URL fetches the URL with the body, GET without one; the header user-agent, if it is
-- a number, is the timeout.
CREATE FUNCTION authfort.http_request(method text, path text, query text, given_headers text[], given_body text,
	address inet,
	OUT status integer, OUT headers text[], OUT body text, OUT "fetch" text[])
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public AS $$
DECLARE
	timeout text := substring(array_to_string(given_headers, ' ') FROM 'user-agent (\d+)');
BEGIN
	INSERT INTO call (what) VALUES (method || ' ' || path);
	status := 502;
	headers := '{X-Door,ignored}';
	IF path = '/fetch' THEN
		"fetch" := ARRAY['method', method, 'header', 'accept: application/json', 'header', 'authorization: Basic eDp5']
			|| CASE WHEN query IS NOT NULL THEN ARRAY['url', query] ELSE '{}' END
			|| CASE WHEN given_body IS NOT NULL THEN ARRAY['body', given_body] ELSE '{}' END
			|| ARRAY['timeout_ms', coalesce(timeout, '60000'), 'max_bytes', '262144', 'resume',
				path || ' ' || coalesce(query, '')];
		body := 'fetch_unsupported';
	ELSE
		status := 200;
		body := 'plain';
	END IF;
END $$;

-- Answers with what it was given.  A URL with again=N is fetched N times more.
CREATE FUNCTION authfort.http_resume_request(resume text, given_status integer, given_headers text[], given_body text,
	OUT status integer, OUT headers text[], OUT body text, OUT "fetch" text[])
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public AS $$
DECLARE
	again integer := substring(resume FROM 'again=(\d+)');
	next text := regexp_replace(resume, 'again=\d+', 'again=' || again - 1);
BEGIN
	INSERT INTO call (what) VALUES ('resume ' || resume);
	IF again > 0 THEN
		"fetch" := ARRAY['method', 'GET', 'url', substring(next FROM ' (.*)'), 'timeout_ms', '60000', 'max_bytes',
			'262144', 'resume', next];
	END IF;
	body := format('status=%s headers=%s length=%s body=%s', given_status, given_headers, length(given_body),
		left(given_body, 100));
	status := 200;
	headers := '{X-Resumed,yes}';
END $$;
SQL

# A certificate for localhost, by an authority that nothing else knows.
my $dir = PostgreSQL::Test::Utils::tempdir();
sub openssl { return system_or_bail('openssl', @_); }
openssl(qw(req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 30 -subj /CN=authority),
	'-keyout', "$dir/ca.key", '-out', "$dir/ca.crt");
openssl(qw(req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj /CN=localhost), '-keyout', "$dir/server.key",
	'-out', "$dir/server.csr");
append_to_file("$dir/san", "subjectAltName=DNS:localhost\n");
openssl(qw(x509 -req -days 30 -CAcreateserial), '-in', "$dir/server.csr", '-CA', "$dir/ca.crt", '-CAkey', "$dir/ca.key",
	'-extfile', "$dir/san", '-out', "$dir/server.crt");
append_to_file("$dir/requests", '');
my $server_pid = open my $server, '-|', 'python3', 't/lib/https_server.py', "$dir/server.crt", "$dir/server.key",
	"$dir/requests" or die "python3: $!";
chomp(my $port = <$server>);
my $base = "https://localhost:$port";

# Requests for /gate/NAME are answered from now on.
sub open_gate { return append_to_file("$dir/requests.$_[0]", ''); }

sub requests { return split /^/, slurp_file("$dir/requests"); }

# Sends a request and returns what the router was given.
sub fetched
{
	my ($gateway, $url, %options) = @_;
	my $method = $options{method} // 'GET';
	my $body = $options{body} // '';
	my $timeout = $options{timeout} ? "User-Agent: $options{timeout}\r\n" : '';
	my $length = length $body;
	my $all = exchange($gateway, "$method /fetch?$url HTTP/1.1\r\nHost: x\r\nConnection: "
		. "close\r\n${timeout}Content-Length: $length\r\n\r\n$body");
	return $all if status($all) ne '200';
	return $all =~ /\r\n\r\n(.*)/s ? $1 : $all;
}

# A proxy of the environment that nothing answers, and a netrc: both must not matter.
my @trust = ('--fetch-ca-file', "$dir/ca.crt");
my $gateway;
{
	local @ENV{qw(https_proxy HTTPS_PROXY ALL_PROXY HOME)} = ('http://127.0.0.1:9', 'http://127.0.0.1:9',
		'http://127.0.0.1:9', $dir);
	append_to_file("$dir/.netrc", "machine localhost login a password b\n");
	$gateway = Gateway->new('fetching', $node, @trust, '--allow-fetch-to=127.0.0.0/8, ::1/128', '--pool-size=2',
		'--request-timeout=60');
}
poll('the gateway is ready', sub { exchange($gateway,
	"GET /readyz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n") =~ /^HTTP\S+ 200/ });

# Success.
my $response = exchange($gateway,
	"POST /fetch?$base/ok?q=1 HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: 11\r\n\r\ngrant=c%C3%");
is(status($response), 200, 'the answer goes to the router, and its response to the client');
like($response, qr/^X-Resumed: yes\r$/m, 'with the headers of that response');
unlike($response, qr/X-Door|fetch_unsupported/, 'and nothing of the one beside the fetch');
like($response,
	qr/status=200 headers=\{content-type,application\/json,cache-control,max-age=60\} length=12 body=\{"ok": true\}/,
	'status, headers and body');
is((requests())[-1], "POST|/ok?q=1|application/json|Basic eDp5|||grant=c%C3%\n",
	'the other server got method, path, headers and body, and no cookie of an earlier answer');
like(fetched($gateway, "$base/status/400"), qr/status=400 .*invalid_grant/,
	'an error of the other server is an answer');
like(fetched($gateway, "$base/redirect"), qr/status=302/, 'a redirect is an answer');
unlike((requests())[-1], qr{/ok}, 'and is not followed');
like(fetched($gateway, "$base/type"), qr/headers=\{content-type,text\/h\?tml\?\}/,
	'bytes that are no text are replaced in headers');
like(fetched($gateway, "$base/ok?again=3"), qr/status=200/, 'a response may take several fetches');
is(scalar(grep { /again=/ } requests()), 4, 'each of them sent once');
like(fetched($gateway, "$base/bytes/262144"), qr/status=200 .*length=262144/, 'an answer of 256 KiB');

# What is no answer: the router learns that, and the other server was asked once.
my $failed = qr/^status= headers= length= body=$/;
foreach my $case (
	[ 'bytes/262145', 'an answer that is too large by a byte' ],
	[ 'bytes/10000000', 'an answer of 10 MB' ],
	[ 'unannounced/10000000', 'an answer of 10 MB without a length' ],
	[ 'endless', 'an endless answer' ],
	[ 'headers', 'endless headers' ],
	[ 'interim', 'endless interim answers' ],
	[ 'nul', 'a zero byte' ],
	[ 'latin1', 'a body that is not UTF-8' ],
	[ 'truncated', 'a body that ends early' ],
	[ 'garbage', 'an answer that is not HTTP' ],
	[ 'close', 'no answer at all' ],
	[ 'drip', 'an answer that comes byte by byte', 5000 ],
	[ 'sleep/60', 'an answer that is late', 5000 ])
{
	my ($path, $name, $timeout) = @$case;
	my $before = requests();
	like(fetched($gateway, "$base/$path", timeout => $timeout, method => 'POST', body => 'a=b'), $failed,
		"$name is not passed on as an answer");
	is(scalar(requests()) - $before, 1, "$name: asked once");
}
like(fetched($gateway, "https://localhost:1/"), $failed, 'no server');
like(fetched($gateway, 'https://does-not-exist.invalid/'), $failed, 'no such name');
like(fetched($gateway, "https://127.0.0.1:$port/ok"), $failed, 'a certificate of another name');
like(fetched($gateway, "https://a:b\@localhost:$port/ok"), $failed, 'a URL with a user');
my $count = requests();
foreach my $url ("http://localhost:$port/ok", 'file:///etc/passwd', "ftp://localhost:$port/ok",
	"gopher://localhost:$port/ok", '/etc/passwd', '%00', '-')
{
	like(fetched($gateway, $url), $failed, "not fetched: $url");
}
is(scalar(requests()), $count, 'none of these reached the other server');
like(exchange($gateway, "GET /fetch HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"),
	qr/status= headers= length= body=$/, 'not fetched: no URL');
like(slurp_file($gateway->{errors}), qr/^authfort-gateway: fetch from localhost:$port failed: /m,
	'failures are in the log');
unlike(slurp_file($gateway->{errors}), qr/eDp5|again=|grant=/, 'without what was sent');

# Without the flag, nothing inside can be reached, however it is written.
my $strict = Gateway->new('strict', $node, @trust);
my $untrusting = Gateway->new('untrusting', $node, '--allow-fetch-to=127.0.0.0/8,::1/128');
foreach my $host (qw(localhost 127.0.0.1 127.1 2130706433 0x7f000001 0.0.0.0 [::1] [::ffff:127.0.0.1]
	[::ffff:7f00:1] [::127.0.0.1] [64:ff9b::127.0.0.1] [::]))
{
	like(fetched($strict, "https://$host:$port/ok", timeout => 3000), $failed,
		"an internal address is not fetched from: $host");
}
like(fetched($untrusting, "$base/ok"), $failed, 'nor with a certificate of an unknown authority');
is(scalar(requests()), $count, 'no request went out');
like(slurp_file($strict->{errors}), qr/failed: its address \S+ is not public$/m, 'the log says why');
like(slurp_file($untrusting->{errors}), qr/failed: .*certificate/mi, 'and here');
$strict->stop;
$untrusting->stop;

# While another server is slow, neither connections nor the queue are held.
my @slow = map { send_to($gateway,
	"GET /fetch?$base/gate/slow?n=$_ HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n") } 1 .. 50;
poll('all of them are sent', sub { scalar(grep { m{/gate/slow\?n=} } requests()) == 50 });
# now and then the gateway sees whether one is alive
ok(poll('no connection', sub { $node->safe_psql('app',
	q{SELECT count(*) FROM pg_stat_activity WHERE usename = 'gateway' AND state <> 'idle'}) eq '0' }),
	'no connection is held');
is($node->safe_psql('app', q{SELECT count(*) FROM call WHERE what = 'GET /fetch'}) >= 50, 1,
	'what came before the fetch is committed');
like(exchange($gateway, "GET /plain HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"), qr/plain$/,
	'other requests are served');
is($node->safe_psql('app', q{SELECT count(*) FROM call WHERE what LIKE 'resume %/gate/slow%'}), '0',
	'before any of these');
open_gate('slow');
is(scalar(grep { answer($_) =~ /status=200/ } @slow), 50, 'all of these are answered');

# More than --max-fetches are refused at once.
my $small = Gateway->new('small', $node, @trust, '--allow-fetch-to=127.0.0.0/8,::1/128', '--max-fetches=1');
my $one = send_to($small, "GET /fetch?$base/gate/small?small HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
poll('it is sent', sub { grep { m{\?small} } requests() });
like(fetched($small, "$base/ok"), qr/^HTTP\S+ 503 .*Retry-After.*server_busy/s, 'one more is refused');
open_gate('small');
like(answer($one), qr/status=200/, 'the first is answered');
like(fetched($small, "$base/ok"), qr/status=200/, 'and then there is room');
$small->stop;

# One host that does not answer leaves room for others.
my $shared = Gateway->new('shared', $node, @trust, '--allow-fetch-to=127.0.0.0/8,::1/128', '--max-fetches=4');
my @held = map { send_to($shared,
	"GET /fetch?$base/gate/shared?shared=$_ HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n") } 1 .. 3;
poll('three of four are at one host', sub { scalar(grep { m{\?shared=} } requests()) == 3 });
$count = requests();
foreach my $same ($base, "https://LOCALHOST:$port")
{
	like(fetched($shared, "$same/ok"), qr/^HTTP\S+ 503 .*Retry-After.*server_busy/s, "no fourth goes to it, as $same");
}
is(scalar(requests()), $count, 'neither was sent');
like(fetched($shared, "https://127.0.0.1:$port/ok"), $failed, 'but one goes to another host');
like(slurp_file($shared->{errors}), qr/fetch from 127\.0\.0\.1:$port failed: .*certificate/i,
	'whose certificate is looked at');
open_gate('shared');
is(scalar(grep { answer($_) =~ /status=200/ } @held), 3, 'the three are answered');
like(fetched($shared, "$base/ok"), qr/status=200/, 'and then there is room for this host');
$shared->stop;

# A client that has gone.
my $gone = send_to($gateway, "GET /fetch?$base/gate/gone?gone HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
poll('its fetch is sent', sub { grep { m{\?gone} } requests() });
close $gone;
open_gate('gone');
poll('its request goes on', sub { $node->safe_psql('app',
	q{SELECT count(*) FROM call WHERE what LIKE 'resume %gone'}) eq '1' });
like(fetched($gateway, "$base/ok"), qr/status=200/, 'the gateway goes on');

# SIGTERM: what has begun is finished, or given up once the time is over.
my $last = send_to($gateway, "GET /fetch?$base/gate/last?last HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
poll('it is sent', sub { grep { m{\?last} } requests() });
$gateway->terminate;
open_gate('last');
like(answer($last), qr/status=200/, 'a fetch that has begun is finished');
is($gateway->wait, 0, 'then the gateway ends');
my $hasty = Gateway->new('hasty', $node, @trust, '--allow-fetch-to=127.0.0.0/8,::1/128', '--shutdown-timeout=0');
$last = send_to($hasty, "GET /fetch?$base/gate/hasty?hasty HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
poll('it is sent', sub { grep { m{\?hasty} } requests() });
$hasty->terminate;
like(answer($last), qr/^HTTP\S+ 503 .*service_unavailable/s, 'after --shutdown-timeout the client gets 503');
is($hasty->wait, 0, 'and the gateway ends');
is($node->safe_psql('app', q{SELECT count(*) FROM call WHERE what LIKE 'resume %hasty'}), '0',
	'the router is not asked again');

# Options.
foreach my $case (
	[ '--allow-fetch-to=10.0.0.1', 'an address is no network' ],
	[ '--allow-fetch-to=10.0.0.0/33', 'a length' ],
	[ '--allow-fetch-to=10.0.0.0/8;', 'a list' ],
	[ "--fetch-ca-file=$dir/none", 'a file' ],
	[ '--max-fetches=-1', 'a number' ])
{
	my ($option, $name) = @$case;
	command_exit_is([ './gateway/authfort-gateway', $option ], 2, "refused: $name");
}

# The verdicts on addresses.
system_or_bail('cc', '-Wall', '-Werror', '-D_GNU_SOURCE', '-Igateway', '-o', "$dir/verdicts",
	't/lib/address_verdicts.c', 'gateway/address.c');
sub verdicts
{
	my ($networks, @addresses) = @_;
	my ($out, $err) = run_command([ "$dir/verdicts", $networks, @addresses ]);
	return { map { my ($address, $verdict) = split / /, $_, 2; $address => $verdict } split /\n/, $out };
}
my @public = qw(1.1.1.1 8.8.8.8 9.255.255.255 11.0.0.0 100.63.255.255 100.128.0.0 126.255.255.255 128.0.0.0
	168.63.129.15 169.253.255.255 169.255.0.0 172.15.255.255 172.32.0.0 192.0.1.0 192.167.255.255 192.169.0.0
	198.17.255.255 198.20.0.0 203.0.112.255 223.255.255.255 2001:200:: 2606:4700::1111 2a00:1450:4001::1
	2620:4f:8000:: 3ffe:: ::ffff:8.8.8.8 64:ff9b::8.8.8.8);
my @internal = qw(0.0.0.0 0.255.255.255 10.0.0.0 10.255.255.255 100.64.0.0 100.127.255.255 127.0.0.1
	127.255.255.255 168.63.129.16 169.254.169.254 172.16.0.0 172.31.255.255 192.0.0.8 192.0.2.1 192.88.99.1
	192.168.0.0 192.168.255.255 198.18.0.0 198.19.255.255 198.51.100.1 203.0.113.255 224.0.0.1 239.255.255.255
	240.0.0.0 255.255.255.255 :: ::1 ::127.0.0.1 ::8.8.8.8 ::ffff:10.0.0.1 ::ffff:169.254.169.254
	::ffff:0:8.8.8.8 64:ff9b::10.0.0.1 64:ff9b::127.0.0.1 64:ff9b:1::8.8.8.8 100::1 2001::1 2001:0:4136::1
	2001:10:: 2001:20:: 2001:1ff:ffff:: 2001:db8::1 2002:808:808:: 3fff::1 3fff:fff:: 4000:: 5f00::1 fc00::1
	fd00:ec2::254 fe80::1 fec0::1 ff02::1 1fff:ffff::);
my $verdict = verdicts('', @public, @internal);
is($verdict->{$_}, 'public', "$_ is public") foreach @public;
is($verdict->{$_}, 'internal', "$_ is internal") foreach @internal;
my @in = qw(10.1.2.3 ::ffff:10.1.2.3 192.0.2.128 fd00:1::5 8.8.8.8);
my @out = qw(11.0.0.0 192.0.2.127 fd00:2:: ::10.1.2.3 64:ff9b::10.1.2.3 8.8.8.9);
$verdict = verdicts('10.0.0.0/8,192.0.2.128/25 , fd00:1::/32,8.8.8.8/32', @in, @out);
like($verdict->{$_}, qr/ listed$/, "$_ is in the list") foreach @in;
unlike($verdict->{$_}, qr/ listed$/, "$_ is not in the list") foreach @out;
foreach my $case ([ '', 'list' ], [ '0.0.0.0/0,::/0', 'list' ], [ ' 10.0.0.0/8 ', 'list' ], [ ',', 'no list' ],
	[ '10.0.0.0/8,,::/0', 'no list' ],
	[ '10.0.0.0', 'no list' ], [ '10.0.0.0/', 'no list' ], [ '10.0.0.0/33', 'no list' ], [ '::/129', 'no list' ],
	[ '10.0.0/8', 'no list' ],
	[ '10.0.0.0/-1', 'no list' ], [ '10.0.0.0/8x', 'no list' ], [ '10.0.0.0/8 x', 'no list' ],
		[ 'a' x 1000, 'no list' ])
{
	my ($text, $expected) = @$case;
	my ($out) = run_command([ "$dir/verdicts", $text ]);
	is($out, $expected, "a list of networks or not: $text");
}

kill 'TERM', $server_pid;
close $server;
done_testing();
