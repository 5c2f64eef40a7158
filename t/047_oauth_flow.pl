# What a sign-in at a provider takes and what it does not: the algorithms of id_tokens, and the
# limits of fetches, continuations, flows and codes, by the server's own clock.
use strict;
use warnings FATAL => 'all';
use feature 'state';

use AuthfortNode qw(start_node);
use Digest::SHA qw(sha256);
use Gateway qw(poll);
use HTTP::Tiny;
use IPC::Run qw(run);
use JSON::PP;
use MIME::Base64 qw(encode_base64url);
use POSIX qw(strftime);
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

# libfaketime lets the server alone live later, so that no test waits for a time to pass; and stops
# its clock, so that none depends on how fast the machine is.
my $clock = PostgreSQL::Test::Utils::tempdir() . '/clock';
my ($faketime) = grep { -e } glob '/usr/lib/*/faketime/libfaketime.so.1';
die "AUTHFORT_REQUIRE_ALL is set, but libfaketime is not installed\n" if $ENV{AUTHFORT_REQUIRE_ALL} && !$faketime;

my $stopped_at;

# What time it is for the server.
sub now { return $stopped_at // time; }

# Lets its clock stand so many seconds after now, or go on with the right time.
sub set_clock
{
	my ($seconds) = @_;
	state $begin = time;
	$stopped_at = defined $seconds ? $begin + $seconds : undef;
	my $file = "$clock.new";
	unlink $file;
	append_to_file($file, (defined $seconds ? strftime('%Y-%m-%d %H:%M:%S', gmtime $stopped_at) : '+0s') . "\n");
	rename $file, $clock or die "$clock: $!";
	return;
}
set_clock();
my %later = (
	TZ => 'UTC',
	LD_PRELOAD => $faketime,
	FAKETIME_TIMESTAMP_FILE => $clock,
	FAKETIME_NO_CACHE => 1,
	FAKETIME_DONT_FAKE_MONOTONIC => 1);
my $node = start_node(
	'oauth_flow',
	preload => 'authfort',
	environment => $faketime ? \%later : {},
	conf => "authfort.public_url = 'https://auth.example'\nauthfort.redirect_allowlist = 'com.example.app:/cb'",
	sql => <<'SQL');
SELECT authfort.set_oauth_provider('op', '{"issuer": "https://id.example", "client_id": "client", "client_secret": "s",
	"trust_email": true, "hosts": ["id.example", "mail.example"],
	"endpoints": {"authorization": "https://id.example/a", "token": "https://id.example/t",
	"jwks": "https://id.example/k"}}');
-- the flow of a browser: what an application that is its own gateway keeps
CREATE TABLE flow (n integer PRIMARY KEY, begun jsonb, answer jsonb, resume text);
CREATE FUNCTION code(result jsonb) RETURNS text LANGUAGE sql AS $$
	SELECT coalesce(result->>'error', CASE WHEN result ? 'tokens' THEN 'signed in'
		WHEN result ? 'fetch' THEN (result#>>'{fetch,method}') || ' ' || (result#>>'{fetch,url}')
		WHEN result ? 'url' THEN 'sent' ELSE result::text END) $$;
CREATE FUNCTION call(provider text, answer jsonb) RETURNS jsonb LANGUAGE sql VOLATILE AS $$
	SELECT authfort.oauth_callback(provider, jsonb_build_object('code', 'c', 'state', answer->>'state'),
		answer->>'cookie') $$;
SQL
sub sql { return $node->safe_psql('app', $_[0]); }

# Each of these is a whole flow, whose token endpoint answers with that id_token.
my @orders;
sub order
{
	my ($expected, $name, %order) = @_;
	push @orders, { expected => $expected, name => $name, order => \%order };
	return;
}
my @algorithms = qw(RS256 RS384 RS512 PS256 PS384 PS512 ES256 ES384 ES512 EdDSA Ed25519);
foreach my $alg (@algorithms)
{
	order('signed in', $alg, alg => $alg, access_token => "at-$alg");
	order('oauth_exchange_failed', "$alg: at_hash by another digest", alg => $alg, access_token => 'at',
		fault => 'at_hash');
	order('oauth_exchange_failed', "$alg: $_", alg => $alg, fault => $_) foreach qw(bit short long empty);
}
foreach my $alg (grep { /^ES/ } @algorithms)
{
	order('oauth_exchange_failed', "$alg: $_", alg => $alg, fault => $_) foreach qw(swapped zeros);
	order('oauth_exchange_failed', "$alg as DER", alg => $alg, fault => 'der');
}
order('signed in', "$_ by a key that states no algorithm", alg => $_, kid => 'any')
	foreach grep { /^[RP]S/ } @algorithms;
order('oauth_exchange_failed', "$_ with a salt of another length", alg => $_, fault => 'salt') foreach qw(PS256 PS512);
order('oauth_exchange_failed', 'PS256 by a key that states RS256', alg => 'PS256', kid => 'RS256');
order('oauth_exchange_failed', 'RS256 by a key that states RS512', alg => 'RS256', kid => 'RS512');
order('oauth_exchange_failed', 'a signature of RS256 that claims to be PS256', alg => 'PS256', sign => 'RS256',
	kid => 'any');
order('oauth_exchange_failed', 'a signature of RS512 that claims to be RS256', alg => 'RS256', sign => 'RS512',
	kid => 'any');
order('oauth_exchange_failed', 'ES256 by a key on P-384', alg => 'ES256', kid => 'ES384');
order('oauth_exchange_failed', 'ES384 by the key of ES256', alg => 'ES384', fault => 'p256');
order('oauth_exchange_failed', 'RS256 by an elliptic curve', alg => 'RS256', kid => 'ES256');
order('oauth_exchange_failed', 'EdDSA by an RSA key', alg => 'EdDSA', kid => 'any');
order('oauth_exchange_failed', 'a key for encryption', alg => 'RS256', kid => 'enc');
order('oauth_exchange_failed', 'a key of an algorithm that does not sign', alg => 'RS256', kid => 'oaep');
order('oauth_exchange_failed', 'an RSA key of 1024 bits', alg => 'RS256', kid => 'weak', fault => 'weak');
order('oauth_exchange_failed', 'an exponent of 1, by which everything is signed', alg => 'RS256', kid => 'e1',
	fault => 'e1');
order('oauth_exchange_failed', "$_ with the public key", alg => $_, kid => 'any') foreach qw(HS256 HS384 HS512);
order('oauth_exchange_failed', 'HS256 with a symmetric key of the set', alg => 'HS256', kid => 'oct', fault => 'oct');
order('oauth_exchange_failed', "alg $_", alg => $_, kid => 'any') foreach qw(none None nOnE);
order('signed in', 'ES512 without an id, by the only key', alg => 'ES512', kid => '');
order('oauth_exchange_failed', 'RS256 without an id, by one of several keys', alg => 'RS256', kid => '');

sql("INSERT INTO flow (n, answer) SELECT n, authfort.oauth_authorize('op') FROM generate_series(0, $#orders) n");
my %nonce = split /[|\n]/, sql("SELECT n, substring(answer->>'url' FROM 'nonce=([^&]*)') FROM flow");
my $now = time;
foreach my $n (0 .. $#orders)
{
	$orders[$n]{order}{claims} = {
		iss => 'https://id.example', aud => 'client', sub => 'ada', email => 'ada@example.com', iat => $now,
		exp => $now + 300, nonce => $nonce{$n} };
}
my $made;
# Debian's Python, which has Debian's packages
run [ '/usr/bin/python3', 't/lib/id_tokens.py' ], \encode_json([ map { $_->{order} } @orders ]), \$made
	or die "id_tokens.py: $?";
$made = decode_json($made);
sub literal { return q{'} . $_[0] =~ s/'/''/gr . q{'}; }
my $keys = literal(encode_json($made->{keys}));
sql("UPDATE flow SET resume = call('op', answer)#>>'{fetch,resume}'");

# The first token asks for the keys, which the others find.
my $asked = sql("UPDATE flow SET answer = authfort.oauth_resume(resume, 200, '{}', "
	. literal(encode_json({ access_token => 'at-RS256', id_token => $made->{tokens}[0] }))
	. q{) WHERE n = 0 RETURNING code(answer)});
is($asked, 'GET https://id.example/k', 'the keys are asked for');
is(sql("SELECT code(authfort.oauth_resume(answer#>>'{fetch,resume}', 200, '{}', $keys)) FROM flow WHERE n = 0"),
	'signed in', 'RS256, with the keys that were asked for');
my $cases = literal(encode_json([ map { {
	access_token => $orders[$_]{order}{access_token} // 'at', id_token => $made->{tokens}[$_] } } 1 .. $#orders ]));
my @results = split /\n/, sql("SELECT code(authfort.oauth_resume(f.resume, 200, '{}', c.body::text))
	FROM jsonb_array_elements($cases) WITH ORDINALITY AS c(body, n) JOIN flow f USING (n) ORDER BY n");
is($results[ $_ - 1 ], $orders[$_]{expected}, $orders[$_]{name}) foreach 1 .. $#orders;
is(sql('SELECT count(*) FROM authfort.identities'), '1', 'all of them were of one account');

# Four fetches at the most, of which each continuation is a little longer.
sql(q{SELECT authfort.refresh_oauth_provider('op')});
sub configure { return sql("SELECT authfort.set_oauth_provider('long', '$_[0]')"); }
my $long = <<'JSON';
{"issuer": "https://id.example", "client_id": "client", "client_secret": "s",
"endpoints": {"authorization": "https://id.example/a", "token": "https://id.example/t", "jwks": "https://id.example/k",
"userinfo": "https://id.example/u", "emails": "https://id.example/e"}}
JSON
configure($long);

# A key set, and an id_token for a flow with that nonce.
sub mint
{
	my ($nonce, %order) = @_;
	my $out;
	run [ '/usr/bin/python3', 't/lib/id_tokens.py' ], \encode_json([ { alg => 'RS256', %order, claims => {
		iss => 'https://id.example', aud => 'client', sub => 'grace', iat => now(), exp => now() + 300,
		nonce => $nonce, %{ $order{claims} // {} } } } ]), \$out or die;
	return decode_json($out);
}
my $provider = 'long';
sub begin
{
	sql('TRUNCATE flow');
	sql("INSERT INTO flow (n, answer) SELECT 0, authfort.oauth_authorize('$provider')");
	sql('UPDATE flow SET begun = answer');
	return sql(q{SELECT substring(answer->>'url' FROM 'nonce=([^&]*)') FROM flow});
}
sub call_back { return sql("UPDATE flow SET answer = call('$provider', answer) RETURNING code(answer)"); }
sub call_back_again { return sql("SELECT code(call('$provider', begun)) FROM flow"); }
sub give
{
	my ($body, $status) = @_;
	$status //= 200;
	return sql("UPDATE flow SET answer = authfort.oauth_resume(answer#>>'{fetch,resume}', $status, '{}', "
		. literal(ref $body ? encode_json($body) : $body) . ') RETURNING code(answer)');
}
sub member { return sql("SELECT answer#>>'{fetch,$_[0]}' FROM flow"); }

my $fresh = mint(begin());
is(call_back(), 'POST https://id.example/t', 'the first fetch: the tokens');
is(member('timeout_ms') . ' ' . member('max_bytes'), '10000 262144', 'of ten seconds and 256 KiB');
is(give({ access_token => 'a', id_token => $fresh->{tokens}[0] }), 'GET https://id.example/k', 'the second: keys');
is(give($fresh->{keys}), 'GET https://id.example/u', 'the third: the profile');
is(give({ sub => 'grace' }), 'GET https://id.example/e', 'the fourth: emails');
ok(length member('resume') <= 16384, 'the continuation has at most 16 KiB');
my $last = member('resume');
is(give('[{"email": "grace@example.com", "verified": true}]'), 'signed in', 'and no fifth');
is(sql("SELECT code(authfort.oauth_resume('$last', 200, '{}', '[]'))"), 'oauth_state_invalid',
	'the last answer again');

# The issuers of presets: Google's has two spellings, and Microsoft's is one for each directory.
my $tenant = '11111111-2222-3333-4444-555555555555';
my $other_tenant = '99999999-2222-3333-4444-555555555555';
my %preset = (
	google => [ { preset => 'google' }, 'https://www.googleapis.com/oauth2/v3/certs',
		'GET https://openidconnect.googleapis.com/v1/userinfo' ],
	common => [ { preset => 'microsoft', tenant => 'common' },
		'https://login.microsoftonline.com/common/discovery/v2.0/keys', 'signed in' ],
	one => [ { preset => 'microsoft', tenant => $tenant },
		"https://login.microsoftonline.com/$tenant/discovery/v2.0/keys", 'signed in' ]);
sub microsoft { return "https://login.microsoftonline.com/$_[0]/v2.0"; }
foreach my $case (
	[ 'google', 1, { iss => 'https://accounts.google.com' } ],
	[ 'google', 1, { iss => 'accounts.google.com' } ],
	[ 'google', 0, { iss => 'https://accounts.google.com/' } ],
	[ 'common', 1, { iss => microsoft($tenant), tid => $tenant } ],
	[ 'common', 0, { iss => microsoft($tenant), tid => $other_tenant } ],
	[ 'common', 0, { iss => microsoft($tenant) } ],
	[ 'common', 0, { iss => microsoft('common'), tid => 'common' } ],
	[ 'common', 0, { iss => microsoft('{tenantid}'), tid => '{tenantid}' } ],
	[ 'common', 0, { iss => microsoft('../x'), tid => '../x' } ],
	[ 'common', 0, { iss => microsoft(''), tid => '' } ],
	[ 'one', 1, { iss => microsoft($tenant), tid => $tenant } ],
	[ 'one', 0, { iss => microsoft($other_tenant), tid => $other_tenant } ])
{
	my ($name, $good, $claims) = @$case;
	my ($config, $url, $expected) = @{ $preset{$name} };
	$provider = $name;
	sql("SELECT authfort.set_oauth_provider('$name', "
		. literal(encode_json({ client_id => 'client', client_secret => 's', %$config })) . ')');
	my $minted = mint(begin(), claims => { email => "$name\@example.com", email_verified => JSON::PP::true, %$claims });
	call_back();
	is(give({ access_token => 'a', id_token => $minted->{tokens}[0] }), "GET $url", "$name: keys of the preset");
	is(give($minted->{keys}), $good ? $expected : 'oauth_exchange_failed',
		"$name: iss $claims->{iss}, tid " . ($claims->{tid} // 'missing'));
}
is(sql(q{SELECT email_verified FROM authfort.users WHERE email = 'common@example.com'}), 'f',
	'the email of a Microsoft account is never taken for verified');

# Answers and continuations at their limits, and flows whose provider changes, without id_tokens.
sub configure_plain
{
	my (%change) = @_;
	sql("SELECT authfort.set_oauth_provider('plain', " . literal(encode_json({
		client_id => 'client', client_secret => 's', authorization_endpoint => 'https://id.example/a',
		token_endpoint => 'https://id.example/t', userinfo_endpoint => 'https://id.example/u', %change })) . ')');
	return;
}
configure_plain();
$provider = 'plain';
sub ask_profile { begin(); call_back(); return give({ access_token => 'a', @_ }); }
my $profile = { sub => 'ida', email => 'ida@example.com' };

begin();
call_back();
my $size = q{rpad('{"access_token": "a"}', %d)};
my $padded = "SELECT code(authfort.oauth_resume(answer#>>'{fetch,resume}', 200, '{}', $size)) FROM flow";
is(sql(sprintf $padded, 262145), 'oauth_exchange_failed', 'an answer of 256 KiB and a byte is none');
is(sql(sprintf $padded, 262144), 'GET https://id.example/u', 'one of 256 KiB is read');
is(ask_profile(refresh_token => 'r' x 8192), 'GET https://id.example/u', 'a long refresh token');
is(ask_profile(refresh_token => 'r' x 8192, scope => 's' x 8192), 'GET https://id.example/u',
	'a refresh token that is not kept does not fill the continuation');
configure_plain(keep_tokens => JSON::PP::true);
is(ask_profile(refresh_token => 'r' x 8192, scope => 's' x 8192), 'oauth_provider_unavailable',
	'a continuation of more than 16 KiB is not made');
configure_plain();

# The endpoints are those that the flow began with; another issuer, or none, ends it.
begin();
configure_plain(token_endpoint => 'https://id.example/new', userinfo_endpoint => 'https://id.example/newer');
is(call_back(), 'POST https://id.example/t', 'a flow that has begun uses the token endpoint of then');
is(give({ access_token => 'a' }), 'GET https://id.example/u', 'and the profile of then');
is(give($profile), 'signed in', 'and signs in');
begin();
is(call_back(), 'POST https://id.example/new', 'the next one uses the new one');
configure_plain(enabled => JSON::PP::false);
is(give({ access_token => 'a' }), 'unknown_provider', 'nothing goes on at a provider that was disabled');
is(call_back_again(), 'unknown_provider', 'nor ends there');
configure_plain();

sub configure_moving
{
	my ($issuer) = @_;
	sql("SELECT authfort.set_oauth_provider('moving', " . literal(encode_json({
		issuer => $issuer, client_id => 'client', client_secret => 's' })) . ')');
	return;
}
sub document
{
	my ($issuer, $at) = @_;
	return { issuer => $issuer, map { $_ => "$at/$_" }
		qw(authorization_endpoint token_endpoint userinfo_endpoint jwks_uri) };
}
$provider = 'moving';
configure_moving('https://old.example');
begin();
is(member('url'), 'https://old.example/.well-known/openid-configuration', 'a discovery document is asked for');
configure_moving('https://new.example');
is(give(document('https://new.example', 'https://new.example')), 'resume_invalid',
	'and the answer of the old issuer is not taken for that of a new one');
configure_moving('https://old.example');
begin();
is(give(document('https://old.example', 'https://old.example')), 'sent', 'a flow at the old issuer');
configure_moving('https://new.example');
is(call_back(), 'oauth_state_provider_mismatch', 'does not end at the new one');
configure_moving('https://old.example');
begin();
give(document('https://old.example', 'https://old.example'));
is(call_back(), 'POST https://old.example/token_endpoint', 'nor');
configure_moving('https://new.example');
is(give({ access_token => 'a' }), 'resume_invalid', 'does it go on there');

# The client is the one that has called back, whoever hands back the answers.
$provider = 'plain';
begin();
sql(q{UPDATE flow SET answer = authfort.oauth_callback('plain', jsonb_build_object('code', 'c', 'state',
	answer->>'state'), answer->>'cookie', 'Browser of Ida', '192.0.2.9')});
give({ access_token => 'a' });
is(give($profile), 'signed in', 'a sign-in with an address and a user agent');
is(sql(q{SELECT user_agent, ip_address FROM authfort.sessions ORDER BY created_at DESC LIMIT 1}),
	'Browser of Ida|192.0.2.9', 'which the session has');
is(sql(q{SELECT user_agent, ip_address FROM authfort.events WHERE event = 'login' ORDER BY id DESC LIMIT 1}),
	'Browser of Ida|192.0.2.9', 'and the event');

# A door without the role is refused where a fetch is needed, and uses nothing up.
sql('CREATE ROLE door IN ROLE authfort_http; CREATE ROLE fetching IN ROLE authfort_http, authfort_fetch');
begin();
my ($state, $cookie_name, $cookie) = split /\|/, sql(q{
	SELECT substring(h->>'Location' FROM 'state=([^&]*)'), split_part(c->>'Set-Cookie', '=', 1),
		substring(c->>'Set-Cookie' FROM '=([^;]*)')
	FROM authfort.http('GET', '/auth/oauth/plain/authorize', NULL, NULL, NULL, '192.0.2.1') r,
		jsonb_array_elements(r.headers) h, jsonb_array_elements(r.headers) c WHERE h ? 'Location' AND c ? 'Set-Cookie'});
like($cookie_name, qr/^__Host-authfort_oauth_/, 'the cookie of a flow is of this host alone');
sub callback_as
{
	my ($role) = @_;
	return sql("SET ROLE $role; SELECT r.status, r.body::jsonb#>>'{detail,error}', r.fetch->>'url' FROM authfort.http("
		. "'GET', '/auth/oauth/plain/callback', 'code=c&state=$state', '{\"cookie\": \"$cookie_name=$cookie\"}', NULL, "
		. "'192.0.2.1') r");
}
is(callback_as('door'), '502|fetch_unsupported|', 'a door that is given no fetch cannot end a flow');
is(callback_as('fetching'), '502|fetch_unsupported|https://id.example/t', 'one that is given them can, afterwards');
is(sql(q{SET authfort.cookie_secure = off; SELECT split_part(c->>'Set-Cookie', '_', 1) FROM authfort.http('GET',
	'/auth/oauth/plain/authorize') r, jsonb_array_elements(r.headers) c WHERE c ? 'Set-Cookie'}), 'authfort',
	'without cookie_secure the name has no prefix that a browser would refuse');
is(sql(q{SET authfort.cookie_path = '/app'; SELECT split_part(c->>'Set-Cookie', '_', 1) FROM authfort.http('GET',
	'/auth/oauth/plain/authorize') r, jsonb_array_elements(r.headers) c WHERE c ? 'Set-Cookie'}), 'authfort',
	'nor with another path');

# Times.
SKIP:
{
	if (!$faketime)
	{
		diag('NOT TESTED: times, because libfaketime is not installed');
		skip('libfaketime is not installed', 1);
	}
	set_clock(0);
	begin();
	call_back();
	set_clock(25);
	is(give({ access_token => 'a' }), 'GET https://id.example/u', 'after 25 seconds there is another fetch');
	my $left = member('timeout_ms');
	ok($left > 4000 && $left <= 5000, "of the $left milliseconds that are left");
	my $resume = member('resume');
	set_clock(31);
	is(give($profile), 'oauth_provider_unavailable', 'after 30 seconds its answer is too late');
	is(sql("SET ROLE fetching; SELECT status FROM authfort.http_resume('$resume', 200, '{}', '{}')"), '502',
		'also for a door');
	set_clock(0);
	is(ask_profile(), 'GET https://id.example/u', 'a flow');
	begin();
	set_clock(595);
	is(call_back(), 'POST https://id.example/t', 'a callback after almost ten minutes');
	set_clock(605);
	is(give({ access_token => 'a' }), 'GET https://id.example/u', 'whose answers come later');
	my $used = sql("SELECT answer#>>'{fetch,resume}' FROM flow");
	is(give($profile), 'signed in', 'signs in');
	sql('SELECT authfort.cleanup()');
	is(sql("SELECT code(authfort.oauth_resume('$used', 200, '{}', '{\"sub\": \"ida\"}'))"), 'oauth_state_invalid',
		'once, also after the flow has expired');
	set_clock(0);
	begin();
	set_clock(601);
	is(call_back(), 'oauth_state_expired', 'a callback after ten minutes');

	# One-time codes, of a provider and of a magic link.
	my $challenge = 'E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM';
	my $verifier = 'dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk';
	foreach my $case ([ 59, 'signed in' ], [ 61, 'oauth_code_invalid' ])
	{
		my ($seconds, $expected) = @$case;
		set_clock(0);
		sql('TRUNCATE flow');
		sql("INSERT INTO flow (n, answer) SELECT 0, authfort.oauth_authorize('plain', 'com.example.app:/cb', 'code',
			code_challenge => '$challenge', code_challenge_method => 'S256')");
		call_back();
		give({ access_token => 'a' });
		give($profile);
		my @codes = (sql(q{SELECT answer->>'code' FROM flow}), sql(qq{SELECT authfort.verify_magic_link(
			authfort.create_magic_link_token((authfort.create_user('link$seconds\@example.com')->>'email'),
			'com.example.app:/cb', '$challenge', 'S256'))->>'code'}));
		set_clock($seconds);
		is(sql("SELECT code(authfort.exchange_oauth_code('$_', '$verifier'))"), $expected,
			"a code after $seconds seconds") foreach @codes;
	}

	# Keys: an unknown one is asked for once a minute.
	$provider = 'long';
	foreach my $case ([ 0, 'GET https://id.example/k' ], [ 1, 'oauth_exchange_failed' ],
		[ 59, 'oauth_exchange_failed' ], [ 61, 'GET https://id.example/k' ],
		[ 62, 'oauth_exchange_failed' ])
	{
		my ($seconds, $expected) = @$case;
		set_clock($seconds);
		sql(q{SELECT authfort.refresh_oauth_provider('long')}) if $seconds == 0;
		my $token = mint(begin(), kid => 'unknown');
		call_back();
		is(give({ access_token => 'a', id_token => $token->{tokens}[0] }), $expected, "an unknown key after $seconds s");
		give($token->{keys}) if $expected =~ /GET/;
	}
	sql(q{SELECT authfort.refresh_oauth_provider('long')});
	my $token = mint(begin(), kid => 'unknown');
	call_back();
	is(give({ access_token => 'a', id_token => $token->{tokens}[0] }), 'GET https://id.example/k',
		'at once when the caches were forgotten');
	set_clock();
}

# A magic link for an app, over HTTP: the link is opened in a browser that has no part in it.
sql('CREATE ROLE gateway LOGIN IN ROLE authfort_http');
sql(q{ALTER DATABASE app SET authfort.site_url = 'https://app.example'; ALTER DATABASE app SET authfort.cookies = on});
my $gateway = Gateway->new('app_gateway', $node);
my $http = HTTP::Tiny->new(timeout => 60);
sub post
{
	my ($path, %body) = @_;
	my $r = $http->post("http://127.0.0.1:$gateway->{port}/auth/$path",
		{ headers => { 'Content-Type' => 'application/json' }, content => encode_json(\%body) });
	$r->{json} = decode_json($r->{content});
	return $r;
}
poll('the gateway connects', sub { $http->get("http://127.0.0.1:$gateway->{port}/readyz")->{success} });
sql(q{SELECT authfort.create_user('app@example.com')});
my $verifier = 'v' x 64;
my $r = post('magic-link', email => 'app@example.com', mode => 'code', redirect_to => 'com.example.app:/cb',
	code_challenge => encode_base64url(sha256($verifier)), code_challenge_method => 'S256');
is($r->{status}, 200, 'an app asks for a link');
my $message = decode_json(sql('SELECT message FROM authfort.take_messages()'));
my ($token) = $message->{link} =~ /#token=(.*)/;
is($http->get("http://127.0.0.1:$gateway->{port}/auth/magic-link/verify?token=$token")->{status}, 405,
	'a program that opens links uses nothing up');
$r = post('magic-link/verify', token => $token);
my ($code) = ($r->{json}{redirect_to} // '') =~ /^com\.example\.app:\/cb\?code=([\w-]+)$/;
ok($code, 'the page that posts the token gets the URL of the app') or diag($r->{content});
is_deeply([ keys %{ $r->{json} } ], ['redirect_to'], 'and nothing else');
ok(!exists $r->{headers}{'set-cookie'}, 'not even a cookie');
is(sql(q{SELECT count(*) FROM authfort.sessions s JOIN authfort.users u ON u.id = s.user_id
	WHERE email = 'app@example.com'}), '0', 'there is no session');
$r = post('oauth/token', code => $code, code_verifier => $verifier);
is("$r->{status} " . ($r->{json}{user}{email} // $r->{content}), '200 app@example.com', 'until the app exchanges it');
$r = post('oauth/token', code => $code, code_verifier => $verifier);
is("$r->{status} $r->{json}{error}", '400 invalid_grant', 'once');
unlike(slurp_file($node->logfile), qr/\Q$token\E|\Q$code\E|\Q$verifier\E/, 'nothing of it is in the log');
unlike(slurp_file($node->logfile), qr/PANIC|terminated by signal/, 'no backend crashed');
$gateway->stop;
$node->stop;
done_testing();
