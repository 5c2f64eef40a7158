# Introspection and revocation by HTTP, as services call them, also on a standby.
use strict;
use warnings FATAL => 'all';

use AuthfortNode qw(start_node);
use Gateway qw(exchange poll status status_of);
use JSON::PP;
use MIME::Base64 qw(encode_base64);
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = start_node('primary', new => [], init => [ allows_streaming => 1 ], sql => <<'SQL');
CREATE ROLE gateway LOGIN IN ROLE authfort_http;
SELECT FROM authfort.create_user('ada@example.com', 'correct horse', roles => '{editor}');
SQL
my $gateway = Gateway->new('gateway', $node);
my $ready = "GET /readyz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n";
poll('the gateway is ready', sub { status_of($gateway, $ready) eq '200' });

# Status, the whole response and its body; as JSON for a reference, as a form for a text.
sub post
{
	my ($to, $path, $body, @headers) = @_;
	my $type = ref $body ? 'application/json' : 'application/x-www-form-urlencoded';
	$body = encode_json($body) if ref $body;
	my $response = exchange($to, join("\r\n", "POST $path HTTP/1.1", 'Host: x', 'Connection: close',
		"Content-Type: $type",
		'Content-Length: ' . length $body, @headers, '', $body));
	my ($content) = $response =~ /\r\n\r\n(.*)/s;
	return (status($response), $response, eval { decode_json($content) } // {});
}

sub ask
{
	my ($to, $token, @headers) = @_;
	my ($status, $response, $body) = post($to, '/auth/introspect', { token => $token }, @headers);
	return $status eq '200' ? $body->{active} ? 'active' : 'inactive' : $status;
}

sub sign_in
{
	my (undef, undef, $body) = post($gateway, '/auth/login',
		{ email => 'ada@example.com', password => 'correct horse' });
	return @{ $body->{tokens} }{qw(access_token refresh_token)};
}

my $secret = $node->safe_psql('app', q{SELECT authfort.create_service_token('orders', '{introspect}')});
my @bearer = ("Authorization: Bearer $secret");
my @basic = ('Authorization: Basic ' . encode_base64("orders:$secret", ''));
my ($access, $refresh) = sign_in();

my ($status, $response, $body) = post($gateway, '/auth/introspect', { token => $access }, @bearer);
is($status, 200, 'a service is answered');
is_deeply([ sort keys %$body ], [qw(active email exp iat iss name roles sub token_type token_version)],
	'with these members');
is_deeply([ @$body{qw(email roles token_version)} ], [ 'ada@example.com', ['editor'], 0 ],
	'and what is known of the user');
like($response, qr/^Cache-Control: no-store\r$/m, 'which nothing may keep');
my $shape = [ sort keys %$body ];
($status, $response, $body) = post($gateway, '/auth/introspect', "token=$access&token_type_hint=access_token", @basic);
is($status . $body->{email}, '200ada@example.com', 'the same for a form, with Basic');
($status, $response, $body) = post($gateway, '/auth/introspect', "token=$refresh", @basic);
is_deeply([ $status, [ sort keys %$body ], $body->{active} ? 1 : 0,
	scalar grep { defined } @$body{ grep { $_ ne 'active' } @$shape } ],
	[ 200, $shape, 0, 0 ], 'a refresh token is unknown to this service, in the same shape');
($status, $response, $body) = post($gateway, '/auth/introspect', { token => $access });
is_deeply([ $status, $body->{error}, $body->{detail}{error} ], [ 401, 'invalid_client', 'unauthorized' ],
	'without a secret: 401');
like($response, qr/^WWW-Authenticate: Bearer\r$/m, 'with a challenge');
is(ask($gateway, $access, 'Authorization: Bearer wrong'), '401', 'with a wrong secret as well');
is(ask($gateway, $access, @bearer, 'Cookie: access_token=' . $access), 'active', 'cookies do not matter');

# A rotation leaves the access token active; what ends it counts at once.
(undef, undef, $body) = post($gateway, '/auth/refresh', { refresh_token => $refresh });
is(ask($gateway, $_, @bearer), 'active', 'active after a rotation') foreach $access, $body->{tokens}{access_token};
$node->safe_psql('app', q{SELECT authfort.ban_user(id) FROM authfort.users});
is(ask($gateway, $access, @bearer), 'inactive', 'a ban counts at once');
$node->safe_psql('app', q{SELECT authfort.unban_user(id) FROM authfort.users});
($access, $refresh) = sign_in();
is(ask($gateway, $access, @bearer), 'active', 'active again');
(undef, undef) = post($gateway, '/auth/logout', { refresh_token => $refresh });
is(ask($gateway, $access, @bearer), 'inactive', 'a session that ended counts at once');

# Revocation.
($access, $refresh) = sign_in();
is((post($gateway, '/auth/revoke', 'token=unknown'))[0], 200, 'an unknown token is revoked');
is(ask($gateway, $access, @bearer), 'active', 'which ends nothing');
is((post($gateway, '/auth/revoke', "token=$refresh", 'Authorization: Basic eDp5'))[0], 401,
	'with wrong credentials none is revoked');
is(ask($gateway, $access, @bearer), 'active', 'and nothing ends');
is((post($gateway, '/auth/revoke', "token=$refresh"))[0], 200, 'a refresh token is revoked');
is(ask($gateway, $access, @bearer), 'inactive', 'and the access token of its session');

# On a standby.
($access, $refresh) = sign_in();
$node->backup('copy');
my $standby = PostgreSQL::Test::Cluster->new('standby');
$standby->init_from_backup($node, 'copy', has_streaming => 1);
# the copy that the tests make does not keep permissions
chmod 0600, $standby->data_dir . '/authfort_master.key' or die;
$standby->start;
my $at_standby = Gateway->new('at_standby', $standby);
poll('the gateway of the standby is ready', sub { status_of($at_standby, $ready) eq '200' });
is(ask($at_standby, $access, @bearer), 'active', 'a standby answers');
is(ask($at_standby, $access, 'Authorization: Bearer wrong'), '401', 'and knows its services');
is((post($at_standby, '/auth/revoke', "token=$access"))[0], 503, 'but ends no session');
post($gateway, '/auth/revoke', "token=$access");
$node->wait_for_catchup($standby);
is(ask($at_standby, $access, @bearer), 'inactive', 'what the primary ends, ends there');
$node->safe_psql('app', q{SELECT authfort.revoke_service_token('orders')});
is(ask($gateway, $access, @bearer), '401', 'a service that was revoked is not answered');

done_testing();
