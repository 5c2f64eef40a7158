# One's own account over HTTP, by bearer token and by cookie: changing the email and undoing that,
# the profile, authenticating again; and that no secret of it is in the log or in a dump.
use strict;
use warnings FATAL => 'all';

use AuthfortNode qw(start_node);
use Gateway      qw(poll);
use HTTP::Tiny;
use JSON::PP;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = start_node(
	'account',
	preload => 'authfort',
	conf    => <<'CONF', sql => 'CREATE ROLE gateway LOGIN IN ROLE authfort_http');
authfort.cookies = on
authfort.site_url = 'https://app.example.com'
authfort.notices = 'password_changed, email_changed, new_sign_in'
log_statement = all
log_min_duration_statement = 0
log_parameter_max_length = -1
log_parameter_max_length_on_error = -1
CONF
my $gateway = Gateway->new('gateway', $node, '--pool-size', '2');
my $http    = HTTP::Tiny->new(timeout => 60);
my %secrets;    # what must be in no log and in no dump, by what it is

sub request
{
	my ($method, $path, $body, %headers) = @_;
	$headers{'Content-Type'} //= 'application/json' if defined $body;
	my $r = $http->request(
		$method,
		"http://127.0.0.1:$gateway->{port}/auth$path",
		{ headers => \%headers, defined $body ? (content => encode_json($body)) : () }
	);
	$r->{json} = eval { decode_json($r->{content}) };
	return $r;
}

# Status and code of a response, as one text.
sub outcome
{
	my ($r) = @_;
	return join ' ', $r->{status}, grep { defined } eval { $r->{json}{detail}{error} };
}
sub set_cookies { my $c = $_[0]->{headers}{'set-cookie'} // []; return ref $c ? @$c : $c; }

# The messages that wait, as "kind to" => message; they count as sent.
sub messages
{
	my %found = map { my $m = decode_json($_); ("$m->{kind} $m->{message}{email}" => $m->{message}) } split /\n/,
	  $node->safe_psql('app',
		q{SELECT jsonb_build_object('kind', kind, 'message', message) FROM authfort.take_messages(100)});
	$node->safe_psql('app', 'DELETE FROM authfort.outbox');
	foreach my $key (keys %found)
	{
		$secrets{"$_ of $key"} = $found{$key}{$_} foreach grep { $found{$key}{$_} } qw(token code);
	}
	return \%found;
}

poll('gateway connects', sub { request('GET', '/me')->{status} == 401 });
my %ada = (email => 'ada@example.com', password => $secrets{password} = 'planted-Secret-1');
my $r   = request('POST', '/signup', \%ada);
is(outcome($r), '201', 'an account');
my $session = $r->{json}{user}{session_id};
my %bearer  = (Authorization => "Bearer $r->{json}{tokens}{access_token}");
my $cookies = join '; ', map { /^([^;]+)/ } set_cookies($r);
my %cookie  = (Cookie => $cookies, Origin => 'https://app.example.com');
my %foreign = (Cookie => $cookies, Origin => 'https://evil.example');
messages();

# the profile, in both ways
is(outcome(request('PATCH', '/me', { name => 'Ada' }, %bearer)), '200', 'a profile is changed by bearer token');
$r = request('PATCH', '/me', { user_metadata => { theme => 'dark' } }, %cookie);
is($r->{json}{user_metadata}{theme} . $r->{json}{name}, 'darkAda', 'and by cookie');
is(outcome(request(@$_, %foreign)), '403 origin_not_allowed',      "not by a page of another site: @$_[0, 1]")
  foreach (
	[ 'PATCH',  '/me',             { name => 'Eve' } ],
	[ 'DELETE', '/me',             undef ],
	[ 'POST',   '/change-email',   { new_email => 'eve@example.com' } ],
	[ 'POST',   '/reauthenticate', { password  => 'x' } ]
  );
is(request('GET', '/me', undef, %cookie)->{json}{user_metadata}{theme}, 'dark', 'it is kept');

# a session that is not recent
sub age { $node->safe_psql('app', "UPDATE authfort.sessions SET auth_time = now() - interval '11 min'"); return; }
age();
is(outcome(request(@$_, %bearer)), '403 reauthentication_required', "an old session may not: @$_[0, 1]")
  foreach (
	[ 'POST',   '/change-email', { new_email => 'new@example.com' } ],
	[ 'POST',   '/set-password', { password  => 'planted-Secret-x' } ],
	[ 'DELETE', '/me',           undef ]
  );
is(
	outcome(request('POST', '/reauthenticate', { password => $secrets{wrong} = 'planted-Wrong-1' }, %bearer)),
	'400 invalid_password',
	'a wrong password is refused, and not with 401'
);
$r = request('POST', '/reauthenticate', { password => $ada{password} }, %bearer);
is(outcome($r),                  '200',    'the right one is accepted');
is($r->{json}{user}{session_id}, $session, 'the session goes on');
is(scalar(set_cookies($r)),      2,        'with new cookies');
age();
is(outcome(request('POST', '/reauthenticate/code', undef, %cookie)), '200', 'a code is mailed');
my $code = messages()->{'reauthentication ada@example.com'}{code};
like($code, qr/^\d{6}$/, 'of six digits');
is(
	outcome(request('POST', '/otp/verify', { email => $ada{email}, code => $code })),
	'400 invalid_otp',
	'which does not sign in'
);
is(
	outcome(request('POST', '/reauthenticate', { code => '000000' eq $code ? '000001' : '000000' }, %cookie)),
	'400 invalid_otp',
	'a wrong code is refused'
);
is(outcome(request('POST', '/reauthenticate', { method => 'email_otp', secret => $code }, %cookie)),
	'200', 'the right one is accepted');
is(outcome(request('POST', '/reauthenticate', { code => $code }, %cookie)), '400 invalid_otp', 'once');

# the email: asked for, confirmed where the user is signed in, undone by its old reader
is(outcome(request('POST', '/change-email', { new_email => 'new@example.com' }, %cookie)),
	'200', 'a change is asked for');
my $confirm = messages()->{'email_change new@example.com'};
is(
	$confirm->{link},
	"https://app.example.com/confirm-email#token=$confirm->{token}",
	'the link has the token in its fragment'
);
is(
	outcome(request('GET', "/change-email/confirm?token=$confirm->{token}")),
	'405 method_not_allowed',
	'following a link changes nothing'
);
$secrets{$_} = $confirm->{token} foreach 'confirmation';
$node->restart;
poll('gateway recovers', sub { request('GET', '/me', undef, %cookie)->{status} == 200 });
is(outcome(request('POST', '/change-email/confirm', { token => $confirm->{token} }, %cookie)),
	'200', 'the change is confirmed, after a restart');
is(request('GET', '/me', undef, %bearer)->{json}{email},
	'new@example.com', 'the email has changed, and the session goes on');
is($node->safe_psql('app', 'SELECT mailbox_proven FROM authfort.users'), 't', 'the mailbox is proven');
my $undo = messages()->{'email_changed ada@example.com'};
is(
	$undo->{link},
	"https://app.example.com/undo-email-change#token=$undo->{token}",
	'the old address gets a way back'
);
is(outcome(request('POST', '/login', { %ada, email => 'new@example.com' }, 'User-Agent' => 'thief')),
	'200', 'a thief signs in');
ok(messages()->{'new_sign_in new@example.com'}, 'of which the user is informed');
is(
	outcome(
		request(
			'POST', '/change-password',
			{ old_password => $ada{password}, new_password => $secrets{thief} = 'planted-Thief-1' }, %bearer
		)
	),
	'200',
	'and changes the password'
);
ok(messages()->{'password_changed new@example.com'}, 'of which the user is informed');
is(outcome(request('POST', '/signup',            \%ada)), '409 user_exists', 'the old address is kept');
is(outcome(request('POST', '/change-email/undo', { token => $undo->{token} })),
	'200', 'the change is undone, without signing in');
is(
	outcome(request('POST', '/login', { %ada, password => $secrets{thief} })),
	'400 no_password',
	'the password of the thief is gone'
);
is(outcome(request('GET', '/me', undef, %cookie)), '401 token_version_mismatch', 'and so are the sessions');
is(outcome(request('POST', '/change-email/undo', { token => $undo->{token} })), '400 invalid_email_change', 'once');

# deleting it
is(outcome(request('POST', '/signup', { %ada, email => 'bob@example.com' })), '201', 'another account');
$r = request('POST',   '/login', { %ada, email => 'bob@example.com' });
$r = request('DELETE', '/me',    undef, Authorization => "Bearer $r->{json}{tokens}{access_token}");
is(outcome($r),                                  '204', 'an account is deleted');
is(scalar(grep { /Max-Age=0/ } set_cookies($r)), 2,     'and its cookies are cleared');
is($node->safe_psql('app', "SELECT count(*) FROM authfort.users WHERE email = 'bob\@example.com'"),
	'0', 'nothing of the person stays');

# unsent messages are sealed in a dump
is(outcome(request('POST', '/forgot-password', { email => $ada{email} })), '200', 'a message waits');
my $waiting =
  $node->safe_psql('app', q{SELECT message->>'token' FROM authfort.take_messages() WHERE kind = 'password_reset'});
$secrets{'token that waits'} = $waiting;
my $dump = $node->basedir . '/dump.sql';
command_ok([ 'pg_dump', '-f', $dump, '-d', $node->connstr('app') ], 'pg_dump');
is($gateway->stop, 0, 'the gateway stops');
$node->stop;
my %texts = (
	dump                => slurp_file($dump),
	'server log'        => slurp_file($node->logfile),
	'access log'        => slurp_file($gateway->{log}),
	'gateway\'s errors' => slurp_file($gateway->{errors})
);
ok($texts{dump} =~ /email_changes/ && $texts{'access log'} =~ m{/auth/change-email/confirm},
	'the texts are what they should be');
cmp_ok(scalar(keys %secrets), '>=', 8, 'secrets were planted');

foreach my $secret (sort keys %secrets)
{
	# six digits alone may well be part of a time, a number or a uuid, or the id of a process
	my $pattern =
	  length $secrets{$secret} == 6 ? qr/(?<![\da-f.\[])$secrets{$secret}(?![\da-f])/ : qr/\Q$secrets{$secret}\E/;
	is(join(' ', grep { $texts{$_} =~ $pattern } sort keys %texts), '', "$secret: in no log and not in the dump");
}
done_testing();
