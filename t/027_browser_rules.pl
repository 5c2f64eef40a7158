# Pages of other sites, and cookies that they set: through the gateway and on a standby.
use strict;
use warnings FATAL => 'all';

use AuthfortNode qw(start_node);
use Gateway qw(poll);
use HTTP::Tiny;
use JSON::PP;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

use LikePostgREST;

my $node = start_node('main', init => [ allows_streaming => 1 ], conf => <<'CONF', sql => <<'SQL');
authfort.cookies = on
authfort.cors_origins = 'https://partner.example'
CONF
CREATE ROLE gateway LOGIN IN ROLE authfort_http;
SELECT authfort.setup_postgrest();
SQL

my %ada = (email => 'ada@example.com', password => 'correct horse');
my $http = HTTP::Tiny->new(timeout => 60);
my $gateway = Gateway->new('gateway', $node, '--pool-size', '4');
my $host = "127.0.0.1:$gateway->{port}";

sub request
{
	my ($method, $path, $body, %headers) = @_;
	$headers{'Content-Type'} //= 'application/json' if defined $body;
	my $r = $http->request($method, "http://$host$path",
		{ headers => \%headers, defined $body ? (content => ref $body ? encode_json($body) : $body) : () });
	$r->{json} = eval { decode_json($r->{content}) };
	return $r;
}

# Status and code of a response, as one text.
sub outcome { return join ' ', $_[0]->{status}, grep { defined } $_[0]->{json}{detail}{error}; }
sub set_cookies { my $c = $_[0]->{headers}{'set-cookie'} // []; return ref $c ? @$c : $c; }

sub sign_in
{
	my $r = request('POST', '/auth/login', \%ada);
	return ($r->{json}{user}{session_id}, map { /^([^;]+)/ } set_cookies($r));
}
sub lives { return $node->safe_psql('app', "SELECT revoked_at IS NULL FROM authfort.sessions WHERE id = '$_[0]'"); }

poll('gateway connects', sub { request('GET', '/readyz')->{status} == 200 });
is(request('POST', '/auth/signup', \%ada)->{status}, 201, 'sign-up succeeds');

# a form of another site, as browsers send it
my ($session, @cookies) = sign_in();
my $cookies = join '; ', @cookies;
my %form = ('Content-Type' => 'application/x-www-form-urlencoded', Cookie => $cookies);
foreach my $path ('/auth/logout', '/auth/refresh')
{
	foreach my $from ({ Origin => 'https://evil.example', 'Sec-Fetch-Site' => 'cross-site' }, { Origin => 'null' },
		{ Origin => "http://127.0.0.1:1", 'Sec-Fetch-Site' => 'same-site' }, { 'Sec-Fetch-Site' => 'cross-site' })
	{
		my $name = join ' ', $path, map { "$_: $from->{$_}" } sort keys %$from;
		my $r = request('POST', $path, undef, %form, %$from);
		is(outcome($r), '403 origin_not_allowed', "$name: refused");
		is(scalar(set_cookies($r)), 0, "$name: no cookie is cleared");
	}
	is(outcome(request('POST', $path, undef, %form)), '415 unsupported_media_type',
		"$path: a form of unknown origin gets 415");
}
is(lives($session), 't', 'forms of other sites do not end the session');
is(outcome(request('POST', '/auth/refresh', undef, Cookie => $cookies, Origin => "http://$host")), '200',
	'a page of the same origin can refresh without a content type');
is(outcome(request('POST', '/auth/logout', undef, Cookie => $cookies, 'Sec-Fetch-Site' => 'same-origin')), '204',
	'a page of the same origin can log out without a content type');
is(lives($session), 'f', 'the logout of a page of the same origin ends the session');

# the same through PostgREST, whatever the access cookie is worth
my $postgrest = LikePostgREST->new(dsn => 'dbi:Pg:' . $node->connstr('app'), user => 'authenticator', anon => 'anon',
	pre_request => 'authfort_api.pre_request', schema => 'authfort_api');
my @senders = ({ origin => 'https://evil.example' }, { origin => 'https://partner.example' },
	{ 'sec-fetch-site' => 'same-origin' },
	{ 'content-type' => 'application/json' }, {});
foreach my $path ('refresh', 'logout')
{
	foreach my $sender (@senders)
	{
		my %statuses;
		foreach my $access ('good', 'bad', 'none')
		{
			my ($session, @cookies) = sign_in();
			my %cookies = map { split /=/, $_, 2 } @cookies;
			$cookies{access_token} = 'x' if $access eq 'bad';
			delete $cookies{access_token} if $access eq 'none';
			my $there = $postgrest->request('POST', $path, headers => { host => $host, %$sender },
				cookies => \%cookies);
			my $here = request('POST', "/auth/$path", undef,
				Cookie => join('; ', map { "$_=$cookies{$_}" } sort keys %cookies), %$sender);
			$statuses{"$there->{status} $here->{status}"} = 1;
		}
		my $accepted = $path eq 'logout' ? 204 : 200;
		my $expected = $sender->{origin} && $sender->{origin} =~ /evil/ ? 403 : $accepted;
		# only the router knows whether there is a body, without which a form cannot have sent the request
		my $expected_there = %$sender ? $expected : 415;
		is(join(', ', sort keys %statuses), "$expected_there $expected",
			"$path, " . (join(': ', %$sender) || 'nothing') . ': as expected at both doors');
	}
}

# CORS
my $r = request('OPTIONS', '/auth/login', undef, Origin => 'https://partner.example',
	'Access-Control-Request-Method' => 'POST',
	'Access-Control-Request-Headers' => 'content-type');
is(join(' ', $r->{status},
	map { $r->{headers}{"access-control-allow-$_"} // 'none' } qw(origin methods headers credentials)),
	'204 https://partner.example POST Authorization, Content-Type true',
		'a preflight request of a listed origin is allowed');
is($r->{headers}{vary}, 'Origin', 'the answer to a preflight request has Vary');
$r = request('OPTIONS', '/auth/login', undef, Origin => 'https://evil.example',
	'Access-Control-Request-Method' => 'POST');
is(join(' ', $r->{status}, grep { /^access-control/ } keys %{ $r->{headers} }), '204',
	'a preflight request of another origin is not allowed');
$r = request('GET', '/auth/me', undef, Origin => 'https://partner.example');
is(join(' ', $r->{status}, @{ $r->{headers} }{qw(access-control-allow-origin access-control-expose-headers)}),
	'401 https://partner.example Retry-After, WWW-Authenticate, X-Total-Count', 'a listed origin may read refusals');

# several cookies of one name, as a browser sends those of different paths and domains
($session, @cookies) = sign_in();
my ($access) = grep { /^access/ } @cookies;
my ($refresh) = grep { /^refresh/ } @cookies;
is(request('GET', '/auth/me', undef, Cookie => "access_token=left; $access")->{json}{email}, $ada{email},
	'an invalid access cookie in front of a valid one is skipped');
is(request('POST', '/auth/refresh', {}, Cookie => "refresh_token=left; $refresh; $access")->{status}, 200,
	'an invalid refresh cookie in front of a valid one is skipped');
my ($other, @others) = sign_in();
my ($other_refresh) = grep { /^refresh/ } @others;
($session, @cookies) = sign_in();
($refresh) = grep { /^refresh/ } @cookies;
is(outcome(request('POST', '/auth/refresh', {}, Cookie => "$other_refresh; $refresh")), '401 refresh_token_mismatch',
	'refresh cookies of two sessions are refused');
is(lives($session) . lives($other), 'tt', 'refresh cookies of two sessions end neither');

# paths, and lists in pages
my %bearer = (Authorization => 'Bearer ' . request('POST', '/auth/login', \%ada)->{json}{tokens}{access_token});
is(request('GET', '/auth/me/', undef, %bearer)->{status}, 200, 'a trailing slash in a path is accepted');
is(request('DELETE', '/auth/sessions/' . uc($other), undef, %bearer)->{status}, 204, 'an id in upper case is accepted');
is(lives($other), 'f', 'an id in upper case ends the session');
is(request('DELETE', '/auth/sessions/', undef, %bearer)->{status}, 404, 'an empty id does not end all sessions');
$r = request('GET', '/auth/sessions?limit=1', undef, %bearer);
is(scalar @{ $r->{json} }, 1, 'a page is limited to one session');
is($r->{headers}{'x-total-count'}, $node->safe_psql('app',
	'SELECT count(*) FROM authfort.sessions WHERE revoked_at IS NULL'), 'X-Total-Count has the number of all sessions');
is($gateway->stop, 0, 'the gateway ends cleanly');

# a standby answers requests that only read
$node->backup('copy');
my $standby = PostgreSQL::Test::Cluster->new('standby');
$standby->init_from_backup($node, 'copy', has_streaming => 1);
$standby->start;
$node->wait_for_catchup($standby);
my $read = "SELECT status, body FROM authfort.http('GET', ";
is($standby->safe_psql('app', "$read '/.well-known/jwks.json')"),
	$node->safe_psql('app', "$read '/.well-known/jwks.json')"), 'the key set is the same on a standby');
my $me = "$read '/auth/me', headers => '{\"authorization\": \"$bearer{Authorization}\"}')";
like($standby->safe_psql('app', $me), qr/^200\|.*ada\@example\.com/, '/auth/me succeeds on a standby');
is($standby->safe_psql('app', $me), $node->safe_psql('app', $me), '/auth/me is the same on a standby and the primary');
my ($status, $out, $err) = $standby->psql('app',
	"\\set VERBOSITY sqlstate\nSELECT authfort.http('POST', '/auth/login', NULL, '{\"content-type\": "
		. "\"application/json\"}', '"
	. encode_json(\%ada) . "')");
like($err, qr/ERROR:  25006/, 'a login on a standby raises read_only_sql_transaction');

$standby->stop;
$node->stop;
done_testing();
