# The routes through PostgREST, as it calls them, beside the same routes by authfort.http().
use strict;
use warnings FATAL => 'all';
use AuthfortNode qw(start_node);
use utf8;

use JSON::PP;
use MIME::Base64 qw(decode_base64url encode_base64 encode_base64url);
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

use Gateway qw(poll);
use LikePostgREST;

my $json = JSON::PP->new->canonical->utf8(0)->allow_nonref;
my $node = start_node('main', conf => <<'CONF', sql => <<'SQL');
authfort.refresh_grace = 0
authfort.cookies = on
CONF
SELECT authfort.setup_postgrest('door', 'web_anon', 'authenticated');
SELECT authfort.setup_postgrest('door', 'web_anon', 'authenticated');
CREATE SCHEMA api;
GRANT USAGE ON SCHEMA api TO web_anon, authenticated;
CREATE TABLE api.note (owner uuid DEFAULT authfort.uid() REFERENCES authfort.users, body text);
ALTER TABLE api.note ENABLE ROW LEVEL SECURITY;
CREATE POLICY own ON api.note USING (owner = authfort.uid());
GRANT SELECT, INSERT ON api.note TO authenticated;
CREATE FUNCTION api.who() RETURNS json LANGUAGE sql STABLE AS
	$$ SELECT json_build_object('uid', authfort.uid(), 'session', authfort.session_id() IS NOT NULL, 'roles',
		authfort.roles(), 'role', current_user) $$;
CREATE FUNCTION api.add_note(json) RETURNS json LANGUAGE sql AS
	$$ INSERT INTO api.note (body) VALUES ($1->>'body') RETURNING to_json(body) $$;
SQL
sub sql { return $node->safe_psql('app', @_); }

is(sql("SELECT string_agg(rolname || ' ' || rolcanlogin || ' ' || rolinherit, ', ' ORDER BY rolname) FROM pg_roles "
	. "WHERE rolname IN ('door', 'web_anon', 'authenticated')"),
	'authenticated false false, door true false, web_anon false false', 'setup_postgrest() creates the roles');
is(sql("SELECT count(*) FROM pg_db_role_setting s JOIN pg_roles r ON r.oid = setrole, unnest(setconfig) "
	. "WHERE rolname = 'door'"), '2', 'setup_postgrest() is idempotent');

my $dsn = 'dbi:Pg:' . $node->connstr('app');
my %options = (dsn => $dsn, user => 'door', anon => 'web_anon', pre_request => 'authfort_api.pre_request');
my $auth = LikePostgREST->new(%options, schema => 'authfort_api');
my $api = LikePostgREST->new(%options, schema => 'api');

sub post
{
	my ($function, $body, %more) = @_;
	$more{headers} = { 'content-type' => 'application/json', %{ $more{headers} // {} } };
	return $auth->request('POST', $function, body => defined $body ? $json->encode($body) : undef, %more);
}
sub bearer { return (headers => { authorization => "Bearer $_[0]" }); }
sub decoded { return $json->decode($_[0]->{body}); }
sub tokens { return @{ decoded($_[0])->{tokens} }{qw(access_token refresh_token)}; }

# both doors answer alike
my $signup = post('signup', { email => 'ada@example.com', password => 'correct horse',
	name => 'Ada "quoted" \\ Łovelace' });
is($signup->{status}, 201, 'sign-up through PostgREST succeeds');
is(decoded($signup)->{user}{name}, 'Ada "quoted" \\ Łovelace', 'a body with quotes and UTF-8 arrives unchanged');
is(scalar LikePostgREST::header($signup, 'set-cookie'), 2, 'sign-up through PostgREST sets two cookies');
like($_, qr/^(access|refresh)_token=\S+; Max-Age=\d+; Path=\/; HttpOnly; Secure; SameSite=Lax$/,
	'a cookie has its attributes')
	foreach LikePostgREST::header($signup, 'set-cookie');
is_deeply([ LikePostgREST::header($signup, 'cache-control') ], ['no-store'],
	'the response to a sign-up must not be cached');
my $id = decoded($signup)->{user}{id};

sub http
{
	my ($method, $path, $headers, $body) = @_;
	my $r = $auth->{gateway}->selectrow_hashref('SELECT * FROM authfort.http(?, ?, headers => ?::jsonb, body => ?)',
		undef, $method, $path, $json->encode($headers), $body);
	return { status => $r->{status}, headers => $json->decode($r->{headers}), body => $r->{body} // '' };
}
sql('CREATE ROLE gateway LOGIN IN ROLE authfort_http');
$auth->{gateway} = DBI->connect($dsn, 'gateway', '', { RaiseError => 1, pg_enable_utf8 => 1 });
my ($access, $refresh) = tokens($signup);
foreach my $case (
	[ 'login', 'POST', '/auth/login', {}, '{"email": "ada@example.com", "password": "wrong"}' ],
	[ 'login', 'POST', '/auth/login', {}, '{"email": 1}' ],
	[ 'login', 'POST', '/auth/login', {}, '' ],
	[ 'login', 'POST', '/auth/login', {}, '{"email": "a", "email": "b", "password": "c"}' ],
	[ 'signup', 'POST', '/auth/signup', {}, '{"email": "ada@example.com", "password": "correct horse"}' ],
	[ 'signup', 'POST', '/auth/signup', {}, '{"email": "no", "password": "correct horse"}' ],
	[ 'refresh', 'POST', '/auth/refresh', {}, '{"refresh_token": "nonsense"}' ],
	[ 'refresh', 'POST', '/auth/refresh', {}, '' ],
	[ 'logout', 'POST', '/auth/logout', {}, '' ],
	[ 'me', 'GET', '/auth/me', {}, '' ],
	[ 'me', 'GET', '/auth/me', { authorization => "Bearer $access" }, '' ],
	[ 'list_users', 'GET', '/auth/admin/users', { authorization => "Bearer $access" }, '' ],
	[ 'own_sessions', 'GET', '/auth/sessions', { authorization => "Bearer $access" }, '' ],
	[ 'change_password', 'POST', '/auth/change-password', { authorization => "Bearer $access" },
		'{"old_password": "wrong", "new_password": "another horse"}' ],
	[ 'jwks', 'GET', '/.well-known/jwks.json', {}, '' ])
{
	my ($function, $method, $path, $headers, $body) = @$case;
	$headers->{'content-type'} = 'application/json' if $method eq 'POST';
	my $here = $auth->request($method, $function, headers => $headers, body => $body);
	my $there = http($method, $path, $headers, $body);
	delete $here->{length};
	is_deeply($here, $there, "$method $path $body: $there->{status} by both doors")
		or diag(explain([ $here, $there ]));
}
is(sql("SELECT string_agg(name, ',' ORDER BY name) FROM authfort.routes() r WHERE NOT EXISTS (SELECT FROM pg_proc p
	WHERE pronamespace = 'authfort_api'::regnamespace
	AND p.proname = r.name AND prorettype = 'json'::regtype AND provolatile = 'v')"), '',
	'each route has a VOLATILE function');

# HEAD: PostgREST omits the output, and PostgreSQL then does not compute it
is($auth->request('HEAD', 'me')->{status}, 401, 'HEAD of a route is refused like GET');
my $head = $auth->request('HEAD', 'me', bearer($access));
is_deeply([ @$head{qw(status body)} ], [ 200, '' ], 'HEAD is answered without a body');
is($auth->request('HEAD', $_, bearer($access))->{status}, 403, "HEAD of $_ is refused without the role")
	foreach qw(list_users list_keys);

# sessions
is(decoded($auth->request('GET', 'me', bearer($access)))->{id}, $id, 'me accepts a bearer token');
my $refreshed = post('refresh', { refresh_token => $refresh });
is($refreshed->{status}, 200, 'refresh accepts a token in the body');
my $by_cookie = post('refresh', undef, cookies => { refresh_token => (tokens($refreshed))[1],
	access_token => (tokens($refreshed))[0] });
is($by_cookie->{status}, 200, 'refresh accepts cookies without a body');
($access, $refresh) = tokens($by_cookie);
my %form = (headers => { 'content-type' => 'application/x-www-form-urlencoded' },
	cookies => { refresh_token => $refresh });
is($auth->request('POST', 'refresh', %form, body => 'a=b')->{status}, 404, 'a form does not reach a function');
is($auth->request('POST', 'refresh', %form)->{status}, 415, 'unless it has no fields; the route refuses it');
is($auth->request('POST', 'refresh', headers => { 'content-type' => $_->[0] })->{status}, $_->[1],
	"$_->[0] does not reach a function")
	foreach [ 'text/plain', 404 ], [ 'application/octet-stream', 404 ], [ 'multipart/form-data', 400 ];

is($auth->request('GET', 'logout', cookies => { refresh_token => $refresh })->{status}, 405,
	'a GET request does not log out');
is($auth->request('GET', 'login')->{status}, 405, 'a GET request does not log in');

# the application's own functions
is_deeply(decoded($api->request('GET', 'who')), { uid => undef, session => JSON::PP::false, roles => undef,
	role => 'web_anon' }, 'an anonymous request has no identity');
is_deeply(decoded($api->request('GET', 'who', bearer($access))), { uid => $id, session => JSON::PP::true, roles => [],
	role => 'authenticated' }, 'a token gives the identity');
is_deeply(decoded($api->request('GET', 'who', cookies => { access_token => $access })),
	{ uid => $id, session => JSON::PP::true, roles => [], role => 'authenticated' },
		'a cookie gives the identity and the role');
is($api->request('POST', 'add_note', headers => { authorization => "Bearer $access" },
	body => '{"body": "x"}')->{body}, '"x"', 'a policy lets the owner write');
is($api->request('POST', 'add_note', headers => { 'content-type' => 'application/json' },
	cookies => { access_token => $access }, body => '{"body": "y"}')->{body}, '"y"',
		'a policy lets the owner of a cookie write');
is($api->request('POST', 'add_note', cookies => { access_token => $access }, body => '{"body": "z"}')->{status}, 415,
	'a write by cookie without a content type is refused');
is($api->request('POST', 'add_note', body => '{"body": "z"}')->{status}, 401, 'an anonymous write is refused');
is(sql('SELECT string_agg(body, $$,$$ ORDER BY body) FROM api.note'), 'x,y',
	'the table has the rows of accepted writes only');
is_deeply(decoded($api->request('GET', 'who')), { uid => undef, session => JSON::PP::false, roles => undef,
	role => 'web_anon' }, 'a request leaves no identity to the next');

# what pre_request refuses
sub refused
{
	my ($code, $what) = @_;
	foreach my $how ([ 'bearer', bearer($access) ], [ 'cookie', cookies => { access_token => $access } ])
	{
		my ($name, %with) = @$how;
		my $r = $api->request('GET', 'who', %with);
		is("$r->{status} " . decoded($r)->{code} . ' ' . (LikePostgREST::header($r, 'www-authenticate'))[0],
			"401 $code Bearer error=\"invalid_token\"", "$what, by $name");
	}
}
sub again
{
	my $r = post('login', { email => 'ada@example.com', password => 'correct horse' });
	($access, $refresh) = tokens($r);
}
sql("SELECT authfort.revoke_sessions('$id')");
refused('token_version_mismatch', 'a revoked version');
again();
sql("SELECT authfort.revoke_session(id) FROM authfort.get_sessions('$id', active_only => true)");
refused('token_invalid', 'a revoked session');
again();
sql("UPDATE authfort.users SET banned = true");
refused('user_banned', 'a ban');
sql("SELECT authfort.unban_user('$id')");
is($auth->request('POST', 'login', headers => { 'content-type' => 'application/json' },
	cookies => { access_token => $access },
		body => '{"email": "ada@example.com", "password": "correct horse"}')->{status},
	200, 'an outdated cookie does not prevent a login');
again();
is(post('logout', { refresh_token => $refresh }, cookies => { access_token => $access })->{status}, 204,
	'logout through PostgREST succeeds');
refused('token_invalid', 'after logout');
again();

# An old token does not stand in the way of the routes open to all.  PostgREST
# accepts one for 30 seconds after its expiry.
sub aged
{
	my ($seconds) = @_;
	my ($header, $payload, $signature) = split /\./, $access;
	my $claims = $json->decode(decode_base64url($payload));
	return join '.', $header, encode_base64url($json->encode({ %$claims, exp => time - $seconds })), $signature;
}
sub with_bearer { return ('content-type' => 'application/json', authorization => "Bearer $_[0]"); }
my %good = (email => 'ada@example.com', password => 'correct horse');
sql("CREATE FUNCTION api.login() RETURNS json LANGUAGE sql AS \$\$ SELECT json_build_object('uid', authfort.uid(), "
	. "'claims', current_setting('request.jwt.claims')) \$\$");
# how long the requests below take must not matter
$LikePostgREST::skew = 3600;
my $expired = aged(20);
sql("SELECT authfort.revoke_sessions('$id')");
my $outdated = $access;
foreach my $case ([ 'expired', $expired, 'token_expired' ], [ 'outdated', $outdated, 'token_version_mismatch' ])
{
	my ($name, $token, $code) = @$case;
	my $new = post('login', \%good, headers => { with_bearer($token) });
	is($new->{status}, 200, "login with an $name bearer");
	is(post('refresh', { refresh_token => (tokens($new))[1] }, headers => { with_bearer($token) })->{status}, 200,
		"refresh with an $name bearer");
	is(post('logout', { refresh_token => 'x' }, headers => { with_bearer($token) })->{status}, 204,
		"logout with an $name bearer");
	is_deeply(decoded($api->request('POST', 'login', headers => { with_bearer($token) })),
		{ uid => undef, claims => '' },
		"a function of that name in the application gets no identity of an $name bearer");
	my @refused = map { "$_->{status} " . decoded($_)->{code} } $api->request('GET', 'who', bearer($token)),
		$api->request('GET', '/note', bearer($token)),
		$auth->request('GET', 'me', bearer($token)), $auth->request('POST', 'change_password',
			headers => { with_bearer($token) }, body => '{}');
	is_deeply(\@refused, [ ("401 $code") x 4 ], "anywhere else an $name bearer is refused as $code");
}
$LikePostgREST::skew = 30;
is(decoded($api->request('GET', 'who', bearer(aged(40))))->{code}, 'PGRST303',
	'PostgREST refuses a token 30 seconds after its expiry');
is(decoded($auth->request('GET', 'me', headers => { authorization => 'Bearer ' }))->{code}, 'PGRST301',
	'PostgREST refuses an empty bearer');
again();

# the routes do not depend on the default isolation level of the role
sql("ALTER ROLE authenticated SET default_transaction_isolation = 'serializable'; ALTER ROLE authenticated "
	. "SET statement_timeout = '7min'");
sql("CREATE FUNCTION api.modes() RETURNS json LANGUAGE sql AS \$\$ "
	. "SELECT json_build_object('isolation', current_setting('transaction_isolation'), 'timeout', "
	. "current_setting('statement_timeout')) \$\$");
$_->load_config foreach $api, $auth;
is_deeply(decoded($api->request('GET', 'modes', bearer($access))), { isolation => 'serializable', timeout => '7min' },
	'settings of the role apply to functions of the application');
is($auth->request('GET', 'me', bearer($access))->{status}, 200, 'the routes work with a default of serializable');
sql('ALTER ROLE authenticated RESET ALL');
$_->load_config foreach $api, $auth;

# a stolen token's revocation is committed with the refusal
my $stolen = $refresh;
($access, $refresh) = tokens(post('refresh', { refresh_token => $stolen }));
my ($a2, $r2) = tokens(post('refresh', { refresh_token => $refresh }));
is(decoded(post('refresh', { refresh_token => $stolen }))->{detail}{error}, 'refresh_token_revoked',
	'the reuse of a refresh token is refused');
is(post('refresh', { refresh_token => $r2 })->{status}, 401, 'the reuse of a refresh token ends the session');
again();

# segments and queries come in a header
sql("SELECT authfort.add_role('$id', 'admin')");
again();
my %admin = (authorization => "Bearer $access", 'content-type' => 'application/json');
is(decoded($auth->request('GET', 'list_users',
	headers => { %admin, 'x-original-uri' => '/auth/admin/users?query=nobody' }))->{total}, 0,
		'a query in X-Original-URI is read');
is(decoded($auth->request('GET', 'get_user',
	headers => { %admin, 'x-original-uri' => "/auth/admin/users/$id" }))->{email}, 'ada@example.com',
		'a path segment in X-Original-URI is read');
is($auth->request('POST', 'add_role', headers => { %admin,
	'x-original-uri' => "/auth/admin/users/$id/roles/editor" })->{status}, 204, 'a PUT route accepts POST');
again();
$admin{authorization} = "Bearer $access";
is($auth->request('GET', 'get_user', headers => \%admin)->{status}, 404, 'a request without the path segment gets 404');
is($auth->request('GET', 'get_user', headers => { %admin, 'x-original-uri' => '/auth/admin/keys' })->{status}, 404,
	'a path of another route gets 404');
again();

# the Authorization that a proxy keeps from PostgREST, on open routes only
my $secret = sql("SELECT authfort.create_service_token('orders', '{introspect}')");
sub introspect { return post('introspect', { token => $access }, headers => {@_}); }
my $basic = 'Basic ' . encode_base64("orders:$secret", '');
ok(decoded(introspect(@$_))->{active}, "a service asks with $_->[0]") foreach [ authorization => $basic ],
	[ 'x-original-authorization' => $basic ], [ 'x-original-authorization' => "Bearer $secret" ];
is(introspect(authorization => "Bearer $secret")->{status}, 401, 'PostgREST refuses a secret as a bearer');
is(introspect('x-original-authorization' => "Bearer $access")->{status}, 401, 'an access token is not such a secret');
is($auth->request('GET', 'me', headers => { 'x-original-authorization' => "Bearer $access" })->{status}, 401,
	'other routes do not read that header');

# a role that is not an authenticator
sql('CREATE ROLE other LOGIN; GRANT web_anon, authenticated TO other; GRANT CONNECT ON DATABASE app TO other');
my $other = LikePostgREST->new(%options, user => 'other', schema => 'api');
$other->{keys} = $api->{keys};
is($other->request('GET', 'who', bearer($access))->{status}, 403,
	'claims from a role that is not trusted are refused');
delete $other->{pre_request};
is(decoded($other->request('GET', 'who', bearer($access)))->{uid}, undef,
	'claims from a role that is not trusted give no identity');

# the keys follow
my $kid = sql('SELECT authfort.rotate_key()');
ok(poll('a notification', sub { $api->reload_if_told }), 'a rotation notifies');
is_deeply([ map { $_->{kid} } grep { $_->{kid} eq $kid } @{ $api->{keys} } ], [$kid], 'the new key is published');
is(scalar @{ $api->{keys} }, 2, 'the old key is still published');
is($json->encode({ keys => $api->{keys} }), $json->encode($json->decode(sql('SELECT authfort.jwks()'))),
	'the key set is that of jwks()');
is(sql('SELECT count(*) FROM authfort.signing_keys'), '2', 'publishing makes no key');
$kid = sql("SELECT authfort.prepare_key('EdDSA')");
ok(poll('a notification', sub { $api->reload_if_told }), 'a prepared key notifies');
is(scalar(grep { $_->{kid} eq $kid } @{ $api->{keys} }), 1, 'a prepared key is published before it signs');
$auth->load_config;
is($api->request('GET', 'who', bearer($access))->{status}, 200, 'a token of the old key is accepted');
again();
is($api->request('GET', 'who', bearer($access))->{status}, 200, 'a token of the new key is accepted');

# misuse
foreach my $case ([ 'setup_postgrest(NULL)', '22004' ], [ "publish_jwks(NULL)", '22004' ],
	[ "publish_jwks('missing')", '42704' ])
{
	my ($code, $out, $err) = $node->psql('app', "\\set VERBOSITY sqlstate\nSELECT authfort.$case->[0]");
	like($err, qr/$case->[1]/, "$case->[0] is refused with $case->[1]");
}
foreach my $function ("setup_postgrest()", "publish_jwks('door')", 'routes()')
{
	my ($code, $out, $err) = $node->psql('app', "SET ROLE web_anon; SELECT authfort.$function");
	like($err, qr/permission denied for function/, "an ordinary role may not call $function");
}

# the address of the client: the one that a trusted proxy reports
my %wrong = (email => 'nobody@example.com', password => 'wrong');
my $last_address = "SELECT coalesce(host(ip_address), 'none') FROM authfort.events ORDER BY id DESC LIMIT 1";
my %forwarded = (headers => { 'x-forwarded-for' => '198.51.100.7, 203.0.113.1' });
post('login', \%wrong, %forwarded);
is(sql($last_address), 'none', 'X-Forwarded-For is ignored without trusted proxies');
sql("ALTER DATABASE app SET authfort.trusted_proxies = '127.0.0.1'");
$auth = LikePostgREST->new(%options, schema => 'authfort_api');
post('login', \%wrong, %forwarded);
is(sql($last_address), '203.0.113.1', 'the address from a trusted proxy is recorded');
post('login', \%wrong);
is(sql($last_address), 'none', 'a request without X-Forwarded-For has no address');

$node->stop;
done_testing();
