# examples/postgrest: the schema and the configuration of nginx, as they are there,
# with LikePostgREST in the place of PostgREST.
use strict;
use warnings FATAL => 'all';

use AuthfortNode qw(create_database start_node unused_port);
use HTTP::Tiny;
use IO::Socket::INET;
use JSON::PP;
use MIME::Base64 qw(encode_base64);
use POSIX ();
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

use Gateway qw(poll);
use LikePostgREST;

my $node = start_node('main', database => undef, conf => <<'CONF');
authfort.cookies = on
# without these, two routes below /.well-known/ have nothing to show
authfort.public_url = 'https://app.example.com'
authfort.webauthn_rp_id = 'app.example.com'
authfort.webauthn_origins = 'https://app.example.com, https://other.example'
CONF
create_database($node, 'todo');
$node->command_ok([ 'psql', '-X', '-q', '-v', 'ON_ERROR_STOP=1', '-f', 'examples/postgrest/schema.sql',
	$node->connstr('todo') ], 'the schema of the example can be installed');

# its settings, as far as LikePostgREST has them
my %conf = slurp_file('examples/postgrest/postgrest.conf') =~ /^([a-z-]+) = "?([^"\n]*)"?$/mg;
my ($user, $database) = $conf{'db-uri'} =~ m{^postgres://(\w+)@/(\w+)$};
my $listener = IO::Socket::INET->new(Listen => 10, LocalAddr => '127.0.0.1', ReuseAddr => 1) or die $!;
my $upstream = fork() // die;
if ($upstream == 0)
{
	# PostgreSQL's modules catch the signal, and stop their nodes at the end of any process
	$SIG{TERM} = 'DEFAULT';
	LikePostgREST->new(dsn => 'dbi:Pg:' . $node->connstr($database), user => $user, anon => $conf{'db-anon-role'},
		pre_request => $conf{'db-pre-request'}, schema => (split /, /, $conf{'db-schemas'})[0])->serve($listener);
	POSIX::_exit(1);
}

my $dir = PostgreSQL::Test::Utils::tempdir;
my $port = unused_port();
my $url = 'http://127.0.0.1:' . $listener->sockport;
my $nginx_conf = slurp_file('examples/postgrest/nginx.conf');
my $temp_paths = join '', map { "\t${_}_temp_path $dir;\n" } qw(client_body proxy fastcgi uwsgi scgi);
$nginx_conf =~ s{\bhttp \{\n}{http \{\n\taccess_log off;\n$temp_paths};
$nginx_conf =~ s{listen 8080}{listen 127.0.0.1:$port};
$nginx_conf =~ s{http://127.0.0.1:3000}{$url};
append_to_file("$dir/nginx.conf", $nginx_conf);
append_to_file("$dir/authfort_maps.conf", $node->safe_psql('todo', 'SELECT authfort.nginx_maps()'));
append_to_file("$dir/authfort_locations.conf", $node->safe_psql('todo', "SELECT authfort.nginx_locations('$url')"));
my $nginx = fork() // die;
exec '/usr/sbin/nginx', '-c', "$dir/nginx.conf", '-g', "daemon off; pid $dir/pid; error_log $dir/error.log;"
	if $nginx == 0;
my $http = HTTP::Tiny->new(timeout => 30);
my $at = "http://127.0.0.1:$port";
poll('nginx answers', sub { IO::Socket::INET->new(PeerAddr => '127.0.0.1', PeerPort => $port) });

sub ask
{
	my ($method, $path, $token, $body) = @_;
	my %headers = $token ? (authorization => "Bearer $token") : ();
	$headers{'content-type'} = 'application/json' if defined $body;
	return $http->request($method, $at . $path, { headers => \%headers, content => defined $body ? encode_json($body)
		: '' });
}

my %token;
foreach my $name (qw(ada bob))
{
	my $r = ask('POST', '/auth/signup', undef, { email => "$name\@example.com", password => 'correct horse' });
	is($r->{status}, 201, "$name signs up");
	is(scalar @{ $r->{headers}{'set-cookie'} }, 2, "$name gets two cookies at sign-up");
	$token{$name} = decode_json($r->{content})->{tokens}{access_token};
	is(decode_json(ask('GET', '/auth/me', $token{$name})->{content})->{email}, "$name\@example.com",
		"$name reads /auth/me");
	is(ask('POST', '/todo', $token{$name}, { title => "of $name" })->{status}, 201, "$name writes");
	is_deeply([ map { $_->{title} } @{ decode_json(ask('GET', '/todo', $token{$name})->{content}) } ], ["of $name"],
		"$name reads only the own rows");
}
is(ask('GET', '/todo')->{status}, 401, 'a stranger reads nothing');
is(ask('GET', '/auth/todo')->{status}, 404, 'an unknown path gets 404');
is(ask('POST', '/auth/me', $token{ada})->{status}, 404, 'a wrong method gets 404');
is(ask('HEAD', '/auth/me', $token{ada})->{status}, 200, 'HEAD is answered');
is(ask('GET', '/auth/me/', $token{ada})->{status}, 200, 'a trailing slash is accepted');
is(ask('DELETE', '/auth/sessions/', $token{ada})->{status}, 404, 'a DELETE with an empty id gets 404');
foreach my $path ('/auth/login', '/auth/admin/users/x/ban', '/.well-known/jwks.json')
{
	my $r = $http->request('OPTIONS', $at . $path,
		{ headers => { origin => 'https://app.example', 'access-control-request-method' => 'POST' } });
	is("$r->{status} " . ($r->{headers}{'access-control-allow-origin'} // ''), '200 *',
		"a preflight request for $path reaches PostgREST");
}
is(decode_json(ask('GET', '/.well-known/jwks.json')->{content})->{keys}[0]{use}, 'sig', 'the key set is served');
is(ask('GET', '/.well-known/jwks.json')->{headers}{'cache-control'}, 'public, max-age=3600',
	'the key set may be cached');

# each route leads to its function, whatever it says then
my %calls;
foreach my $route (split /\n/, $node->safe_psql('todo', 'SELECT name, method, path, access FROM authfort.routes()'))
{
	my ($name, $method, $path, $access) = split /\|/, $route;
	$path =~ s/\{\w+\}/x/g;
	my $r = ask($method, $path, undef, $method eq 'GET' ? undef : {});
	if ($access eq 'open') { isnt($r->{status}, 404, "$method $path reaches its function"); }
	else { is("$r->{status} " . (eval { decode_json($r->{content})->{detail}{error} } // $r->{content}),
		'401 token_missing', "$method $path reaches its function, which asks for a token"); }
}
$node->safe_psql('todo', "SELECT authfort.add_role(id, 'admin') FROM authfort.users WHERE email = 'ada\@example.com'");
my $admin = decode_json(ask('POST', '/auth/login', undef,
	{ email => 'ada@example.com', password => 'correct horse' })->{content})->{tokens}{access_token};
my $list = decode_json(ask('GET', '/auth/admin/users?query=bob', $admin)->{content});
is($list->{total}, 1, 'a query string reaches the function');
is(ask('PUT', "/auth/admin/users/$list->{users}[0]{id}/ban", $admin)->{status}, 204,
	'a PUT with a path segment reaches the function');
is(ask('GET', '/todo', $token{bob})->{status}, 401, 'a ban is effective at once');
like(ask('GET', '/todo', $token{bob})->{headers}{'www-authenticate'}, qr/invalid_token/,
	'the refusal of a banned user has WWW-Authenticate');

# an old token is not passed on to the routes open to all, not even one that PostgREST would refuse
is(ask('POST', '/auth/login', $_, { email => 'ada@example.com', password => 'correct horse' })->{status}, 200,
	'an invalid bearer does not prevent a login') foreach 'x.y.z', 'x';
is(ask('POST', '/auth/logout', 'x.y.z', {})->{status}, 204, 'an invalid bearer does not prevent a logout');
is(ask('GET', '/auth/me', 'x.y.z')->{status}, 401, '/auth/me refuses an invalid bearer');
is(ask('HEAD', '/auth/me')->{status}, 401, 'HEAD is refused without a token');

# but the routes see it: whether a mailbox is proven by its owner, and which service asks
foreach my $case ([ 'carol', 't' ], [ 'dave', 'f', 'x.y.z' ])
{
	my ($name, $proven, $bearer) = @$case;
	my $session = decode_json(ask('POST', '/auth/signup', undef, { email => "$name\@example.com",
		password => 'correct horse' })->{content});
	my $id = $session->{user}{id};
	is(ask('POST', '/auth/verify-email', $bearer // $session->{tokens}{access_token},
		{ token => $node->safe_psql('todo', "SELECT authfort.create_email_verification_token('$id')") })->{status}, 200,
		"$name verifies the email");
	is($node->safe_psql('todo', "SELECT mailbox_proven FROM authfort.users WHERE id = '$id'"), $proven,
		'which proves the mailbox by ' . ($bearer ? 'no invalid bearer' : 'an access token'));
}
my $secret = $node->safe_psql('todo', "SELECT authfort.create_service_token('orders', '{introspect}')");
foreach my $by ("Bearer $secret", 'Basic ' . encode_base64("orders:$secret", ''))
{
	my $r = $http->post("$at/auth/introspect", { content => encode_json({ token => $admin }),
		headers => { authorization => $by, 'content-type' => 'application/json' } });
	ok($r->{success} && decode_json($r->{content})->{active}, 'a service asks by ' . $by =~ s/ .*//r);
}

kill 'TERM', $upstream, $nginx;
waitpid $_, 0 foreach $upstream, $nginx;
$node->stop;
done_testing();
