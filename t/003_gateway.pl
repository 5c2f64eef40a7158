# The contract over HTTP, through the real gateway and the real router.
use strict;
use warnings FATAL => 'all';

use AuthfortNode qw(reload start_node);
use Gateway qw(poll);
use HTTP::Tiny;
use IO::Socket::INET;
use JSON::PP;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = start_node('gateway', conf => <<'CONF', sql => 'CREATE ROLE gateway LOGIN IN ROLE authfort_http');
authfort.refresh_grace = 0
CONF

my $gateway = Gateway->new('gateway', $node, '--pool-size', '4');
my ($port, $log, $errors) = @$gateway{qw(port log errors)};
my $base = "http://127.0.0.1:$port";
my $http = HTTP::Tiny->new(timeout => 60);

sub request
{
	my ($method, $path, $body, %headers) = @_;
	$headers{'Content-Type'} //= 'application/json' if defined $body;
	my $r = $http->request($method, "$base$path",
		{ headers => \%headers, defined $body ? (content => ref $body ? encode_json($body) : $body) : () });
	$r->{json} = eval { decode_json($r->{content}) };
	return $r;
}
poll('gateway connects', sub { request('GET', '/readyz')->{status} == 200 });

my %ada = (email => 'ada@example.com', password => 'planted-Secret-1');
is(request('POST', '/auth/signup', \%ada)->{status}, 201, 'sign-up succeeds');
is(request('POST', '/auth/signup', \%ada)->{json}{detail}{error}, 'user_exists',
	'a second sign-up with the same email is refused');
my $r = request('POST', '/auth/login', \%ada);
is($r->{status}, 200, 'login succeeds');
is($r->{headers}{'cache-control'}, 'no-store', 'the response to a login must not be cached');
my $tokens = $r->{json}{tokens};
my $sid = $r->{json}{user}{session_id};
$r = request('GET', '/auth/me?code=planted-Query-1', undef, Authorization => "Bearer $tokens->{access_token}");
is($r->{json}{email}, 'ada@example.com', '/auth/me returns the user');
is($r->{json}{session_id}, $sid, '/auth/me returns the session of the login');
is($node->safe_psql('app', 'SELECT DISTINCT ip_address FROM authfort.sessions'), '127.0.0.1',
	'the session has the address of the peer');
$r = request('POST', '/auth/refresh', { refresh_token => $tokens->{refresh_token} });
is($r->{json}{user}{session_id}, $sid, 'a refresh keeps the session');
is(request('POST', '/auth/refresh', { refresh_token => $r->{json}{tokens}{refresh_token} })->{status}, 200,
	'a refreshed token can be refreshed');
$r = request('POST', '/auth/refresh', { refresh_token => $tokens->{refresh_token} });
is($r->{status} . $r->{json}{detail}{error}, '401refresh_token_revoked', 'a reused refresh token is refused');
is($node->safe_psql('app', 'SELECT count(*) FROM authfort.sessions WHERE revoked_at IS NULL'), '0',
	'the revocation of the reused session is committed');
is(request('POST', '/auth/logout')->{status}, 204, 'logout succeeds without a token');
$r = request('GET', '/.well-known/jwks.json');
is($r->{json}{keys}[0]{kty} . $r->{headers}{'cache-control'}, 'RSApublic, max-age=3600',
	'the key set is public and may be cached');
is(request('GET', '/nothing')->{status}, 404, 'an unknown path gets 404');
$r = request('GET', '/auth/login');
is($r->{status} . $r->{headers}{allow}, '405POST', 'a wrong method gets 405 and the allowed ones');
is(request('POST', '/auth/login', 'a=b', 'Content-Type' => 'application/x-www-form-urlencoded')->{status}, 415,
	'a form as the body of a login gets 415');
is(request('POST', '/auth/login', '{')->{status}, 422, 'invalid JSON gets 422');
is(request('POST', '/auth/login', 'x' x 70000)->{status}, 413, 'a large body gets 413');
is(request('POST', '/auth/login', "\xff")->{status}, 400, 'a body that is not UTF-8 gets 400');
is(request('GET', '/auth/me', undef, 'X-Large' => 'x' x 100000)->{status}, 431, 'large headers get 431');
is(request('GET', '/auth/%6De')->{status}, 404, 'an escaped path is not decoded');

# accounts and admins: other methods, parameters in path and query
$node->safe_psql('app', "SELECT authfort.add_role(id, 'admin') FROM authfort.users");
my %admin = (Authorization => 'Bearer ' . request('POST', '/auth/login', \%ada)->{json}{tokens}{access_token});
$r = request('POST', '/auth/admin/users', { email => 'bob@example.com', name => 'Bob' }, %admin);
is($r->{status}, 201, 'an admin creates a user');
my $bob = $r->{json}{id};
is(request('PATCH', "/auth/admin/users/$bob", { name => "B\x{f6}b" }, %admin)->{json}{name}, "B\x{f6}b",
	'an admin changes a user');
is(request('PUT', "/auth/admin/users/$bob/roles/head%20of%20all", undef, %admin)->{status}, 204,
	'an admin grants a role with blanks in its name');
$r = request('GET', '/auth/admin/users?query=B%C3%96B&limit=5', undef, %admin);
is(join(' ', $r->{json}{total}, @{ $r->{json}{users}[0]{roles} }), '1 head of all',
	'an admin finds a user by name, with the roles');
is(request('DELETE', "/auth/admin/users/$bob", undef, %admin)->{status}, 204, 'an admin deletes a user');
is(request('GET', '/auth/admin/users')->{status}, 401, 'an anonymous request to the admin routes is refused');
is(scalar @{ request('GET', '/auth/sessions', undef, %admin)->{json} }, 1, 'a user lists the own sessions');
is(request('POST', '/auth/forgot-password', { email => $ada{email} })->{status}, 200,
	'a request for a password reset succeeds');
is(request('POST', '/auth/reset-password', { new_password => $ada{password} . '2',
	token => $node->safe_psql('app', "SELECT message->>'token' FROM authfort.take_messages() "
		. "WHERE kind = 'password_reset'") })->{status}, 200, 'the reset token sets a new password');
$ada{password} .= '2';

# several cookies
$node->append_conf('postgresql.conf', 'authfort.cookies = on');
reload($node);
$r = request('POST', '/auth/login', \%ada);
is(scalar @{ $r->{headers}{'set-cookie'} }, 2, 'a login sets two cookies');
my $cookies = join '; ', map { /^([^;]+)/ } @{ $r->{headers}{'set-cookie'} };
is(request('GET', '/auth/me', undef, Cookie => $cookies)->{status}, 200, '/auth/me accepts the cookies');
is(request('POST', '/auth/refresh', undef, Cookie => $cookies, 'Content-Type' => 'application/json')->{status}, 200,
	'/auth/refresh accepts the cookies');

# logins that wait for a lock, as many as there are connections, hold up no other path
my $lock = $node->background_psql('app');
$lock->query_safe('BEGIN; SELECT 1 FROM authfort.users FOR UPDATE');
my $body = encode_json(\%ada);
my @slow = map {
	my $socket = IO::Socket::INET->new(PeerAddr => '127.0.0.1', PeerPort => $port) or die $!;
	print $socket "POST /auth/login HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Type: application/json\r\n"
	  . 'Content-Length: ' . length($body) . "\r\n\r\n$body";
	$socket
} 1 .. 4;
poll('logins wait', sub { $node->safe_psql('app',
	"SELECT count(*) FROM pg_stat_activity WHERE usename = 'gateway' AND wait_event_type = 'Lock'") == 2 });
is(request('GET', '/auth/me')->{status}, 401, 'slow logins do not block /auth/me');
is($node->safe_psql('app', "SELECT count(*) FROM pg_stat_activity WHERE usename = 'gateway' "
	. "AND wait_event_type = 'Lock'"), 2, 'the slow logins still run after that');
$lock->query_safe('COMMIT');
$lock->quit;
like(join('', <$_>), qr{^HTTP/1.1 200 }, 'a slow login is answered in the end') foreach @slow;

# PostgreSQL goes, and comes back
$node->stop;
poll('gateway notices', sub { request('GET', '/readyz')->{status} == 503 });
is(request('GET', '/healthz')->{status}, 200, '/healthz succeeds without PostgreSQL');
$r = request('GET', '/auth/me');
is($r->{status} . $r->{json}{detail}{error}, '503service_unavailable', 'a request without PostgreSQL gets 503');
ok($r->{headers}{'retry-after'}, 'a 503 without PostgreSQL has Retry-After');
$node->start;
poll('gateway recovers', sub { request('GET', '/readyz')->{status} == 200 });
is(request('POST', '/auth/login', \%ada)->{status}, 200, 'a login succeeds after a restart of PostgreSQL');

# a fault that an administrator has to repair
rename $node->data_dir . '/authfort_master.key', $node->data_dir . '/away' or die $!;
$r = request('POST', '/auth/login', \%ada);
is($r->{status} . $r->{json}{detail}{message}, '503The database is not available',
	'a login without the master key gets 503');
ok($r->{headers}{'retry-after'}, 'a 503 without the master key has Retry-After');
like(slurp_file($errors), qr/could not read master key file/, 'the log of the gateway reports the missing master key');

is($gateway->stop, 0, 'SIGTERM ends the gateway cleanly');

my $access_log = slurp_file($log);
like($access_log, qr{^\S+Z 127\.0\.0\.1 GET /auth/me 200 \d+ \d+ms$}m, 'the access log has a line per request');
unlike($access_log . slurp_file($errors), qr/planted|\Q$tokens->{access_token}\E|\Q$tokens->{refresh_token}\E/,
	'the logs of the gateway contain no secret');

is(system("./gateway/authfort-gateway --pool-size=0 2>/dev/null") >> 8, 2, 'a value out of range is refused at start');
is(system("AUTHFORT_GATEWAY_POOL_SIZE=x ./gateway/authfort-gateway 2>/dev/null") >> 8, 2,
	'an invalid environment variable is refused at start');
is(system("./gateway/authfort-gateway --tls-cert=x 2>/dev/null") >> 8, 2,
	'a certificate without its key is refused at start');
my $help = qx(./gateway/authfort-gateway --help);
my @options = $help =~ /^  --(\S+)/gm;
cmp_ok(scalar @options, '>', 15, '--help lists the options');
foreach my $manual ('docs/authfort-gateway.md', 'gateway/authfort-gateway.1')
{
	my $text = slurp_file($manual) =~ s/\\-/-/gr;
	is(join(' ', grep { $text !~ /--\Q$_\E\b/ } @options), '', "$manual documents every option");
}
my ($slow) = $help =~ /--slow-routes.*default "([^"]+)"/;
is($node->safe_psql('app', "SELECT string_agg(name, ' ' ORDER BY name) FROM authfort.routes() WHERE method = 'POST'"
		  . " AND NOT EXISTS (SELECT FROM string_to_table('$slow', ',') AS entry WHERE path LIKE '%' || entry)"),
	join(' ', qw(confirm_email_change introspect invite_user logout mfa_confirm mfa_disable mfa_init
		mfa_regenerate mfa_step_up mfa_verify oauth_callback_form oauth_id_token oauth_link
		oauth_token passkey_login passkey_login_options passkey_mfa passkey_mfa_options
		passkey_reauthenticate_options passkey_register passkey_register_options
		passkey_step_up_options prepare_key reauthentication_code refresh revoke rotate_key
		undo_email_change verify_email verify_magic_link)),
	'every other POST route is in the default of --slow-routes');
my $listener = IO::Socket::INET->new(LocalAddr => '127.0.0.1', Listen => 1) or die $!;
my $taken = '127.0.0.1:' . $listener->sockport;
is(system("./gateway/authfort-gateway --listen=$taken 2>$errors.taken") >> 8, 1,
	'the gateway exits if its port is taken');
like(slurp_file("$errors.taken"), qr/cannot listen on \Q$taken\E/, 'a taken port is reported');
$node->stop;
done_testing();
