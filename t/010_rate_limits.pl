# Rate limits, and the address of the client that they are counted for.
use strict;
use warnings FATAL => 'all';

use AuthfortNode qw(start_node);
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

use Gateway qw(poll);

my $signup = "SELECT FROM authfort.signup('a\@example.com', 'correct horse', ip_address => '198.51.100.1')";
my $node = start_node('limits', preload => 'authfort', sql => $signup, conf => <<'CONF');
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
	'rate limits are off by default');
sql("ALTER DATABASE app SET authfort.rate_limit = on");
sql("ALTER DATABASE app SET authfort.rate_limit_login = '5/day'");

is(sql("SELECT string_agg(replace(name, 'authfort.rate_limit_', '') || ' ' || boot_val, ', ' ORDER BY name) "
	. "FROM pg_settings WHERE name ~ '^authfort.rate_limit_' AND vartype = 'string'"),
	'introspect 30/min, login 5/min, magic_link 5/min, mfa_verify 5/min, oauth_authorize 10/min, otp 5/min, '
		. 'password_reset 5/min, refresh 30/min, signup 3/min, verify_email 5/min', 'each endpoint has a limit');

# by address
is(logins(map { [ "nobody$_\@example.com", '192.0.2.1' ] } 1 .. 7), join(' ', ($wrong) x 5, ($limited) x 2),
	'an address is limited to five logins a day');
is(logins([ 'nobody@example.com', '192.0.2.2' ]), $wrong, 'another address has a limit of its own');
is(sql("SELECT r->'status', (r->>'retry_after')::int BETWEEN 86400 - 60 AND 2 * 86400 "
	. "FROM authfort.login('x\@example.com', 'wrong', ip_address => '192.0.2.1') r"),
	'429|t', 'a refusal reports when to retry');
is(sql(q{SELECT status, (SELECT h->>'Retry-After' = body::jsonb#>>'{detail,retry_after}'
		FROM jsonb_array_elements(headers) h WHERE h ? 'Retry-After')
	FROM authfort.http('POST', '/auth/login', NULL, '{"content-type": "application/json"}',
		'{"email": "x@example.com", "password": "wrong"}', '192.0.2.1')}),
	'429|t', 'a refusal over HTTP has Retry-After');
is(sql(q{SELECT count(*), min(payload->>'endpoint' || ' ' || (payload->>'limit') || ' ' || (payload->>'key_type')
		|| ' ' || (payload->>'ip_address'))
	FROM authfort.events WHERE event = 'rate_limit_exceeded'}), '1|login 5/day ip 192.0.2.1',
		'a limit that is reached makes one event');

# IPv6 by /64, mapped IPv4 as IPv4
is(logins(map { [ "six$_\@example.com", "2001:db8:0:1::$_" ] } 1 .. 6), join(' ', ($wrong) x 5, $limited),
	'the IPv6 addresses of a /64 share a limit');
is(logins([ 'six@example.com', '2001:db8:0:2::1' ]), $wrong, 'the next /64 has a limit of its own');
is(logins([ 'six@example.com', '::ffff:192.0.2.1' ]), $limited,
	'a mapped IPv4 address shares the limit of the IPv4 address');

# a rollback forgets nothing
$node->safe_psql('app', "BEGIN; SELECT authfort.login('nobody\@example.com', 'wrong', ip_address => '192.0.2.3'); "
	. "ROLLBACK;") foreach 1 .. 5;
is(logins([ 'b@example.com', '192.0.2.3' ]), $limited, 'attempts that were rolled back count toward the limit');

# by email, from wherever; but not where its owner is known
is(logins(map { [ 'a@example.com', "203.0.113.$_" ] } 1 .. 6), join(' ', ($wrong) x 5, $limited),
	'an email is limited to five logins a day from all addresses');
is(logins([ 'a@example.com' ]), $limited, 'the limit of an email holds without an address');
is(sql("SELECT authfort.login('a\@example.com', 'correct horse', ip_address => '198.51.100.1') ? 'tokens'"), 't',
	'an owner of a known address can log in past the limit of the email');
is(sql("SELECT payload->>'key_type' FROM authfort.events WHERE event = 'rate_limit_exceeded' "
	. 'ORDER BY id DESC LIMIT 1'), 'email',
	'the event reports that the limit is that of the email');

# looking at them and forgetting them
like(sql('SELECT * FROM authfort.rate_limits()'), qr/^(\d+)\|(\d+)\|[4-9]$/, 'rate_limits() reports the counters');
is(sql("SELECT endpoint, key_type, requests, max_requests, retry_after > 0 "
	. "FROM authfort.rate_limit_status('A\@example.com', '2001:db8:0:1::7') ORDER BY key_type"),
	"login|email|5|5|t\nlogin|ip|5|5|t", 'rate_limit_status() reports an email and an address at the limit');
is(sql("SELECT endpoint, key_type, requests, max_requests, retry_after FROM authfort.rate_limit_status(ip_address => "
	. "'192.0.2.2')"), 'login|ip|1|5|0', 'rate_limit_status() reports an address below the limit');
is(sql("SELECT count(*) FROM authfort.rate_limit_status('never\@example.com', '192.0.2.99')"), '0',
	'rate_limit_status() reports nothing for an unknown email and address');
is(sql("SELECT authfort.reset_rate_limits('A\@example.com')"), '1', 'reset_rate_limits() resets an email');
is(logins([ 'a@example.com', '203.0.113.9' ]), $wrong, 'an email is accepted again after its reset');
is(sql("SELECT authfort.reset_rate_limits(ip_address => '2001:db8:0:1::7')"), '1',
	'reset_rate_limits() resets an address');
ok(sql('SELECT authfort.reset_rate_limits()') > 5, 'reset_rate_limits() without arguments resets all');
is(logins([ 'c@example.com', '192.0.2.1' ]), $wrong, 'an address is accepted again after a reset of all');

# the window slides
my $burst = q{SELECT string_agg(coalesce(r->>'error', ''), ' ') FROM generate_series(1, 3) g, authfort.refresh('x', }
	. q{ip_address => '192.0.2.50'::inet + 0 * g) r};
# again where a burst took more than a second
ok(poll('a burst', sub {
	$node->safe_psql('app', "SET authfort.rate_limit_refresh = '2/sec'; SELECT pg_sleep(2); $burst")
		=~ /^refresh_token_invalid refresh_token_invalid $limited$/m
}), 'two refreshes a second are allowed');
sql("ALTER DATABASE app SET authfort.rate_limit_refresh = '2/sec'");
ok($node->poll_query_until('app', "SELECT r->>'error' <> '$limited' "
	. "FROM authfort.refresh('x', ip_address => '192.0.2.50') r"), 'a refresh is allowed once the window has passed');
sql('ALTER DATABASE app RESET authfort.rate_limit_refresh');
is($node->safe_psql('app', "SET authfort.rate_limit_refresh = ''; $burst"), join(' ', ('refresh_token_invalid') x 3),
	'an empty limit turns the limit off');

# the memory is fixed, regardless of the number of clients
is(sql(q{SELECT count(*) FROM generate_series(1, 20000) g, authfort.refresh('x', ip_address => '10.0.0.0'::inet + g) }
	. q{r WHERE r->>'error' = 'refresh_token_invalid'}), '20000',
		'requests from twenty thousand addresses are answered');
is(sql('SELECT used <= entries AND entries < 1500 FROM authfort.rate_limits()'), 't',
	'twenty thousand addresses take no more memory');

# and a flood pushes out no counter that is at its limit
is(logins(map { [ 'victim@example.com', "203.0.113.$_" ] } 1 .. 6), join(' ', ($wrong) x 5, $limited),
	'an account reaches its limit');
is(logins(map { [ "v$_\@example.com", '203.0.113.99' ] } 1 .. 6), join(' ', ($wrong) x 5, $limited),
	'an address reaches its limit');
sql(q{SET authfort.rate_limit_refresh = '30/day'; SELECT count(*) }
	. q{FROM generate_series(1, 20000) g, authfort.refresh('x', ip_address => '10.1.0.0'::inet + g) r});
is(logins([ 'victim@example.com', '203.0.113.50' ], [ 'w@example.com', '203.0.113.99' ]), "$limited $limited",
	'twenty thousand addresses do not push out counters at their limit');
is(sql(q{SET authfort.rate_limit_signup = '3/day'; SELECT count(*) }
	. q{FROM generate_series(1, 20000) g, authfort.signup('f' || g || '@example.com', 'short') r }
	. q{WHERE r->>'error' = 'password_too_short'}), '20000', 'sign-ups with twenty thousand emails are answered');
is(logins([ 'victim@example.com', '203.0.113.51' ], [ 'w@example.com', '203.0.113.99' ]), "$limited $limited",
	'twenty thousand emails do not push out counters at their limit');
is(sql('SELECT used <= entries AND used > entries / 2 FROM authfort.rate_limits()'), 't',
	'the memory of the counters is more than half full');

# other endpoints
is(sql(q{SELECT string_agg(coalesce(r->>'error', 'ok'), ' ') FROM generate_series(1, 4) g, authfort.signup('s' || g }
	. q{|| '@example.com', 'correct horse', ip_address => '192.0.2.60') r}),
	"ok ok ok $limited", 'sign-up has a limit');
is(sql(q{SELECT string_agg(status::text, ' ') FROM generate_series(1, 6) g,
	authfort.http('POST', '/auth/forgot-password', NULL, '{"content-type": "application/json"}',
		'{"email": "z@example.com"}', '192.0.2.61'::inet + 0 * g)}),
	'200 200 200 200 200 429', 'a password reset has a limit, for an unknown email as well');

# whose address it is: peer, X-Forwarded-For, trusted proxies
sql('ALTER DATABASE app RESET authfort.rate_limit');
my ($proxy, $trusted, $client) = ('10.1.2.3', '10.0.0.0/8', '203.0.113.7');
foreach my $case (
	[ '192.0.2.9', '', $client, '192.0.2.9', 'a header is ignored without trusted proxies' ],
	[ $proxy, $trusted, $client, $client, 'the header of a trusted peer is read' ],
	[ '192.0.2.9', $trusted, $client, '192.0.2.9', 'the header of another peer is ignored' ],
	[ $proxy, $trusted, "198.51.100.7, $client", $client, 'the address that the client claims is ignored' ],
	[ $proxy, "$trusted, 192.168.0.0/16", "$client ,192.168.0.5,10.9.9.9", $client, 'several proxies' ],
	[ $proxy, $trusted, '10.0.0.1, 10.0.0.2', '10.0.0.1', 'the leftmost of nothing but proxies' ],
	[ $proxy, $trusted, '', $proxy, 'the peer, if the header is empty' ],
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
	[ $proxy, $trusted, ',,,', $proxy, 'the peer, if the header has only commas' ],
	[ $proxy, $trusted, ',' x 100000, $proxy, 'a great many commas' ],
	[ $proxy, $trusted, "[::ffff:$client]:1", $client, 'mapped IPv4 with a port' ],
	# addresses left of the client's are ignored
	(map { [ $proxy, $trusted, "$_, $client", $client, "left of it: " . substr($_, 0, 20) ] }
		'10.0.0.1', '\"', '\"10.0.0.1', '[', '[10.0.0.1', 'nonsense', '\u00e9', '127.0.0.1:99999', ',,,', 'x' x 5000),
	# an unreadable address ends the search at the proxy that sent it
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
SELECT FROM authfort.http('POST', '/auth/login', NULL,
	'{"content-type": "application/json", "X-Forwarded-For": "$forwarded"}',
	'{"email": "x\@example.com", "password": "wrong"}', '$peer');
SELECT ip_address FROM authfort.events ORDER BY id DESC LIMIT 1;
SQL
}
is($node->safe_psql('app', <<'SQL'), '203.0.113.1', 'client address: the header in two lines');
SET authfort.trusted_proxies = '10.0.0.0/8';
SELECT FROM authfort.http('POST', '/auth/login', NULL,
	'[{"content-type": "application/json"}, {"x-forwarded-for": "198.51.100.7"}, {"x-forwarded-for": "203.0.113.1"}]',
	'{"email": "x@example.com", "password": "wrong"}', '10.1.2.3');
SELECT ip_address FROM authfort.events ORDER BY id DESC LIMIT 1;
SQL

# an unreadable address is logged once in a backend, and cannot forge a line of the log
my $offset = -s $node->logfile;
$node->safe_psql('app', <<'SQL');
SET authfort.trusted_proxies = '10.0.0.0/8';
SELECT count(authfort.http('POST', '/auth/login', NULL,
	'{"content-type": "application/json", "X-Forwarded-For": "203.0.113.7; \u001b[31mFATAL\n"}',
	'{"email": "x@example.com", "password": "wrong"}', '10.1.2.3')) FROM generate_series(1, 20);
SQL
my @lines = grep { /cannot read/ } split /\n/, slurp_file($node->logfile, $offset);
is(scalar @lines, 1, 'an unreadable X-Forwarded-For is logged once in a backend');
like($lines[0], qr/LOG:  authfort cannot read "203\.0\.113\.7;\?\?\[31mFATAL\?" in X-Forwarded-For as an address$/,
	'an unreadable X-Forwarded-For is logged without control characters');

# another database of the cluster has other limits and its own counters
$node->safe_psql('postgres', "CREATE DATABASE other TEMPLATE template0 ENCODING 'UTF8' LOCALE 'C.UTF-8'");
$node->safe_psql('other', "CREATE EXTENSION authfort; ALTER DATABASE other "
	. "SET authfort.rate_limit = on; ALTER DATABASE other SET authfort.rate_limit_login = '3/hour'");
sql("ALTER DATABASE app SET authfort.rate_limit = on; ALTER DATABASE app SET authfort.rate_limit_login = '5/hour'");
sub errors_in
{
	my ($database, $attempts) = @_;
	return $node->safe_psql($database, "SELECT string_agg(authfort.login('shared\@example.com', 'wrong')->>'error', "
		. "' ') FROM generate_series(1, $attempts)");
}
is(errors_in('app', 6), join(' ', ($wrong) x 5, $limited), 'a database applies its limit');
is(errors_in('other', 4), join(' ', ($wrong) x 3, $limited), 'another database applies its own limit');
is(errors_in('app', 1), $limited, 'another database does not change the counters of the first');
$node->safe_psql('other', 'SELECT authfort.reset_rate_limits()');
is(errors_in('other', 1), $wrong, 'a reset clears the counters of its database');
is(errors_in('app', 1), $limited, 'a reset keeps the counters of other databases');

# a client over the limit of refreshes stays signed in
is($node->safe_psql('app', <<'SQL'), "401t\n429f", 'a refused token clears the cookies, and the limit does not');
SET authfort.rate_limit_refresh = '1/hour';
SET authfort.cookies = on;
SELECT r.status || left(r.cleared::text, 1) FROM generate_series(1, 2) i, LATERAL
	(SELECT status, headers::text LIKE '%Max-Age=0%' AS cleared FROM authfort.http('POST', '/auth/refresh', NULL,
		'{"cookie": "refresh_token=x", "content-type": "application/json"}', NULL, ('192.0.2.2' || left(i::text,
			0))::inet)) r;
SQL

# invalid settings
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
	'a login with rate_limit on is refused without preload');
is(sql('SELECT * FROM authfort.rate_limits()'), '0|0|0', 'rate_limits() reports zeros without preload');
$node->stop;
done_testing();
