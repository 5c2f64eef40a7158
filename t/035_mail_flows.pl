# What is proven by mail, over HTTP: verification, links, codes and invitations; limits by address and
# by email; that wrong tries outlive a rollback and a restart; and that no secret is in a log or a dump.
use strict;
use warnings FATAL => 'all';

use AuthfortNode qw(reload start_node);
use Gateway qw(poll);
use HTTP::Tiny;
use JSON::PP;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $role = 'CREATE ROLE gateway LOGIN IN ROLE authfort_http';
my $node = start_node('mail_flows', preload => 'authfort', sql => $role, conf => <<'CONF');
authfort.site_url = 'https://app.example.com'
authfort.cookies = on
log_statement = all
log_min_duration_statement = 0
log_parameter_max_length = -1
log_parameter_max_length_on_error = -1
CONF
my $gateway = Gateway->new('gateway', $node, '--pool-size', '4');
my $http = HTTP::Tiny->new(timeout => 60);
my %secrets;    # what must be in no log and no dump, by what it is

sub post
{
	my ($path, $body, %headers) = @_;
	my $r = $http->post("http://127.0.0.1:$gateway->{port}/auth/$path",
		{ headers => { 'Content-Type' => 'application/json', %headers }, content => encode_json($body) });
	$r->{json} = eval { decode_json($r->{content}) };
	my $tokens = $r->{json}{tokens} // {};
	$secrets{"$path $_"} = $tokens->{$_} foreach grep { /_token$/ } keys %$tokens;
	return $r;
}

sub sql { return $node->safe_psql('app', $_[0]); }

# The only message of a kind; it is reported as sent.
sub mailed
{
	my ($kind) = @_;
	my @rows = split /\n/, sql('SELECT message FROM authfort.take_messages(100) t, authfort.message_sent(t.id)'
		. " WHERE kind = '$kind'");
	is(scalar @rows, 1, "one message of kind $kind") or return {};
	my $message = decode_json($rows[0]);
	$secrets{$kind} = $message->{token} // $message->{code};
	return $message;
}
sub code_of { return $_[0]->{json}{detail}{error} // $_[0]->{status}; }
poll('gateway connects', sub { $http->get("http://127.0.0.1:$gateway->{port}/readyz")->{status} == 200 });

# verification, in the session that signed up
my %ada = (email => 'ada@example.com', password => $secrets{password} = 'planted-Password-1');
my $r = post('signup', \%ada);
is($r->{status}, 201, 'sign-up');
my %bearer = (Authorization => "Bearer $r->{json}{tokens}{access_token}");
my $message = mailed('email_verification');
is($message->{link}, "https://app.example.com/verify-email#token=$message->{token}",
	'the link has the token in its fragment');
is(post('resend-verification', {}, %bearer)->{status}, 200, 'another one, signed in');
is(code_of(post('verify-email', { token => $message->{token} })), 'invalid_verification_token',
	'the first is replaced');
$r = post('verify-email', { token => mailed('email_verification')->{token} }, %bearer);
is_deeply([ $r->{status}, $r->{json} ], [ 200, { message => 'Email verified successfully.' } ], 'verified');
is(sql('SELECT mailbox_proven FROM authfort.users'), 't', 'and proven, in a session of the account');

# a link: GET uses up nothing, and the cookies are set
is(post('magic-link', { email => 'ADA@example.com' })->{json}{message},
	'If an account exists, a magic link has been sent.', 'a link is asked for');
$message = mailed('magic_link');
my $opened = "http://127.0.0.1:$gateway->{port}/auth/magic-link/verify?token=$message->{token}";
is($http->get($opened)->{status}, 405, 'a scanner opens it');
$r = post('magic-link/verify', { token => $message->{token} });
is($r->{status}, 200, 'it signs in nevertheless');
is($r->{json}{user}{email}, $ada{email}, 'the right user');
is(scalar(@{ $r->{headers}{'set-cookie'} }), 2, 'with both cookies');
is(code_of(post('magic-link/verify', { token => $message->{token} })), 'invalid_magic_link', 'once');

# a code; what is tried before a cancelled transaction ends counts, also after a restart
is(post('otp', { email => $ada{email} })->{json}{message},
	'If an account exists, a verification code has been sent.', 'a code is asked for');
my $code = mailed('email_otp')->{code};
like($code, qr/^\d{6}$/, 'it has six digits');
$r = post('otp/verify', { email => $ada{email}, code => $code });
is($r->{status}, 200, 'it signs in');
is(code_of(post('otp/verify', { email => $ada{email}, code => $code })), 'invalid_otp', 'once');
sub try_wrong
{
	my ($times, $end) = @_;
	return sql("BEGIN; SELECT count(authfort.verify_email_otp('ada\@example.com', 'wrong'))"
		. " FROM generate_series(1, $times); $end");
}

sub new_code
{
	return $secrets{ 'code ' . keys %secrets } = sql(q{SELECT authfort.create_email_otp('ada@example.com')});
}

$code = new_code();
try_wrong(3, 'ROLLBACK');
try_wrong(2, 'COMMIT');
is(code_of(post('otp/verify', { email => $ada{email}, code => $code })), 'invalid_otp',
	'three tries that were rolled back, and two');
$code = new_code();
try_wrong(4, 'COMMIT');
$node->restart;
poll('gateway is back', sub { $http->get("http://127.0.0.1:$gateway->{port}/readyz")->{status} == 200 });
try_wrong(1, 'COMMIT');
is(code_of(post('otp/verify', { email => $ada{email}, code => $code })), 'invalid_otp',
	'four tries before a restart, and one');

# a second factor is asked for by a refusal, and the token is used up by then
sub totp { chomp(my $otp = qx{oathtool --totp -b $_[0]}); return $otp; }
$secrets{'authenticator app'} = my $seed = sql("SELECT authfort.mfa_init(id)->>'secret' FROM authfort.users");
my $confirm = "authfort.mfa_confirm(id, '" . totp($seed) . "')";
is(sql("SELECT jsonb_array_length($confirm\->'backup_codes') FROM authfort.users"), 10, 'a second factor');
post('magic-link', { email => $ada{email} });
$message = mailed('magic_link');
$r = post('magic-link/verify', { token => $message->{token} });
is($r->{status} . code_of($r), '403mfa_required', 'a link alone does not sign in');
ok($r->{json}{detail}{mfa_token} && $r->{json}{detail}{expires_in}, 'the refusal has the challenge');
is($r->{headers}{'set-cookie'}, undef, 'and no cookies');
is(code_of(post('magic-link/verify', { token => $message->{token} })), 'invalid_magic_link', 'the link is used up');
$code = new_code();
$r = post('otp/verify', { email => $ada{email}, code => $code });
is($r->{status} . code_of($r), '403mfa_required', 'nor does a code');
sql('SELECT authfort.reset_mfa(id) FROM authfort.users');

# invitations
sql(q{SELECT authfort.create_user('boss@example.com', 'planted-Password-2', roles => '{admin}')});
$secrets{'password of the admin'} = 'planted-Password-2';
$r = post('login', { email => 'boss@example.com', password => 'planted-Password-2' });
%bearer = (Authorization => "Bearer $r->{json}{tokens}{access_token}");
$r = post('admin/invitations', { email => 'eve@example.com', roles => ['editor'] }, %bearer);
is_deeply([ $r->{status}, $r->{json}{roles} ], [ 201, [] ], 'an invitation gives no roles yet');
is(code_of(post('login', { email => 'eve@example.com', password => 'x' })), 'invalid_credentials', 'nor a login');
$message = mailed('invitation');
is($message->{link}, "https://app.example.com/accept-invitation#token=$message->{token}", 'its link');
$secrets{'first password'} = 'planted-Password-3';
$r = post('accept-invitation', { token => $message->{token}, password => $secrets{'first password'} });
is_deeply([ $r->{status}, $r->{json}{user}{roles} ], [ 200, ['editor'] ], 'accepted, with the role');
$r = post('login', { email => 'eve@example.com', password => $secrets{'first password'} });
is($r->{status}, 200, 'and the password');

# limits: requests and tries of codes together, by address and by email; links by both, their use by none
$node->append_conf('postgresql.conf', "authfort.rate_limit = on\nauthfort.trusted_proxies = '127.0.0.0/8'");
reload($node);
sub from { return ('X-Forwarded-For' => "192.0.2.$_[0]"); }
my %nobody = (email => 'nobody@example.com', code => 'x');
poll('limits are on', sub { post('otp/verify', \%nobody, from(200))->{status} == 429 });
sub statuses { my ($n, $request) = @_; return join ' ', map { $request->($_)->{status} } 1 .. $n; }
is(statuses(6, sub { post('magic-link', { email => "link$_[0]\@example.com" }, from(1)) }),
	'200 200 200 200 200 429', 'links by address');
is(statuses(6, sub { post('magic-link', { email => 'link@example.com' }, from(10 + $_[0])) }),
	'200 200 200 200 200 429', 'links by email');
is(statuses(7, sub { post('magic-link/verify', { token => 'x' }, from(2)) }), join(' ', (400) x 7), 'their use');
sub otp_route { return $_[0] % 2 ? 'otp' : 'otp/verify'; }
is(statuses(6, sub { post(otp_route($_[0]), { email => "code$_[0]\@example.com", code => 'x' }, from(3)) }),
	'200 400 200 400 200 429', 'codes by address');
is(statuses(6, sub { post(otp_route($_[0]), { email => 'code@example.com', code => 'x' }, from(20 + $_[0])) }),
	'200 400 200 400 200 429', 'codes by email');
is(statuses(6, sub { post('verify-email', { token => 'x' }, from(4)) }), '400 400 400 400 400 429',
	'verification by address');
ok(post('verify-email', { token => 'x' }, from(4))->{headers}{'retry-after'} > 0, 'with Retry-After');
is(post('verify-email', { token => 'x' }, from(5))->{status}, 400, 'and not from elsewhere');

# every secret that was planted or made
$gateway->stop;
my $dump = $node->basedir . '/app.dump.sql';
$node->command_ok([ 'pg_dump', '--file', $dump, $node->connstr('app') ], 'pg_dump');
my %places = (
	dump => slurp_file($dump),
	'server log' => slurp_file($node->logfile),
	'gateway log' => slurp_file($gateway->{log}),
	'gateway errors' => slurp_file($gateway->{errors}));
like($places{'server log'}, qr/authfort|<hidden>/, 'the server log has statements');
like($places{dump}, qr/ada\@example\.com/, 'the dump has the user');
cmp_ok(scalar(keys %secrets), '>', 15, 'there are secrets to look for');
# Six digits are part of many longer numbers, and may be the id of a process.
sub holds
{
	my ($text, $secret) = @_;
	return $text =~ /(?<![\da-f.\[])$secret(?![\da-f])/ if $secret =~ /^\d{6}$/;
	return index($text, $secret) >= 0;
}
foreach my $place (sort keys %places)
{
	is_deeply([ grep { holds($places{$place}, $secrets{$_}) } sort keys %secrets ], [], "no secret is in the $place");
}
$node->stop;
done_testing();
