# clients/node by HTTP: the same to-do list with Express and with Fastify; and examples/express.
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

my $modules = PostgreSQL::Test::Utils::tempdir() . '/node';

# npm may fail now and then.
sub try_thrice
{
	my ($command) = @_;
	foreach (1 .. 3)
	{
		return 1 if system($command) == 0;
	}
	return 0;
}

# Debian's modules, or those of npm where Debian's do not go together with the nodejs that is there.
sub find_modules
{
	my (@names) = @_;
	mkdir $_ foreach $modules, "$modules/node_modules";
	my @debian = grep { -d "/usr/share/nodejs/$_" } @names;
	return system(qq{cd '$modules' && ln -s @{[ map { "/usr/share/nodejs/$_" } @names ]} node_modules/}) == 0
	  if @debian == @names;
	local @ENV{qw(HOME npm_config_cache)} = ($modules, "$modules/cache");
	return try_thrice("cd '$modules' && timeout 120 npm install --no-audit --no-fund --loglevel=error @names "
		. '>npm.log 2>&1');
}

plan skip_all => 'NOT TESTED: clients/node, since there is no node' if system('node --version >/dev/null 2>&1') != 0;
my @frameworks = grep { my $framework = $_; find_modules('pg', $framework) } qw(express fastify);
if (!@frameworks)
{
	diag('NOT TESTED: clients/node, since neither Debian nor npm has pg with express or fastify here');
	plan skip_all => 'node has no modules pg and express or fastify';
}
diag("NOT TESTED: clients/node with fastify, which npm does not have here") if @frameworks < 2;
system("cp -r clients/node '$modules/node_modules/authfort-postgresql'") == 0 or die;

is(slurp_file('clients/node/LICENSE'), slurp_file('LICENSE'), 'the package has the license with it');

my $unit_tests = decode_json(slurp_file('clients/node/package.json'))->{scripts}{test};
is(system("cd '$modules/node_modules/authfort-postgresql' && { $unit_tests; } >'$modules/unit.log' 2>&1"), 0,
	'the unit tests of the package pass') or diag(slurp_file("$modules/unit.log"));

# The compiler and the types of the frameworks are npm's alone; they arrive while the other tests run.
my $types = "$modules/types";
my @typed = qw(typescript@5 @types/node@18 @types/pg @types/express@4 express@4 fastify@5 pg);
mkdir $types;
my $installing = fork() // die;
if ($installing == 0)
{
	@ENV{qw(HOME npm_config_cache)} = ($types, "$types/cache");
	chdir $types;
	exec "echo '{\"type\": \"module\"}' >package.json && "
		. "for try in 1 2 3; do timeout 300 npm install --no-audit --no-fund --loglevel=error @typed >npm.log 2>&1 "
		. "&& exit 0; done; exit 1";
}

sub check_types
{
	waitpid $installing, 0;
	if ($? != 0)
	{
		die slurp_file("$types/npm.log")
		  if system('curl -sfo /dev/null -m 30 https://registry.npmjs.org/typescript') == 0;
		diag('NOT TESTED: the types of clients/node, since npm cannot be reached');
		return;
	}
	system("cp -r clients/node '$types/node_modules/authfort-postgresql'; cp clients/node/test/types.ts '$types'");
	my $tsc = 'npx tsc --noEmit --strict --skipLibCheck false --module nodenext --target es2022';
	is(system("cd '$types' && $tsc types.ts >tsc.log 2>&1"), 0, 'the types fit an application of both frameworks')
	  or diag(slurp_file("$types/tsc.log"));
	return;
}

my $node = start_node('main', preload => 'authfort', database => undef, conf => "authfort.cookies = on\n");
my $http = HTTP::Tiny->new(timeout => 30);

sub start
{
	my ($framework, %environment) = @_;
	my $script = delete $environment{SCRIPT} // "$modules/node_modules/authfort-postgresql/test/todo.mjs";
	my $port = unused_port();
	my $log = $node->basedir . "/$framework.log";
	my $pid = fork() // die;
	if ($pid == 0)
	{
		@ENV{qw(PGHOST PGPORT PGDATABASE PGUSER PORT), keys %environment} =
		  ($node->host, $node->port, $framework, 'todo_app', $port, values %environment);
		open STDOUT, '>', $log or die;
		open STDERR, '>&', \*STDOUT or die;
		exec 'node', $script, $framework, $port;
	}
	poll("$framework answers", sub {
		waitpid($pid, 1) == 0 or die slurp_file($log);
		IO::Socket::INET->new(PeerAddr => '127.0.0.1', PeerPort => $port);
	});
	return { pid => $pid, at => "http://127.0.0.1:$port", port => $port, log => $log };
}

sub stop { my ($server) = @_; kill 'TERM', $server->{pid}; waitpid $server->{pid}, 0; return; }

sub ask
{
	my ($server, $method, $path, $headers, $body) = @_;
	my %headers = (defined $body ? ('content-type' => 'application/json') : (), %{ $headers // {} });
	return $http->request($method, $server->{at} . $path, { headers => \%headers, content => $body // '' });
}

# The same for a header that HTTP::Tiny would not send; only the code.
sub code_of_raw
{
	my ($server, $path, $header) = @_;
	my $socket = IO::Socket::INET->new(PeerAddr => '127.0.0.1', PeerPort => $server->{port}) or die;
	print $socket "GET $path HTTP/1.1\r\nHost: x\r\nConnection: close\r\n$header\r\n\r\n";
	my ($head, $content) = split /\r\n\r\n/, do { local $/; <$socket> }, 2;
	my ($status) = $head =~ m{^HTTP/1.1 (\d+)};
	return code({ status => $status, content => $content });
}

sub code { my ($response) = @_; return "$response->{status} "
	. (eval { decode_json($response->{content})->{detail}{error} } // ''); }

sub try_routes
{
	my ($name, $server) = @_;
	my %by;
	foreach my $user (qw(ada bob))
	{
		my $r = ask($server, 'POST', '/auth/signup', {},
			qq({"email": "$user\@example.com", "password": "correct horse"}));
		is($r->{status}, 201, "$name: $user signs up");
		is(scalar @{ $r->{headers}{'set-cookie'} // [] }, 2, "$name: the response sets two cookies");
		$by{$user} = { authorization => 'Bearer ' . decode_json($r->{content})->{tokens}{access_token} };
		is(decode_json(ask($server, 'GET', '/auth/me', $by{$user})->{content})->{email}, "$user\@example.com",
			"$name: /auth/me is the user");
		is(decode_json(ask($server, 'GET', '/profile', $by{$user})->{content})->{email}, "$user\@example.com",
			"$name: currentUser is the same user");
		is(ask($server, 'POST', '/todo', $by{$user}, qq({"title": "of $user"}))->{status}, 201,
			"$name: $user adds a row");
		is_deeply([ map { $_->{title} } @{ decode_json(ask($server, 'GET', '/todo', $by{$user})->{content}) } ],
			["of $user"],
			"$name: withIdentity shows ${user}'s own rows only");
	}
	is(code(ask($server, 'GET', '/profile')), '401 token_missing', "$name: without a token, currentUser refuses");
	is(code(ask($server, 'GET', '/editors', $by{ada})), '403 insufficient_role',
		"$name: requireRole refuses other roles");
	$node->safe_psql($name, "SELECT authfort.add_role(id, 'editor', false) FROM authfort.users "
		. "WHERE email LIKE 'ada%'");
	is(ask($server, 'GET', '/editors', $by{ada})->{content}, '["editor"]', "$name: a current role is enough");
	is(ask($server, 'GET', '/todo')->{content}, '[]', "$name: a request without a token sees no rows");
	my $bad = ask($server, 'GET', '/todo', { authorization => 'Bearer x' });
	is(code($bad), '401 token_invalid', "$name: an invalid token is refused");
	like($bad->{headers}{'www-authenticate'}, qr/invalid_token/, "$name: with a challenge");
	foreach my $wrong ("$by{ada}{authorization} x", "$by{ada}{authorization}\xff", 'Bearer x y')
	{
		is(code_of_raw($server, $_, "Authorization: $wrong"), '401 token_invalid',
			"$name: $_ refuses what is only partly a token")
		  foreach qw(/auth/me /profile /todo);
	}
	my $cookie = 'access_token=' . $by{ada}{authorization} =~ s/Bearer //r;
	is(decode_json(ask($server, 'GET', '/todo', { cookie => $cookie })->{content})->[0]{title}, 'of ada',
		"$name: the access cookie gives the identity");
	is(decode_json(ask($server, 'GET', '/todo', { cookie => "access_token=x; $cookie" })->{content})->[0]{title},
		'of ada',
		"$name: an invalid cookie does not hide a valid one");
	foreach my $broken ("other=\xff", "access_token=\xff", "\xa0access_token=x")
	{
		is(code_of_raw($server, $_, "Cookie: $broken; $cookie"), '200 ',
			"$name: a cookie that is not UTF-8 does not hide a valid one from $_")
		  foreach qw(/auth/me /profile /todo);
	}
	is(code(ask($server, 'POST', '/todo', { cookie => $cookie, origin => 'https://evil.example' }, '{"title": "x"}')),
		'403 origin_not_allowed', "$name: a page of another site cannot write by the cookie");
	is(ask($server, 'POST', '/todo', { cookie => $cookie, 'sec-fetch-site' => 'same-origin' },
		'{"title": "y"}')->{status}, 201,
		"$name: a page of the same origin can");
	is(ask($server, 'GET', '/.well-known/jwks.json')->{headers}{'cache-control'}, 'public, max-age=3600',
		"$name: the JWK Set is at the root");
	is(code(ask($server, 'POST', '/auth/login', {}, '{"email": "ada@example.com", "password": "wrong"}')),
		'401 invalid_credentials', "$name: a wrong password");
	is(ask($server, 'POST', '/auth/login', {}, "{\"email\": \"\xff\", \"password\": \"x\"}")->{status}, 400,
		"$name: a body that is not UTF-8");
	is(ask($server, 'POST', '/auth/login', {}, "{\"email\": \"\0\", \"password\": \"x\"}")->{status}, 400,
		"$name: a body with a zero byte");
	is(code(ask($server, 'POST', '/auth/login', {}, '{"email": "' . 'x' x 70_000 . '"}')), '413 body_too_large',
		"$name: a body that is too large");
	is(code(ask($server, 'GET', '/auth/admin/users?query=a%20b', $by{ada})), '403 insufficient_role',
		"$name: an admin route");
	is(code(ask($server, 'GET', '/auth/nothing')), '404 not_found', "$name: an unknown route");
	is(ask($server, 'GET', '/fail', $by{ada})->{content}, '{"error":"internal"}',
		"$name: other errors are the application's");
	is(ask($server, 'GET', '/go-on', $by{ada})->{content}, '{"error":"internal"}',
		"$name: what was rolled back is no success");
	is(ask($server, 'GET', '/leave', $by{ada})->{content}, '"left"', "$name: a caller leaves a temporary table");
	is(ask($server, 'GET', '/todo')->{content}, '[]', "$name: which hides nothing from the next one");
	is(ask($server, 'POST', '/auth/logout', $by{ada}, '{}')->{status}, 204, "$name: logging out");
	$node->safe_psql($name, "SELECT authfort.revoke_sessions(id) FROM authfort.users WHERE email = 'ada\@example.com'");
	is(code(ask($server, 'GET', '/todo', $by{ada})), '401 token_version_mismatch',
		"$name: a revoked session ends at once");
	my $eve = decode_json(ask($server, 'POST', '/auth/signup', {},
		'{"email": "eve@example.com", "password": "correct horse"}')->{content});
	$node->safe_psql($name, "SELECT authfort.ban_user('$eve->{user}{id}')");
	is(code(ask($server, 'GET', $_, { authorization => "Bearer $eve->{tokens}{access_token}" })), '403 user_banned',
		"$name: $_ refuses a banned user")
	  foreach qw(/auth/me /profile /todo);
	return $by{bob};
}

# More requests than the pool has connections, some of whose clients leave.
sub try_failures
{
	my ($name, $server, $bearer) = @_;
	my $token = $bearer->{authorization};
	foreach (1 .. 8)
	{
		my $socket = IO::Socket::INET->new(PeerAddr => '127.0.0.1', PeerPort => $server->{port}) or die;
		print $socket "POST /auth/login HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
			. "Content-Length: 100\r\n\r\n{";
		close $socket;
	}
	is(ask($server, 'GET', '/todo', $bearer)->{status}, 200, "$name: clients that leave hold no connection");

	$node->stop('immediate');
	is(code(ask($server, 'GET', '/auth/me', $bearer)), '503 service_unavailable', "$name: the database is away");
	is(code(ask($server, 'GET', '/todo', $bearer)), '503 service_unavailable', "$name: for rows as well");
	$node->start;
	poll("$name works again", sub { ask($server, 'GET', '/todo', $bearer)->{status} == 200 });
	is(ask($server, 'GET', '/profile', $bearer)->{status}, 200, "$name: the database is back");

	unlike(slurp_file($server->{log}), qr/\Q$token\E|correct horse/, "$name: its log has no secret");
	return;
}

sub try_example
{
	system("cp -r examples/express '$modules/example'") == 0 or die;
	my $server = start('express', SCRIPT => "$modules/example/app.js");
	my $login = ask($server, 'POST', '/auth/login', {}, '{"email": "bob@example.com", "password": "correct horse"}');
	my $bearer = { authorization => 'Bearer ' . decode_json($login->{content})->{tokens}{access_token} };
	is(ask($server, 'POST', '/todo', $bearer, '{"title": "more"}')->{status}, 201, 'the example adds a row');
	is_deeply([ map { $_->{title} } @{ decode_json(ask($server, 'GET', '/todo', $bearer)->{content}) } ],
		[ 'of bob', 'more' ], 'the example shows a user their own rows');
	is(ask($server, 'GET', '/todo')->{content}, '[]', 'the example shows a stranger no rows');
	is(ask($server, 'POST', '/todo', {}, '{"title": "x"}')->{status}, 401, 'the example lets no stranger add rows');
	foreach my $wrong ('{bad', '{}', '[]', '"x"', '{"title": null}', '{"title": {}}', '{"title": "\\u0000"}')
	{
		my $r = ask($server, 'POST', '/todo', $bearer, $wrong);
		is($r->{status}, 400, "the example refuses $wrong");
		unlike($r->{content}, qr/app\.js|node_modules|INSERT/, 'and shows nothing of its inside');
	}
	stop($server);
	return;
}

# The example as its README says.  npm makes links to folders, unless it is told not to, and from where a link leads,
# the packages that were installed with it are not found.
sub check_install
{
	my $copy = PostgreSQL::Test::Utils::tempdir() . '/copy';
	system("mkdir -p '$copy/clients' '$copy/examples' && cp -r clients/node '$copy/clients' && "
		. "cp -r examples/express '$copy/examples'") == 0 or die;
	my $package = decode_json(slurp_file("$copy/examples/express/package.json"));
	my $own = delete $package->{dependencies}{'authfort-postgresql'};
	open my $file, '>', "$copy/examples/express/package.json" or die;
	print $file encode_json({ %$package, dependencies => { 'authfort-postgresql' => $own } });
	close $file;
	local @ENV{qw(HOME npm_config_cache)} = ($copy, "$copy/cache");
	is(system("cd '$copy/examples/express' && npm install --offline --legacy-peer-deps --no-audit --no-fund "
		. ">'$copy/npm.log' 2>&1"), 0, 'npm installs the package from its folder')
	  or diag(slurp_file("$copy/npm.log"));
	my $installed = "$copy/examples/express/node_modules/authfort-postgresql";
	ok(-f "$installed/lib/index.js" && !-l $installed, 'as a copy, beside the other packages');
	return;
}

SKIP:
{
	skip 'NOT TESTED: how npm installs clients/node, since there is no npm', 2
	  if system('npm --version >/dev/null 2>&1') != 0;
	check_install();
}

foreach my $framework (@frameworks)
{
	create_database($node, $framework);
	$node->safe_psql('postgres', 'DROP ROLE IF EXISTS todo_app');
	$node->command_ok([ 'psql', '-X', '-q', '-v', 'ON_ERROR_STOP=1', '-f', 'examples/express/schema.sql',
		$node->connstr($framework) ], "$framework: schema.sql");
	my $server = start($framework);
	my $bearer = try_routes($framework, $server);
	try_failures($framework, $server, $bearer);
	stop($server);
	if ($framework eq 'express')
	{
		$server = start($framework, PARSER_FIRST => 1);
		is(ask($server, 'POST', '/auth/login', {},
			'{"email": "bob@example.com", "password": "correct horse"}')->{status}, 200,
			'express: a parser before the router');
		stop($server);
		try_example();
	}
	$node->safe_psql($framework, 'DROP TABLE todo; DROP OWNED BY todo_app');
	$node->safe_psql('postgres', "DROP DATABASE $framework WITH (FORCE)");
}

$node->stop;

check_types();
done_testing();
