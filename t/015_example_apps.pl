# examples/fastapi, as it is there, over HTTP; t/042_node_client.pl runs examples/express.
use strict;
use warnings FATAL => 'all';

use AuthfortNode qw(create_database start_node unused_port);
use HTTP::Tiny;
use IO::Socket::INET;
use JSON::PP;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

use Gateway qw(poll);

my $node = start_node('main', database => undef, conf => <<'CONF');
authfort.cookies = on
CONF
my $http = HTTP::Tiny->new(timeout => 30);

my $name = 'fastapi';
create_database($node, $name);
$node->command_ok([ 'psql', '-X', '-q', '-v', 'ON_ERROR_STOP=1', '-f', "examples/$name/schema.sql",
	$node->connstr($name) ], "$name: schema.sql can be installed");

my $port = unused_port();
my $log = $node->basedir . "/$name.log";
my $server = fork() // die;
if ($server == 0)
{
	$ENV{DATABASE_URL} = $node->connstr($name) . ' user=todo_app';
	$ENV{ADMIN_DATABASE_URL} = $node->connstr($name) . ' user=todo_admin';
	$ENV{PYTHONPATH} = 'clients/python';
	$ENV{PYTHONDONTWRITEBYTECODE} = 1;
	open STDOUT, '>', $log or die;
	open STDERR, '>&', \*STDOUT or die;
	exec '/usr/bin/python3', '-m', 'uvicorn', '--app-dir', "examples/$name", '--host', '127.0.0.1', '--port', $port,
		'app:app';
}
poll("$name answers", sub {
	waitpid($server, 1) == 0 or die slurp_file($log);
	IO::Socket::INET->new(PeerAddr => '127.0.0.1', PeerPort => $port);
});
try_it("http://127.0.0.1:$port");
kill 'TERM', $server;
waitpid $server, 0;

sub try_it
{
	my ($at) = @_;
	my $ask = sub {
		my ($method, $path, $headers, $body) = @_;
		my %headers = (%{ $headers // {} }, defined $body ? ('content-type' => 'application/json') : ());
		return $http->request($method, $at . $path, { headers => \%headers, content => $body // '' });
	};
	my %by;
	foreach my $user (qw(ada bob))
	{
		my $r = $ask->('POST', '/auth/signup', {}, qq({"email": "$user\@example.com", "password": "correct horse"}));
		is($r->{status}, 201, "$name: $user signs up");
		is(scalar @{ $r->{headers}{'set-cookie'} // [] }, 2, "$name: $user gets two cookies at sign-up");
		$by{$user} = { authorization => 'Bearer ' . decode_json($r->{content})->{tokens}{access_token} };
		is(decode_json($ask->('GET', '/auth/me', $by{$user})->{content})->{email}, "$user\@example.com",
			"$name: $user reads /auth/me");
		is($ask->('POST', '/todo', $by{$user}, qq({"title": "of $user"}))->{status}, 201, "$name: $user inserts a row");
		is_deeply([ map { $_->{title} } @{ decode_json($ask->('GET', '/todo', $by{$user})->{content}) } ],
			["of $user"], "$name: $user reads only the own rows");
	}
	# either no rows, or no answer at all
	like($ask->('GET', '/todo')->{content}, qr/^\[\]$|token_missing/, "$name: a stranger reads nothing");
	is($ask->('POST', '/todo', {}, '{"title": "x"}')->{status}, 401, "$name: a stranger cannot write");
	is($ask->('GET', '/todo', { authorization => 'Bearer x' })->{status}, 401, "$name: an invalid token is refused");
	like($ask->('GET', '/todo', { authorization => 'Bearer x' })->{headers}{'www-authenticate'}, qr/invalid_token/,
		"$name: the refusal of an invalid token has WWW-Authenticate");
	my $cookie = { cookie => 'access_token=' . $by{ada}{authorization} =~ s/Bearer //r };
	is(decode_json($ask->('GET', '/todo', $cookie)->{content})->[0]{title}, 'of ada',
		"$name: a cookie identifies the user");
	is($ask->('GET', '/.well-known/jwks.json')->{headers}{'cache-control'}, 'public, max-age=3600',
		"$name: the key set is served and may be cached");
	is($ask->('POST', '/auth/login', {}, '{"email": "ada@example.com", "password": "wrong"}')->{status}, 401,
		"$name: a wrong password gets 401");
	is($ask->('POST', '/auth/login', {}, "{\"email\": \"\xff\", \"password\": \"x\"}")->{status}, 400,
		"$name: a body that is not UTF-8 gets 400");
	is($ask->('POST', '/auth/login', {}, "{\"email\": \"\0\", \"password\": \"x\"}")->{status}, 400,
		"$name: a zero byte in a body gets 400");
	like($ask->('OPTIONS', '/auth/login')->{content}, qr/method_not_allowed/, "$name: OPTIONS reaches the router");
	is($ask->('PUT', '/auth/me', $by{ada})->{status}, 405, "$name: a wrong method gets 405");
	is($ask->('GET', '/auth/admin/users?query=a%20b', $by{ada})->{status}, 403,
		"$name: a query string reaches the router");
	is($ask->('POST', '/auth/logout', $by{ada}, '{}')->{status}, 204, "$name: logout succeeds");
	$node->safe_psql($name, "SELECT authfort.revoke_sessions(id) FROM authfort.users WHERE email = 'ada\@example.com'");
	is($ask->('GET', '/todo', $by{ada})->{status}, 401, "$name: a revoked session is refused at once");
	is(decode_json($ask->('GET', '/todo', $by{bob})->{content})->[0]{title}, 'of bob',
		"$name: the session of another user is still accepted");
}

$node->stop;
done_testing();
