# Malformed bodies, queries, paths and headers at every route: each is refused with a documented code, and none is a
# fault of the server.
use strict;
use warnings FATAL => 'all';

use AuthfortNode qw(start_node);
use Gateway qw(poll status_of);
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = start_node('main', preload => 'authfort', conf => <<'CONF', sql => <<'SQL');
authfort.cookies = on
authfort.allow_passwordless_signup = on
authfort.site_url = 'https://app.example.com'
authfort.public_url = 'https://app.example.com'
authfort.webauthn_rp_id = 'app.example.com'
authfort.webauthn_origins = 'https://app.example.com'
authfort.recent_auth = '1h'
CONF
CREATE ROLE gateway LOGIN IN ROLE authfort_http, authfort_fetch;
SELECT authfort.create_user('ada@example.com', 'correct horse', roles => '{admin}');
SELECT authfort.set_oauth_provider('example', '{"preset": "google", "client_id": "us", "client_secret": "x"}');
CREATE TABLE documented (code text, status integer);
-- what comes of a request, whose effects are undone
CREATE FUNCTION outcome(method text, path text, query text, headers jsonb, body text) RETURNS text
	LANGUAGE plpgsql AS $$
DECLARE
	r record;
	found text;
	answer text;
BEGIN
	SELECT * INTO r FROM authfort.http(method, path, query, headers, body, '192.0.2.1');
	BEGIN
		found = CASE jsonb_typeof(r.body::jsonb->'detail') WHEN 'array' THEN 'invalid_fields'
			ELSE coalesce(r.body::jsonb#>>'{detail,error}', r.body::jsonb->>'error') END;
	EXCEPTION WHEN OTHERS THEN
		found = NULL;
	END;
	answer = CASE WHEN r.fetch IS NULL THEN r.status || coalesce(' ' || found, '') ELSE '200 fetch' END;
	IF answer ~ '^4' AND found IS DISTINCT FROM 'invalid_fields' AND NOT EXISTS (SELECT FROM documented d
		WHERE d.code = found AND d.status = r.status) THEN
		answer = answer || ' is not documented';
	END IF;
	RAISE EXCEPTION SQLSTATE 'ZZZZZ' USING MESSAGE = answer;
EXCEPTION WHEN SQLSTATE 'ZZZZZ' THEN
	RETURN sqlerrm;
WHEN OTHERS THEN
	RETURN 'raised ' || sqlstate || ' ' || sqlerrm;
END $$;
SQL

sub sql { my ($query) = @_; return $node->safe_psql('app', $query); }

# The codes of refusals with their status.
my $reference = slurp_file('docs/reference.md');
my ($codes) = $reference =~ /^## Error codes\n(.*?)(?=^## |\z)/ms;
my @rows = $codes =~ /^\| `(\w+)` \| (\d+) \|/mg;
cmp_ok(scalar @rows / 2, '>', 60, 'docs/reference.md lists error codes');
my $values = '';
while (my ($code, $status) = splice @rows, 0, 2)
{
	$values .= ", ('$code', $status)";
}
sql("INSERT INTO documented VALUES " . substr($values, 2));

# Every member that some route reads, with one value after the other.
my @members = qw(email password name avatar_url phone refresh_token token code mfa_token new_email new_password
	old_password credential user_metadata app_metadata locale roles method secret algorithm id_token nonce redirect_to
	redirect_uri mode grant_type client_id client_secret code_verifier code_challenge code_challenge_method state error
	id_token access_token email_verified token_type_hint user_id id rawId type response);
sub all_members { my ($value) = @_; return '{' . join(',', map { qq("$_":$value) } @members) . '}'; }
my $deep = 20000;
my %json = (
	'no body' => '', 'null' => 'null', 'a list' => '[]', 'a list of an object' => '[{"email":"a@example.com"}]',
	'a text' => '"email"', 'a number' => '1', 'half an object' => '{"email":', 'two objects' => '{}{}',
	'an object and more' => '{} x', 'a byte order mark' => "\x{feff}{}", 'a comment' => '{} // x',
	'NaN' => '{"email":NaN}',
	'no value' => '{"email"}', 'single quotes' => q({'email':'a'}), 'deep lists' => '[' x $deep . ']' x $deep,
	'deep lists without an end' => '[' x 100_000,
	'deep objects' => '{"email":' x $deep . '1' . '}' x $deep,
	'two megabytes' => '{"email":"' . 'x' x 2_000_000 . '"}', 'a name of a megabyte' => '{"' . 'x' x 1_000_000 . '":1}',
	'many members' => '{' . join(',', map { qq("m$_":$_) } 1 .. 20000) . '}',
	'members of another kind' => all_members('{"email":[{}]}'), 'lists' => all_members('["a@example.com"]'),
	'numbers' => all_members('1'), 'huge numbers' => all_members('1e400'), 'huge exponents' => all_members('1e131071'),
	'exponents without an end' => all_members('1e99999999999'), 'long numbers' => all_members('9' x 5000),
	'minus zero' => all_members('-0.0'), 'truth' => all_members('true'), 'nulls' => all_members('null'),
	'zero characters' => all_members('"\u0000"'), 'half a surrogate pair' => all_members('"\ud800"'),
	'a reversed surrogate pair' => all_members('"\udc00\ud800"'), 'a wrong escape' => all_members('"\x41"'),
	'a control character' => all_members(qq("\x01")), 'empty texts' => all_members('""'),
	'invisible texts' => all_members(qq("\x{202e}\x{200b}")), 'noncharacters' => all_members('"\uffff"'),
	'texts of 100 kilobytes' => all_members('"' . 'x' x 100_000 . '"'),
	'marks' => all_members('"' . "\x{301}" x 3000 . '"'),
	'each member twice' => '{' . join(',', map { (qq("$_":"a\@example.com")) x 2 } @members) . '}',
	'a member twice, escaped' => '{"email":"a@example.com","\u0065mail":"b@example.com","password":"x","password":"y"}',
	'format characters' => all_members('"%s%n%1$s\'\";--"'));
my %form = (
	'a percent sign' => '%', 'half an escape' => 'email=%4', 'a zero character' => 'email=%00&password=%00',
	'invalid UTF-8' => 'email=%ff%fe&token=%c0%80', 'the same name twice' => 'token=a&token=b&email=a&email=b',
	'separators' => '&' x 1000 . '=' x 1000, 'many names' => join('&', map { "m$_=1" } 1 .. 20000),
	'a surrogate' => 'token=%ed%a0%80', 'a long value' => 'token=' . 'x' x 1_000_000);
my %types = (
	'no type' => undef, 'an empty type' => '', 'text' => 'text/plain', 'UTF-16' => 'application/json; charset=utf-16',
	'parameters' => 'application/json;;;=;', 'multipart' => 'multipart/form-data; boundary=x',
	'a list' => 'application/json, text/plain',
	'a long type' => 'application/' . 'x' x 100_000);
my %query = (
	'a percent sign' => '%', 'a zero character' => 'limit=%00&query=%00&state=%00&code=%00',
	'invalid UTF-8' => 'query=%ff&code=%ff&state=%ff&role=%ff',
	'texts for numbers' => 'limit=x&offset=x', 'negative numbers' => 'limit=-1&offset=-1',
	'huge numbers' => 'limit=99999999999999999999&offset=1e9',
	'zero' => 'limit=0', 'names twice' => 'limit=1&limit=2&code=a&code=b&state=a&state=b&redirect_to=/a&redirect_to=/b',
	'texts for truth' => 'deleted=maybe&banned=2&hard=perhaps',
	'unknown columns' => 'sort_by=password_hash&sort_order=sideways',
	'separators' => '&&&===&', 'a long query' => 'query=' . 'x' x 100_000, 'a list' => 'limit[]=1',
	'a foreign target' => 'redirect_to=//evil.example&mode=x',
	'a callback' => 'code=x&state=' . 'A' x 500, 'an error' => 'error=' . 'x' x 5000 . '&error_description=%00',
	'marks' => 'query=' . '%cc%81' x 1000);
my %segment = (
	'nonsense' => 'nonsense', 'a zero character' => '%00', 'invalid UTF-8' => '%ff', 'an escape' => '%',
	'dots' => '..', 'escaped slashes' => '..%2f..',
	'an unknown id' => '00000000-0000-0000-0000-000000000000', 'a long one' => 'x' x 10000,
	'marks' => '%cc%81' x 1000, 'quotes' => q('"%27;--));
my %headers = (
	'an empty token' => { authorization => 'Bearer ' }, 'no scheme' => { authorization => 'x' },
	'a long token' => { authorization => 'Bearer ' . 'a' x 200_000 },
	'dots' => { authorization => 'Bearer ' . '.' x 10000 }, 'basic' => { authorization => 'Basic ////' },
	'basic without a colon' => { authorization => 'Basic eHg=' },
	'basic with a zero' => { authorization => 'Basic AAA6AAA=' },
	'a token of nothing' => { authorization => 'Bearer e30.e30.e30' },
	'cookies' => { cookie => 'access_token=' . 'x' x 100_000 . '; refresh_token=%00; =; ;;' },
	'many cookies' => { cookie => 'access_token=a.b.c; ' x 5000 },
	'addresses' => { 'x-forwarded-for' => ',' x 5000 . ' ::1%' }, 'an origin' => { origin => 'null',
	'sec-fetch-site' => 'sideways' },
	'a host' => { host => '[::1]]:x' }, 'an agent' => { 'user-agent' => "\x{202e}" x 20000 },
	'control characters' => { 'user-agent' => "a\x01\x7f" });

sub literal { my ($text) = @_; return 'NULL' unless defined $text; return "'" . ($text =~ s/'/''/gr) . "'"; }
sub as_json
{
	my ($headers) = @_;
	return '{' . join(',', map { my $value = $headers->{$_};
		$value =~ s/([\\"\x00-\x1f])/sprintf '\\u%04x', ord $1/ge; qq("$_":"$value") } sort keys %$headers) . '}';
}

# what is asked: a name, and a query, headers beside the token, a body, and a value for segments
sql('CREATE TABLE cases (kind text, name text, query text, headers jsonb, body text, segment text)');
my @cases;
my %json_type = ('content-type' => 'application/json');
push @cases, map { [ 'body', $_, undef, \%json_type, $json{$_}, undef ] } keys %json;
my %form_type = ('content-type' => 'application/x-www-form-urlencoded');
push @cases, map { [ 'form', $_, undef, \%form_type, $form{$_}, undef ] } keys %form;
push @cases, map { [ 'type', $_, undef, defined $types{$_} ? { 'content-type' => $types{$_} } : {}, '{"email":1}',
	undef ] } keys %types;
push @cases, map { [ 'query', $_, $query{$_}, \%json_type, '{}', undef ] } keys %query;
push @cases, map { [ 'segment', $_, undef, \%json_type, '{}', $segment{$_} ] } keys %segment;
push @cases, map { [ 'headers', $_, undef, { %json_type, %{ $headers{$_} } }, '{}', undef ] } keys %headers;
my $file = $node->basedir . '/cases.sql';
open my $out, '>:encoding(UTF-8)', $file or die;
print {$out} "SET client_encoding = 'UTF8';\n";
foreach my $case (@cases)
{
	my ($kind, $name, $query, $headers, $body, $segment) = @$case;
	my $row = join ', ', map { literal($_) } $kind, $name, $query, as_json($headers), $body, $segment;
	print {$out} "INSERT INTO cases VALUES ($row);\n";
}
close $out or die;
$node->command_ok([ 'psql', '-qX', '-v', 'ON_ERROR_STOP=1', '-d', $node->connstr('app'), '-f', $file ],
	'the requests are prepared');

# Each case at each route, for an admin and for a stranger.
sql(<<'SQL');
CREATE TABLE outcomes AS
	SELECT r.method, r.path, r.access, c.kind, c.name, signed_in, outcome(r.method, p.path, c.query,
		CASE WHEN signed_in THEN jsonb_build_object('authorization', 'Bearer ' || t.token) ELSE '{}' END || c.headers,
		c.body) AS outcome
	FROM authfort.routes() r, cases c, (VALUES (true), (false)) AS s(signed_in),
		(SELECT authfort.login('ada@example.com', 'correct horse')#>>'{tokens,access_token}') AS t(token),
		LATERAL (SELECT replace(replace(replace(replace(r.path,
			'{id}', coalesce(c.segment, (SELECT id::text FROM authfort.users))),
			'{provider}', coalesce(c.segment, 'example')), '{role}', coalesce(c.segment, 'x')),
			'{passkey}', coalesce(c.segment, 'eA'))) AS p(path)
	WHERE (c.kind <> 'segment' OR r.path ~ '\{')
		AND (signed_in <> (r.access = 'open') OR c.name IN ('null', 'numbers', 'names twice'))
		AND (r.method IN ('POST', 'PATCH') OR c.kind IN ('query', 'segment', 'headers')
			OR c.name IN ('null', 'two megabytes', 'deep lists'));
SQL
cmp_ok(sql('SELECT count(*) FROM outcomes'), '>', 4000, 'each route got each malformed request');
is(sql("SELECT concat_ws(' ', method, path, kind || ':', name, signed_in, '->', outcome) FROM outcomes "
	. "WHERE outcome !~ '^[234]' ORDER BY 1 LIMIT 20"), '', 'no malformed request is a fault of the server');
is(sql("SELECT DISTINCT concat_ws(' ', method, path, '->', outcome) FROM outcomes "
	. "WHERE outcome ~ '^4.*not documented' ORDER BY 1 LIMIT 20"), '',
	'each refusal has a documented code');
is(sql("SELECT DISTINCT concat_ws(' ', method, path) FROM outcomes WHERE kind = 'body' "
	. "AND method IN ('POST', 'PATCH') AND outcome ~ '^[23]' AND name NOT IN ('no body', 'null') ORDER BY 1"),
	<<'ROUTES' =~ s/\n\z//r,
POST /auth/logout
POST /auth/passkeys/login/options
POST /auth/passkeys/register/options
POST /auth/reauthenticate/code
ROUTES
	'a malformed body succeeds only at routes that read none, and at logout');

# What no text of the database can hold, through the gateway.
my $gateway = Gateway->new('gateway', $node);
my $token = sql(q{SELECT authfort.login('ada@example.com', 'correct horse')#>>'{tokens,access_token}'});
my $ready = "GET /readyz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n";
poll('the gateway is ready', sub { status_of($gateway, $ready) eq '200' });
my %bytes = ('invalid UTF-8' => qq({"email":"\xff\xfe","token":"\xc0\x80"}),
	'a zero' => qq({"email":"a\0b","token":"\0"}),
	'UTF-16' => "{\0\"\0a\0\"\0:\0" . "1\0}\0", 'a surrogate' => qq({"email":"\xed\xa0\x80"}));
my @faults;
foreach my $route (split /\n/, sql("SELECT method, path FROM authfort.routes() WHERE method IN ('POST', 'PATCH')"))
{
	my ($method, $path) = split /\|/, $route;
	$path =~ s/\{\w+\}/x/g;
	foreach my $name (sort keys %bytes)
	{
		foreach my $type ('application/json', 'application/x-www-form-urlencoded')
		{
			my $status = status_of($gateway, join "\r\n", "$method $path HTTP/1.1", 'Host: x', 'Connection: close',
				"Authorization: Bearer $token", "Content-Type: $type", 'Content-Length: ' . length $bytes{$name}, '',
				$bytes{$name});
			push @faults, "$method $path $type: $name -> $status" unless $status =~ /^4/;
		}
	}
}
is(join("\n", @faults), '', 'bytes that are not text are refused at every route');
is($gateway->stop, 0, 'the gateway ends cleanly');

$node->stop;
done_testing();
