# Signing in with a real OpenID provider (Authlib) on loopback, through the real
# gateway: the whole flow, a provider that misbehaves, replays, and a browser.
use strict;
use warnings FATAL => 'all';

use AuthfortNode qw(start_node);
use Digest::SHA  qw(sha256_hex);
use Gateway      qw(poll);
use HTTP::Tiny;
use JSON::PP;
use MIME::Base64 qw(encode_base64url);
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use WebDriver;

my $node = start_node(
	'oauth',
	preload => 'authfort',
	conf    => <<'CONF', sql => 'CREATE ROLE gateway LOGIN IN ROLE authfort_http, authfort_fetch');
authfort.cookies = on
authfort.cookie_secure = off
authfort.site_url = 'https://app.example'
authfort.redirect_allowlist = 'https://app.example/in, com.example.app:/cb, http://127.0.0.1/cb'
log_min_messages = debug1
log_statement = all
CONF
sub sql { return $node->safe_psql('app', $_[0]); }

# A certificate for localhost, which only this gateway trusts.
my $dir = PostgreSQL::Test::Utils::tempdir();
system_or_bail(
	'openssl',
	qw(req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 30 -subj /CN=localhost),
	qw(-addext subjectAltName=DNS:localhost -keyout),
	"$dir/key.pem", '-out', "$dir/cert.pem"
);
my $gateway =
  Gateway->new('oauth_gateway', $node, '--allow-fetch-to=127.0.0.0/8,::1/128', "--fetch-ca-file=$dir/cert.pem");
my $base      = "http://127.0.0.1:$gateway->{port}";
my @redirects = map { "$base/auth/oauth/$_/callback" } qw(idp other form optional);

# Debian's Python, which has Debian's Authlib
my $provider_pid = fork() // die;
if ($provider_pid == 0)
{
	open STDOUT, '>', "$dir/port"         or die;
	open STDERR, '>', "$dir/provider.err" or die;
	exec '/usr/bin/python3', 't/lib/oauth_provider.py', "$dir/cert.pem", "$dir/key.pem", @redirects;
}
END { my $status = $?; kill 'KILL', $provider_pid if $provider_pid; $? = $status; }
poll('the provider starts', sub { -s "$dir/port" });
chomp(my $provider_port = slurp_file("$dir/port"));
my $issuer = "https://localhost:$provider_port";

my $http          = HTTP::Tiny->new(timeout => 60, max_redirect => 0);
my $provider_http = HTTP::Tiny->new(
	timeout      => 60,
	max_redirect => 0,
	verify_SSL   => 1,
	SSL_options  => { SSL_ca_file => "$dir/cert.pem" }
);

# What the provider does from now on; what is not named goes back to normal.
sub provider
{
	my (%change) = @_;
	my $r = $provider_http->post(
		"$issuer/control",
		{
			headers => { 'Content-Type' => 'application/json' },
			content => encode_json({ fault => '', user => 'ada', discovery => {}, page => '', %change })
		}
	);
	die "control: $r->{status} $r->{content}" unless $r->{success};
	return;
}

sub asked
{
	my ($path) = @_;
	return scalar grep { $_ eq $path } @{ decode_json($provider_http->get("$issuer/requests")->{content}) };
}

# A browser is a hash of cookies.
sub request
{
	my ($browser, $method, $url, %options) = @_;
	my %headers = (%{ $options{headers} // {} });
	$headers{Cookie} = join '; ', map { "$_=$browser->{$_}" } sort keys %$browser if %$browser;
	my $r = $http->request(
		$method,
		$url =~ /^http/ ? $url : "$base$url",
		{ headers => \%headers, content => $options{content} // '' }
	);
	my $cookies = $r->{headers}{'set-cookie'} // [];
	foreach (ref $cookies ? @$cookies : $cookies)
	{
		my ($name, $value, $rest) = /^([^=]+)=([^;]*)(.*)/ or next;
		if   ($value eq '') { delete $browser->{$name} }
		else                { $browser->{$name} = $value }
	}
	$r->{json} = eval { decode_json($r->{content}) };
	$r->{code} = ref $r->{json} eq 'HASH' && ref $r->{json}{detail} eq 'HASH' ? $r->{json}{detail}{error} : '';
	return $r;
}

sub post_json
{
	my ($browser, $path, $json, %headers) = @_;
	return request(
		$browser, 'POST', $path,
		headers => { 'Content-Type' => 'application/json', %headers },
		content => encode_json($json)
	);
}

# The URL to which the provider sends the browser back.
sub at_provider
{
	my ($location) = @_;
	my $r = $provider_http->get($location);
	return $r->{headers}{location} // die "the provider answers $r->{status} $r->{content}";
}

sub begin
{
	my ($browser, $query, $name) = @_;
	$name //= 'idp';
	my $r = request($browser, 'GET', "/auth/oauth/$name/authorize" . ($query // ''));
	is($r->{status}, 302, "authorize at $name") or diag($r->{content});
	return $r->{headers}{location};
}

sub sign_in
{
	my ($browser, $query, $name) = @_;
	return request($browser, 'GET', at_provider(begin($browser, $query, $name)));
}

sub configure
{
	my ($name, %config) = @_;
	my $json = encode_json(
		{
			issuer        => $issuer,
			client_id     => 'client',
			client_secret => 'planted-Client-Secret',
			trust_email   => JSON::PP::true,
			redirect_uri  => "$base/auth/oauth/$name/callback",
			%config
		}
	);
	sql("SELECT authfort.set_oauth_provider('$name', '$json')");
	return;
}
configure('idp');
configure('other',    token_auth_method => 'post');
configure('form',     response_mode     => 'form_post');
configure('optional', id_token          => 'optional');
poll('gateway connects', sub { request({}, 'GET', '/readyz')->{status} == 200 });

# The whole flow.
my %ada;
my $location = begin(\%ada, '?redirect_to=/welcome?a=b');
my %asked    = map { /^([^=]*)=(.*)/ ? ($1 => $2) : () } split /[&?]/, $location;
like($location, qr{^\Q$issuer\E/authorize\?}, 'it goes to the endpoint of the discovery document');
is($asked{code_challenge_method} . $asked{response_type} . $asked{client_id}, 'S256codeclient', 'with PKCE');
ok($asked{nonce} && length $asked{code_challenge} == 43 && length $asked{state} < 200, 'a nonce, and a short state');
my ($cookie) = grep { /^authfort_oauth_/ } keys %ada;
ok($cookie, 'and a cookie');
unlike($location, qr/\Q$ada{$cookie}\E/, 'which is not in the URL');
my $back = at_provider($location);
my $r    = request(\%ada, 'GET', $back);
is(
	"$r->{status} " . ($r->{headers}{location} // $r->{content}),
	'302 https://app.example/welcome?a=b',
	'the visitor comes back'
);
ok(!exists $ada{$cookie}, 'the cookie of the flow is gone');
my $me = request(\%ada, 'GET', '/auth/me')->{json};
is(
	"$me->{email} $me->{name} $me->{avatar_url} $me->{email_verified}",
	'ada@example.com Ada Lovelace https://example.com/ada.png 1',
	'an account of the profile'
);
is(sql(q{SELECT amr, aal FROM authfort.sessions}), '{fed}|1', 'the session knows how it was authenticated');
is(sql(q{SELECT string_agg(event || ' ' || (payload->>'provider'), ', ' ORDER BY id) FROM authfort.events}),
	'user_created idp, login idp', 'events');
$r = sign_in({});
is($r->{json}{user}{id}, $me->{id}, 'the second sign-in, without redirect_to, is the same user, as JSON');
is(sql('SELECT count(*) FROM authfort.users'), '1', 'and no other');
is(sign_in({}, undef, 'other')->{json}{user}{id},
	$me->{id}, 'another provider with the same verified email is linked');
is(sql(q{SELECT string_agg(provider, ' ' ORDER BY provider) FROM authfort.list_identities('} . $me->{id} . q{')}),
	'idp other', 'both are');

# Lets the settings of the database take effect in the gateway.  Every backend has to be gone first:
# a request that is sent to one that is just ending fails.
sub reconnect_gateway
{
	is(sql(q{SELECT bool_and(pg_terminate_backend(pid, 60000)) FROM pg_stat_activity WHERE usename = 'gateway'}),
		't', 'the backends of the gateway end');
	poll('gateway connects again', sub { request({}, 'GET', '/readyz')->{status} == 200 });
	return;
}

# Replays, and what a flow is bound to.
sub refused
{
	my ($r, $status, $code, $name) = @_;
	is("$r->{status} $r->{code}", "$status $code", $name) or diag($r->{content});
	is(
		sql(
			q{SELECT payload->>'reason' || coalesce(payload->>'email', '') FROM authfort.events
				WHERE event = 'login_failed' ORDER BY id DESC LIMIT 1}
		),
		$code,
		"$name: recorded, without an email"
	);
	return;
}
my %browser;
$location = begin(\%browser);
my %kept = %browser;
$back = at_provider($location);
provider(fault => 'code_again');
refused(request({}, 'GET', $back), 400, 'oauth_state_invalid', 'another browser cannot end the flow');
is(request(\%browser, 'GET', $back)->{status}, 200, 'the one that began it can');
refused(request(\%browser, 'GET', $back), 400, 'oauth_state_invalid', 'the same callback again');
my ($code, $state) = $back =~ /code=([^&]*)&state=([^&]*)/;
refused(request({%kept}, 'GET', $back),
	400, 'oauth_state_invalid', 'nor with the cookie kept, though the provider takes the code twice');
my %second;
begin(\%second);
refused(request({ %second, %kept }, 'GET', "/auth/oauth/idp/callback?code=x&state=A$state"),
	400, 'oauth_state_invalid', 'a state that was changed');
my ($mine) = values %second;
my ($name) = keys %kept;
refused(request({ $name => $mine }, 'GET', $back), 400, 'oauth_state_invalid', 'a cookie of another flow');
refused(
	request({%kept}, 'GET', $back =~ s/idp/other/r),
	400,
	'oauth_state_provider_mismatch',
	'a flow of another provider'
);
refused(
	request({%kept}, 'GET', "$back&iss=https%3A%2F%2Fother.example"),
	400,
	'oauth_state_provider_mismatch',
	'an answer that names another issuer'
);
refused(request({%kept}, 'GET', '/auth/oauth/idp/callback?code=x'), 400, 'oauth_missing_params', 'no state');
refused(request({%kept}, 'GET', '/auth/oauth/nothing/callback?code=x&state=y'),
	404, 'unknown_provider', 'no such provider');
refused(request({}, 'GET', '/auth/oauth/nothing/callback?error=access_denied&error_description=%3Cscript%3E'),
	400, 'oauth_provider_error', 'an error');
is(request({}, 'GET', '/auth/oauth/nothing/authorize')->{status}, 404, 'authorize at no provider');

foreach my $target (
	'//evil.example',                      '/\\evil.example',
	'https://evil.example',                'https://app.example/internal',
	'https://app.example@evil.example/in', 'https://app.example.evil.example/in',
	'/a/../b',                             '/a/%2e%2E/b',
	'/%2f/evil.example',                   '/a%5cb',
	'javascript:alert(1)',                 'https://app.example/in/../out',
	'http://app.example/in'
  )
{
	$r = request(
		{}, 'GET',
		'/auth/oauth/idp/authorize?redirect_to=' . join '',
		map { sprintf '%%%02x', ord } split //, $target
	);
	is("$r->{status} $r->{code}", '400 invalid_redirect', "not redirected to $target");
}

# A code that was issued to another flow, or by another provider, is refused with the verifier of this one.
my (%attacker, %victim);
my ($stolen) = at_provider(begin(\%attacker)) =~ /code=([^&]*)/;
my ($state_of_victim) = at_provider(begin(\%victim)) =~ /state=([^&]*)/;
refused(request(\%victim, 'GET', "/auth/oauth/idp/callback?code=$stolen&state=$state_of_victim"),
	400, 'oauth_exchange_failed', 'a code of another flow');
%victim = ();
($stolen) = at_provider(begin(\%attacker)) =~ /code=([^&]*)/;
($state_of_victim) = at_provider(begin(\%victim, undef, 'other')) =~ /state=([^&]*)/;
refused(request(\%victim, 'GET', "/auth/oauth/other/callback?code=$stolen&state=$state_of_victim"),
	400, 'oauth_exchange_failed', 'a code of another provider');

# A provider that says that it names itself has to (RFC 9207).
provider(discovery => { authorization_response_iss_parameter_supported => JSON::PP::true });
sql("SELECT authfort.refresh_oauth_provider('idp')");
refused(sign_in({}), 400, 'oauth_state_invalid', 'an answer that does not name its issuer');
%victim = ();
my $named = at_provider(begin(\%victim)) . '&iss=' . $issuer =~ s/([:\/])/sprintf '%%%02X', ord $1/ger;
is(request(\%victim, 'GET', $named)->{status}, 200, 'one that does');
provider();
sql("SELECT authfort.refresh_oauth_provider('idp')");

# A browser that begins many sign-ins keeps five cookies.
my %many;
begin(\%many) foreach 1 .. 7;
is(scalar(keys %many), 5, 'at most five cookies of flows');

# A provider that misbehaves cannot make an account or sign a user in.
sub state_of
{
	return sql(
		'SELECT (SELECT count(*) FROM authfort.users), (SELECT count(*) FROM authfort.identities),
			(SELECT count(*) FROM authfort.sessions)'
	);
}
my $before = state_of();
foreach my $fault (
	qw(iss aud azp auds nonce no_nonce expired future at_hash sub alg_none hs256 key_swap
	no_id_token no_access_token mac_token
	token_html token_big token_endless token_redirect token_empty token_500)
  )
{
	provider(fault => $fault, user => 'grace');
	refused(sign_in({}), 400, 'oauth_exchange_failed', "fault: $fault");
}
foreach my $fault (
	qw(other_sub userinfo_html userinfo_big userinfo_endless userinfo_redirect userinfo_empty userinfo_500))
{
	provider(fault => $fault, user => 'grace');
	refused(sign_in({}), 400, 'oauth_user_info_failed', "fault: $fault");
}
is(asked('/internal'), 0, 'redirects are not followed');
provider(fault => 'denied');
$r = sign_in({});
refused($r, 400, 'oauth_provider_error', 'the visitor is refused by the provider');
unlike($r->{content}, qr/script|alert/, 'whose text is not repeated');
provider(user => 'nobody');
refused(sign_in({}), 400, 'oauth_no_email', 'an account without an email');
is(state_of(), $before, 'none of these made anything');
provider(user => 'grace', discovery => { sparse => 1 });
is(sign_in({})->{json}{user}{email}, 'grace@example.com', 'the profile may come from userinfo alone');

# Discovery documents: only of the issuer, and within its hosts.
$before = state_of();
foreach my $case (
	[ { issuer                 => 'https://other.example' },       'of another issuer' ],
	[ { token_endpoint         => 'https://127.0.0.1:1/token' },   'with an endpoint elsewhere' ],
	[ { jwks_uri               => 'http://169.254.169.254/keys' }, 'with keys inside' ],
	[ { authorization_endpoint => 'javascript:alert(1)' },         'with a script' ],
	[ { token_endpoint         => 1 },                             'with a number' ]
  )
{
	provider(discovery => $case->[0]);
	sql("SELECT authfort.refresh_oauth_provider('idp')");
	$r = request({}, 'GET', '/auth/oauth/idp/authorize');
	is("$r->{status} $r->{code}", '502 oauth_provider_unavailable', "a document $case->[1]");
}
foreach my $fault (qw(discovery_html discovery_big discovery_endless discovery_redirect discovery_500))
{
	provider(fault => $fault);
	sql("SELECT authfort.refresh_oauth_provider('idp')");
	is(request({}, 'GET', '/auth/oauth/idp/authorize')->{status}, 502, "fault: $fault");
}
foreach my $fault (qw(jwks_html jwks_big jwks_endless jwks_redirect jwks_empty jwks_500))
{
	provider();
	sql("SELECT authfort.refresh_oauth_provider('idp')");
	my %waiting;
	my $location = begin(\%waiting);
	provider(fault => $fault);
	refused(request(\%waiting, 'GET', at_provider($location)), 502, 'oauth_provider_unavailable', "fault: $fault");
}
is(asked('/internal'), 0, 'redirects of documents are not followed');
provider();
is(sign_in({})->{status}, 200, 'afterwards it works');
sql(
	q{UPDATE authfort.oauth_documents SET fetched_at = fetched_at - interval '2 days',
		asked_at = asked_at - interval '2 days'}
);
provider(fault => 'discovery_500');
ok(begin({}), 'an old document counts while there is no newer one');
provider();

# Keys: an unknown one is asked for once a minute, and bad answers replace nothing.
sql(q{UPDATE authfort.oauth_documents SET asked_at = asked_at - interval '2 minutes'});
provider(key => 'second', published => ['second']);
is(sign_in({})->{status}, 200, 'a key that is new');
my $keys = asked('/jwks');
foreach (1 .. 3)
{
	provider(fault => 'unknown_kid', key => 'second', published => ['second']);
	refused(sign_in({}), 400, 'oauth_exchange_failed', 'an unknown key');
}
is(asked('/jwks'), $keys, 'does not make us ask again within a minute');
foreach my $fault (qw(jwks_html jwks_empty jwks_500))
{
	sql(
		q{UPDATE authfort.oauth_documents SET fetched_at = fetched_at - interval '2 days',
		asked_at = asked_at - interval '2 days'}
	);
	provider(fault => $fault, key => 'second', published => ['second']);
	is(sign_in({})->{status}, 200, "$fault: the keys of before count");
}
provider(key => 'first', published => ['first']);
sql("SELECT authfort.refresh_oauth_provider('idp'), authfort.refresh_oauth_provider('other')");

# Whose account it is.
$before = state_of();
provider(user => 'eve');
refused(sign_in({}), 409, 'account_exists', 'an unverified email does not open the account that has it');
is(state_of(), $before, 'nor is anything made');
sql(q{SELECT authfort.signup('stranger@example.com', 'correct horse')});
configure('idp', mapping => { email => 'other_email' });
sql("SELECT authfort.ban_user('$me->{id}')");
provider();
refused(sign_in({}), 403, 'user_banned', 'a banned user');
sql("SELECT authfort.unban_user('$me->{id}')");
configure('idp');

# An account that a stranger made with the victim's email is cleared when its owner comes.
sql(q{UPDATE authfort.users SET email = 'grace@moved.example' WHERE email = 'grace@example.com'});
sql(q{DELETE FROM authfort.identities WHERE provider_user_id = 'grace-1'});
my $trap = decode_json(sql(q{SELECT authfort.signup('grace@example.com', 'the strangers password')}));
provider(user => 'grace');
is(sign_in({})->{json}{user}{id}, $trap->{user}{id}, 'the account with the email');
is(decode_json(sql(q{SELECT authfort.login('grace@example.com', 'the strangers password')}))->{error},
	'oauth_account', 'has no password of the stranger');
is(decode_json(sql("SELECT authfort.refresh('$trap->{tokens}{refresh_token}')"))->{error},
	'refresh_token_revoked', 'and no session');
is_deeply(decode_json(sql(q{SELECT authfort.login('grace@example.com', 'x')}))->{providers},
	['idp'], 'the refusal names the provider');
sql('ALTER DATABASE app SET authfort.allow_signup = off');
reconnect_gateway();
provider(user => 'eve');
refused(sign_in({}, undef, 'other'), 409, 'account_exists', 'with sign-up off too');
sql(q{UPDATE authfort.users SET email = 'ada@moved.example' WHERE email = 'ada@example.com'});
refused(sign_in({}, undef, 'other'), 403, 'signup_disabled', 'no account is made with sign-up off');
sql(q{UPDATE authfort.users SET email = 'ada@example.com' WHERE email = 'ada@moved.example'});
sql('ALTER DATABASE app RESET authfort.allow_signup');
reconnect_gateway();
provider();

# Popup, form post, code for an app, id_token.
$r = sign_in({}, '?mode=popup&redirect_to=https://app.example/in/x');
is("$r->{status} $r->{headers}{'content-type'}", '200 text/html; charset=utf-8', 'a page for the popup');
like(
	$r->{content},
	qr/window\.opener\.postMessage\(\{.*"access_token".*, "https:\/\/app\.example"\);\s*window\.close\(\);/s,
	'posts to the origin of redirect_to'
);
my ($nonce) = $r->{headers}{'content-security-policy'} =~ /script-src 'nonce-(\w+)'/;
like($r->{content}, qr/<script nonce="$nonce">/, 'with a nonce');
is(() = $r->{content} =~ /<script/g, 1, 'one script');
my %form;
$location = begin(\%form, '?redirect_to=/welcome', 'form');
like($location, qr/response_mode=form_post/, 'a provider that posts');
$back = at_provider($location);
my ($query) = $back =~ /\?(.*)/;
$r = request(
	{}, 'POST', '/auth/oauth/form/callback',
	headers => { 'Content-Type' => 'application/x-www-form-urlencoded', Origin => $issuer },
	content => $query
);
is($r->{status}, 303, 'its form, which comes without cookies, is sent on');
unlike($r->{headers}{location}, qr/state=|code=/, 'sealed');
my %form_kept = %form;
my $sealed    = $r->{headers}{location};
provider(fault => 'code_again');
$r = request(\%form, 'GET', $sealed);
is("$r->{status} $r->{headers}{location}", '302 https://app.example/welcome', 'to where the cookie is');
refused(request(\%form_kept, 'GET', $sealed),
	400, 'oauth_state_invalid', 'the sealed form again, with the cookie kept');
provider();

my $verifier  = 'v' x 50;
my $challenge = encode_base64url(pack 'H*', sha256_hex($verifier));
my $app       = "?mode=code&code_challenge_method=S256&code_challenge=$challenge&redirect_to=";
is(request({}, 'GET', "/auth/oauth/idp/authorize${app}com.other:/cb")->{code},
	'invalid_redirect', 'an app that is not listed');
is(request({}, 'GET', '/auth/oauth/idp/authorize?mode=code&redirect_to=com.example.app:/cb')->{code},
	'invalid_code_challenge', 'no challenge');
foreach my $target ('com.example.app:/cb', 'http://127.0.0.1:54321/cb')
{
	my %phone;
	$r = sign_in(\%phone, "$app$target");
	my ($app_code) = $r->{headers}{location} =~ /^\Q$target\E\?code=([\w-]+)$/;
	ok($app_code,                      "a code for $target");
	ok(!grep({ /token/ } keys %phone), 'and no session yet');
	is(post_json({}, '/auth/oauth/token', { code => $app_code, code_verifier => $verifier })->{json}{user}{id},
		$me->{id}, 'is exchanged');
	$r = post_json({}, '/auth/oauth/token', { code => $app_code, code_verifier => $verifier });
	is("$r->{status} $r->{code} $r->{json}{error}", '400 oauth_code_invalid invalid_grant', 'once');
}
($code) = sign_in({}, "${app}com.example.app:/cb")->{headers}{location} =~ /code=([\w-]+)$/;
is(post_json({}, '/auth/oauth/token', { code => $code, code_verifier => 'w' x 50 })->{code},
	'oauth_code_invalid', 'not with another verifier');
is(post_json({}, '/auth/oauth/token', { code => $code, code_verifier => $verifier })->{code},
	'oauth_code_invalid', 'which uses it up');

# An app has an id_token of its own.
sub minted { return $provider_http->get("$issuer/mint?$_[0]")->{content}; }
sub submitted { return post_json({}, '/auth/oauth/idp/id-token', { id_token => $_[0], nonce => $_[1] }); }
my $id_token = minted('nonce=' . sha256_hex('made up'));
is(submitted($id_token, 'made up')->{code}, 'oauth_id_token_invalid', 'an id_token for another client');
configure('idp', audiences => ['phone']);
is(submitted($id_token, 'other')->{code}, 'oauth_id_token_invalid', 'with another nonce');
is(submitted(minted('nonce=made+up'), 'made up')->{code}, 'oauth_id_token_invalid', 'with the nonce itself');
is(submitted($id_token, 'made up')->{json}{user}{id}, $me->{id}, 'of an app that is listed');
is(submitted($id_token, 'made up')->{code}, 'oauth_id_token_invalid', 'counts once');
is(submitted(minted('nonce=' . encode_base64url(pack 'H*', sha256_hex('made up'))), 'made up')->{status},
	200, 'the hash may be in base64url');
my $other_aud = minted('aud=web&nonce=' . sha256_hex('x'));
is(submitted($other_aud, 'x')->{code}, 'oauth_id_token_invalid', 'for a client that is not listed');
is(submitted("$id_token.x", 'made up')->{code}, 'oauth_id_token_invalid', 'malformed');
is(submitted(minted('exp=1&nonce=' . sha256_hex('x')), 'x')->{code}, 'oauth_id_token_invalid', 'expired');
configure('idp');

# With a second factor there is a challenge.
my $secret = decode_json(sql("SELECT authfort.mfa_init('$me->{id}')"))->{secret};
sql("UPDATE authfort.users SET mfa_enabled = true WHERE id = '$me->{id}'");
$r = sign_in({}, '?redirect_to=/welcome%23top');
like($r->{headers}{location}, qr{^https://app\.example/welcome#mfa_token=[\w.-]+$}, 'in the fragment');
is($r->{headers}{'set-cookie'} =~ /access_token=\w/ ? 1 : 0, 0, 'without tokens') if !ref $r->{headers}{'set-cookie'};
like(sign_in({})->{headers}{location}, qr{^https://app\.example/#mfa_token=}, 'without redirect_to at the site');
like(sign_in({}, '?mode=popup')->{content}, qr/postMessage\(\{"mfa_required":true/, 'in a popup');
sql("SELECT authfort.reset_mfa('$me->{id}')");

# Linking and unlinking.
sql(q{DELETE FROM authfort.identities WHERE provider = 'other'});
my %signed;
sign_in(\%signed, '?redirect_to=/');
my ($token) = $signed{access_token};
provider(user => 'grace');
$r = post_json(\%signed, '/auth/oauth/other/link', {}, Authorization => "Bearer $token");
is($r->{status}, 200, 'linking begins with a URL') or diag($r->{content});
is(request(\%signed, 'GET', at_provider($r->{json}{url}))->{json}{provider},
	'other', 'and ends with the account linked');
is(sql(q{SELECT user_id FROM authfort.identities WHERE provider = 'other'}), $me->{id}, 'to the user who asked');
is(
	join(' ',
		map  { $_->{provider_user_id} }
		grep { $_->{provider} eq 'other' } @{ request(\%signed, 'GET', '/auth/identities')->{json} }),
	'grace-1',
	'who sees it'
);
provider(user => 'ada');
$r = post_json(\%signed, '/auth/oauth/idp/link', {}, Authorization => "Bearer $token");
is(request(\%signed, 'GET', at_provider($r->{json}{url}))->{status}, 200, 'linking again what is linked');
provider(user => 'grace');
$r = post_json(\%signed, '/auth/oauth/idp/link', {}, Authorization => "Bearer $token");
refused(request(\%signed, 'GET', at_provider($r->{json}{url})), 409, 'identity_taken', 'an account of another user');
is(
	request(\%signed, 'DELETE', '/auth/identities/other', headers => { Authorization => "Bearer $token" })->{status},
	204, 'unlinking'
);
is(
	request(\%signed, 'DELETE', '/auth/identities/other', headers => { Authorization => "Bearer $token" })->{status},
	404,
	'what is not linked'
);
sql(
	q{UPDATE authfort.users SET email_verified = false WHERE email = 'ada@example.com';
		DELETE FROM authfort.identities WHERE provider = 'form'}
);
is(request(\%signed, 'DELETE', '/auth/identities/idp', headers => { Authorization => "Bearer $token" })->{code},
	'last_credential', 'the last way in stays');
sql(q{UPDATE authfort.sessions SET auth_time = auth_time - interval '1 day'});
is(post_json(\%signed, '/auth/oauth/other/link', {}, Authorization => "Bearer $token")->{code},
	'reauthentication_required', 'an old session links nothing');
provider();

# In a real browser.
SKIP:
{
	if (!WebDriver::driver())
	{
		die "AUTHFORT_REQUIRE_ALL is set, but chromium-driver is not installed\n" if $ENV{AUTHFORT_REQUIRE_ALL};
		diag('NOT TESTED: in Chromium, which is not installed');
		skip('chromium-driver is not installed', 1);
	}
	provider(page => 1);
	my $chromium = WebDriver->new(args => ['--ignore-certificate-errors']);
	$chromium->go("$base/auth/oauth/idp/authorize");
	like($chromium->url, qr{^\Q$issuer\E/authorize}, 'Chromium is at the provider');
	provider();
	$chromium->click('#allow');
	ok(poll('Chromium comes back', sub { $chromium->url =~ m{^\Q$base\E/auth/oauth/idp/callback} }), 'and comes back');
	my %cookies = map { $_->{name} => $_ } $chromium->cookies;
	ok($cookies{access_token} && $cookies{refresh_token}, 'signed in');
	is_deeply([ grep { /oauth/ } keys %cookies ], [], 'the cookie of the flow is gone');
	$chromium->stop;
}

# Nothing secret was written down.
unlike(sql('SELECT jsonb_agg(to_jsonb(p)) FROM authfort.oauth_providers p'),
	qr/planted/, 'the secret is not in the table');
unlike(
	slurp_file($gateway->{errors}) . slurp_file($gateway->{log}),
	qr/planted|at-[\w-]{20}|code=\w/,
	'no secret in the logs of the gateway'
);
unlike(slurp_file($node->logfile), qr/planted-Client|at-[\w-]{20}/, 'nor of the server');
unlike(slurp_file($node->logfile), qr/PANIC|terminated by signal/,  'no backend crashed');
$gateway->stop;
$node->stop;
done_testing();
