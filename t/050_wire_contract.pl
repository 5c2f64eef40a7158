# What clients of AuthFort rely on over HTTP and the other tests leave open: codes for what is no
# email, texts that are shown to users, and cookies that all have the domain.
use strict;
use warnings FATAL => 'all';

use AuthfortNode qw(start_node);
use JSON::PP;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = start_node('wire', preload => 'authfort', conf => <<'CONF');
authfort.cookies = on
authfort.cookie_domain = '.example.com'
authfort.rate_limit = on
CONF
my $password = 'correct horse';

# A request to the router: status, decoded body, and its cookies.
sub request
{
	my ($method, $path, $body, %headers) = @_;
	$headers{'content-type'} = 'application/json' if $body;
	my ($sent, $named) = map { encode_json($_) } ($body // {}, \%headers);
	my $found = decode_json($node->safe_psql('app', <<"SQL"));
SELECT to_jsonb(r) FROM authfort.http('$method', '/auth$path', headers => \$h\$$named\$h\$,
	body => nullif(\$b\$$sent\$b\$, '{}'), ip_address => '192.0.2.1') r
SQL
	my @cookies = grep { defined } map { $_->{'Set-Cookie'} } @{ $found->{headers} };
	return ($found->{status}, decode_json($found->{body} || '{}'), @cookies);
}

# Status, code and text of a refusal.
sub refusal
{
	my ($status, $body) = request(@_);
	return "$status $body->{detail}{error}: $body->{detail}{message}";
}

sub events { return $node->safe_psql('app', "SELECT count(*) FROM authfort.events WHERE event = '$_[0]'"); }

# cookies of a browser that has none, and of one that has some already
my ($status, $ada, @cookies) = request('POST', '/signup', { email => 'ada@example.com', password => $password });
is($status, 201, 'sign-up');
is(scalar @cookies, 2, 'sets two cookies');
like($_, qr/; Domain=\.example\.com; HttpOnly/, 'each with the domain') foreach @cookies;
my %ada = (email => 'ada@example.com', password => $password);
(undef, undef, @cookies) = request('POST', '/login', \%ada, cookie => 'access_token=left');
is_deeply([ map { /^(\w+)=;/ } grep { !/Domain/ } @cookies ],
	['access_token'], 'a cookie that was sent is also cleared for the host alone, and no other one');

# what is no email
my $before = events('login_failed');
is(refusal('POST', '/login', { email => $_, password => $password }),
	'400 invalid_email: Invalid email address', 'login with the email ' . encode_json([$_]))
  foreach "'; DROP TABLE users; --", '', 'ada', 'ada@', '@example.com', "ada\x{200b}\@example.com",
  'x' x 300 . '@example.com';
is(events('login_failed'), $before, 'these are no attempts to log in');
is(refusal('POST', '/login', { email => 'bob@example.com', password => $password }),
	'401 invalid_credentials: Invalid email or password', 'an unknown email is none of these');
is((request('POST', '/login', { email => $_, password => $password }))[0], 422, 'no text at all')
  foreach undef, [], 7;

# texts
$node->safe_psql('app', q{SELECT authfort.create_user('bare@example.com')});
is(refusal('POST', '/login', { email => 'bare@example.com', password => $password }),
	'400 no_password: This account uses passwordless login', 'an account without a password');

$node->stop;
done_testing();
