# How often one may ask, and who it is that asks.
use strict;
use warnings FATAL => 'all';

use AuthfortNode qw(start_node);
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = start_node('limits', preload => 'authfort', conf => <<'CONF', sql => "SELECT FROM authfort.signup('a\@example.com', 'correct horse', ip_address => '198.51.100.1')");
authfort.rate_limit_memory = '64kB'
CONF

sub sql
{
	my ($query) = @_;
	return $node->safe_psql('app', $query);
}

# Errors of logins with a wrong password, each in a transaction and a backend of its own.
sub logins
{
	my (@attempts) = @_;
	return join ' ', map {
		my ($email, $ip) = @$_;
		sql("SELECT r->>'error' FROM authfort.login('$email', 'wrong', ip_address => " . ($ip ? "'$ip'" : 'NULL')
			. ') r')
	} @attempts;
}
my $wrong = 'invalid_credentials';
my $limited = 'rate_limit_exceeded';

is(logins(map { [ 'a@example.com', '192.0.2.1' ] } 1 .. 7), join(' ', ($wrong) x 7),
	'there are no limits unless they are asked for');
sql("ALTER DATABASE app SET authfort.rate_limit = on");
sql("ALTER DATABASE app SET authfort.rate_limit_login = '5/day'");

is(sql("SELECT string_agg(replace(name, 'authfort.rate_limit_', '') || ' ' || boot_val, ', ' ORDER BY name) FROM pg_settings WHERE name ~ '^authfort.rate_limit_' AND vartype = 'string'"),
	'login 5/min, magic_link 5/min, mfa_verify 5/min, oauth_authorize 10/min, otp 5/min, password_reset 5/min, refresh 30/min, signup 3/min, verify_email 5/min', 'each endpoint has its limit');

# by address
is(logins(map { [ "nobody$_\@example.com", '192.0.2.1' ] } 1 .. 7), join(' ', ($wrong) x 5, ($limited) x 2),
	'an address has five a day');
is(logins([ 'nobody@example.com', '192.0.2.2' ]), $wrong, 'another one has its own');
is(sql("SELECT r->'status', (r->>'retry_after')::int BETWEEN 86400 - 60 AND 2 * 86400 FROM authfort.login('x\@example.com', 'wrong', ip_address => '192.0.2.1') r"),
	'429|t', 'the refusal tells when to come back');
is(sql(q{SELECT status, (SELECT h->>'Retry-After' = body::jsonb#>>'{detail,retry_after}' FROM jsonb_array_elements(headers) h WHERE h ? 'Retry-After')
	FROM authfort.http('POST', '/auth/login', NULL, '{"content-type": "application/json"}', '{"email": "x@example.com", "password": "wrong"}', '192.0.2.1')}),
	'429|t', 'over HTTP with Retry-After');
is(sql(q{SELECT count(*), min(payload->>'endpoint' || ' ' || (payload->>'limit') || ' ' || (payload->>'key_type') || ' ' || (payload->>'ip_address'))
	FROM authfort.events WHERE event = 'rate_limit_exceeded'}), '1|login 5/day ip 192.0.2.1', 'it is one event, not one a request');

# IPv6 by /64, mapped IPv4 as IPv4
is(logins(map { [ "six$_\@example.com", "2001:db8:0:1::$_" ] } 1 .. 6), join(' ', ($wrong) x 5, $limited),
	'a /64 counts as one');
is(logins([ 'six@example.com', '2001:db8:0:2::1' ]), $wrong, 'the next /64 as another');
is(logins([ 'six@example.com', '::ffff:192.0.2.1' ]), $limited, 'a mapped IPv4 address is that address');

# a rollback forgets nothing
$node->safe_psql('app', "BEGIN; SELECT authfort.login('nobody\@example.com', 'wrong', ip_address => '192.0.2.3'); ROLLBACK;") foreach 1 .. 5;
is(logins([ 'b@example.com', '192.0.2.3' ]), $limited, 'attempts that were rolled back count');

# by email, from wherever; but not where its owner is known
is(logins(map { [ 'a@example.com', "203.0.113.$_" ] } 1 .. 6), join(' ', ($wrong) x 5, $limited),
	'an email has five a day from all addresses');
is(logins([ 'a@example.com' ]), $limited, 'and from none');
is(sql("SELECT authfort.login('a\@example.com', 'correct horse', ip_address => '198.51.100.1') ? 'tokens'"), 't',
	'its owner is not kept out of where a session began');
is(sql("SELECT payload->>'key_type' FROM authfort.events WHERE event = 'rate_limit_exceeded' ORDER BY id DESC LIMIT 1"), 'email', 'which is told');

# looking at them and forgetting them
like(sql('SELECT * FROM authfort.rate_limits()'), qr/^(\d+)\|(\d+)\|[4-9]$/, 'the counters can be looked at');
is(sql("SELECT endpoint, key_type, requests, max_requests, retry_after > 0 FROM authfort.rate_limit_status('A\@example.com', '2001:db8:0:1::7') ORDER BY key_type"),
	"login|email|5|5|t\nlogin|ip|5|5|t", 'one email and one address as well');
is(sql("SELECT endpoint, key_type, requests, max_requests, retry_after FROM authfort.rate_limit_status(ip_address => '192.0.2.2')"), 'login|ip|1|5|0', 'also before the limit is reached');
is(sql("SELECT count(*) FROM authfort.rate_limit_status('never\@example.com', '192.0.2.99')"), '0',
	'of who never asked nothing is known');
is(sql("SELECT authfort.reset_rate_limits('A\@example.com')"), '1', 'an email can be set free');
is(logins([ 'a@example.com', '203.0.113.9' ]), $wrong, 'it is');
is(sql("SELECT authfort.reset_rate_limits(ip_address => '2001:db8:0:1::7')"), '1', 'so can an address');
ok(sql('SELECT authfort.reset_rate_limits()') > 5, 'and everybody');
is(logins([ 'c@example.com', '192.0.2.1' ]), $wrong, 'they are');

# the window slides
my $burst = q{SELECT string_agg(coalesce(r->>'error', ''), ' ') FROM generate_series(1, 3) g, authfort.refresh('x', ip_address => '192.0.2.50'::inet + 0 * g) r};
is($node->safe_psql('app', "SET authfort.rate_limit_refresh = '2/sec'; $burst"),
	"refresh_token_invalid refresh_token_invalid $limited", 'two a second');
sql("ALTER DATABASE app SET authfort.rate_limit_refresh = '2/sec'");
ok($node->poll_query_until('app', "SELECT r->>'error' <> '$limited' FROM authfort.refresh('x', ip_address => '192.0.2.50') r"), 'and again later');
sql('ALTER DATABASE app RESET authfort.rate_limit_refresh');
is($node->safe_psql('app', "SET authfort.rate_limit_refresh = ''; $burst"), join(' ', ('refresh_token_invalid') x 3),
	'an empty value disables a limit');

# the memory is fixed, regardless of the number of clients
is(sql(q{SELECT count(*) FROM generate_series(1, 20000) g, authfort.refresh('x', ip_address => '10.0.0.0'::inet + g) r WHERE r->>'error' = 'refresh_token_invalid'}), '20000', 'twenty thousand addresses');
is(sql('SELECT used <= entries AND entries < 1500 FROM authfort.rate_limits()'), 't', 'take no more memory');

# and a flood pushes out no counter that is at its limit
is(logins(map { [ 'victim@example.com', "203.0.113.$_" ] } 1 .. 6), join(' ', ($wrong) x 5, $limited),
	'an account at its limit');
is(logins(map { [ "v$_\@example.com", '203.0.113.99' ] } 1 .. 6), join(' ', ($wrong) x 5, $limited),
	'an address at its limit');
sql(q{SET authfort.rate_limit_refresh = '30/day'; SELECT count(*) FROM generate_series(1, 20000) g, authfort.refresh('x', ip_address => '10.1.0.0'::inet + g) r});
is(logins([ 'victim@example.com', '203.0.113.50' ], [ 'w@example.com', '203.0.113.99' ]), "$limited $limited",
	'are at it after requests from twenty thousand addresses');
is(sql(q{SET authfort.rate_limit_signup = '3/day'; SELECT count(*) FROM generate_series(1, 20000) g, authfort.signup('f' || g || '@example.com', 'short') r WHERE r->>'error' = 'password_too_short'}), '20000', 'twenty thousand emails');
is(logins([ 'victim@example.com', '203.0.113.51' ], [ 'w@example.com', '203.0.113.99' ]), "$limited $limited",
	'do not change it either');
is(sql('SELECT used <= entries AND used > entries / 2 FROM authfort.rate_limits()'), 't',
	'with both halves of the memory full');

# other endpoints
is(sql(q{SELECT string_agg(coalesce(r->>'error', 'ok'), ' ') FROM generate_series(1, 4) g, authfort.signup('s' || g || '@example.com', 'correct horse', ip_address => '192.0.2.60') r}),
	"ok ok ok $limited", 'sign-up');
is(sql(q{SELECT string_agg(status::text, ' ') FROM generate_series(1, 6) g,
	authfort.http('POST', '/auth/forgot-password', NULL, '{"content-type": "application/json"}', '{"email": "z@example.com"}', '192.0.2.61'::inet + 0 * g)}),
	'200 200 200 200 200 429', 'password reset, for an unknown email as well');

# whose address it is: peer, X-Forwarded-For, trusted proxies
sql('ALTER DATABASE app RESET authfort.rate_limit');
my ($proxy, $trusted, $client) = ('10.1.2.3', '10.0.0.0/8', '203.0.113.7');
foreach my $case (
	[ '192.0.2.9', '', $client, '192.0.2.9', 'nobody is trusted' ],
	[ $proxy, $trusted, $client, $client, 'a trusted peer' ],
	[ '192.0.2.9', $trusted, $client, '192.0.2.9', 'another peer' ],
	[ $proxy, $trusted, "198.51.100.7, $client", $client, 'the leftmost is what the client claims' ],
	[ $proxy, "$trusted, 192.168.0.0/16", "$client ,192.168.0.5,10.9.9.9", $client, 'several proxies' ],
	[ $proxy, $trusted, '10.0.0.1, 10.0.0.2', '10.0.0.1', 'nothing but proxies' ],
	[ $proxy, $trusted, '', $proxy, 'nothing forwarded' ],
	[ '::1', '::1/128', '2001:db8::1', '2001:db8::1', 'IPv6' ],
	[ '::ffff:10.1.2.3', $trusted, "::ffff:$client", $client, 'mapped IPv4' ],
	[ '2001:db8:5::1', '2001:db8:5::/48', $client, $client, 'an IPv6 network' ],
	# as proxies write them
	[ $proxy, $trusted, "$client:54321", $client, 'a port' ],
	[ $proxy, $trusted, '[2001:db8::7]:443', '2001:db8::7', 'IPv6 with a port' ],
	[ $proxy, $trusted, '[2001:db8::7]', '2001:db8::7', 'IPv6 in brackets' ],
	[ $proxy, $trusted, '2001:db8::7:443', '2001:db8::7:443', 'IPv6 without brackets has no port' ],
	[ $proxy, $trusted, 'fe80::1%eth0', 'fe80::1', 'a zone' ],
	[ $proxy, $trusted, '[fe80::1%25eth-0.1]:8080', 'fe80::1', 'a zone and a port' ],
	[ $proxy, $trusted, '\"[2001:db8::7]:443\"', '2001:db8::7', 'quotes' ],
	[ $proxy, $trusted, "\\\" $client \\\"", $client, 'quotes and spaces' ],
	[ $proxy, $trusted, "\\t $client:1 \\t", $client, 'tabs and spaces' ],
	[ $proxy, $trusted, "$client,", $client, 'a trailing comma' ],
	[ $proxy, $trusted, "$client, , 10.0.0.1:80 ,,", $client, 'empty elements and a proxy with a port' ],
	[ $proxy, $trusted, ',,,', $proxy, 'nothing but commas' ],
	[ $proxy, $trusted, ',' x 100000, $proxy, 'a great many commas' ],
	[ $proxy, $trusted, "[::ffff:$client]:1", $client, 'mapped IPv4 with a port' ],
	# what stands left of the client does not matter
	(map { [ $proxy, $trusted, "$_, $client", $client, "left of it: " . substr($_, 0, 20) ] }
		'10.0.0.1', '\"', '\"10.0.0.1', '[', '[10.0.0.1', 'nonsense', '\u00e9', '127.0.0.1:99999', ',,,', 'x' x 5000),
	# what cannot be read ends it at the proxy that sent it
	(map { [ $proxy, $trusted, "198.51.100.7, $_", $proxy, "unreadable: " . substr($_, 0, 30) ] }
		'nonsense', 'unknown', '_hidden', "$client/32", '203.0.113.0/24', '203.0.113', '203', '0xcb007107', "$client:",
			"$client:65536", "$client:port", "$client:-1",
		"$client:123456", "$client:1:2", "[$client]", "[$client]:80", '[2001:db8::7', '2001:db8::7]',
			'[2001:db8::7]443', '[2001:db8::7]:', '[]', '[]:80', '[2001:db8::7]:65536',
		'[[2001:db8::7]]', '2001:db8::7%', "$client%eth0", 'fe80::1%e th', '%eth0', '\"', '\"\"', "\\\"$client",
			"$client\\\"", "\\\"\\\"$client\\\"\\\"", '\u00e9', "$client $client", ':', ':80', 'x' x 5000))
{
	my ($peer, $networks, $forwarded, $expected, $what) = @$case;
	is($node->safe_psql('app', <<SQL), $expected, "client address: $what");
SET client_encoding = 'UTF8';
SET authfort.trusted_proxies = '$networks';
SELECT FROM authfort.http('POST', '/auth/login', NULL, '{"content-type": "application/json", "X-Forwarded-For": "$forwarded"}', '{"email": "x\@example.com", "password": "wrong"}', '$peer');
SELECT ip_address FROM authfort.events ORDER BY id DESC LIMIT 1;
SQL
}
is($node->safe_psql('app', <<'SQL'), '203.0.113.1', 'client address: the header in two lines');
SET authfort.trusted_proxies = '10.0.0.0/8';
SELECT FROM authfort.http('POST', '/auth/login', NULL, '[{"content-type": "application/json"}, {"x-forwarded-for": "198.51.100.7"}, {"x-forwarded-for": "203.0.113.1"}]', '{"email": "x@example.com", "password": "wrong"}', '10.1.2.3');
SELECT ip_address FROM authfort.events ORDER BY id DESC LIMIT 1;
SQL

# an operator reads of it in the log, once in a backend and without what an attacker could do there
my $offset = -s $node->logfile;
$node->safe_psql('app', <<'SQL');
SET authfort.trusted_proxies = '10.0.0.0/8';
SELECT count(authfort.http('POST', '/auth/login', NULL, '{"content-type": "application/json", "X-Forwarded-For": "203.0.113.7; \u001b[31mFATAL\n"}',
	'{"email": "x@example.com", "password": "wrong"}', '10.1.2.3')) FROM generate_series(1, 20);
SQL
my @lines = grep { /cannot read/ } split /\n/, slurp_file($node->logfile, $offset);
is(scalar @lines, 1, 'what cannot be read is logged once in a backend');
like($lines[0], qr/LOG:  authfort cannot read "203\.0\.113\.7;\?\?\[31mFATAL\?" in X-Forwarded-For as an address$/,
	'so that it does no harm');

# another database of the cluster, with other limits, counts for itself
$node->safe_psql('postgres', "CREATE DATABASE other TEMPLATE template0 ENCODING 'UTF8' LOCALE 'C.UTF-8'");
$node->safe_psql('other', "CREATE EXTENSION authfort; ALTER DATABASE other SET authfort.rate_limit = on; ALTER DATABASE other SET authfort.rate_limit_login = '3/hour'");
sql("ALTER DATABASE app SET authfort.rate_limit = on; ALTER DATABASE app SET authfort.rate_limit_login = '5/min'");
sub errors_in
{
	my ($database, $attempts) = @_;
	return $node->safe_psql($database, "SELECT string_agg(authfort.login('shared\@example.com', 'wrong')->>'error', ' ') FROM generate_series(1, $attempts)");
}
is(errors_in('app', 6), join(' ', ($wrong) x 5, $limited), 'a database has its limit');
is(errors_in('other', 4), join(' ', ($wrong) x 3, $limited), 'another one has its own');
is(errors_in('app', 1), $limited, 'and does not make the first forget');
$node->safe_psql('other', 'SELECT authfort.reset_rate_limits()');
is(errors_in('other', 1), $wrong, 'a reset forgets what this database counted');
is(errors_in('app', 1), $limited, 'and nothing else');

# who is over the limit of refreshes stays signed in
is($node->safe_psql('app', <<'SQL'), "401t\n429f", 'cookies are cleared by a refusal of their token, and not by the limit');
SET authfort.rate_limit_refresh = '1/hour';
SET authfort.cookies = on;
SELECT r.status || left(r.cleared::text, 1) FROM generate_series(1, 2) i, LATERAL
	(SELECT status, headers::text LIKE '%Max-Age=0%' AS cleared FROM authfort.http('POST', '/auth/refresh', NULL,
		'{"cookie": "refresh_token=x", "content-type": "application/json"}', NULL, ('192.0.2.2' || left(i::text, 0))::inet)) r;
SQL

# settings that make no sense
foreach my $setting (map { [ 'rate_limit_login', $_ ] } ('5', '5/', '/min', '0/min', '-1/min', '5/week', '5 /min',
	'1.5/min', '99999999999/min'))
{
	my ($code, $out, $err) = $node->psql('app', "SET authfort.$setting->[0] = '$setting->[1]'");
	like($err, qr/invalid value for parameter/, "$setting->[0] = '$setting->[1]' is refused");
}
foreach my $networks ('10.0.0.0/33', 'localhost', '10.0.0.0/8,,::1', '10.0.0.0/8;', '2001:db8::/129')
{
	my ($code, $out, $err) = $node->psql('app', "SET authfort.trusted_proxies = '$networks'");
	like($err, qr/invalid value for parameter/, "trusted_proxies = '$networks' is refused");
}

# without preloading there are no counters, and requests are refused
$node->adjust_conf('postgresql.conf', 'shared_preload_libraries', "''");
$node->restart;
my ($code, $out, $err) = $node->psql('app',
	"LOAD 'authfort'; SET authfort.rate_limit = on; SELECT authfort.login('a\@example.com', 'wrong')");
like($err, qr/rate_limit is on, but the library is not preloaded.*shared_preload_libraries/s,
	'without preload it is refused');
is(sql('SELECT * FROM authfort.rate_limits()'), '0|0|0', 'and there is nothing to see');
$node->stop;
done_testing();
