# Arguments, headers and bodies that functions do not expect: each is refused with
# a suitable SQLSTATE or code.
use strict;
use warnings FATAL => 'all';

use Attempts qw(attempt attempt_on session super);
use AuthfortNode qw(start_node);
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = start_node('main', sql => <<'SQL');
CREATE ROLE mallory LOGIN IN ROLE authfort_admin, authfort_courier;
CREATE ROLE gateway LOGIN IN ROLE authfort_http;
SQL
attempt_on($node);
my %id = (ada => super(
	q{SELECT authfort.create_user('ada@example.com', 'correct horse', roles => '{editor}') ->> 'id'}));
my $editor = super(q{SELECT authfort.login('ada@example.com', 'correct horse') #>> '{tokens,access_token}'});

# Arguments.
my $huge = "repeat('x', 20000000)";
foreach my $case (
	[ q{authfort.has_role(VARIADIC '{{a,b},{c,NULL}}')}, qr/^22004/ ],
	[ q{authfort.has_role(VARIADIC '{{a,b},{editor,c}}')}, qr/^1$/ ],
	[ q{authfort.has_role(VARIADIC '[5:6]={a,b}'::text[])}, qr/^0$/ ],
	[ q{authfort.has_role(VARIADIC '{}')}, qr/^0$/ ],
	[ "authfort.has_role($huge)", qr/^0$/ ],
	[ "authfort.set_jwt($huge)", qr/^28000/ ],
	[ "authfort.set_jwt('')", qr/^28000/ ],
	[ "authfort.try_verify_jwt($huge) IS NULL", qr/^1$/ ],
	[ "authfort.try_verify_jwt(repeat('.', 1000000)) IS NULL", qr/^1$/ ],
	[ "authfort.refresh($huge)", qr/refresh_token_invalid/ ],
	[ "authfort.login($huge, $huge)", qr/invalid_credentials/ ],
	[ "authfort.signup($huge, 'correct horse')", qr/invalid_email/ ],
	[ "authfort.signup('big\@example.com', $huge)", qr/password_too_long/ ],
	[ "authfort.signup('big\@example.com', 'correct horse', $huge)", qr/invalid_name/ ],
	[ "authfort.add_role('$id{ada}', $huge)", qr/^22023/ ],
	[ "authfort.get_user('nonsense')", qr/^22P02/ ],
	[ "authfort.get_user('00000000-0000-0000-0000-000000000000')", qr/^42704/ ],
	(map { [ "authfort.update_user('$id{ada}', '$_')", qr/^22023/ ] } '1', 'null', '"name"', '[]', '[{"name": "x"}]',
		'{}', '{"name": {"a": 1}}', '{"email": ["x@example.com"]}', '{"banned": true}', '{"id": "x"}'),
	[ "authfort.list_users(limit_ => -1)", qr/^22/ ],
	[ "authfort.list_users(offset_ => 2147483647)", qr/"users": \[\]/ ],
	[ "authfort.list_users(query => $huge)", qr/"users": \[\]/ ],
	[ q{authfort.create_user('roles@example.com', roles => '{{a,b},{c,d}}')}, qr/"roles": \["a", "b", "c", "d"\]/ ],
	[ q{authfort.create_user('null@example.com', roles => '{a,NULL}')}, qr/^22004/ ],
	[ q{authfort.login('ada@example.com', 'wrong', ip_address => '0.0.0.0/0')}, qr/invalid_credentials/ ],
	[ q{authfort.login('ada@example.com', 'wrong', ip_address => '::/0')}, qr/invalid_credentials/ ],
	[ q{authfort.load_breached_passwords('{{x}}'::text[])}, qr/^22P02/ ],
	[ 'authfort.take_messages(2147483647)', qr/^22023/ ],
	[ q{authfort.on('login', '-')}, qr/^42883/ ])
{
	my ($call, $expected) = @$case;
	like(attempt('mallory', "SET authfort.jwt = '$editor'", "SELECT $call") // 'NULL', $expected,
		'unexpected arguments are handled: ' . substr($call, 0, 100));
}
my $gateway = session('gateway');
foreach my $headers (split ' ', 'null 1 "x" true [] {} [1] [[]] ["a"] [null] {"a":1} {"a":{}} {"content-type":null} '
	. '{"content-type":["application/json"]} [{"authorization":{}}] {"cookie":[[]]} {"authorization":"Bearer"} '
	. '[{"a":"b","c":1}]')
{
	like(attempt($gateway, "SELECT status FROM authfort.http('POST', '/auth/login', headers => '$headers', body => "
		. "'{}')"), qr/^(415|422|22023: .*)/, "headers are refused: $headers");
}
foreach my $body ((split ' ', 'null 1 "x" [] {} {"email":null,"password":1} {"email":[],"password":{}} '
	. '{"email":"a@example.com","password":"\u0000"} {"email":1e400,"password":-0} {'), '', '[' x 100000)
{
	like(attempt($gateway, "SELECT status FROM authfort.http('POST', '/auth/login', headers => '{\"content-type\": "
		. "\"application/json\"}', body => '$body')"), qr/^4(00|13|22)$/, 'a body is refused: ' . substr $body, 0, 60);
}
is(super("UPDATE authfort.users SET created_at = 'infinity' WHERE id = '$id{ada}'",
	"SELECT authfort.get_user('$id{ada}') IS NOT NULL AND authfort.list_users() IS NOT NULL "
		. "AND authfort.create_user('now\@example.com') IS NOT NULL"), 1, 'an infinite timestamp breaks no function');

$gateway->disconnect;
$node->stop;
done_testing();
