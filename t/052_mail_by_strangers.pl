# What strangers can do with mail, over the gateway, the courier and a mail server, without rate
# limits: flood an address, also at once and through accounts that come and go, and take an address
# that is another person's.
use strict;
use warnings FATAL => 'all';

use AuthfortNode qw(start_node);
use Courier      qw(poll start_server);
use Gateway      ();
use HTTP::Tiny;
use JSON::PP;
use POSIX ();
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

use constant AT_ONCE => 12;

my $node = start_node('strangers', preload => 'authfort', conf => <<'CONF', sql => <<'SQL');
authfort.site_url = 'https://app.example.com'
authfort.notify_events = on
authfort.cookies = on
CONF
CREATE ROLE gateway LOGIN IN ROLE authfort_http;
CREATE ROLE courier LOGIN IN ROLE authfort_courier;
SQL
my $folder  = $node->basedir . '/servers';
mkdir $folder;
my $smtp    = start_server('smtp_server', "$folder/smtp");
my $gateway = Gateway->new('gateway', $node, '--pool-size', AT_ONCE);
my $courier = Courier->new(
	'courier', $node,
	'--smtp-url' => "smtp://127.0.0.1:$smtp->{port}",
	'--from'     => 'Example <no-reply@example.com>'
);

sub request
{
	my ($method, $path, $body, %headers) = @_;
	$headers{'Content-Type'} //= 'application/json' if defined $body;
	my $r = HTTP::Tiny->new(timeout => 60)->request(
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

# Calls a function with each number in a process of its own; returns how often each result came.
sub at_once
{
	my ($function) = @_;
	my %count;
	my @pipes = map {
		my $number = $_;
		pipe(my $in, my $out) or die "pipe: $!";
		my $pid = fork() // die "fork: $!";
		if ($pid == 0)
		{
			close $in;
			syswrite $out, $function->($number);
			close $out;
			POSIX::_exit(0);
		}
		close $out;
		[ $in, $pid ];
	} 1 .. AT_ONCE;
	foreach my $pipe (@pipes)
	{
		my ($in, $pid) = @$pipe;
		$count{ do { local $/ = undef; readline $in } // '' }++;
		waitpid $pid, 0;
	}
	return join ', ', map { "$count{$_} $_" } sort keys %count;
}

# Waits until every message is delivered; returns the mails, as [recipient, subject, text].
sub mails
{
	poll('all mail is delivered', sub { $node->safe_psql('app', 'SELECT count(*) FROM authfort.outbox') eq '0' });
	return map { [ $_->{to}[0], $_->{headers}{subject}, $_->{text} ] } $smtp->received;
}

sub sign_up
{
	my ($email) = @_;
	my $r = request('POST', '/signup', { email => $email, password => 'correct horse' });
	return ($r, Authorization => 'Bearer ' . ($r->{json}{tokens}{access_token} // ''));
}

poll('the gateway connects', sub { request('GET', '/me')->{status} == 401 });

# Accounts that come and go
my @mails;
foreach (1 .. 8)
{
	my ($r, %bearer) = sign_up('victim@example.com');
	push @mails, mails();
	$r = request('DELETE', '/me', undef, %bearer);
	die "deleting: $r->{status} $r->{content}" if $r->{status} != 204;
}
is($node->safe_psql('app', q{SELECT count(*) FROM authfort.events WHERE event = 'user_deleted'}),
	'8', 'an attacker signs up with an address eight times');
is(join(' ', map { $_->[0] } @mails), join(' ', ('victim@example.com') x 5), 'its owner gets five mails');

# Accounts that each want the address, at the same time
my @accounts = map { [ sign_up("wants$_\@example.com") ] } 0 .. AT_ONCE;
mails();
is(
	at_once(
		sub {
			my ($r, %bearer) = @{ $accounts[ $_[0] ] };
			return outcome(request('POST', '/change-email', { new_email => 'wanted@example.com' }, %bearer));
		}
	),
	AT_ONCE . ' 200',
	'many accounts at once request a change to one address'
);
@mails = grep { $_->[0] eq 'wanted@example.com' } mails();
ok(@mails >= 1 && @mails <= 5, 'its owner gets no more than five mails') or diag scalar @mails;

# One sign-up of many at once
is(
	at_once(sub { my ($r) = sign_up('new@example.com'); return outcome($r); }),
	'1 201, ' . (AT_ONCE - 1) . ' 409 user_exists',
	'of many sign-ups with one address, one makes the account'
);
is(join(' ', map { $_->[0] } mails()), 'new@example.com', 'and one mail is sent');

# An address that is taken and left behind
my ($r, %bearer) = sign_up('left@example.com');
is(outcome($r), '201', 'an attacker signs up with an address of another person');
is(outcome(request('POST', '/change-email', { new_email => 'attacker@evil.example' }, %bearer)),
	'200', 'and moves on');
my ($token) = map { $_->[2] =~ /#token=(\S+)/ } grep { $_->[0] eq 'attacker@evil.example' } mails();
is(outcome(request('POST', '/change-email/confirm', { token => $token }, %bearer)), '200', 'to one of its own');
mails();
($r) = sign_up('left@example.com');
is(outcome($r), '409 user_exists', 'the address is reserved');
is(outcome(request('POST', '/magic-link', { email => 'left@example.com' })), '200', 'its owner asks for a link');
@mails = mails();
is(
	join(' ', map { "$_->[0]: $_->[1]" } @mails),
	'left@example.com: The email address of your account was changed',
	'and gets the way back'
);
($token) = $mails[0][2] =~ m{https://app\.example\.com/undo-email-change#token=(\S+)};
is(outcome(request('POST', '/change-email/undo', { token => $token })), '200', 'which the page posts');
is(outcome(request('GET',  '/me', undef, %bearer)), '401 token_version_mismatch', 'the attacker is signed out');
mails();
is(outcome(request('POST', '/forgot-password', { email => 'left@example.com' })), '200', 'a new password');
($token) = map { $_->[2] =~ /#token=(\S+)/ } mails();
is(outcome(request('POST', '/reset-password', { token => $token, new_password => 'battery staple' })),
	'200', 'is set by the owner');
is(outcome(request('POST', '/login', { email => 'left@example.com', password => 'correct horse' })),
	'401 invalid_credentials', 'that of the attacker no longer works');
$r = request('POST', '/login', { email => 'left@example.com', password => 'battery staple' });
is(outcome($r), '200', 'and that of the owner does');

# A browser without a body, as the client of the reference sends it
my ($access) = map { /^(access_token=[^;]+)/ } @{ $r->{headers}{'set-cookie'} };
like(request('POST', '/mfa/init', undef, Cookie => $access)->{json}{secret},
	qr/^[A-Z2-7]{32}$/, 'a POST with a cookie needs neither a body nor a type');

is($courier->stop, 0, 'the courier ends');
done_testing();
