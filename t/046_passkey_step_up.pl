# Authenticating again with a passkey in a session, in a real browser with virtual authenticators, through
# the gateway: for two factors, and for what takes a recent sign-in.
use strict;
use warnings FATAL => 'all';

use AuthfortNode qw(required start_node);
use Gateway qw(poll);
use HTTP::Tiny;
use JSON::PP;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

use WebDriver;

required(WebDriver::driver(), 'chromium and chromium-driver are not installed');

my $node = start_node('main', sql => 'CREATE ROLE gateway LOGIN IN ROLE authfort_http');
# one connection, so that the settings that are read below are those of each request
my $gateway = Gateway->new('gateway', $node, '--pool-size', '1');
my $origin = "http://localhost:$gateway->{port}";
my $http = HTTP::Tiny->new(timeout => 60);
$node->append_conf('postgresql.conf', "authfort.webauthn_rp_id = 'localhost'\nauthfort.webauthn_origins = '$origin'\n");
$node->reload;
poll('the settings are read', sub { $http->post("$origin/auth/passkeys/login/options")->{success} });

sub query { return $node->safe_psql('app', $_[0]); }

my $browser = WebDriver->new;
# any page of the origin will do
$browser->go("$origin/.well-known/jwks.json");
sub in_page { return $browser->run_with_passkeys(@_); }
sub outcome
{
	my ($r) = @_;
	return $r->{error} if $r->{error};
	return join ' ', $r->{status}, grep { defined } @{ $r->{detail} // {} }{qw(error check)};
}

# A session as the page has it: its access and refresh token, replaced by each answer that has new ones.
sub keep
{
	my ($session, $r) = @_;
	%$session = %{ $r->{tokens} } if $r->{tokens};
	return $r;
}
sub sign_in
{
	my ($email) = @_;
	my $session = {};
	keep($session, in_page(q{return post('/login', {email: args[0], password: 'correct horse'})}, $email));
	return $session;
}
sub refresh
{
	my ($session) = @_;
	return keep($session,
		in_page(q{return post('/refresh', {refresh_token: args[0]})}, $session->{refresh_token}));
}
sub claims { return decode_json(query("SELECT authfort.verify_jwt('$_[0]{access_token}')")); }

sub register
{
	my ($session) = @_;
	return in_page(<<'JS', $session->{access_token});
const [token] = args;
const options = await post('/passkeys/register/options', {}, token);
if (options.detail)
	return options;
return post('/passkeys/register/verify', {credential: await create(options)}, token);
JS
}

# The two purposes: where the options come from, and where the response goes.
my %path = ('step-up' => '/mfa/step-up', reauthenticate => '/reauthenticate');

# The response of the authenticator.  The page may change the options, as malware in it would.
sub respond
{
	my ($session, $purpose, $change) = @_;
	return in_page(<<"JS", $session->{access_token}, $purpose);
const [token, purpose] = args;
const options = await post(`/passkeys/\${purpose}/options`, {}, token);
if (options.detail)
	return options;
@{[ $change // '' ]}
return get(options);
JS
}
sub submit
{
	my ($session, $purpose, $credential) = @_;
	return $credential if $credential->{error} || $credential->{detail};
	return keep($session, in_page('return post(args[1], {credential: args[2]}, args[0])', $session->{access_token},
		$path{$purpose}, $credential));
}
sub prove { my ($session, $purpose, $change) = @_; return submit($session, $purpose, respond(@_)); }

# What the page asks for: SQL that takes two factors, and a route that takes a recent sign-in.
sub function
{
	my ($session) = @_;
	my ($code, $out, $err) = $node->psql('app',
		"SET authfort.jwt = '$session->{access_token}'; SELECT authfort.require_aal(2, '5 minutes')");
	return $err =~ /^DETAIL:  (\w+)$/m ? $1 : $err || $out;
}
sub route
{
	my ($session) = @_;
	return outcome(in_page(q{return post('/passkeys/register/options', {}, args[0])}, $session->{access_token}));
}
sub both { my ($session) = @_; return function($session) . ', ' . route($session); }

my %id = map { $_ => query("SELECT authfort.create_user('$_\@example.org', 'correct horse')->>'id'") } qw(ada bob);

# the passkey is registered in one session, while another is open
my ($laptop, $phone) = map { sign_in('ada@example.org') } 1 .. 2;
my $device = $browser->add_authenticator;
is(outcome(prove($phone, $_)), '404 passkey_not_found', "$_ without a passkey") foreach sort keys %path;
is(outcome(register($laptop)), '200', 'a passkey is registered');
is(outcome(refresh($_)), '200', 'its session and the other one go on') foreach $laptop, $phone;
is(both($laptop), "$id{ada}, 200", 'the session that registered it has two factors');
is(both($phone), 'insufficient_assurance, 403 insufficient_assurance', 'the other one has only the password');

# stepping up
my $before = claims($phone);
my $response = respond($phone, 'step-up');
is(outcome(submit($phone, 'reauthenticate', $response)), '400 invalid_passkey challenge',
	'a response counts for its purpose');
is(outcome(submit($laptop, 'step-up', $response)), '400 invalid_passkey challenge', 'and for its session');
is(outcome(submit($phone, 'step-up', $response)), '200', 'there it is accepted');
my $after = claims($phone);
is_deeply([ @$after{qw(aal amr sid)} ], [ 2, [qw(pwd pop user mfa)], $before->{sid} ],
	'the same session has two factors');
is(both($phone), "$id{ada}, 200", 'and gets through');
is(outcome(submit($phone, $_, $response)), '400 invalid_passkey challenge', "the same response again, to $_")
	foreach sort keys %path;

# reauthenticating
sub age
{
	my ($session) = @_;
	query("UPDATE authfort.sessions SET auth_time = auth_time - interval '1 hour' WHERE id = '"
		. claims($session)->{sid} . q{'});
	refresh($session);
	return;
}
age($phone);
is(both($phone), 'reauthentication_required, 403 reauthentication_required', 'an hour later it does not');
is(outcome(in_page(q{return post('/reauthenticate', {password: 'correct horse'}, args[0])}, $phone->{access_token})),
	'403 insufficient_assurance', 'the password is not enough');
$response = respond($phone, 'reauthenticate');
is(outcome(submit($phone, 'reauthenticate', $response)), '200', 'the passkey is');
is(both($phone), "$id{ada}, 200", 'and the session gets through again');
age($phone);
is(outcome(submit($phone, $_, $response)), '400 invalid_passkey challenge', "the same response again, to $_")
	foreach sort keys %path;
is(both($phone), 'reauthentication_required, 403 reauthentication_required', 'which changes nothing');

# an authenticator that does not verify its user: whether it has to depends on the other factors of the session
my $alone = {};
keep($alone, in_page(<<'JS'));
return post('/passkeys/login/verify', {credential: await get(await post('/passkeys/login/options'))});
JS
is_deeply(claims($alone)->{amr}, [qw(pop user mfa)], 'a session with nothing but a passkey');
$browser->set_user_verified($device, 0);
foreach my $purpose (sort keys %path)
{
	like(prove($alone, $purpose)->{error}, qr/^NotAllowedError/, "$purpose there needs verification by the browser");
	is(outcome(prove($alone, $purpose, "options.userVerification = 'discouraged';")),
		'400 invalid_passkey userVerified', 'and by the database');
	is(outcome(prove($phone, $purpose, "options.userVerification = 'discouraged';")), '200',
		"$purpose does not after a password");
}
$browser->set_user_verified($device, 1);
is(outcome(prove($alone, 'step-up')), '200', 'with verification the passkey is accepted');

# another user's passkey
my $other = sign_in('bob@example.org');
my ($credential) = $browser->credentials($device);
$browser->remove_authenticator($device);
$device = $browser->add_authenticator;
is(outcome(register($other)), '200', 'another user registers a passkey');
like(respond($phone, 'step-up')->{error}, qr/^NotAllowedError/, 'which the browser does not offer here');
is(outcome(prove($phone, $_, 'options.allowCredentials = [];')), '404 passkey_not_found',
	"which the database does not take either for $_")
	foreach sort keys %path;
refresh($other);
my $stolen = respond($other, 'step-up');
is(outcome(submit($phone, 'step-up', $stolen)), '400 invalid_passkey challenge',
	"nor a response to the other user's challenge");
is(outcome(submit($other, 'step-up', $stolen)), '200', 'which that user can use');
$browser->remove_authenticator($device);
$device = $browser->add_authenticator;
$browser->add_credential($device, $credential);

# a session that ended between options and response
$response = respond($laptop, 'step-up');
query("SELECT authfort.revoke_session('" . claims($laptop)->{sid} . "')");
is(outcome(submit($laptop, 'step-up', $response)), '401 token_invalid', 'a session that was revoked meanwhile');
is(outcome(submit($phone, 'step-up', $response)), '400 invalid_passkey challenge', 'passes its response to no other');
is(outcome(respond($laptop, 'step-up')), '401 token_invalid', 'and gets no options');

# a passkey that was removed between options and response
$response = respond($phone, 'step-up');
is(query("SELECT authfort.delete_passkey(user_id, credential_id) FROM authfort.passkeys WHERE user_id = '$id{ada}'"),
	't', 'the passkey is removed');
refresh($phone);
is(outcome(submit($phone, 'step-up', $response)), '404 passkey_not_found', 'and its response is refused');
is(outcome(prove($phone, $_)), '404 passkey_not_found', "$_ has no options") foreach sort keys %path;

is(query("SELECT string_agg(DISTINCT payload->>'method', ',') FROM authfort.events WHERE event = 'reauthenticated'"),
	'passkey', 'each success is recorded');
unlike(slurp_file($node->logfile), qr/terminated by signal|PANIC/, 'no backend crashed');
$browser->stop;
$gateway->stop;
done_testing();
