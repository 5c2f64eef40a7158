# Passkeys in a real browser with virtual authenticators, through the gateway.
use strict;
use warnings FATAL => 'all';

use AuthfortNode qw(reload required start_node);
use Gateway qw(poll);
use HTTP::Tiny;
use JSON::PP;
use MIME::Base64 qw(decode_base64url);
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

use WebDriver;

required(WebDriver::driver(), 'chromium and chromium-driver are not installed');

my $node = start_node('main', sql => 'CREATE ROLE gateway LOGIN IN ROLE authfort_http');
# one connection, so that what set() waits for is true of each request
my $gateway = Gateway->new('gateway', $node, '--pool-size', '1');
my $origin = "http://localhost:$gateway->{port}";
my $http = HTTP::Tiny->new(timeout => 60);
poll('gateway connects', sub { $http->get("$origin/readyz")->{success} });

# Changes the settings of passkeys, for the gateway's sessions too.
sub set
{
	my (%settings) = @_;
	$node->append_conf('postgresql.conf', join '', map { "authfort.$_ = '$settings{$_}'\n" } sort keys %settings);
	reload($node);
	return;
}

sub query { return $node->safe_psql('app', $_[0]); }

my $browser = WebDriver->new;
# any page of the origin will do
my $page = "$origin/.well-known/jwks.json";
$browser->go($page);

sub in_page { return $browser->run_with_passkeys(@_); }

# Signs in with the password and returns the access token.
sub password_token
{
	my ($email) = @_;
	my $r = decode_json(query("SELECT authfort.login('$email', 'correct horse')"));
	return $r->{tokens}{access_token};
}

sub register
{
	my ($token, $name) = @_;
	return in_page(<<'JS', $token, $name);
const [token, name] = args;
const options = await post('/passkeys/register/options', {}, token);
if (options.detail)
	return options;
return post('/passkeys/register/verify', {credential: await create(options), name}, token);
JS
}

# Without an email: the authenticator finds the passkey.
sub sign_in
{
	return in_page(<<'JS');
const options = await post('/passkeys/login/options');
return post('/passkeys/login/verify', {credential: await get(options)});
JS
}

# The outcome as one text.
sub outcome
{
	my ($r) = @_;
	return $r->{error} if $r->{error};
	return join ' ', $r->{status}, grep { defined } @{ $r->{detail} // {} }{qw(error check)};
}

query("SELECT authfort.create_user('$_\@example.org', 'correct horse')") foreach qw(ada bob);
is(outcome(in_page(q{return post('/passkeys/login/options')})), '400 passkeys_not_configured',
	'passkeys have to be configured');
set(webauthn_rp_id => 'localhost', webauthn_origins => $origin);

# registering and signing in
my $device = $browser->add_authenticator;
my $added = register(password_token('ada@example.org'), 'Laptop');
is(outcome($added), '200', 'a passkey is registered');
is_deeply([ @$added{qw(name transports backed_up)} ], [ 'Laptop', ['internal'], JSON::PP::false ],
	'with its name and transports');
is(query("SELECT algorithm, attestation, user_verified FROM authfort.passkeys"), '-7|none|t',
	'as ES256, its user verified');
my $signed_in = sign_in();
is(outcome($signed_in), '200', 'its user signs in without an email');
is($signed_in->{user}{email}, 'ada@example.org', 'as that user');
is(query("SELECT c->>'aal', c->'amr' FROM authfort.verify_jwt('$signed_in->{tokens}{access_token}') c"),
	'2|["pop", "user", "mfa"]', 'with two factors');
my ($credential) = $browser->credentials($device);
is($credential->{isResidentCredential}, JSON::PP::true, 'the authenticator can find it without an id');
is(query("SELECT '\\x' || encode(uuid_send(id), 'hex') FROM authfort.users WHERE email LIKE 'ada%'"),
	'\\x' . unpack('H*', decode_base64url($credential->{userHandle})), 'its user handle is the id of the user');
like(register($signed_in->{tokens}{access_token}, 'Again')->{error}, qr/^InvalidStateError/,
	'the same authenticator takes no second one');

# as the second factor after a password
my $challenge = in_page(q{return post('/login', {email: 'ada@example.org', password: 'correct horse'})});
is_deeply($challenge->{methods}, [qw(passkey backup_code)], 'a password now ends in a challenge');
sub second_factor
{
	return in_page(<<'JS', $challenge->{mfa_token}, @_);
const [mfa_token, login] = args;
const options = await post('/passkeys/mfa/options', {mfa_token});
const credential = await get(login ? await post('/passkeys/login/options') : options);
return post('/passkeys/mfa/verify', {mfa_token, credential});
JS
}
is(outcome(second_factor('login')), '400 invalid_passkey challenge',
	'which a response to a sign-in does not complete');
my $completed = second_factor();
is(query("SELECT c->>'aal', c->'amr' FROM authfort.verify_jwt('$completed->{tokens}{access_token}') c"),
	'2|["pwd", "pop", "user", "mfa"]', 'and the passkey does');
is(outcome(in_page(q{return post('/passkeys/mfa/options', {mfa_token: args[0]})}, $challenge->{mfa_token})),
	'401 invalid_mfa_token', 'once');

# What the page changes on the way, as malware in it would.
sub sign_in_changed
{
	my ($change) = @_;
	return outcome(in_page(<<"JS"));
const options = await post('/passkeys/login/options');
$change
return post('/passkeys/login/verify', {credential});
JS
}
my $get = 'const credential = await get(options), response = credential.response;';
is(sign_in_changed("$get await post('/passkeys/login/verify', {credential});"), '400 invalid_passkey challenge',
	'a response counts once');
is(sign_in_changed("options.challenge = 'AAAA'; $get"), '400 invalid_passkey challenge', 'another challenge');
is(sign_in_changed("$get response.signature = response.signature.replace(/.{8}\$/, 'AAAAAAAA');"),
	'400 invalid_passkey signature', 'another signature');
is(sign_in_changed("$get response.userHandle = 'A'.repeat(22);"), '400 invalid_passkey userHandle', 'another user');

# an authenticator that does not verify its user
$browser->set_user_verified($device, 0);
like(sign_in()->{error}, qr/^NotAllowedError/, 'without verification the browser refuses to sign in');
is(sign_in_changed("options.userVerification = 'discouraged'; $get"), '400 invalid_passkey userVerified',
	'and so does the database');
$browser->set_user_verified($device, 1);

# another origin of the same domain, and another domain
my $other = Gateway->new('other', $node);
poll('the other gateway connects', sub { $http->get("http://localhost:$other->{port}/readyz")->{success} });
$browser->go("http://localhost:$other->{port}/.well-known/jwks.json");
is(outcome(sign_in()), '400 invalid_passkey origin', 'a page at another port');
is(outcome(register(password_token('bob@example.org'))), '400 invalid_passkey origin',
	'which registers nothing either');
# the authenticator does not know that, and keeps it
my @refused = grep { $_ ne $added->{id} } map { $_->{credentialId} } $browser->credentials($device);
$browser->remove_credential($device, $_) foreach @refused;
$browser->go("http://127.0.0.1:$gateway->{port}/.well-known/jwks.json");
like(sign_in()->{error}, qr/^SecurityError/, 'a page of another domain');
$browser->go($page);
my $response = in_page(q{return get(await post('/passkeys/login/options'))});
set(webauthn_rp_id => 'example.org', webauthn_origins => $origin);
is(outcome(in_page(q{return post('/passkeys/login/verify', {credential: args[0]})}, $response)),
	'400 invalid_passkey rpIdHash', 'a response for another domain');
set(webauthn_rp_id => 'localhost', webauthn_origins => $origin);
is(outcome(sign_in()), '200', 'and the passkey still signs in');

# a copy of the key, made before its last use
($credential) = $browser->credentials($device);
$browser->remove_authenticator($device);
my $copy = $browser->add_authenticator;
$browser->add_credential($copy, { %$credential, signCount => $credential->{signCount} - 1 });
is(outcome(sign_in()), '400 invalid_passkey signCount', 'a copy of the key has an old counter');
is(query("SELECT payload->>'name' FROM authfort.events WHERE event = 'passkey_counter_anomaly'"), 'Laptop',
	'which is recorded');
is(outcome(sign_in()), '200', 'until it has caught up, which no counter can tell');

# a passkey that was removed
is(query("SELECT authfort.delete_passkey(user_id, credential_id) FROM authfort.passkeys"), 't',
	'the passkey is removed');
is(outcome(sign_in()), '404 passkey_not_found', 'and signs in no longer');
$browser->remove_authenticator($copy);

# a security key without a PIN keeps nothing that could be found without an id
my %unable = map { $_ => JSON::PP::false } qw(hasUserVerification isUserVerified);
my $key = $browser->add_authenticator(transport => 'usb', %unable);
like(register(password_token('bob@example.org'))->{error}, qr/^NotAllowedError/, 'a security key without a PIN');
is(query('SELECT count(*) FROM authfort.passkeys'), '0', 'is not registered');
$browser->remove_authenticator($key);

unlike(slurp_file($node->logfile), qr/terminated by signal|PANIC/, 'no backend crashed');
$browser->stop;
$_->stop foreach $other, $gateway;
done_testing();
