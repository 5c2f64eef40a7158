# The second factor through PostgREST: what a challenge is worth as a bearer token, setting up a factor by it,
# and policies that ask how strongly the user was authenticated.
use strict;
use warnings FATAL => 'all';

use AuthfortNode qw(required start_node);
use JSON::PP;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

use LikePostgREST;

my $have_oathtool = grep { -x "$_/oathtool" } split /:/, $ENV{PATH};
required($have_oathtool, 'oathtool is not installed');

my $node = start_node('main', sql => <<'SQL');
SELECT authfort.setup_postgrest();
CREATE SCHEMA api;
GRANT USAGE ON SCHEMA api TO anon, authenticated;
CREATE TABLE api.payout (owner uuid NOT NULL DEFAULT authfort.uid(), amount text);
ALTER TABLE api.payout ENABLE ROW LEVEL SECURITY;
CREATE POLICY own ON api.payout USING (owner = authfort.uid());
CREATE POLICY second_factor ON api.payout AS RESTRICTIVE FOR INSERT WITH CHECK (authfort.aal() >= 2);
GRANT SELECT, INSERT (amount) ON api.payout TO anon, authenticated;
CREATE FUNCTION api.close_account() RETURNS json LANGUAGE sql AS
	$$ SELECT to_json(authfort.require_aal(2, '5 minutes')) $$;
-- the names of an open route and of one that takes a challenge to enrol
CREATE FUNCTION api.login() RETURNS json LANGUAGE sql AS
	$$ SELECT json_build_object('uid', authfort.uid(), 'role', current_user) $$;
CREATE FUNCTION api.mfa_init() RETURNS json LANGUAGE sql AS 'SELECT api.login()';
SQL
my %options = (dsn => 'dbi:Pg:' . $node->connstr('app'), user => 'authenticator', anon => 'anon',
	pre_request => 'authfort_api.pre_request');
my ($auth, $api) = map { LikePostgREST->new(%options, schema => $_) } qw(authfort_api api);

sub bearer
{
	my ($token) = @_;
	return (headers => { 'content-type' => 'application/json', $token ? (authorization => "Bearer $token") : () });
}
sub post
{
	my ($function, $body, $token) = @_;
	my $r = $auth->request('POST', $function, body => $body ? encode_json($body) : undef, bearer($token));
	$r->{json} = eval { decode_json($r->{body}) };
	return $r;
}
# Status and code of a response, as one text; those that PostgREST makes have neither of the members of ours.
sub outcome
{
	my ($r) = @_;
	my $body = eval { decode_json($r->{body}) };
	$body = {} if ref $body ne 'HASH';
	return join ' ', $r->{status}, grep { defined } ref $body->{detail} ? $body->{detail}{error} : $body->{code},
		$body->{details}, $body->{mfa_required} ? 'challenge' : undef;
}
# A code of the app for now, or for a later time step.
sub code
{
	my ($secret, $step) = @_;
	chomp(my $code = qx{oathtool --totp -b --now "\@@{[ time + 30 * $step ]}" $secret});
	return $code;
}
my %credentials = (email => 'ada@example.com', password => 'correct horse');

# a user with a factor, and an older session without it
my $id = post('signup', \%credentials)->{json}{user}{id};
my ($first, $second) = map { post('login', \%credentials)->{json}{tokens} } 1 .. 2;
my $secret = post('mfa_init', {}, $first->{access_token})->{json}{secret};
my $backup = post('mfa_confirm', { code => code($secret, 0) }, $first->{access_token})->{json};
is(scalar @$backup, 10, 'a factor is confirmed');
is(outcome($auth->request('GET', 'me', bearer($first->{access_token}))), '401 token_version_mismatch',
	'which makes earlier tokens invalid');
sub refreshed { return post('refresh', { refresh_token => $_[0]{refresh_token} })->{json}{tokens}; }

# what takes two factors, and what takes them to be recent
sub both
{
	my ($token) = @_;
	return join ', ', outcome($api->request('POST', '/payout', body => '{"amount": "1"}', bearer($token))),
		outcome($api->request('POST', 'close_account', bearer($token)));
}
$second = refreshed($second);
is(both($second->{access_token}), '403 42501, 403 42501 insufficient_assurance', 'one factor is refused');
my $stepped = post('mfa_step_up', { code => code($secret, 1) }, $second->{access_token});
is(outcome($stepped), '200', 'the session steps up');
is(both($stepped->{json}{tokens}{access_token}), '201, 200', 'and passes');
$node->safe_psql('app', "UPDATE authfort.sessions SET auth_time = auth_time - interval '1 hour'");
$second = refreshed($stepped->{json}{tokens});
is(both($second->{access_token}), '201, 403 42501 reauthentication_required', 'an hour later it has to be recent');

# a challenge as a bearer token
sub is_worthless
{
	my ($challenge, $what) = @_;
	my %with = bearer($challenge);
	is(outcome($auth->request('GET', $_, %with)), '401 token_invalid', "$what is refused at $_")
		foreach qw(me own_sessions mfa_status list_users);
	is(outcome($auth->request('POST', $_, %with)), '401 token_invalid', "$what is refused at $_")
		foreach qw(mfa_step_up reauthenticate passkey_step_up_options delete_me);
	is(outcome($api->request('GET', '/payout', %with)), '401 token_invalid', "$what reads no table");
	is(outcome($api->request('POST', 'close_account', %with)), '401 token_invalid', "$what calls no function");
	is_deeply(decode_json($api->request('POST', $_, %with)->{body}), { uid => undef, role => 'anon' },
		"$what is nothing to api.$_()") foreach qw(login mfa_init);
	return;
}
my $challenge = post('login', \%credentials);
is(outcome($challenge), '200 challenge', 'a login ends in a challenge');
$challenge = $challenge->{json}{mfa_token};
is_worthless($challenge, 'a challenge');
is(outcome(post('mfa_init', {}, $challenge)), '401 invalid_mfa_token', 'it sets up no other factor');
is(outcome(post('mfa_verify', { mfa_token => $challenge, code => $backup->[0] }, $challenge)), '200',
	'it does not stand in the way of the route that completes it');
is(outcome(post('mfa_verify', { mfa_token => $challenge, code => $backup->[1] })), '401 invalid_mfa_token',
	'which it does once');

# a challenge to enrol
$node->safe_psql('app', "ALTER DATABASE app SET authfort.require_mfa = 'all'");
($auth, $api) = map { LikePostgREST->new(%options, schema => $_) } qw(authfort_api api);
$credentials{email} = 'bob@example.com';
my $enrol = post('signup', \%credentials);
is(outcome($enrol), '200 challenge', 'a sign-up ends in a challenge where a second factor is required');
$enrol = $enrol->{json}{mfa_token};
is_worthless($enrol, 'a challenge to enrol');
$secret = post('mfa_init', {}, $enrol)->{json}{secret};
my $confirmed = post('mfa_confirm', { code => code($secret, 0) }, $enrol);
is(outcome($confirmed), '200', 'it sets up a factor as a bearer token');
is(both($confirmed->{json}{tokens}{access_token}), '201, 200', 'and the user is signed in with two factors');
is(outcome(post('mfa_init', {}, $enrol)), '401 invalid_mfa_token', 'once');

$node->stop;
done_testing();
