# Hostile input: the kept inputs of the fuzzers, replayed under sanitizers, and
# random requests to the router and to the gateway.
use strict;
use warnings FATAL => 'all';

use AuthfortNode qw(start_node);
use Cwd          qw(abs_path);
use IO::Select;
use IO::Socket::INET;
use JSON::PP;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use Time::HiRes qw(sleep time);

# The same choices each time, unless a seed is given.
my $seed = $ENV{FUZZ_SEED} // 1;
my $requests = $ENV{FUZZ_REQUESTS} // 2000;
srand($seed);
note("FUZZ_SEED=$seed FUZZ_REQUESTS=$requests");

# The parsers that build without a server, and those that run in one.
is(system('make -s -C fuzz all >&2'), 0, 'the fuzz targets build with sanitizers');
foreach my $folder (sort glob('fuzz/corpus/*'))
{
	my ($target) = $folder =~ m{([^/]+)$};
	my @inputs = map { abs_path($_) } glob("$folder/*");
	my $replay = -e "fuzz/replay_$target" ? "fuzz/replay_$target" : "fuzz/run-in-server replay $target";
	like(scalar qx($replay @inputs 2>&1), qr/^@{[scalar @inputs]} inputs$/, "corpus of $target");
}

my $node = start_node('fuzz', conf => <<'CONF', sql => 'CREATE ROLE gateway LOGIN IN ROLE authfort_http');
authfort.cookies = on
log_statement = none
CONF
my ($signed_up, $access, @pieces);

sub pick { return $_[ int rand @_ ]; }

# Bytes that parsers are known to stumble over, and the tokens and ids of a new admin.
sub begin
{
	$signed_up = decode_json($node->safe_psql('app', <<'SQL'));
DELETE FROM authfort.users;
SELECT FROM authfort.create_user('a@example.com', 'correct horse', roles => '{admin}');
SELECT authfort.login('a@example.com', 'correct horse');
SQL
	$access = $signed_up->{tokens}{access_token};
	@pieces = ('', ' ', '"', '\\', '{', '}', '[', ']', ':', ',', ';', '=', '%', '%00', '%ff', '/', '..', '?', '#', '+',
		'&', '\'', '$1',
		'null', 'true', '-0', '1e999999', '9' x 400, '\\u0000', '\\ud800', '\\u00e9', "\x{e9}", "\x{1f600}",
			"\x{202e}", "\x{feff}", "\x01", "\t", "\n", "\r",
		'a' x 300, '[' x 40, 'authfort', 'a@example.com', 'correct horse', 'Bearer ', 'access_token=',
			'refresh_token=',
		$access, $signed_up->{tokens}{refresh_token}, $signed_up->{user}{id}, '00000000-0000-0000-0000-000000000000');
}

sub mutate
{
	my ($text) = @_;
	foreach (1 .. 1 + int rand 4)
	{
		my $at = int rand(1 + length $text);
		my $how = int rand 4;
		if ($how == 0) { substr($text, $at, 0) = pick(@pieces); }
		elsif ($how == 1) { substr($text, $at, int rand 8) = ''; }
		elsif ($how == 2) { substr($text, $at, 1) = chr(1 + int rand 126) if $at < length $text; }
		else { substr($text, $at, 0) = substr($text, 0, int rand 40); }
	}
	return $text;
}

# Values that no field expects, and some that one does.
sub value
{
	my ($depth) = @_;
	my $kind = int rand($depth > 3 ? 5 : 7);
	return pick(@pieces) if $kind < 2;
	return pick('a@example.com', 'correct horse', $signed_up->{tokens}{refresh_token}) if $kind == 2;
	return pick(undef, JSON::PP::true, 0, -1, 1.5, 2**53) if $kind == 3;
	return mutate(pick(@pieces)) if $kind == 4;
	return [ map { value($depth + 1) } 1 .. int rand 4 ] if $kind == 5;
	return { map { pick(@fuzz::fields) => value($depth + 1) } 1 .. int rand 4 };
}

# Methods and paths as the router has them.
my @routes = split /[|\n]/, $node->safe_psql('app', 'SELECT method, path FROM authfort.routes()');
ok(@routes >= 12, 'the routes are known');
@fuzz::fields = qw(email password name avatar_url phone refresh_token token new_password old_password
  code role roles email_verified changes banned algorithm authfort);

sub body
{
	my $json = JSON::PP->new->canonical->allow_nonref;
	my $body = $json->encode({ map { $_ => value(0) } map { pick(@fuzz::fields) } 0 .. int rand 6 });
	return pick($body, $body, mutate($body), '', $json->encode(value(0)));
}

sub request
{
	my $route = 2 * int rand(@routes / 2);
	my ($method, $path) = @routes[ $route, $route + 1 ];
	$path =~ s/\{\w+\}/pick($signed_up->{user}{id}, 'x', pick(@pieces))/ge;
	$path = mutate($path) unless int rand 5;
	$method = pick(qw(GET HEAD POST PUT PATCH DELETE OPTIONS get), '', mutate($method)) unless int rand 8;
	my %headers = ('content-type' => 'application/json');
	$headers{authorization} = "Bearer $access" if int rand 2;
	$headers{cookie} = "access_token=$access; refresh_token=" . pick(@pieces) unless int rand 3;
	$headers{'user-agent'} = pick(@pieces) unless int rand 3;
	$headers{ pick(sort keys %headers) } = mutate($headers{ pick(sort keys %headers) }) unless int rand 3;
	my $query = pick(undef, '', join('&',
		map { pick(qw(query limit offset sort_by sort_order role banned deleted hard active_only skip max_users))
			. '=' . pick(@pieces, 1, 0, -1, 'true') } 0 .. int rand 4));
	return ($method, $path, $query, \%headers, body());
}

# To the router over SQL: every request gets a valid response of the router.
sub quoted
{
	my ($text) = @_;
	return 'NULL' unless defined $text;
	$text =~ s/'/''/g;
	return "'$text'";
}

my $script = $node->basedir . '/requests.sql';
my @lines;
my $raised = '';
# many requests end the admin's session, so each hundred has a new one
foreach my $round (1 .. $requests / 100)
{
	begin();
	open my $out, '>:encoding(UTF-8)', $script or die;
	foreach (1 .. 100)
	{
		my ($method, $path, $query, $headers, $body) = request();
		my $objects = int rand 4 ? $headers : [ map { { $_ => $headers->{$_} } } sort keys %$headers ];
		my $jsonb = pick((JSON::PP->new->canonical->encode($objects)) x 8, 'null', '[]',
			'[1, "x", [{}], {"authorization": 1}]', '"x"', undef);
		print $out 'SELECT status, jsonb_typeof(headers), body FROM authfort.http(' . join(', ',
			map { quoted($_) } $method, $path, $query, $jsonb, $body, pick(undef, '192.0.2.1', '2001:db8::1'))
				. ");\n";
	}
	close $out;
	my ($stdout, $stderr) = ('', '');
	# psql stops where its connection does
	IPC::Run::run([ 'psql', '-X', '-q', '-A', '-t', '-F', "\x1f", '-f', $script, '-d', $node->connstr('app')
		. ' user=gateway' ],
		'>', \$stdout, '2>', \$stderr);
	push @lines, split /\n/, $stdout;
	$raised .= $stderr;
}
is($raised, '', 'the router raises no error for any request');
is(scalar @lines, $requests, 'every request to the router is answered');
my %statuses;
my @strange;
foreach (@lines)
{
	my ($status, $type, $body) = split /\x1f/, $_, -1;
	$statuses{$status}++;
	push @strange, $_ unless $status =~ /^(2\d\d|4\d\d)$/ && $type eq 'array'
		&& ($body eq '' || eval { decode_json($body) });
}
is_deeply(\@strange, [], 'every answer of the router has a documented status and a JSON body');
note(join ' ', map { "$_: $statuses{$_}" } sort keys %statuses);
ok($statuses{200} && $statuses{401} && $statuses{404} && $statuses{405} && $statuses{422},
	'the requests met success and every kind of refusal');

# To the gateway over its socket: bytes that need not be HTTP.
my $errors = $node->basedir . '/gateway.err';
my $pid = fork() // die;
if ($pid == 0)
{
	open STDOUT, '>', '/dev/null' or die;
	open STDERR, '>', $errors or die;
	exec './gateway/authfort-gateway', '--listen', '127.0.0.1:0', '--pool-size', '2', '--connection-timeout', '1',
		'--dsn', $node->connstr('app') . ' user=gateway';
}
END { my $status = $?; kill 'KILL', $pid if $pid; $? = $status; }

sub exchange
{
	my ($port, $bytes) = @_;
	my $socket = IO::Socket::INET->new(PeerAddr => '127.0.0.1', PeerPort => $port, Timeout => 10) or return undef;
	local $SIG{PIPE} = 'IGNORE';
	syswrite $socket, $bytes;
	shutdown $socket, 1;
	my $answer = '';
	my $select = IO::Select->new($socket);
	while ($select->can_read(30))
	{
		return $answer unless sysread $socket, $answer, 65536, length $answer;
	}
	return undef;
}

my $port;
my $deadline = time + 60;
until ($port && (exchange($port,
	"GET /healthz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n") // '') =~ /^HTTP\/1.1 200 /)
{
	die 'the gateway does not start' if time > $deadline;
	sleep 0.05;
	($port) = -e $errors ? slurp_file($errors) =~ /^listening on \S+:(\d+)$/m : ();
}

my @noise = ("\r\n", "\n", "\0", "\xff\xfe", "\xc0\xaf", "Transfer-Encoding: chunked\r\n",
	"Content-Length: 99999999999999999999\r\n",
	"Content-Length: -1\r\n", "Content-Length: 5\r\nContent-Length: 6\r\n", "Expect: 100-continue\r\n", " folded\r\n",
		": x\r\n", "x\r\n",
	"HTTP/9.9", 'A' x 5000, "ffffffffffffffff\r\n", "0\r\n\r\n", "Cookie: a\0b\r\n");
my @odd;
begin();
foreach (1 .. $requests / 5)
{
	my ($method, $path, $query, $headers, $body) = request();
	my $bytes = "$method $path" . (defined $query ? "?$query" : '') . " HTTP/1.1\r\nHost: x\r\nConnection: close\r\n"
	  . join('', map { "$_: $headers->{$_}\r\n" } sort keys %$headers);
	utf8::encode($bytes);
	utf8::encode($body);
	$bytes .= 'Content-Length: ' . (length($body) + pick(0, 0, 0, 1, -1)) . "\r\n\r\n$body";
	substr($bytes, int rand length $bytes, int rand 3) = pick(@noise) foreach 1 .. int rand 4;
	my $answer = exchange($port, $bytes);
	# a body that never comes whole is waited for, so there may be no answer
	push @odd, [ $bytes, $answer ] unless defined $answer
		&& ($answer eq '' || $answer =~ /^HTTP\/1\.[01] (100|2\d\d|4\d\d|501|505) /);
}
is_deeply(\@odd, [], 'the gateway answers malformed HTTP with 4xx, or disconnects');
# which it sends within a second, or it is disconnected
my $after;
foreach (1 .. 10)
{
	$after = exchange($port, "GET /auth/me HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
	last if ($after // '') ne '';
}
like($after, qr/^HTTP\/1.1 401 /, 'the gateway answers requests after malformed ones');
is(waitpid($pid, 1), 0, 'the process of the gateway did not end');
unlike(slurp_file($errors), qr/Sanitizer|ERROR/, 'the log of the gateway has no error');
kill 'TERM', $pid;
waitpid $pid, 0;
is($?, 0, 'the gateway ends cleanly');
$pid = undef;
unlike(slurp_file($node->logfile), qr/terminated by signal|PANIC/, 'no backend crashed');
$node->stop;
done_testing();
